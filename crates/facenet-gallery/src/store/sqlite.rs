//! A gallery in one SQLite file.

mod connect;
mod faults;
mod index;
mod key;
mod read;
mod remove;
mod rows;
mod upgrade;
mod write;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facenet_core::{Contract, Embedding};
use rusqlite::Connection;

pub use self::index::IndexState;
use self::index::Searching;
pub use self::key::{KEY_VARIABLE, Key};

use super::Store;
use super::embedding::StoredEmbedding;
use super::error::StoreError;
use super::record::{
    AddedPhoto, Change, Correction, Counts, Event, EventKind, FaceRecord, FileRecord, NewPhoto, Person,
    PhotoDigest, PhotoRecord, Record, Removal, Removed, Settings, Upgrade,
};
use super::remains::Gone;
use super::subject::{FaceId, PersonId, PhotoId, Subject};
use crate::index::Hit;

/// Says in the file's header that it is a gallery: `FNGL`.
const APPLICATION_ID: i64 = 0x464e_474c;
/// The schema that this program reads and writes. It grows with every change to the tables.
const SCHEMA: i64 = 4;
/// How long another program's change is waited for. One step of ours takes milliseconds; compacting a large gallery,
/// seconds.
const WAIT: Duration = Duration::from_secs(10);

/// A gallery in one SQLite file, beside which SQLite keeps its write-ahead log while the gallery is open.
///
/// Several programs may read while one writes. What was deleted is overwritten with zeros.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    place: String,
    settings: Settings,
    wait: Duration,
    is_read_only: bool,
    /// What it is encrypted with, if it is.
    key: Option<Key>,
    /// The index as it was read last.
    searching: RefCell<Searching>,
}

impl SqliteStore {
    /// Makes a gallery at `path`; it appears there when it is complete. With a key in the environment
    /// ([`Key::from_environment`]) it is encrypted.
    ///
    /// # Errors
    /// When something is at `path`, or it cannot be written; when there is a key, but this program cannot encrypt.
    pub fn create(path: &Path, settings: &Settings) -> Result<Self, StoreError> {
        Self::create_by(path, settings, Key::from_environment()?.as_ref())
    }

    /// As [`create`](Self::create), with this key or none.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_by(path: &Path, settings: &Settings, key: Option<&Key>) -> Result<Self, StoreError> {
        connect::create(path, settings, key)?;
        Self::open_by(path, WAIT, key)
    }

    /// Opens a gallery to read and, if the file may be, to change it. One of an older schema is brought up to date;
    /// what an interrupted deletion left is wiped. An encrypted one needs its key in the environment
    /// ([`Key::from_environment`]).
    ///
    /// # Errors
    /// When there is none, it is something else, newer than this program, encrypted with another key, or damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, WAIT)
    }

    /// As [`open`](Self::open), with another time to wait for other programs.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_waiting(path: &Path, wait: Duration) -> Result<Self, StoreError> {
        Self::open_by(path, wait, Key::from_environment()?.as_ref())
    }

    /// As [`open_waiting`](Self::open_waiting), with this key or none.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_by(path: &Path, wait: Duration, key: Option<&Key>) -> Result<Self, StoreError> {
        let mut store = connect::open(path, wait, key)?;
        if !store.is_read_only && store.is_unwiped()? {
            match store.wipe_blindly() {
                // It stays marked, and can be read meanwhile.
                Err(StoreError::Busy { .. } | StoreError::Full { .. } | StoreError::Remains { .. }) => {}
                other => other?,
            }
        }
        Ok(store)
    }

    /// The gallery's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is encrypted on the disk.
    pub fn is_encrypted(&self) -> bool {
        self.key.is_some()
    }

    /// A number that is another one after another connection has changed the gallery, for those who keep in memory what
    /// they read. Own changes do not count.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn changes_by_others(&self) -> Result<i64, StoreError> {
        let version = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0));
        self.told(version.map_err(faults::Fault::from))
    }

    /// The files that the gallery consists of now: its own, SQLite's beside it, and those of its index.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let files = super::remains::files_of(&self.path);
        files.map_err(|source| StoreError::File { place: self.place.clone(), source })
    }
}

