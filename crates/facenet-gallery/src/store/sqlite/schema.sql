-- Schema 4 of a gallery. What each table means is told in docs/gallery.md.
CREATE TABLE contracts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    json TEXT NOT NULL
);
CREATE TABLE settings (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    contract INTEGER NOT NULL REFERENCES contracts,
    form TEXT NOT NULL CHECK (form IN ('float', 'byte')),
    keeps_paths INTEGER NOT NULL CHECK (keeps_paths IN (0, 1)),
    keeps_crops INTEGER NOT NULL CHECK (keeps_crops IN (0, 1)),
    -- 1 from the moment that something is deleted until its traces are wiped.
    unwiped INTEGER NOT NULL DEFAULT 0 CHECK (unwiped IN (0, 1)),
    -- The contract before an upgrade that is not finished.
    before INTEGER REFERENCES contracts,
    -- Which gallery this is, for the index beside it: drawn when it is made.
    gallery BLOB NOT NULL DEFAULT (randomblob(16)) CHECK (length(gallery) = 16)
);
CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE
);
CREATE TABLE tags (
    person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (person, tag)
) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content BLOB NOT NULL UNIQUE CHECK (length(content) = 32),
    added INTEGER NOT NULL
);
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_photo ON files (photo);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    score REAL NOT NULL,
    -- Ten f32, little endian: x and y of five points.
    landmarks BLOB CHECK (length(landmarks) = 40),
    quality REAL,
    contract INTEGER NOT NULL REFERENCES contracts,
    embedding BLOB NOT NULL,
    person INTEGER REFERENCES people,
    assigned_by TEXT CHECK (assigned_by IN ('user', 'machine')),
    CHECK ((person IS NULL) = (assigned_by IS NULL))
);
CREATE INDEX faces_photo ON faces (photo);
CREATE INDEX faces_person ON faces (person);
CREATE INDEX faces_contract ON faces (contract);
-- Embeddings that an upgrade replaced, until it is finished.
CREATE TABLE former (
    face INTEGER PRIMARY KEY REFERENCES faces ON DELETE CASCADE,
    contract INTEGER NOT NULL REFERENCES contracts,
    embedding BLOB NOT NULL
);
CREATE TABLE crops (
    face INTEGER PRIMARY KEY REFERENCES faces ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    a INTEGER NOT NULL REFERENCES faces ON DELETE CASCADE,
    b INTEGER NOT NULL REFERENCES faces ON DELETE CASCADE,
    same INTEGER NOT NULL CHECK (same IN (0, 1)),
    moved INTEGER REFERENCES faces ON DELETE SET NULL,
    moved_person INTEGER REFERENCES people ON DELETE SET NULL,
    moved_by TEXT,
    UNIQUE (a, b),
    CHECK (a < b)
);
CREATE INDEX corrections_b ON corrections (b);
CREATE INDEX corrections_moved ON corrections (moved);
CREATE INDEX corrections_moved_person ON corrections (moved_person);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    records INTEGER NOT NULL
);
