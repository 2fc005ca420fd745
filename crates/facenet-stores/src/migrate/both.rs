//! Two galleries read side by side.

use std::collections::BTreeMap;

use facenet_gallery::{FaceId, PhotoId, Record, Store, StoreError, StoredEmbedding};

/// Records that are read and written at a time.
const BATCH: usize = 1000;

/// A record in both places; in one of them it may be missing.
#[derive(Debug)]
pub(super) struct Pair {
    source: Option<Record>,
    target: Option<Record>,
}

impl Pair {
    pub(super) fn differs(&self) -> bool {
        self.source != self.target
    }

    /// The record that the target should have.
    pub(super) fn wanted(&self) -> Option<Record> {
        self.source.clone()
    }

    /// What is compared, for messages.
    pub(super) fn name(&self) -> String {
        match self.source.as_ref().or(self.target.as_ref()) {
            Some(Record::Person(person)) => person.id.to_string(),
            Some(Record::Photo(photo)) => photo.id.to_string(),
            Some(Record::Face { record, .. }) => record.id.to_string(),
            Some(Record::Correction(said)) => said.id.to_string(),
            Some(Record::Event(event)) => format!("event:{}", event.id),
            None => "nothing".into(),
        }
    }

    /// The face, if it is that of a known person.
    pub(super) fn known_face(&self) -> Option<(FaceId, &StoredEmbedding)> {
        match self.source.as_ref()? {
            Record::Face { record, .. } => record.person.map(|_| (record.id, &record.embedding)),
            _ => None,
        }
    }
}

/// Gives `each` all records of both, in batches and in an order that [`Store::put`] can take.
pub(super) fn for_each_pair(
    from: &dyn Store,
    to: &mut dyn Store,
    mut each: impl FnMut(&mut dyn Store, Vec<Pair>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let people = |store: &dyn Store| -> Result<Vec<(i64, Record)>, StoreError> {
        Ok(store.people()?.into_iter().map(|person| (person.id.0, Record::Person(person))).collect())
    };
    let pairs = paired(people(from)?, people(to)?);
    in_batches(pairs, to, &mut each)?;
    side_by_side(from, to, photos, &mut each)?;
    side_by_side(from, to, faces, &mut each)?;
    let corrections = |store: &dyn Store| -> Result<Vec<(i64, Record)>, StoreError> {
        Ok(store.corrections()?.into_iter().map(|said| (said.id.0, Record::Correction(said))).collect())
    };
    let pairs = paired(corrections(from)?, corrections(to)?);
    in_batches(pairs, to, &mut each)?;
    let events = |store: &dyn Store| -> Result<Vec<(i64, Record)>, StoreError> {
        Ok(store.events()?.into_iter().map(|event| (event.id, Record::Event(event))).collect())
    };
    let pairs = paired(events(from)?, events(to)?);
    in_batches(pairs, to, &mut each)
}

fn in_batches(
    pairs: Vec<Pair>,
    to: &mut dyn Store,
    each: &mut impl FnMut(&mut dyn Store, Vec<Pair>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut pairs = pairs.into_iter().peekable();
    while pairs.peek().is_some() {
        each(to, pairs.by_ref().take(BATCH).collect())?;
    }
    Ok(())
}

type Read = fn(&dyn Store, i64) -> Result<Vec<(i64, Record)>, StoreError>;

/// Reads both from the lowest identifier to the highest. A batch ends where the shorter of the two ends, so that each
/// record meets its like.
fn side_by_side(
    from: &dyn Store,
    to: &mut dyn Store,
    read: Read,
    each: &mut impl FnMut(&mut dyn Store, Vec<Pair>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let (mut source, mut target) = (read(from, after)?, read(to, after)?);
        let end = |batch: &[(i64, Record)]| match batch.last() {
            Some((id, _)) if batch.len() == BATCH => *id,
            _ => i64::MAX,
        };
        let last = end(&source).min(end(&target));
        source.retain(|(id, _)| *id <= last);
        target.retain(|(id, _)| *id <= last);
        let pairs = paired(source, target);
        if !pairs.is_empty() {
            each(to, pairs)?;
        }
        if last == i64::MAX {
            return Ok(());
        }
        after = last;
    }
}

fn paired(source: Vec<(i64, Record)>, target: Vec<(i64, Record)>) -> Vec<Pair> {
    let mut pairs: BTreeMap<i64, Pair> =
        source.into_iter().map(|(id, record)| (id, Pair { source: Some(record), target: None })).collect();
    for (id, record) in target {
        pairs.entry(id).or_insert(Pair { source: None, target: None }).target = Some(record);
    }
    pairs.into_values().collect()
}

fn photos(store: &dyn Store, after: i64) -> Result<Vec<(i64, Record)>, StoreError> {
    let photos = store.photos(PhotoId(after), BATCH)?;
    Ok(photos.into_iter().map(|photo| (photo.id.0, Record::Photo(photo))).collect())
}

fn faces(store: &dyn Store, after: i64) -> Result<Vec<(i64, Record)>, StoreError> {
    let faces = store.faces(FaceId(after), BATCH)?;
    let crops = store.crops(&faces.iter().map(|face| face.id).collect::<Vec<_>>())?;
    Ok(faces
        .into_iter()
        .zip(crops)
        .map(|(record, crop)| (record.id.0, Record::Face { record, crop }))
        .collect())
}