impl Store for SqliteStore {
    fn place(&self) -> &str {
        &self.place
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn as_file(&self) -> Option<&SqliteStore> {
        Some(self)
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn size(&self) -> Result<Option<u64>, StoreError> {
        let sizes = self.files()?.into_iter().map(|file| Ok(fs_err::metadata(file)?.len()));
        let size = sizes.sum::<std::io::Result<u64>>();
        size.map(Some).map_err(|source| StoreError::File { place: self.place.clone(), source })
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.told(read::counts(&self.connection))
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.told(read::people(&self.connection))
    }

    fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError> {
        self.in_transaction(|transaction| names.iter().map(|name| transaction.add_person(*name)).collect())
    }

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.told(read::photos_with(&self.connection, contents))
    }

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.told(read::photos_at(&self.connection, files))
    }

    fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError> {
        photos.iter().flat_map(|photo| &photo.faces).try_for_each(|face| self.check_kind(&face.embedding))?;
        self.in_transaction(|transaction| {
            let added = photos.iter().map(|photo| transaction.add_photo(photo));
            let added: Vec<AddedPhoto> = added.collect::<Result<_, _>>()?;
            let new = added.iter().filter(|photo| matches!(photo, AddedPhoto::New(_))).count();
            if new > 0 {
                transaction.note(EventKind::Add, new)?;
            }
            Ok(added)
        })
    }

    fn photos(&self, after: PhotoId, limit: usize) -> Result<Vec<PhotoRecord>, StoreError> {
        self.told(read::photos(&self.connection, after, limit))
    }

    fn faces(&self, after: FaceId, limit: usize) -> Result<Vec<FaceRecord>, StoreError> {
        let faces = self.told(read::faces(&self.connection, after, limit, self.settings.form))?;
        // After reading: what was read is of the model that is known here, or nobody gets it.
        self.told(read::check_model(&self.connection, &self.settings.contract))?;
        Ok(faces)
    }

    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Option<Vec<Hit>>, StoreError> {
        self.nearest_by_index(probe, k)
    }

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.told(read::crops(&self.connection, faces))
    }

    fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        self.told(read::corrections(&self.connection))
    }

    fn events(&self) -> Result<Vec<Event>, StoreError> {
        self.told(read::events(&self.connection))
    }

    fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError> {
        self.in_transaction(|transaction| {
            changes.iter().try_for_each(|change| transaction.change(change))?;
            transaction.note(kind, changes.len())
        })
    }

    fn would_remove(&self, what: &Removal) -> Result<Removed, StoreError> {
        self.foreseen(what)
    }

    fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        self.remove_and_wipe(what)
    }

    fn put(&mut self, records: &[Record]) -> Result<(), StoreError> {
        for record in records {
            if let Record::Face { record, .. } = record {
                self.check_kind(&record.embedding)?;
            }
        }
        if records.iter().any(|record| matches!(record, Record::Face { .. })) {
            // Faces may be replaced, of which the tables keep no trace that an index could be held against.
            self.delete_indexes()?;
        }
        self.in_transaction(|transaction| records.iter().try_for_each(|record| transaction.put(record)))
    }

    fn begin_upgrade(&mut self, contract: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        self.begin(contract, how)
    }

    fn replace_embeddings(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        self.replace(faces)
    }

    fn undo_upgrade(&mut self) -> Result<(), StoreError> {
        self.undo()
    }

    fn finish_upgrade(&mut self) -> Result<(), StoreError> {
        self.finish()
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        let (form, dimension) = (self.settings.form, self.settings.contract.dimension);
        self.told(read::check(&self.connection, form, dimension))
    }

    fn check_gone(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        self.look_for(subject)
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.in_transaction(|transaction| transaction.note(EventKind::Compact, 0))?;
        self.wipe_blindly()
    }
}

impl SqliteStore {
    fn check_kind(&self, embedding: &StoredEmbedding) -> Result<(), StoreError> {
        self.settings.check_kind(&self.place, embedding)
    }
}
