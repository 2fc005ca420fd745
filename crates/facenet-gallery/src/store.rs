//! A gallery that lasts: people, their photos and faces, what the user said about them, and what was done when.
//!
//! [`Store`] is what every place that can hold a gallery does; [`SqliteStore`] holds it in one file. The store is the
//! truth. An index for searching lies beside it in files named `GALLERY.index*`, can be made again at any time, and is
//! deleted whenever something is forgotten.

mod boxed;
mod copy;
mod embedding;
mod error;
mod jsonl;
mod question;
mod record;
mod regroup;
mod remains;
mod sqlite;
mod subject;
mod upgrade;

pub use copy::{copy_store, for_each_batch};
pub use embedding::{Form, NotStored, StoredEmbedding};
pub use error::StoreError;
use facenet_core::{Contract, Embedding};
pub use jsonl::{JsonlError, export_jsonl, import_jsonl};
pub use question::{GalleryFilter, all_faces, first_paths, remember_answer, take_back_answer, to_gallery};
pub(crate) use question::{check_probes, filtered_people};
pub use record::{
    AddedPhoto, AssignedBy, Change, Correction, Counts, Event, EventKind, FaceRecord, FileRecord, Moved,
    NewFace, NewPhoto, Person, PhotoDigest, PhotoRecord, Record, Removal, Removed, Settings, Upgrade,
    Verdict,
};
pub use regroup::{Regrouped, Scope, Ungrouped, regroup};
pub use remains::Gone;
pub use sqlite::{IndexState, KEY_VARIABLE, Key, SqliteStore};
pub use subject::{CorrectionId, FaceId, PersonId, PhotoId, Subject, UnknownSubject, is_name, is_tag};
pub use upgrade::{check_upgrade, upgrade_order};

use crate::index::Hit;

/// Where a gallery is kept.
///
/// Object-safe and in batches, so that a file, a database server and a vector database can all stand behind it. A call
/// that has returned is kept, whatever happens next; one that has not is kept as a whole or not at all (a batch of
/// [`put`](Self::put) may be kept in part: putting it again completes it). Identifiers are never given twice.
pub trait Store {
    /// Where it is, in words for messages: a path, an address.
    fn place(&self) -> &str;

    /// What was fixed when it was made.
    fn settings(&self) -> &Settings;

    /// The store in a file that it is, for what concerns the files beside it; none when it is another kind.
    fn as_file(&self) -> Option<&SqliteStore> {
        None
    }

    /// Whether it may be read but not changed.
    fn is_read_only(&self) -> bool {
        false
    }

    /// How many bytes it takes up where it is kept; none when that is not told.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn size(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// How much it holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn counts(&self) -> Result<Counts, StoreError>;

    /// All people, in the order of their identifiers.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn people(&self) -> Result<Vec<Person>, StoreError>;

    /// Adds a person for each name, `None` for one whose name is not known, and gives their identifiers in that order.
    ///
    /// # Errors
    /// When a name is taken or empty, or the store cannot be written; no person is added then.
    fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError>;

    /// For each content the photo that has it, if one does.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError>;

    /// For each file the photo that it was when it had this size and this time of change, if it was seen so.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError>;

    /// Adds photos with their faces, all or none. A photo whose content is there already adds nothing but its file.
    /// Gives an entry a photo, in their order.
    ///
    /// # Errors
    /// When an embedding is of another form or dimension than the gallery's, a person does not exist, or the store
    /// cannot be written.
    fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError>;

    /// At most `limit` photos with identifiers above `after`, in their order; none at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn photos(&self, after: PhotoId, limit: usize) -> Result<Vec<PhotoRecord>, StoreError>;

    /// At most `limit` faces with identifiers above `after`, in their order; none at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn faces(&self, after: FaceId, limit: usize) -> Result<Vec<FaceRecord>, StoreError>;

    /// The photo with this identifier, which may be any number.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] when there is none; when the store cannot be read.
    fn photo(&self, id: PhotoId) -> Result<PhotoRecord, StoreError> {
        let found = self.photos(PhotoId(id.0.saturating_sub(1)), 1)?.into_iter().find(|photo| photo.id == id);
        found.ok_or_else(|| StoreError::NoSuch { place: self.place().into(), subject: Subject::Photo(id) })
    }

