-- From schema 3 to 4: which gallery this is, for the index beside it. A column that is drawn cannot be added to a table
-- that has rows, so the table is made anew.
CREATE TABLE new_settings (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    contract INTEGER NOT NULL REFERENCES contracts,
    form TEXT NOT NULL CHECK (form IN ('float', 'byte')),
    keeps_paths INTEGER NOT NULL CHECK (keeps_paths IN (0, 1)),
    keeps_crops INTEGER NOT NULL CHECK (keeps_crops IN (0, 1)),
    unwiped INTEGER NOT NULL DEFAULT 0 CHECK (unwiped IN (0, 1)),
    before INTEGER REFERENCES contracts,
    gallery BLOB NOT NULL DEFAULT (randomblob(16)) CHECK (length(gallery) = 16)
);
INSERT INTO new_settings (one, contract, form, keeps_paths, keeps_crops, unwiped, before)
    SELECT one, contract, form, keeps_paths, keeps_crops, unwiped, before FROM settings;
DROP TABLE settings;
ALTER TABLE new_settings RENAME TO settings;
