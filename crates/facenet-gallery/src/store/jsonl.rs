//! A gallery as lines of JSON.
//!
//! The first line says what it is and what the gallery's settings are, the last one how much there was; a line between
//! is a [`Record`]. Everything comes back from it as it was, identifiers too.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::copy::for_each_batch;
use super::error::StoreError;
use super::record::{Record, Settings};
use super::{Counts, Store};

/// The version of this form.
const VERSION: u32 = 1;
/// Records that are put at a time.
const BATCH: usize = 1000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    facenet_gallery: u32,
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    end: u64,
}

/// Why an export could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JsonlError {
    /// The gallery failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing failed.
    #[error("cannot read or write the lines")]
    Io(#[from] std::io::Error),
    /// A line is not what belongs there.
    #[error("line {number} is no part of a gallery's export")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// Another version of this form.
    #[error("the export has the version {found}, expected {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// The end is missing.
    #[error("the export ends after {records} records without its last line: it was cut off")]
    CutOff {
        /// How many records there were.
        records: u64,
    },
}

/// Writes all that a gallery holds, and gives the number of records.
///
/// # Errors
/// When the gallery cannot be read or the lines not be written.
pub fn export_jsonl(store: &dyn Store, mut to: impl Write) -> Result<u64, JsonlError> {
    let mut line = |value: &dyn erased::Line| -> Result<(), JsonlError> {
        to.write_all(value.text().as_bytes())?;
        Ok(to.write_all(b"\n")?)
    };
    line(&First { facenet_gallery: VERSION, settings: store.settings().clone() })?;
    let mut records = 0;
    for_each_batch(store, &mut |batch| {
        records += batch.len() as u64;
        batch.iter().try_for_each(|record| line(record))
    })?;
    line(&Last { end: records })?;
    to.flush()?;
    Ok(records)
}

/// Reads an export: `make` makes the gallery for its settings, which the records are put into. Gives the gallery and
/// what it then holds.
///
/// # Errors
/// When a line is none of an export, the end is missing, or the gallery cannot be written.
pub fn import_jsonl<S: Store>(
    from: impl BufRead,
    make: impl FnOnce(&Settings) -> Result<S, StoreError>,
) -> Result<(S, Counts), JsonlError> {
    let mut lines = (1..).zip(from.lines());
    let (_, first) = lines.next().ok_or(JsonlError::CutOff { records: 0 })?;
    let first: First =
        serde_json::from_str(&first?).map_err(|source| JsonlError::Line { number: 1, source })?;
    if first.facenet_gallery != VERSION {
        return Err(JsonlError::Version { found: first.facenet_gallery });
    }
    let mut store = make(&first.settings)?;
    let (mut batch, mut records) = (Vec::with_capacity(BATCH), 0);
    for (number, line) in lines {
        let line = line?;
        if let Ok(Last { end }) = serde_json::from_str(&line) {
            store.put(&batch)?;
            return if end == records {
                Ok((store_counts(store))?)
            } else {
                Err(JsonlError::CutOff { records })
            };
        }
        let record: Record =
            serde_json::from_str(&line).map_err(|source| JsonlError::Line { number, source })?;
        records += 1;
        batch.push(record);
        if batch.len() == BATCH {
            store.put(&batch)?;
            batch.clear();
        }
    }
    Err(JsonlError::CutOff { records })
}

fn store_counts<S: Store>(store: S) -> Result<(S, Counts), JsonlError> {
    let counts = store.counts()?;
    Ok((store, counts))
}

mod erased {
    /// Anything that is a line.
    pub(super) trait Line {
        fn text(&self) -> String;
    }

    impl<T: serde::Serialize> Line for T {
        fn text(&self) -> String {
            serde_json::to_string(self).expect("records are plain data")
        }
    }
}

/// Optional bytes as Base64.
pub(super) mod bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::store) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text)).transpose().map_err(D::Error::custom)
    }
}
