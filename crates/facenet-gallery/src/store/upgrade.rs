//! May a gallery come to another model, and which faces come first?

use std::cmp::Reverse;
use std::collections::BTreeMap;

use facenet_core::{Comparability, Contract};

use super::error::StoreError;
use super::record::{FaceRecord, Settings, Upgrade};
use super::subject::PhotoId;

/// Checks that the gallery at `place` may come from the model that `settings` names to the model `to`; false when an upgrade
/// to it is under way already. `faces_of` counts the faces of a model.
///
/// # Errors
/// When another upgrade is not finished, when faces could not be compared with the new model's, or an embedding is of
/// another form or dimension.
pub fn check_upgrade(
    place: &str,
    settings: &Settings,
    to: &Contract,
    how: Upgrade<'_>,
    faces_of: impl FnOnce(&str) -> Result<u64, StoreError>,
) -> Result<bool, StoreError> {
    let place = || place.to_owned();
    let Settings { contract: from, form, older, upgrading_from, .. } = settings;
    if let Some(before) = upgrading_from {
        return match to.check_comparable(from) {
            Ok(()) => Ok(false),
            Err(_) => Err(StoreError::Upgrading { place: place(), from: before.id(), to: from.id() }),
        };
    }
    let not_harmonic = |source| StoreError::NotHarmonic { place: place(), source };
    match how {
        Upgrade::Harmonic => {
            let found = to.compare_with(from).map_err(not_harmonic)?;
            if found == Comparability::Same {
                return Err(StoreError::SameModel { place: place(), model: to.id() });
            }
            older.iter().try_for_each(|older| to.compare_with(older).map(drop)).map_err(not_harmonic)?;
        }
        Upgrade::Adapter(adapter) => {
            let facts = adapter.facts();
            facts.from.check_comparable(from).map_err(not_harmonic)?;
            facts.to.check_comparable(to).map_err(not_harmonic)?;
            adapter.contract().compare_with(to).map_err(not_harmonic)?;
            if let Some(older) = older.first() {
                let hint = "finish their upgrade first: embed them by the gallery's model, or remove them";
                let (model, faces) = (older.id(), faces_of(&older.id())?);
                return Err(StoreError::LeftBehind { place: place(), faces, model, hint });
            }
        }
        Upgrade::Anew(faces) => {
            if to.check_comparable(from).is_ok() {
                return Err(StoreError::SameModel { place: place(), model: to.id() });
            }
            let expected = (*form, to.dimension);
            if let Some((face, found)) = faces.iter().find(|(_, e)| (e.form(), e.dimension()) != expected) {
                let words =
                    |form: super::Form, dimension| format!("`{}` with {dimension} coordinates", form.name());
                return Err(StoreError::Embedding {
                    place: place(),
                    found: format!("{} ({face})", words(found.form(), found.dimension())),
                    expected: words(*form, to.dimension),
                });
            }
        }
    }
    Ok(true)
}

/// Faces photo by photo, in the order in which they are embedded anew: those of known people first, then the newest photos.
pub fn upgrade_order(faces: Vec<FaceRecord>) -> Vec<(PhotoId, Vec<FaceRecord>)> {
    let mut photos: BTreeMap<PhotoId, Vec<FaceRecord>> = BTreeMap::new();
    for face in faces {
        photos.entry(face.photo).or_default().push(face);
    }
    let mut photos: Vec<_> = photos.into_iter().collect();
    photos.sort_by_key(|(photo, faces)| (faces.iter().all(|face| face.person.is_none()), Reverse(*photo)));
    photos
}
