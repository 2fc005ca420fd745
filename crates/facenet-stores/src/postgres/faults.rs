//! From PostgreSQL's errors to ours.

use ::postgres::error::SqlState;
use facenet_gallery::StoreError;

/// How long another program's change is waited for, in seconds. One step of ours takes milliseconds.
pub(super) const WAIT_S: u64 = 10;

/// What an error means for the gallery at `place`.
pub(super) fn of_postgres(place: &str, error: ::postgres::Error) -> StoreError {
    let place = place.to_owned();
    let Some(code) = error.code() else {
        return match error.is_closed() {
            true => StoreError::Unreachable { place, source: error.into() },
            false => StoreError::Backend { place, source: error.into() },
        };
    };
    match code {
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Busy { place, waited_s: WAIT_S }
        }
        &SqlState::DISK_FULL => StoreError::Full { place },
        &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::INSUFFICIENT_PRIVILEGE => {
            StoreError::ReadOnly { place }
        }
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
            StoreError::Unreachable { place, source: error.into() }
        }
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => {
            StoreError::Damaged { place, what: words(&error) }
        }
        _ => StoreError::Backend { place, source: words(&error).into() },
    }
}

/// What the server said; the error's own text is only that there was one.
fn words(error: &::postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |told| told.message().to_owned())
}
