//! People, photos and faces, as they are named on the command line.

use std::path::Path;

use anyhow::{Result, bail};
use facenet_gallery::{FaceId, Person, PersonId, PhotoId, PhotoRecord, Store, Subject};

use super::files;

/// Photos that are read at a time.
const BATCH: usize = 10_000;

/// The person of that name or identifier.
pub(super) fn person(store: &dyn Store, text: &str) -> Result<Person> {
    let people = store.people()?;
    let found = match text.parse::<Subject>() {
        Ok(Subject::Person(id)) => people.into_iter().find(|person| person.id == id),
        Ok(_) => bail!("`{text}` is no person"),
        Err(_) => people.into_iter().find(|person| person.name.as_deref() == Some(text)),
    };
    match found {
        Some(person) => Ok(person),
        None => bail!(
            "the gallery `{}` knows nobody called `{text}`\n\
             hint: `facenet gallery list {}` shows whom it knows",
            store.place(),
            store.place()
        ),
    }
}

/// The face of that identifier.
pub(super) fn face(text: &str) -> Result<FaceId> {
    match text.parse() {
        Ok(Subject::Face(id)) => Ok(id),
        _ => bail!("`{text}` is no face: expected `face:21`, as `facenet gallery show` prints it"),
    }
}

/// The person, photo or face of that name, path or identifier.
pub(super) fn subject(store: &dyn Store, text: &str) -> Result<Subject> {
    if let Ok(subject) = text.parse() {
        return Ok(subject);
    }
    if let Some(id) = person_named(store, text)? {
        return Ok(Subject::Person(id));
    }
    let path = files::absolute(Path::new(text));
    let found = photo(store, |photo| photo.files.iter().any(|file| Some(&file.path) == path.as_ref()))?;
    match found {
        Some(photo) => Ok(Subject::Photo(photo.id)),
        None => bail!(
            "the gallery `{}` has neither a person nor a photo `{text}`\n\
             hint: `facenet gallery list {}` shows whom it knows",
            store.place(),
            store.place()
        ),
    }
}

fn person_named(store: &dyn Store, name: &str) -> Result<Option<PersonId>> {
    let found = store.people()?.into_iter().find(|person| person.name.as_deref() == Some(name));
    Ok(found.map(|person| person.id))
}

/// The person of that name, who is added if nobody has it.
pub(super) fn person_or_new(store: &mut dyn Store, name: &str) -> Result<PersonId> {
    match person_named(store, name)? {
        Some(id) => Ok(id),
        None => Ok(store.add_people(&[Some(name)])?[0]),
    }
}

/// The first photo that is wanted.
pub(super) fn photo(
    store: &dyn Store,
    mut is_wanted: impl FnMut(&PhotoRecord) -> bool,
) -> Result<Option<PhotoRecord>> {
    let mut after = PhotoId(0);
    loop {
        let photos = store.photos(after, BATCH)?;
        let Some(last) = photos.last() else { return Ok(None) };
        after = last.id;
        if let Some(found) = photos.into_iter().find(&mut is_wanted) {
            return Ok(Some(found));
        }
    }
}
