//! Changes to the tables, each within a transaction.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::SqliteStore;
use super::faults::Fault;
use super::{read, rows};
use crate::store::error::StoreError;
use crate::store::record::{
    AddedPhoto, AssignedBy, Change, EventKind, FaceRecord, FileRecord, Moved, NewPhoto, Person, PhotoRecord,
    Record, Settings, Verdict,
};
use crate::store::subject::{CorrectionId, FaceId, PersonId, PhotoId, Subject, is_name, is_tag};

type Done<T> = Result<T, Fault>;

/// A transaction with what it needs to know.
pub(super) struct Write<'a> {
    pub(super) transaction: Transaction<'a>,
    settings: &'a Settings,
}

impl SqliteStore {
    /// Does `work` as a whole or not at all.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Write<'_>) -> Done<T>,
    ) -> Result<T, StoreError> {
        if self.is_read_only {
            return Err(StoreError::ReadOnly { place: self.place.clone() });
        }
        let result = begin(&mut self.connection, &self.settings).and_then(|write| {
            read::check_model(&write.transaction, &self.settings.contract)?;
            // Dropped without a commit, it leaves all as it was.
            let done = work(&write)?;
            write.transaction.commit()?;
            Ok(done)
        });
        self.told(result)
    }
}

fn begin<'a>(connection: &'a mut Connection, settings: &'a Settings) -> Done<Write<'a>> {
    // At once for writing: one that begins to read and then writes could find that others wrote between.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    Ok(Write { transaction, settings })
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}

pub(super) fn note(connection: &Connection, kind: EventKind, records: usize) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO events (at, kind, records) VALUES (?1, ?2, ?3)")?;
    insert.execute((now(), kind.name(), records as i64)).map(drop)
}

