//! Galleries where the user says they are: in files, or kept by a server.

use std::path::{Path, PathBuf};

use anyhow::Result;
use facenet_gallery::{Settings, SqliteStore, Store, StoreError};
use facenet_stores::Address;

/// The server's gallery that a text on the command line means; none when it is a path.
///
/// # Errors
/// When it begins as an address and is none.
pub(crate) fn address(place: &Path) -> Result<Option<Address>> {
    Ok(place.to_str().and_then(Address::parse).transpose()?)
}

/// Opens the gallery.
///
/// # Errors
/// When there is none, or it cannot be used.
pub(crate) fn open(place: &Path) -> Result<Box<dyn Store>> {
    match address(place)? {
        Some(address) => Ok(facenet_stores::open(&address)?),
        None => Ok(Box::new(SqliteStore::open(place)?)),
    }
}

/// Makes an empty gallery.
///
/// # Errors
/// When there is one, or it cannot be made.
pub(crate) fn create(place: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    match address(place)? {
        Some(address) => Ok(facenet_stores::create(&address, settings)?),
        None => Ok(Box::new(SqliteStore::create(place, settings)?)),
    }
}

/// Opens the gallery; or makes it, with these settings, where there is none.
///
/// # Errors
/// As [`open`] and [`create`].
pub(crate) fn open_or_create(place: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    match open(place) {
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::Missing { .. })) => {
            create(place, settings)
        }
        other => other,
    }
}

/// The place as it may be shown: without a password.
pub(crate) fn shown(place: &Path) -> PathBuf {
    match address(place) {
        Ok(Some(address)) => address.to_string().into(),
        Ok(None) | Err(_) => place.to_owned(),
    }
}
