-- From schema 2 to 3: upgrades of a gallery to another model.
ALTER TABLE settings ADD COLUMN before INTEGER REFERENCES contracts;
CREATE INDEX faces_contract ON faces (contract);
CREATE TABLE former (
    face INTEGER PRIMARY KEY REFERENCES faces ON DELETE CASCADE,
    contract INTEGER NOT NULL REFERENCES contracts,
    embedding BLOB NOT NULL
);
