//! From one store into another.

use super::Store;
use super::error::StoreError;
use super::record::{Counts, Record};
use super::subject::{FaceId, PhotoId};

/// Records that are read and written at a time.
const BATCH: usize = 1000;

/// Gives all records of `store` to `each`, in batches and in an order that [`Store::put`] can take: people, photos,
/// faces, corrections, events.
///
/// # Errors
/// When the store cannot be read, or as `each` has them.
pub fn for_each_batch<E: From<StoreError>>(
    store: &dyn Store,
    each: &mut dyn FnMut(&[Record]) -> Result<(), E>,
) -> Result<(), E> {
    let people: Vec<Record> = store.people()?.into_iter().map(Record::Person).collect();
    people.chunks(BATCH).try_for_each(&mut *each)?;
    let mut after = PhotoId(0);
    loop {
        let photos = store.photos(after, BATCH)?;
        let Some(last) = photos.last() else { break };
        after = last.id;
        each(&photos.into_iter().map(Record::Photo).collect::<Vec<_>>())?;
    }
    let mut after = FaceId(0);
    loop {
        let faces = store.faces(after, BATCH)?;
        let Some(last) = faces.last() else { break };
        after = last.id;
        let crops = store.crops(&faces.iter().map(|face| face.id).collect::<Vec<_>>())?;
        let faces = faces.into_iter().zip(crops).map(|(record, crop)| Record::Face { record, crop });
        each(&faces.collect::<Vec<_>>())?;
    }
    let corrections: Vec<Record> = store.corrections()?.into_iter().map(Record::Correction).collect();
    corrections.chunks(BATCH).try_for_each(&mut *each)?;
    let events: Vec<Record> = store.events()?.into_iter().map(Record::Event).collect();
    events.chunks(BATCH).try_for_each(&mut *each)
}

/// Copies all records of `from` into `to`, identifiers too, and gives what `to` then holds. A copy that was interrupted
/// is completed by copying again.
///
/// # Errors
/// [`StoreError::OtherContract`] when the two are of different models; when `to` keeps embeddings in another form; when
/// one of them fails.
pub fn copy_store(from: &dyn Store, to: &mut dyn Store) -> Result<Counts, StoreError> {
    let comparable = to.settings().contract.check_comparable(&from.settings().contract);
    comparable.map_err(|source| StoreError::OtherContract { place: to.place().into(), source })?;
    for_each_batch::<StoreError>(from, &mut |batch| to.put(batch))?;
    to.counts()
}
