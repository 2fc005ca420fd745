//! A store of any kind, in a box.

use facenet_core::{Contract, Embedding};

use super::embedding::StoredEmbedding;
use super::error::StoreError;
use super::record::{
    AddedPhoto, Change, Correction, Counts, Event, EventKind, FaceRecord, FileRecord, NewPhoto, Person,
    PhotoDigest, PhotoRecord, Record, Removal, Removed, Settings, Upgrade,
};
use super::remains::Gone;
use super::subject::{FaceId, PersonId, PhotoId, Subject};
use super::{SqliteStore, Store};
use crate::index::Hit;

impl<S: Store + ?Sized> Store for Box<S> {
    fn place(&self) -> &str {
        (**self).place()
    }

    fn settings(&self) -> &Settings {
        (**self).settings()
    }

    fn as_file(&self) -> Option<&SqliteStore> {
        (**self).as_file()
    }

    fn is_read_only(&self) -> bool {
        (**self).is_read_only()
    }

    fn size(&self) -> Result<Option<u64>, StoreError> {
        (**self).size()
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        (**self).counts()
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        (**self).people()
    }

    fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError> {
        (**self).add_people(names)
    }

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        (**self).photos_with(contents)
    }

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        (**self).photos_at(files)
    }

    fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError> {
        (**self).add(photos)
    }

    fn photos(&self, after: PhotoId, limit: usize) -> Result<Vec<PhotoRecord>, StoreError> {
        (**self).photos(after, limit)
    }

    fn faces(&self, after: FaceId, limit: usize) -> Result<Vec<FaceRecord>, StoreError> {
        (**self).faces(after, limit)
    }

    fn photo(&self, id: PhotoId) -> Result<PhotoRecord, StoreError> {
        (**self).photo(id)
    }

    fn face(&self, id: FaceId) -> Result<FaceRecord, StoreError> {
        (**self).face(id)
    }

    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Option<Vec<Hit>>, StoreError> {
        (**self).nearest(probe, k)
    }

    fn prepare_search(&mut self) -> Result<(), StoreError> {
        (**self).prepare_search()
    }

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        (**self).crops(faces)
    }

    fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        (**self).corrections()
    }

    fn events(&self) -> Result<Vec<Event>, StoreError> {
        (**self).events()
    }

    fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError> {
        (**self).apply(kind, changes)
    }

    fn would_remove(&self, what: &Removal) -> Result<Removed, StoreError> {
        (**self).would_remove(what)
    }

    fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        (**self).remove(what)
    }

    fn put(&mut self, records: &[Record]) -> Result<(), StoreError> {
        (**self).put(records)
    }

    fn begin_upgrade(&mut self, contract: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        (**self).begin_upgrade(contract, how)
    }

    fn replace_embeddings(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        (**self).replace_embeddings(faces)
    }

    fn undo_upgrade(&mut self) -> Result<(), StoreError> {
        (**self).undo_upgrade()
    }

    fn finish_upgrade(&mut self) -> Result<(), StoreError> {
        (**self).finish_upgrade()
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        (**self).check()
    }

    fn check_gone(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        (**self).check_gone(subject)
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        (**self).compact()
    }
}
