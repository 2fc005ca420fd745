//! Rows in Milvus: one collection with the faces and their vectors, and one with all else, as JSON.
//!
//! Milvus has no transactions. A step is written into a journal first, then done in pieces that may be done twice, and then
//! taken from the journal; whoever comes next after a crash does what is left. Before its first piece the journal of a
//! step is whole or counts as nothing. One writer at a time: each raises a flag and looks for those of others.

mod apply;
mod client;
mod connect;
mod fields;
mod journal;
mod lease;
mod proto;
mod read;
mod search;
mod table;

use std::fmt;

use facenet_core::Embedding;
use facenet_gallery::{
    Correction, Counts, Event, FaceId, FileRecord, Form, Hit, Person, PhotoDigest, PhotoId, PhotoRecord,
    Settings, StoreError,
};

use self::client::Client;
use self::lease::Lease;
use crate::address::Address;
use crate::desk::{Desk, FaceRow, Former};
use crate::meta::Meta;
use crate::rows::{Faces, FormerOf, People, Photos, Rows};

/// The collections of a gallery.
pub(crate) struct Collections {
    client: Client,
    gallery: String,
    form: Form,
    dimension: usize,
    lease: Lease,
}

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collections({})", self.client.place)
    }
}

impl Collections {
    /// Opens the gallery.
    pub(crate) fn open(address: &Address) -> Result<Self, StoreError> {
        connect::open(address)
    }

    /// Makes an empty gallery.
    pub(crate) fn create(address: &Address, settings: &Settings) -> Result<Self, StoreError> {
        connect::create(address, settings)
    }

    fn damaged(&self, what: impl fmt::Display) -> StoreError {
        StoreError::Damaged { place: self.client.place.clone(), what: what.to_string() }
    }
}

impl Rows for Collections {
    fn place(&self) -> &str {
        &self.client.place
    }

    fn meta(&self) -> Result<Meta, StoreError> {
        self.read_meta()
    }

    fn lock(&mut self) -> Result<Meta, StoreError> {
        self.raise_flag()?;
        let meta = self.finish_journal().and_then(|()| self.read_meta());
        meta.inspect_err(|_| self.lower_flag())
    }

    fn commit(&mut self, desk: &Desk) -> Result<(), StoreError> {
        let done = self.write_journal(desk).and_then(|pieces| {
            self.apply(desk)?;
            self.delete_journal(&pieces)
        });
        self.lower_flag();
        done
    }

    fn give_up(&mut self) {
        self.lower_flag();
    }

    fn counts(&self, contract: i64) -> Result<Counts, StoreError> {
        self.read_counts(contract)
    }

    fn faces_of(&self, contract: i64) -> Result<u64, StoreError> {
        self.count_faces(&format!("contract == {contract}"))
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
        // The server builds its index segment by segment, by itself.
        Ok(())
    }

    fn check_dimension(&self, dimension: usize) -> Result<(), StoreError> {
        if dimension == self.dimension {
            return Ok(());
        }
        let what = format!(
            "a collection of Milvus holds vectors of one dimension, here {}, and the model gives {dimension}\n\
             hint: migrate it to a file or to PostgreSQL, upgrade it there, and migrate it to a new gallery here",
            self.dimension
        );
        Err(StoreError::Unsupported { place: self.client.place.clone(), what })
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        self.compact_collections()
    }

    fn beyond(&self) -> &'static str {
        "the server's message log, its object storage, replicas and backups may hold it still, and cannot be looked into"
    }

    fn size(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
}
