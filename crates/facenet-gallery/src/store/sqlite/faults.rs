//! From SQLite's errors to ours.

use rusqlite::{Connection, ErrorCode};

use super::SqliteStore;
use crate::store::error::StoreError;
use crate::store::subject::{FaceId, Subject};

/// A failure within the store, without its place.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    NoSuch(Subject),
    NameTaken(String),
    NotAName(String),
    NotAnEmbedding(crate::store::NotStored),
    UnknownModel(String),
    ModelChanged(String),
    NoDirection(FaceId),
    LeftBehind { faces: u64, model: String, hint: &'static str },
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl SqliteStore {
    /// A result with the place in its error.
    pub(super) fn told<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| self.error(fault))
    }

    /// The error that a fault is.
    pub(super) fn error(&self, fault: Fault) -> StoreError {
        let place = self.place.clone();
        match fault {
            Fault::Sqlite(error) => of_sqlite(&place, error, Some(&self.connection), self.wait.as_secs()),
            Fault::NoSuch(subject) => StoreError::NoSuch { place, subject },
            Fault::NameTaken(name) => StoreError::NameTaken { place, name },
            Fault::NotAName(name) => StoreError::NotAName { name },
            Fault::ModelChanged(model) => StoreError::ModelChanged { place, model },
            Fault::NoDirection(face) => StoreError::NoDirection { place, face },
            Fault::UnknownModel(model) => StoreError::UnknownModel { place, model },
            Fault::LeftBehind { faces, model, hint } => StoreError::LeftBehind { place, faces, model, hint },
            Fault::NotAnEmbedding(source) => StoreError::NotAnEmbedding { place, source },
        }
    }
}

/// What SQLite's error means for the gallery at `place`. If the file is damaged, `connection` tells where.
pub(super) fn of_sqlite(
    place: &str,
    error: rusqlite::Error,
    connection: Option<&Connection>,
    waited_s: u64,
) -> StoreError {
    let place = place.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { place, waited_s },
        Some(ErrorCode::DiskFull) => StoreError::Full { place },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { place },
        Some(ErrorCode::NotADatabase) => StoreError::NotAGallery {
            place,
            found: "it is no database, is encrypted (its key goes into FACENET_GALLERY_KEY), or its first bytes are \
                    damaged"
                .into(),
        },
        Some(ErrorCode::DatabaseCorrupt) => {
            let what = connection.and_then(first_damage).unwrap_or_else(|| error.to_string());
            StoreError::Damaged { place, what }
        }
        _ => StoreError::Backend { place, source: error.into() },
    }
}

/// The first thing that SQLite's own check finds.
fn first_damage(connection: &Connection) -> Option<String> {
    let text: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).ok()?;
    // It begins with the name of the database and has a line a fault.
    let line = text.lines().rfind(|line| !line.is_empty())?;
    (line != "ok").then(|| line.to_owned())
}
