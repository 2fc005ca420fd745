//! Rows in PostgreSQL, with pgvector for the search: a schema of a database is a gallery.

mod connect;
mod faults;
mod nearest;
mod read;
mod vector;
mod write;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use ::postgres::types::ToSql;
use ::postgres::{Client, Row, Statement};
use facenet_core::Embedding;
use facenet_gallery::{
    Correction, Counts, Event, FaceId, FileRecord, Form, Hit, Person, PhotoDigest, PhotoId, PhotoRecord,
    Settings, StoreError,
};

use crate::address::Address;
use crate::desk::{Desk, FaceRow, Former};
use crate::meta::Meta;
use crate::rows::{Faces, FormerOf, People, Photos, Rows};

/// The most coordinates that pgvector's index takes, for four bytes and for two a coordinate.
const MOST_COORDINATES: (usize, usize) = (2000, 4000);

/// The tables of a gallery.
pub(crate) struct Tables {
    client: RefCell<Client>,
    /// Statements that were prepared, by their text.
    statements: RefCell<HashMap<String, Statement>>,
    place: String,
    form: Form,
    /// Candidates that the server's search looks at, as this connection set it.
    expansion: Cell<usize>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tables({})", self.place)
    }
}

impl Tables {
    /// Opens the gallery.
    pub(crate) fn open(address: &Address) -> Result<Self, StoreError> {
        connect::open(address)
    }

    /// Makes an empty gallery, as a whole or not at all.
    pub(crate) fn create(address: &Address, settings: &Settings) -> Result<Self, StoreError> {
        connect::create(address, settings)
    }

    fn told<T>(&self, result: Result<T, ::postgres::Error>) -> Result<T, StoreError> {
        result.map_err(|error| faults::of_postgres(&self.place, error))
    }

    fn damaged(&self, what: impl fmt::Display) -> StoreError {
        StoreError::Damaged { place: self.place.clone(), what: what.to_string() }
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.told(self.client.borrow_mut().batch_execute(sql))
    }

    fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.told(self.client.borrow_mut().prepare(sql))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        self.told(self.client.borrow_mut().query(&statement, values))
    }

    fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        self.told(self.client.borrow_mut().execute(&statement, values))
    }

    fn count(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let rows = self.query(sql, values)?;
        Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
    }
}

impl Rows for Tables {
    fn place(&self) -> &str {
        &self.place
    }

    fn meta(&self) -> Result<Meta, StoreError> {
        self.read_meta("SELECT meta FROM gallery")
    }

    fn lock(&mut self) -> Result<Meta, StoreError> {
        // Who waits for its turn then sees what was written before.
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let meta = self.read_meta("SELECT meta FROM gallery FOR UPDATE");
        meta.inspect_err(|_| self.give_up_quietly())
    }

    fn commit(&mut self, desk: &Desk) -> Result<(), StoreError> {
        let written = self.write(desk).and_then(|()| self.run("COMMIT"));
        written.inspect_err(|_| self.give_up_quietly())
    }

    fn give_up(&mut self) {
        self.give_up_quietly();
    }

    fn counts(&self, contract: i64) -> Result<Counts, StoreError> {
        self.read_counts(contract)
    }

    fn faces_of(&self, contract: i64) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM faces WHERE contract = $1", &[&contract])
    }

    fn people(&self, which: People<'_>) -> Result<Vec<Person>, StoreError> {
        self.read_people(which)
    }

    fn photos(&self, which: Photos<'_>) -> Result<Vec<PhotoRecord>, StoreError> {
        self.read_photos(which)
    }

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.read_photos_with(contents)
    }

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.read_photos_at(files)
    }

    fn faces(&self, which: Faces<'_>) -> Result<Vec<FaceRow>, StoreError> {
        self.read_faces(which)
    }

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read_crops(faces)
    }

    fn former(&self, which: FormerOf<'_>) -> Result<Vec<(FaceId, Former)>, StoreError> {
        self.read_former(which)
    }

    fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        self.read_corrections()
    }

    fn events(&self) -> Result<Vec<Event>, StoreError> {
        self.read_events()
    }

    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Vec<Hit>, StoreError> {
        self.find_nearest(probe, k)
    }

    fn prepare_search(&mut self) -> Result<(), StoreError> {
        self.build_index()
    }

    fn check_dimension(&self, dimension: usize) -> Result<(), StoreError> {
        connect::check_dimension(&self.place, self.form, dimension)
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        let tables = "people, photos, files, faces, former, crops, corrections";
        self.run(&format!("VACUUM (FULL, ANALYZE) {tables}")).map_err(|error| match error {
            StoreError::Busy { place, .. } => {
                StoreError::Remains { place, why: "another program is using the gallery".into() }
            }
            other => other,
        })
    }

    fn beyond(&self) -> &'static str {
        "the server's write-ahead log, its archives, replicas and backups may hold it still, and cannot be looked into"
    }

    fn size(&self) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
        self.count(sql, &[]).map(Some)
    }
}

impl Tables {
    fn read_meta(&self, sql: &str) -> Result<Meta, StoreError> {
        let rows = self.query(sql, &[])?;
        let row = rows.first().ok_or_else(|| self.damaged("it says nothing of itself"))?;
        Meta::read(row.get(0), &self.place)
    }

    /// Ends a transaction that failed; a connection that is gone has ended it already.
    fn give_up_quietly(&self) {
        let _ = self.client.borrow_mut().batch_execute("ROLLBACK");
    }
}