    /// The face with this identifier, which may be any number.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] when there is none; when the store cannot be read.
    fn face(&self, id: FaceId) -> Result<FaceRecord, StoreError> {
        let found = self.faces(FaceId(id.0.saturating_sub(1)), 1)?.into_iter().find(|face| face.id == id);
        found.ok_or_else(|| StoreError::NoSuch { place: self.place().into(), subject: Subject::Face(id) })
    }

    /// The `k` faces with a person that are nearest to `probe`, nearest first, by the store's own vector search, which may
    /// miss some; none when the store has no such search, or cannot rank its faces with it (while they are of several
    /// models). [`Hit::id`] is the number of the face.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn nearest(&self, _probe: &Embedding, _k: usize) -> Result<Option<Vec<Hit>>, StoreError> {
        Ok(None)
    }

    /// Makes [`nearest`](Self::nearest) as quick as it can be, after many records were put.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn prepare_search(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The pictures of faces, as JPEG; `None` where none is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// All that the user said about pairs of faces, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn corrections(&self) -> Result<Vec<Correction>, StoreError>;

    /// What was done, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn events(&self) -> Result<Vec<Event>, StoreError>;

    /// Does all of `changes` or none, in their order, and remembers it as an event of this kind.
    ///
    /// # Errors
    /// When a person or face does not exist, a name is taken, or the store cannot be written.
    fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError>;

    /// What [`remove`](Self::remove) would delete.
    ///
    /// # Errors
    /// When one does not exist, or the store cannot be read.
    fn would_remove(&self, what: &Removal) -> Result<Removed, StoreError>;

    /// Deletes people, photos or faces with all that hangs on them, and every trace of them from the store's files;
    /// then looks for traces.
    ///
    /// # Errors
    /// When one does not exist, or the store cannot be written. [`StoreError::Remains`] when it is deleted, but another
    /// program keeps the store from wiping the traces now; opening it later does that.
    fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError>;

    /// Writes records with their identifiers as they are, in place of those with the same ones: for copies.
    /// Photos come before their faces, people and faces before what refers to them.
    ///
    /// # Errors
    /// When a record refers to one that is not there, or the store cannot be written.
    fn put(&mut self, records: &[Record]) -> Result<(), StoreError>;

    /// Makes `contract` the gallery's: new faces are embedded by that model. What the present embeddings become is told by
    /// `how`; as they were, they are kept until [`finish_upgrade`](Self::finish_upgrade). When an upgrade to `contract` is
    /// under way already, nothing happens.
    ///
    /// # Errors
    /// When another upgrade is not finished, when faces could not be compared with the new model's, or the store cannot
    /// be written; all is then as before.
    fn begin_upgrade(&mut self, contract: &Contract, how: Upgrade<'_>) -> Result<(), StoreError>;

    /// Replaces the embeddings of faces by those of the gallery's model, and keeps the former ones until the upgrade is
    /// finished. Faces that are gone meanwhile are passed over.
    ///
    /// # Errors
    /// When no upgrade is under way, an embedding is of another form or dimension, or the store cannot be written.
    fn replace_embeddings(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError>;

    /// Takes an upgrade back: the gallery's model and its embeddings are what they were before. Faces that were added
    /// meanwhile keep the new model's embeddings, if the two models can be compared.
    ///
    /// # Errors
    /// When no upgrade is under way, when faces were added that could not be compared, or the store cannot be written.
    fn undo_upgrade(&mut self) -> Result<(), StoreError>;

    /// Ends an upgrade: the former embeddings are deleted, with every trace of them.
    ///
    /// # Errors
    /// As [`undo_upgrade`](Self::undo_upgrade) and [`compact`](Self::compact).
    fn finish_upgrade(&mut self) -> Result<(), StoreError>;

    /// Looks for all that could be wrong with the store itself, and gives a line for each fault; empty when it is sound.
    ///
    /// # Errors
    /// When the store cannot be read at all.
    fn check(&self) -> Result<Vec<String>, StoreError>;

    /// Looks in the store and in its files for what should be gone.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn check_gone(&mut self, subject: Subject) -> Result<Gone, StoreError>;

    /// Gives back the space of what was deleted.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn compact(&mut self) -> Result<(), StoreError>;
}
