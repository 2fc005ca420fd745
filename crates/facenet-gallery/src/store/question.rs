//! What is asked of any store: a gallery to search in, and what the user says about two faces.

use std::collections::HashMap;

use facenet_core::Contract;

use super::Store;
use super::error::StoreError;
use super::record::{AssignedBy, Change, Correction, EventKind, FaceRecord, Moved, Verdict};
use super::subject::{FaceId, PersonId, PhotoId};
use crate::search::{Entry, Gallery};
use crate::templates::Template;

/// Faces that are read at a time.
const BATCH: usize = 10_000;

/// Which people of a gallery are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GalleryFilter {
    /// Only people who have all these tags.
    pub tags: Vec<String>,
}

/// Checks that faces of the store may be compared with probes under `contract`: the gallery's own, or one of a model that
/// is harmonic to it.
pub(crate) fn check_probes(store: &dyn Store, contract: &Contract) -> Result<(), StoreError> {
    let settings = store.settings();
    settings.older.iter().chain([&settings.contract]).try_for_each(|theirs| {
        let comparable = contract.compare_with(theirs).map(drop);
        comparable.map_err(|source| StoreError::OtherContract { place: store.place().into(), source })
    })
}

/// The labels of the people whom `filter` lets through.
pub(crate) fn filtered_people(
    store: &dyn Store,
    filter: &GalleryFilter,
) -> Result<HashMap<PersonId, String>, StoreError> {
    let people = store.people()?.into_iter();
    let wanted = people.filter(|person| filter.tags.iter().all(|tag| person.tags.contains(tag)));
    Ok(wanted.map(|person| (person.id, person.label())).collect())
}

/// The assigned faces of a store, for exact search by a probe under `contract`: the gallery's own, or one of a model that
/// is harmonic to it. A person is as near as `template` says. People go by their labels; the source of a face is the first
/// path of its photo, or its identifier where none is kept.
///
/// # Errors
/// [`StoreError::OtherContract`] when `contract` is not comparable; when the store cannot be read.
pub fn to_gallery(
    store: &dyn Store,
    contract: &Contract,
    filter: &GalleryFilter,
    template: Template,
) -> Result<Gallery, StoreError> {
    check_probes(store, contract)?;
    let settings = store.settings();
    let people = filtered_people(store, filter)?;
    let paths = first_paths(store)?;
    let mut gallery = Gallery::with_template(contract.clone(), template);
    for_each_face(store, |face| {
        let Some(name) = face.person.and_then(|(person, _)| people.get(&person)) else { return };
        let source = paths.get(&face.photo).cloned().unwrap_or_else(|| face.id.to_string());
        let entry =
            Entry { person: name.clone(), source: source.into(), embedding: face.embedding.embedding() };
        gallery.add(settings.contract_of(&face), entry).expect("the store keeps to its contracts");
    })?;
    Ok(gallery)
}

/// The first path of each photo that has one.
///
/// # Errors
/// When the store cannot be read.
pub fn first_paths(store: &dyn Store) -> Result<HashMap<PhotoId, String>, StoreError> {
    let (mut paths, mut after) = (HashMap::new(), PhotoId(0));
    loop {
        let photos = store.photos(after, BATCH)?;
        let Some(last) = photos.last() else { return Ok(paths) };
        after = last.id;
        let first = |photo: super::PhotoRecord| Some((photo.id, photo.files.into_iter().next()?.path));
        paths.extend(photos.into_iter().filter_map(first));
    }
}

/// All faces, in the order of their identifiers: for as many as fit into memory.
///
/// # Errors
/// When the store cannot be read.
pub fn all_faces(store: &dyn Store) -> Result<Vec<FaceRecord>, StoreError> {
    let mut faces = Vec::new();
    for_each_face(store, |face| faces.push(face))?;
    Ok(faces)
}

/// Hands every face to `each`, in the order of their identifiers, some thousand read at a time.
pub(super) fn for_each_face(store: &dyn Store, mut each: impl FnMut(FaceRecord)) -> Result<(), StoreError> {
    let mut after = FaceId(0);
    loop {
        let faces = store.faces(after, BATCH)?;
        let Some(last) = faces.last() else { return Ok(()) };
        after = last.id;
        faces.into_iter().for_each(&mut each);
    }
}

/// Remembers what the user says of two faces, and draws the nearest conclusion: the same face as one whose person is
/// known is that person's, and a second face that differs from the first is taken from the person of both.
///
/// # Errors
/// When a face does not exist, or the store cannot be written.
pub fn remember_answer(
    store: &mut dyn Store,
    faces: (FaceId, FaceId),
    verdict: Verdict,
) -> Result<(), StoreError> {
    let (a, b) = (store.face(faces.0)?, store.face(faces.1)?);
    let person = |face: &FaceRecord| face.person.map(|(person, _)| person);
    let by_user = |id| (id, AssignedBy::User);
    let after = match verdict {
        // Two people that are both known are not made one by two faces: that is what merging is for.
        Verdict::Same if person(&b).is_none() => person(&a).map(|id| (&b, Some(by_user(id)))),
        Verdict::Same if person(&a).is_none() => person(&b).map(|id| (&a, Some(by_user(id)))),
        Verdict::Different if person(&a).is_some() && person(&a) == person(&b) => Some((&b, None)),
        Verdict::Same | Verdict::Different => None,
    };
    let moved = after.map(|(face, _)| Moved { face: face.id, before: face.person });
    let mut changes = vec![Change::Correct { faces, verdict, moved }];
    changes.extend(after.map(|(face, person)| Change::Assign(face.id, person)));
    store.apply(EventKind::Correct, &changes)
}

/// Takes the last answer back, with what followed from it at once; gives it, or none when there is none.
///
/// # Errors
/// When the store cannot be written.
pub fn take_back_answer(store: &mut dyn Store) -> Result<Option<Correction>, StoreError> {
    let Some(last) = store.corrections()?.pop() else { return Ok(None) };
    let mut changes = vec![Change::Uncorrect(last.id)];
    changes.extend(last.moved.map(|Moved { face, before }| Change::Assign(face, before)));
    store.apply(EventKind::Undo, &changes)?;
    Ok(Some(last))
}
