//! Deleting, and wiping what SQLite leaves of what was deleted.
//!
//! Deleted rows are overwritten with zeros (`secure_delete`), but older versions of pages lie in the write-ahead log, and
//! when SQLite splits a page in two, copies of rows stay in the part that is then unused. So the log is written back
//! and emptied, the files are searched for the very bytes that were deleted, and if one is found, or an unused part of the
//! file is not zero, all is written anew (`VACUUM`). From the deletion until all that is done the gallery is marked: whoever opens it next after a crash
//! finishes the work.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use super::faults::Fault;
use super::index::Searching;
use super::write::{Write, table_of};
use super::{SqliteStore, connect};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::record::{EventKind, PhotoDigest, Removal, Removed};
use crate::store::remains::{Gone, Kind, Needles, files_of, index_files_of, unused_bytes};
use crate::store::subject::{FaceId, PersonId, PhotoId, Subject};

/// What a removal deletes.
#[derive(Debug, Default)]
struct Targets {
    people: BTreeSet<i64>,
    photos: BTreeSet<i64>,
    faces: BTreeSet<i64>,
    contents: BTreeSet<PhotoDigest>,
}

impl SqliteStore {
    pub(super) fn remove_and_wipe(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        let before =
            self.told(targets(&self.connection, what).and_then(|t| needles(&self.connection, &t)))?;
        let found_before = self.pieces(&before)?.len() as u64;
        let (targets, mut needles) = self.in_transaction(|write| {
            let targets = targets(&write.transaction, what)?;
            let needles = needles(&write.transaction, &targets)?;
            delete(write, &targets)?;
            Ok((targets, needles))
        })?;
        needles.extend(before);
        self.wipe(&needles)?;
        Ok(Removed { pieces: needles.len() as u64, found_before, ..targets.into() })
    }

    pub(super) fn foreseen(&self, what: &Removal) -> Result<Removed, StoreError> {
        self.told(targets(&self.connection, what)).map(Removed::from)
    }

    /// Whether something was deleted whose traces are not wiped yet.
    pub(super) fn is_unwiped(&self) -> Result<bool, StoreError> {
        let flag = self.connection.query_row("SELECT unwiped FROM settings", [], |row| row.get(0));
        self.told(flag.map_err(Fault::from))
    }

    /// Empties the log and looks for the needles; if one is left, or anything in an unused part of the file, writes
    /// everything anew.
    fn wipe(&mut self, needles: &Needles) -> Result<(), StoreError> {
        self.delete_indexes()?;
        self.empty_log()?;
        // What is left in an encrypted file cannot be seen, so that all is written anew.
        let is_left = self.key.is_some() || self.finds(needles)?;
        if is_left || self.count_unused()? > 0 {
            match self.vacuum() {
                // No byte of what was deleted is left, so that room for the rest can wait.
                Err(StoreError::Full { .. }) if !is_left => {}
                other => other?,
            }
        }
        if is_left && self.finds(needles)? {
            return Err(self.remains("they were found after all was written anew"));
        }
        self.mark_wiped()
    }

    /// The bytes in unused parts of the file that are not zero; the log is empty. Of an encrypted file, whose bytes tell
    /// nothing, all unused pages.
    fn count_unused(&mut self) -> Result<u64, StoreError> {
        if self.key.is_some() {
            let sql = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
            let bytes = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            return self.told(bytes.map(i64::unsigned_abs).map_err(Fault::from));
        }
        let roots = self.told(roots(&self.connection))?;
        let path = self.path.clone();
        self.with_closed_files(|_| unused_bytes(&path, &roots))
    }

    /// Wipes everything that was ever deleted, without knowing what.
    pub(super) fn wipe_blindly(&mut self) -> Result<(), StoreError> {
        self.delete_indexes()?;
        self.vacuum()?;
        self.mark_wiped()
    }

