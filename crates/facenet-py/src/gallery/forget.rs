//! Deleting what is named.

use facenet_gallery::{Removal, Store, Subject};

use super::answers::Removed;
use super::who;
use crate::failure::{Failure, Kind, OrFail};

/// Deletes people, photos and faces, or says what would go.
///
/// # Errors
/// When one is not there; nothing is deleted then.
pub(super) fn remove(store: &mut dyn Store, what: &[String], dry_run: bool) -> Result<Removed, Failure> {
    let (mut people, mut photos, mut faces) = (Vec::new(), Vec::new(), Vec::new());
    for what in what {
        match who::subject(store, what)? {
            Subject::Person(id) => people.push(id),
            Subject::Photo(id) => photos.push(id),
            Subject::Face(id) => faces.push(id),
        }
    }
    let removals = [
        (!faces.is_empty()).then_some(Removal::Faces(faces)),
        (!photos.is_empty()).then_some(Removal::Photos { photos, people: false }),
        (!people.is_empty()).then_some(Removal::People(people)),
    ];
    // All before any is deleted, so that a name that is not there stops the whole.
    let removals: Vec<Removal> = removals.into_iter().flatten().collect();
    let mut foreseen = Removed::default();
    for removal in &removals {
        foreseen.take(store.would_remove(removal).or_fail(Kind::Gallery)?);
    }
    if dry_run {
        return Ok(foreseen);
    }
    let mut done = Removed::default();
    for removal in &removals {
        done.take(store.remove(removal).or_fail(Kind::Gallery)?);
    }
    Ok(done)
}
