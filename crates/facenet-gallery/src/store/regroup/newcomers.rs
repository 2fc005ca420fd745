//! Faces that came since the last clustering, and whoever is near them.

use std::collections::HashSet;

use crate::graph::GroupOptions;
use crate::rows::Rows;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::question::for_each_face;
use crate::store::record::{AssignedBy, Correction, FaceRecord};
use crate::store::subject::{FaceId, PersonId};

/// New faces, other faces of nobody near one of them, and all faces of people of whom one is near. In the order of their
/// identifiers.
///
/// New is whoever is nobody's and came after the last face that a clustering gave to somebody, or is nobody's because the
/// user spoke of it. A mean distance within the threshold needs a pair within it, so nobody farther away can take part. All
/// faces of the gallery are read, but only compared with the new ones, and not kept.
pub(super) fn faces(
    store: &dyn Store,
    corrections: &[Correction],
    options: GroupOptions,
) -> Result<Vec<FaceRecord>, StoreError> {
    let spoken_of: HashSet<FaceId> = corrections.iter().flat_map(|c| [c.faces.0, c.faces.1]).collect();
    let (mut new, mut spoken) = (Vec::new(), Vec::new());
    for_each_face(store, |face| match face.person {
        Some((_, AssignedBy::Machine)) => new.clear(),
        Some((_, AssignedBy::User)) => {}
        None if spoken_of.contains(&face.id) => spoken.push(face),
        None => new.push(face),
    })?;
    new.append(&mut spoken);
    if new.is_empty() {
        return Ok(new);
    }
    let mut rows = Rows::new(store.settings().contract.dimension);
    new.iter().for_each(|face| rows.push(&face.embedding.embedding()));
    let is_near = |face: &FaceRecord| {
        let distances = rows.distances(face.embedding.embedding().as_slice());
        distances.into_iter().any(|distance| distance <= options.limit())
    };

    let mut near: HashSet<PersonId> = HashSet::new();
    for_each_face(store, |face| {
        if let Some((person, _)) = face.person
            && !near.contains(&person)
            && is_near(&face)
        {
            near.insert(person);
        }
    })?;
    let mut faces = Vec::new();
    for_each_face(store, |face| {
        let takes_part = match face.person {
            Some((person, _)) => near.contains(&person),
            // A new face is near itself.
            None => is_near(&face),
        };
        faces.extend(takes_part.then_some(face));
    })?;
    Ok(faces)
}