    fn mark_wiped(&self) -> Result<(), StoreError> {
        let marked = self.connection.execute("UPDATE settings SET unwiped = 0 WHERE unwiped <> 0", []);
        self.told(marked.map(drop).map_err(Fault::from))
    }

    fn vacuum(&self) -> Result<(), StoreError> {
        self.told(self.connection.execute_batch("VACUUM").map_err(Fault::from))?;
        self.empty_log()
    }

    /// Writes the log into the file and makes it empty.
    fn empty_log(&self) -> Result<(), StoreError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy = self.connection.query_row(sql, [], |row| row.get(0));
        match self.told(is_busy.map_err(Fault::from))? {
            true => Err(self.remains("another program is reading the gallery, so its log cannot be emptied")),
            false => Ok(()),
        }
    }

    fn remains(&self, why: &str) -> StoreError {
        StoreError::Remains { place: self.place.clone(), why: why.into() }
    }

    pub(super) fn delete_indexes(&self) -> Result<(), StoreError> {
        *self.searching.borrow_mut() = Searching::default();
        let delete = || index_files_of(&self.path)?.into_iter().try_for_each(fs_err::remove_file);
        delete().map_err(|source| StoreError::File { place: self.place.clone(), source })
    }

    /// Whether the files hold a needle that no record holds which is there still.
    fn finds(&mut self, needles: &Needles) -> Result<bool, StoreError> {
        for (kind, piece) in self.pieces(needles)? {
            if !self.told(is_living(&self.connection, kind, &piece))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The needles that the files hold as they are on the disk.
    fn pieces(&mut self, needles: &Needles) -> Result<Vec<(Kind, Vec<u8>)>, StoreError> {
        self.with_closed_files(|files| needles.found_in(files))
    }

    /// Gives `look` the files of the gallery while this connection is closed: closing a file that was opened
    /// beside it would give up the locks that the connection has on it.
    fn with_closed_files<T>(
        &mut self,
        look: impl FnOnce(&[PathBuf]) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        let nothing = Connection::open_in_memory();
        let nothing = self.told(nothing.map_err(Fault::from))?;
        let connection = std::mem::replace(&mut self.connection, nothing);
        let closed = connection.close().map_err(|(connection, error)| {
            self.connection = connection;
            Fault::from(error)
        });
        self.told(closed)?;
        let looked = files_of(&self.path).and_then(|files| look(&files));
        self.connection = connect::open(&self.path, self.wait, self.key.as_ref())?.connection;
        // Its count of changes begins anew.
        *self.searching.borrow_mut() = Searching::default();
        looked.map_err(|source| StoreError::File { place: self.place.clone(), source })
    }

    pub(super) fn look_for(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        if !self.is_read_only {
            self.empty_log()?;
        }
        let (was_there, is_there) = self.told(history(&self.connection, subject))?;
        let is_unwiped = self.is_unwiped()?;
        let unused_bytes = self.count_unused()?;
        let last = self.events()?.into_iter().rfind(|event| event.kind == EventKind::Remove);
        let indexes = index_files_of(&self.path)
            .map_err(|source| StoreError::File { place: self.place.clone(), source })?;
        let is_stale = |index: &PathBuf| {
            let changed = fs_err::metadata(index).and_then(|metadata| metadata.modified());
            let age = changed.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            last.as_ref().is_some_and(|last| age.is_none_or(|at| (at.as_secs() as i64) < last.at))
        };
        let stale_indexes = indexes.into_iter().filter(is_stale).collect();
        Ok(Gone { subject, was_there, is_there, is_unwiped, unused_bytes, stale_indexes, beyond: None })
    }
}

impl From<Targets> for Removed {
    fn from(targets: Targets) -> Self {
        Self {
            people: targets.people.into_iter().map(PersonId).collect(),
            photos: targets.photos.into_iter().map(PhotoId).collect(),
            faces: targets.faces.into_iter().map(FaceId).collect(),
            contents: targets.contents.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The identifiers that one column of a query gives.
fn ids(connection: &Connection, sql: &str, id: i64) -> Result<Vec<i64>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    let ids = select.query_map([id], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

fn targets(connection: &Connection, what: &Removal) -> Result<Targets, Fault> {
    let mut targets = Targets::default();
    let subjects: Vec<Subject> = match what {
        Removal::People(people) => people.iter().map(|id| Subject::Person(*id)).collect(),
        Removal::Photos { photos, .. } => photos.iter().map(|id| Subject::Photo(*id)).collect(),
        Removal::Faces(faces) => faces.iter().map(|id| Subject::Face(*id)).collect(),
    };
    for subject in subjects {
        let (table, id) = table_of(subject);
        let exists =
            connection.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?.exists([id])?;
        if !exists {
            return Err(Fault::NoSuch(subject));
        }
        match subject {
            Subject::Person(_) => {
                targets.people.insert(id);
                targets.faces.extend(ids(connection, "SELECT id FROM faces WHERE person = ?1", id)?);
            }
            Subject::Photo(_) => {
                targets.photos.insert(id);
                targets.faces.extend(ids(connection, "SELECT id FROM faces WHERE photo = ?1", id)?);
            }
            Subject::Face(_) => {
                targets.faces.insert(id);
            }
        }
    }
    match what {
        Removal::People(_) => with_emptied_photos(connection, &mut targets)?,
        Removal::Photos { people: true, .. } => with_emptied_people(connection, &mut targets)?,
        Removal::Photos { people: false, .. } | Removal::Faces(_) => {}
    }
    let photos: BTreeSet<i64> =
        targets.photos.iter().copied().chain(photos_of(connection, &targets)?).collect();
    let mut select = connection.prepare_cached("SELECT content FROM photos WHERE id = ?1")?;
    for photo in photos {
        targets.contents.insert(select.query_row([photo], |row| super::rows::digest(row, 0))?);
    }
    Ok(targets)
}

/// The photos of the faces.
fn photos_of(connection: &Connection, targets: &Targets) -> Result<BTreeSet<i64>, Fault> {
    let mut photos = BTreeSet::new();
    for face in &targets.faces {
        photos.extend(ids(connection, "SELECT photo FROM faces WHERE id = ?1", *face)?);
    }
    Ok(photos)
}

/// Adds the photos all of whose faces go.
fn with_emptied_photos(connection: &Connection, targets: &mut Targets) -> Result<(), Fault> {
    for photo in photos_of(connection, targets)? {
        let faces = ids(connection, "SELECT id FROM faces WHERE photo = ?1", photo)?;
        if faces.iter().all(|face| targets.faces.contains(face)) {
            targets.photos.insert(photo);
        }
    }
    Ok(())
}

/// Adds the people all of whose faces go.
fn with_emptied_people(connection: &Connection, targets: &mut Targets) -> Result<(), Fault> {
    let mut people = BTreeSet::new();
    for face in &targets.faces {
        let sql = "SELECT person FROM faces WHERE id = ?1 AND person IS NOT NULL";
        people.extend(ids(connection, sql, *face)?);
    }
    for person in people {
        let faces = ids(connection, "SELECT id FROM faces WHERE person = ?1", person)?;
        if faces.iter().all(|face| targets.faces.contains(face)) {
            targets.people.insert(person);
        }
    }
    Ok(())
}

/// The bytes that shall be found no more.
fn needles(connection: &Connection, targets: &Targets) -> Result<Needles, Fault> {
    let mut needles = Needles::default();
    for face in &targets.faces {
        let embedding: Vec<u8> = connection
            .prepare_cached("SELECT embedding FROM faces WHERE id = ?1")?
            .query_row([face], |row| row.get(0))?;
        needles.add_bytes(Kind::Embedding, &embedding);
        let mut select = connection.prepare_cached("SELECT embedding FROM former WHERE face = ?1")?;
        let former: Option<Vec<u8>> = select.query_row([face], |row| row.get(0)).optional()?;
        needles.add_bytes(Kind::Embedding, &former.unwrap_or_default());
        let mut select = connection.prepare_cached("SELECT jpeg FROM crops WHERE face = ?1")?;
        let crop: Option<Vec<u8>> = select.query_row([face], |row| row.get(0)).optional()?;
        needles.add_jpeg(&crop.unwrap_or_default());
    }
    for photo in &targets.photos {
        let mut select = connection.prepare_cached("SELECT path FROM files WHERE photo = ?1")?;
        let mut rows = select.query([photo])?;
        while let Some(row) = rows.next()? {
            needles.add_text(row.get_ref(0)?.as_str().unwrap_or_default());
        }
        let mut select = connection.prepare_cached("SELECT content FROM photos WHERE id = ?1")?;
        let content: Vec<u8> = select.query_row([photo], |row| row.get(0))?;
        needles.add_bytes(Kind::Digest, &content);
    }
    for person in &targets.people {
        let mut select = connection.prepare_cached("SELECT name FROM people WHERE id = ?1")?;
        let name: Option<String> = select.query_row([person], |row| row.get(0))?;
        needles.add_text(&name.unwrap_or_default());
    }
    Ok(needles)
}

fn delete(write: &Write<'_>, targets: &Targets) -> Result<(), Fault> {
    let connection = &write.transaction;
    // What hangs on them goes by the references between the tables.
    for (ids, sql) in [
        (&targets.faces, "DELETE FROM faces WHERE id = ?1"),
        (&targets.photos, "DELETE FROM photos WHERE id = ?1"),
        (&targets.people, "DELETE FROM people WHERE id = ?1"),
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        for id in ids {
            statement.execute([id])?;
        }
    }
    connection.execute("UPDATE settings SET unwiped = 1", [])?;
    write.note(EventKind::Remove, targets.faces.len() + targets.photos.len() + targets.people.len())
}

/// Whether a record that is there still, or the gallery's own description, holds a piece.
fn is_living(connection: &Connection, kind: Kind, piece: &[u8]) -> Result<bool, Fault> {
    let exists = |sql: &str| -> Result<bool, Fault> { Ok(connection.prepare_cached(sql)?.exists([piece])?) };
    match kind {
        Kind::Embedding => Ok(exists("SELECT 1 FROM faces WHERE instr(embedding, ?1) > 0")?
            || exists("SELECT 1 FROM former WHERE instr(embedding, ?1) > 0")?),
        Kind::Crop => exists("SELECT 1 FROM crops WHERE instr(jpeg, ?1) > 0"),
        Kind::Digest => exists("SELECT 1 FROM photos WHERE instr(content, ?1) > 0"),
        Kind::Text => {
            for (column, table) in [
                ("name", "people"),
                ("tag", "tags"),
                ("path", "files"),
                ("json", "contracts"),
                ("name", "contracts"),
                ("kind", "events"),
                ("form", "settings"),
                ("sql", "sqlite_schema"),
                ("assigned_by", "faces"),
            ] {
                let sql = format!("SELECT 1 FROM {table} WHERE instr(CAST({column} AS BLOB), ?1) > 0");
                if exists(&sql)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Whether an identifier was ever given, and whether it is there still.
fn history(connection: &Connection, subject: Subject) -> Result<(bool, bool), Fault> {
    let (table, id) = table_of(subject);
    let mut select = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    let last: Option<i64> = select.query_row([table], |row| row.get(0)).optional()?;
    let is_there =
        connection.prepare_cached(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?.exists([id])?;
    Ok((last.is_some_and(|last| id <= last), is_there))
}

/// The first pages of all tables and indexes but the schema's own.
fn roots(connection: &Connection) -> Result<Vec<u32>, Fault> {
    let mut select = connection.prepare_cached("SELECT rootpage FROM sqlite_schema WHERE rootpage > 1")?;
    let roots = select.query_map([], |row| row.get(0))?;
    Ok(roots.collect::<rusqlite::Result<_>>()?)
}
