-- From schema 1, which kept one path in the photo itself, no pictures and no events.
ALTER TABLE settings ADD COLUMN keeps_paths INTEGER NOT NULL DEFAULT 1 CHECK (keeps_paths IN (0, 1));
ALTER TABLE settings ADD COLUMN keeps_crops INTEGER NOT NULL DEFAULT 0 CHECK (keeps_crops IN (0, 1));
ALTER TABLE settings ADD COLUMN unwiped INTEGER NOT NULL DEFAULT 0 CHECK (unwiped IN (0, 1));
CREATE TABLE tags (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (person, tag)
) WITHOUT ROWID;
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_photo ON files (photo);
INSERT OR IGNORE INTO files (path, photo, size, changed_ns)
    SELECT path, id, size, changed_ns FROM photos WHERE path IS NOT NULL;
ALTER TABLE photos DROP COLUMN path;
ALTER TABLE photos DROP COLUMN size;
ALTER TABLE photos DROP COLUMN changed_ns;
CREATE TABLE crops (
    face INTEGER PRIMARY KEY REFERENCES faces ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
ALTER TABLE corrections ADD COLUMN moved INTEGER REFERENCES faces ON DELETE SET NULL;
ALTER TABLE corrections ADD COLUMN moved_person INTEGER REFERENCES people ON DELETE SET NULL;
ALTER TABLE corrections ADD COLUMN moved_by TEXT;
CREATE INDEX corrections_moved ON corrections (moved);
CREATE INDEX corrections_moved_person ON corrections (moved_person);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    records INTEGER NOT NULL
);
