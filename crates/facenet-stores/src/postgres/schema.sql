-- Schema 1 of a gallery in PostgreSQL, one schema of the database a gallery. Rows are as in docs/gallery.md.
CREATE TABLE gallery (
    one boolean PRIMARY KEY CHECK (one),
    -- Settings, models and the last identifiers, as JSON.
    meta text NOT NULL
);
CREATE TABLE people (
    id bigint PRIMARY KEY,
    -- Looked at when a step ends: two people may change names within one.
    name text UNIQUE DEFERRABLE INITIALLY DEFERRED,
    -- A list, as JSON.
    tags text NOT NULL
);
CREATE TABLE photos (
    id bigint PRIMARY KEY,
    content bytea NOT NULL UNIQUE CHECK (length(content) = 32),
    added bigint NOT NULL
);
CREATE TABLE files (
    path text PRIMARY KEY,
    photo bigint NOT NULL REFERENCES photos,
    size bigint NOT NULL,
    changed_ns bigint NOT NULL
);
CREATE INDEX files_photo ON files (photo);
CREATE TABLE faces (
    id bigint PRIMARY KEY,
    photo bigint NOT NULL REFERENCES photos,
    -- Box, landmarks and score, as JSON.
    found text NOT NULL,
    quality real,
    contract bigint NOT NULL,
    embedding EMBEDDING NOT NULL,
    person bigint REFERENCES people,
    assigned_by text CHECK (assigned_by IN ('user', 'machine')),
    CHECK ((person IS NULL) = (assigned_by IS NULL))
);
CREATE INDEX faces_photo ON faces (photo);
CREATE INDEX faces_person ON faces (person);
CREATE INDEX faces_contract ON faces (contract);
-- Embeddings that an upgrade replaced, until it is finished.
CREATE TABLE former (
    face bigint PRIMARY KEY REFERENCES faces,
    contract bigint NOT NULL,
    embedding EMBEDDING NOT NULL
);
CREATE TABLE crops (
    face bigint PRIMARY KEY REFERENCES faces,
    jpeg bytea NOT NULL
);
CREATE TABLE corrections (
    id bigint PRIMARY KEY,
    a bigint NOT NULL REFERENCES faces,
    b bigint NOT NULL REFERENCES faces,
    -- The whole of it, as JSON.
    said text NOT NULL,
    CHECK (a < b)
);
CREATE INDEX corrections_a ON corrections (a);
CREATE INDEX corrections_b ON corrections (b);
CREATE TABLE events (
    id bigint PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    records bigint NOT NULL
);
-- The server keeps samples of columns for its planner; not of what can tell who somebody is.
ALTER TABLE people ALTER name SET STATISTICS 0, ALTER tags SET STATISTICS 0;
ALTER TABLE photos ALTER content SET STATISTICS 0;
ALTER TABLE files ALTER path SET STATISTICS 0;
ALTER TABLE faces ALTER found SET STATISTICS 0, ALTER embedding SET STATISTICS 0;
ALTER TABLE former ALTER embedding SET STATISTICS 0;
ALTER TABLE crops ALTER jpeg SET STATISTICS 0;
ALTER TABLE corrections ALTER said SET STATISTICS 0;
