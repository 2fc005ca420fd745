//! What the user says about people: names, who is one, and whose faces are whose.

use facenet_gallery::{AssignedBy, Change, EventKind, FaceId, Store};

use super::who;
use crate::failure::{Failure, Kind, OrFail};

/// Gives a person a name, or takes it.
pub(super) fn rename(store: &mut dyn Store, who: &str, name: Option<String>) -> Result<(), Failure> {
    let change = Change::Rename(who::person(store, who)?, name);
    store.apply(EventKind::Rename, &[change]).or_fail(Kind::Gallery)
}

/// Gives all faces of one person to another; the first is no more.
pub(super) fn merge(store: &mut dyn Store, who: &str, into: &str) -> Result<(), Failure> {
    let (from, into) = (who::person(store, who)?, who::person(store, into)?);
    if from == into {
        return Err(Failure::new(Kind::Gallery, "they are one person already"));
    }
    store.apply(EventKind::Merge, &[Change::Merge(from, into)]).or_fail(Kind::Gallery)
}

/// Gives faces to the person `to`, or to a new one called `name`; gives that person's identifier.
pub(super) fn split(
    store: &mut dyn Store,
    faces: &[i64],
    name: Option<&str>,
    to: Option<&str>,
) -> Result<i64, Failure> {
    faces.iter().try_for_each(|face| who::need_face(store, FaceId(*face)))?;
    let person = match to {
        Some(to) => who::person(store, to)?,
        None => store.add_people(&[name]).or_fail(Kind::Gallery)?[0],
    };
    let assign = |face: &i64| Change::Assign(FaceId(*face), Some((person, AssignedBy::User)));
    let changes: Vec<Change> = faces.iter().map(assign).collect();
    store.apply(EventKind::Split, &changes).or_fail(Kind::Gallery)?;
    Ok(person.0)
}
