//! A store that remembers what was done to it, so that what is in memory need not be read anew.

use facenet_core::{Contract, Embedding};
use facenet_gallery::{
    AddedPhoto, Change, Correction, Counts, Event, EventKind, FaceId, FaceRecord, FileRecord, Gone, Hit,
    NewPhoto, Person, PersonId, PhotoDigest, PhotoId, PhotoRecord, Record, Removal, Removed, Settings, Store,
    StoreError, StoredEmbedding, Subject, Upgrade,
};

/// Something that was done to a store.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Done {
    /// People were added, without tags and faces.
    People(Vec<(PersonId, Option<String>)>),
    /// These changes were made, in their order.
    Changes(Vec<Change>),
    /// Photos were added with their faces, after all others.
    Photos,
    /// These faces have other embeddings.
    Embeddings(Vec<FaceId>),
    /// More than is worth telling.
    Much,
}

/// A store and what was done to it.
pub(super) struct Noted<'a> {
    store: &'a mut dyn Store,
    done: Vec<Done>,
}

impl<'a> Noted<'a> {
    /// To which nothing was done yet.
    pub(super) fn of(store: &'a mut dyn Store) -> Self {
        Self { store, done: Vec::new() }
    }

    /// What was done, in its order. Also what failed may be among it, if something of it could have been done.
    pub(super) fn into_done(self) -> Vec<Done> {
        self.done
    }

    /// Does what cannot be told in parts.
    fn much<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Also if it fails: a deletion stands, even if its traces could not be wiped.
        self.done.push(Done::Much);
        work(self.store)
    }
}

impl Store for Noted<'_> {
    fn place(&self) -> &str {
        self.store.place()
    }

    fn settings(&self) -> &Settings {
        self.store.settings()
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.store.counts()
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.store.people()
    }

    fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError> {
        let ids = self.store.add_people(names)?;
        let names = names.iter().map(|name| name.map(str::to_owned));
        self.done.push(Done::People(ids.iter().copied().zip(names).collect()));
        Ok(ids)
    }

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.store.photos_with(contents)
    }

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.store.photos_at(files)
    }

    fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError> {
        let added = self.store.add(photos)?;
        self.done.push(Done::Photos);
        Ok(added)
    }

    fn photos(&self, after: PhotoId, limit: usize) -> Result<Vec<PhotoRecord>, StoreError> {
        self.store.photos(after, limit)
    }

    fn faces(&self, after: FaceId, limit: usize) -> Result<Vec<FaceRecord>, StoreError> {
        self.store.faces(after, limit)
    }

    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Option<Vec<Hit>>, StoreError> {
        self.store.nearest(probe, k)
    }

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.store.crops(faces)
    }

    fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        self.store.corrections()
    }

    fn events(&self) -> Result<Vec<Event>, StoreError> {
        self.store.events()
    }

    fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError> {
        self.store.apply(kind, changes)?;
        self.done.push(Done::Changes(changes.to_vec()));
        Ok(())
    }

    fn would_remove(&self, what: &Removal) -> Result<Removed, StoreError> {
        self.store.would_remove(what)
    }

    fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        self.much(|store| store.remove(what))
    }

    fn put(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.much(|store| store.put(records))
    }

    fn begin_upgrade(&mut self, contract: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        self.much(|store| store.begin_upgrade(contract, how))
    }

    fn replace_embeddings(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        self.store.replace_embeddings(faces)?;
        self.done.push(Done::Embeddings(faces.iter().map(|(face, _)| *face).collect()));
        Ok(())
    }

    fn undo_upgrade(&mut self) -> Result<(), StoreError> {
        self.much(|store| store.undo_upgrade())
    }

    fn finish_upgrade(&mut self) -> Result<(), StoreError> {
        self.much(|store| store.finish_upgrade())
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        self.store.check()
    }

    fn check_gone(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        self.store.check_gone(subject)
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.store.compact()
    }
}