impl Write<'_> {
    pub(super) fn note(&self, kind: EventKind, records: usize) -> Done<()> {
        Ok(note(&self.transaction, kind, records)?)
    }

    /// Executes a statement and gives the number of rows that it changed.
    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Done<usize> {
        Ok(self.transaction.prepare_cached(sql)?.execute(params)?)
    }

    /// An error unless a statement has changed a row.
    fn need(&self, changed: usize, subject: Subject) -> Done<()> {
        if changed == 0 { Err(Fault::NoSuch(subject)) } else { Ok(()) }
    }

    /// An error unless it is there.
    pub(super) fn need_there(&self, subject: Subject) -> Done<()> {
        let (table, id) = table_of(subject);
        let mut select = self.transaction.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?;
        self.need(usize::from(select.exists([id])?), subject)
    }

    pub(super) fn add_person(&self, name: Option<&str>) -> Done<PersonId> {
        if let Some(name) = name {
            self.check_name(name, None)?;
        }
        self.execute("INSERT INTO people (name) VALUES (?1)", [name])?;
        Ok(PersonId(self.transaction.last_insert_rowid()))
    }

    /// Checks that a name is one, and that nobody but `owner` has it.
    fn check_name(&self, name: &str, owner: Option<PersonId>) -> Done<()> {
        if !is_name(name) {
            return Err(Fault::NotAName(name.into()));
        }
        let mut select = self.transaction.prepare_cached("SELECT id FROM people WHERE name = ?1")?;
        let other: Option<i64> = select.query_row([name], |row| row.get(0)).optional()?;
        match other {
            Some(other) if Some(PersonId(other)) != owner => Err(Fault::NameTaken(name.into())),
            _ => Ok(()),
        }
    }

    pub(super) fn add_photo(&self, photo: &NewPhoto) -> Done<AddedPhoto> {
        if let Some(known) = read::photo_with(&self.transaction, &photo.content)? {
            self.keep_file(known, photo.file.as_ref())?;
            return Ok(AddedPhoto::Known(known));
        }
        self.execute("INSERT INTO photos (content, added) VALUES (?1, ?2)", (&photo.content.0[..], now()))?;
        let id = PhotoId(self.transaction.last_insert_rowid());
        self.keep_file(id, photo.file.as_ref())?;
        for face in &photo.faces {
            let record = FaceRecord {
                id: FaceId(0),
                photo: id,
                found: face.found.clone(),
                quality: face.quality,
                embedding: face.embedding.clone(),
                older_model: None,
                person: face.person,
            };
            let id = self.insert_face(None, &record)?;
            if let Some(crop) = face.crop.as_ref().filter(|_| self.settings.keeps_crops) {
                self.execute("INSERT INTO crops (face, jpeg) VALUES (?1, ?2)", (id, crop))?;
            }
        }
        Ok(AddedPhoto::New(id))
    }

    /// Remembers that a photo lies in a file; what lay there before does no more.
    fn keep_file(&self, photo: PhotoId, file: Option<&FileRecord>) -> Done<()> {
        let Some(file) = file.filter(|_| self.settings.keeps_paths) else { return Ok(()) };
        let sql = "INSERT INTO files (path, photo, size, changed_ns) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (path) DO UPDATE SET photo = ?2, size = ?3, changed_ns = ?4";
        self.execute(sql, (&file.path, photo.0, file.size, file.changed_ns)).map(drop)
    }

    /// Inserts a face, or replaces the one with this identifier.
    fn insert_face(&self, id: Option<FaceId>, face: &FaceRecord) -> Done<i64> {
        if let Some((person, _)) = face.person {
            self.need_there(Subject::Person(person))?;
        }
        self.need_there(Subject::Photo(face.photo))?;
        let sql = "INSERT INTO faces (id, photo, x, y, width, height, score, landmarks, quality, contract, embedding,
                person, assigned_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?13, ?10, ?11, ?12)
            ON CONFLICT (id) DO UPDATE SET photo = ?2, x = ?3, y = ?4, width = ?5, height = ?6, score = ?7,
                landmarks = ?8, quality = ?9, embedding = ?10, person = ?11, assigned_by = ?12, contract = ?13";
        let bounds = face.found.bounds;
        let (person, by) = assigned(face.person);
        self.execute(
            sql,
            rusqlite::params![
                id.map(|id| id.0),
                face.photo.0,
                bounds.x,
                bounds.y,
                bounds.width,
                bounds.height,
                face.found.score,
                face.found.landmarks.as_ref().map(rows::landmark_bytes),
                face.quality,
                face.embedding.as_bytes(),
                person,
                by,
                self.contract_row(face.older_model.as_deref())?,
            ],
        )?;
        Ok(id.map_or_else(|| self.transaction.last_insert_rowid(), |id| id.0))
    }

    /// The row of a contract by its identifier, or of the gallery's own.
    pub(super) fn contract_row(&self, older: Option<&str>) -> Done<i64> {
        let Some(id) = older else {
            let mut select = self.transaction.prepare_cached("SELECT contract FROM settings")?;
            return Ok(select.query_row([], |row| row.get(0))?);
        };
        let mut select = self.transaction.prepare_cached("SELECT id FROM contracts WHERE name = ?1")?;
        let row = select.query_row([id], |row| row.get(0)).optional()?;
        row.ok_or_else(|| Fault::UnknownModel(id.into()))
    }

    pub(super) fn change(&self, change: &Change) -> Done<()> {
        match change {
            Change::Rename(person, name) => {
                if let Some(name) = name {
                    self.check_name(name, Some(*person))?;
                }
                let changed = self.execute("UPDATE people SET name = ?2 WHERE id = ?1", (person.0, name))?;
                self.need(changed, Subject::Person(*person))
            }
            Change::Tag(person, tag) => {
                self.need_there(Subject::Person(*person))?;
                if !is_tag(tag) {
                    return Err(Fault::NotAName(tag.clone()));
                }
                let sql = "INSERT OR IGNORE INTO tags (person, tag) VALUES (?1, ?2)";
                self.execute(sql, (person.0, tag)).map(drop)
            }
            Change::Untag(person, tag) => {
                self.need_there(Subject::Person(*person))?;
                self.execute("DELETE FROM tags WHERE person = ?1 AND tag = ?2", (person.0, tag)).map(drop)
            }
            Change::Assign(face, person) => self.assign(*face, *person),
            Change::Merge(from, into) => self.merge(*from, *into),
            Change::DropEmpty(person) => {
                let sql = "DELETE FROM people WHERE id = ?1 AND name IS NULL
                    AND NOT EXISTS (SELECT 1 FROM faces WHERE person = ?1)";
                self.execute(sql, [person.0]).map(drop)
            }
            Change::Correct { faces, verdict, moved } => self.correct(*faces, *verdict, *moved),
            Change::Uncorrect(CorrectionId(id)) => {
                self.execute("DELETE FROM corrections WHERE id = ?1", [id]).map(drop)
            }
        }
    }

    fn assign(&self, face: FaceId, person: Option<(PersonId, AssignedBy)>) -> Done<()> {
        if let Some((person, _)) = person {
            self.need_there(Subject::Person(person))?;
        }
        let (person, by) = assigned(person);
        let sql = "UPDATE faces SET person = ?2, assigned_by = ?3 WHERE id = ?1";
        let changed = self.execute(sql, (face.0, person, by))?;
        self.need(changed, Subject::Face(face))
    }

    fn merge(&self, from: PersonId, into: PersonId) -> Done<()> {
        self.need_there(Subject::Person(from))?;
        self.need_there(Subject::Person(into))?;
        if from == into {
            return Ok(());
        }
        let (from, into) = (from.0, into.0);
        self.execute("UPDATE faces SET person = ?2, assigned_by = 'user' WHERE person = ?1", (from, into))?;
        self.execute("UPDATE corrections SET moved_person = ?2 WHERE moved_person = ?1", (from, into))?;
        let sql = "INSERT OR IGNORE INTO tags (person, tag) SELECT ?2, tag FROM tags WHERE person = ?1";
        self.execute(sql, (from, into))?;
        self.execute("DELETE FROM people WHERE id = ?1", [from]).map(drop)
    }

    fn correct(&self, (a, b): (FaceId, FaceId), verdict: Verdict, moved: Option<Moved>) -> Done<()> {
        for face in [a, b] {
            self.need_there(Subject::Face(face))?;
        }
        let (a, b) = (a.min(b), a.max(b));
        // The newest word is the last one, also when it replaces an older one about the same two.
        self.execute("DELETE FROM corrections WHERE a = ?1 AND b = ?2", (a.0, b.0))?;
        self.insert_correction(None, (a, b), verdict, moved)
    }

    fn insert_correction(
        &self,
        id: Option<CorrectionId>,
        (a, b): (FaceId, FaceId),
        verdict: Verdict,
        moved: Option<Moved>,
    ) -> Done<()> {
        let sql = "INSERT OR REPLACE INTO corrections (id, a, b, same, moved, moved_person, moved_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (person, by) = assigned(moved.and_then(|moved| moved.before));
        let (same, moved) = (verdict == Verdict::Same, moved.map(|moved| moved.face.0));
        self.execute(sql, (id.map(|id| id.0), a.0, b.0, same, moved, person, by)).map(drop)
    }

    pub(super) fn put(&self, record: &Record) -> Done<()> {
        match record {
            Record::Person(person) => self.put_person(person),
            Record::Photo(photo) => self.put_photo(photo),
            Record::Face { record, crop } => {
                self.insert_face(Some(record.id), record)?;
                if let Some(crop) = crop.as_ref().filter(|_| self.settings.keeps_crops) {
                    let sql = "INSERT OR REPLACE INTO crops (face, jpeg) VALUES (?1, ?2)";
                    self.execute(sql, (record.id.0, crop))?;
                }
                Ok(())
            }
            Record::Correction(correction) => {
                for face in [correction.faces.0, correction.faces.1] {
                    self.need_there(Subject::Face(face))?;
                }
                let (id, faces) = (Some(correction.id), correction.faces);
                self.insert_correction(id, faces, correction.verdict, correction.moved)
            }
            Record::Event(event) => {
                let sql = "INSERT OR REPLACE INTO events (id, at, kind, records) VALUES (?1, ?2, ?3, ?4)";
                self.execute(sql, (event.id, event.at, event.kind.name(), event.records)).map(drop)
            }
        }
    }

    fn put_person(&self, person: &Person) -> Done<()> {
        if let Some(name) = &person.name {
            self.check_name(name, Some(person.id))?;
        }
        let sql = "INSERT INTO people (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = ?2";
        self.execute(sql, (person.id.0, &person.name))?;
        self.execute("DELETE FROM tags WHERE person = ?1", [person.id.0])?;
        let tag = |tag: &String| {
            self.execute("INSERT INTO tags (person, tag) VALUES (?1, ?2)", (person.id.0, tag)).map(drop)
        };
        person.tags.iter().try_for_each(tag)
    }

    fn put_photo(&self, photo: &PhotoRecord) -> Done<()> {
        let sql = "INSERT INTO photos (id, content, added) VALUES (?1, ?2, ?3)
            ON CONFLICT (id) DO UPDATE SET content = ?2, added = ?3";
        self.execute(sql, (photo.id.0, &photo.content.0[..], photo.added))?;
        photo.files.iter().try_for_each(|file| self.keep_file(photo.id, Some(file)))
    }
}

/// The two columns of whose a face is.
fn assigned(person: Option<(PersonId, AssignedBy)>) -> (Option<i64>, Option<&'static str>) {
    person.map(|(person, by)| (person.0, rows::by_name(by))).unzip()
}

/// The table of a subject, and its identifier there.
pub(super) fn table_of(subject: Subject) -> (&'static str, i64) {
    match subject {
        Subject::Person(id) => ("people", id.0),
        Subject::Photo(id) => ("photos", id.0),
        Subject::Face(id) => ("faces", id.0),
    }
}
