//! People, photos and faces as they are named: by name, path or identifier.

use std::path::Path;

use facenet_gallery::{FaceId, PersonId, PhotoId, Store, StoreError, Subject};

use crate::failure::{Failure, Kind, OrFail};

/// Photos that are read at a time.
const BATCH: usize = 10_000;

/// The person of that name or identifier.
pub(super) fn person(store: &dyn Store, text: &str) -> Result<PersonId, Failure> {
    let people = store.people().or_fail(Kind::Gallery)?;
    let found = match text.parse::<Subject>() {
        Ok(Subject::Person(id)) => people.into_iter().find(|person| person.id == id),
        Ok(_) => return Err(Failure::new(Kind::Unknown, format!("`{text}` is no person"))),
        Err(_) => people.into_iter().find(|person| person.name.as_deref() == Some(text)),
    };
    found.map(|person| person.id).ok_or_else(|| {
        let text = format!(
            "the gallery `{}` knows nobody called `{text}`\nhint: `gallery.people()` lists whom it knows",
            store.place()
        );
        Failure::new(Kind::Unknown, text)
    })
}

/// The person of that name, who is added if nobody has it.
pub(super) fn person_or_new(store: &mut dyn Store, name: &str) -> Result<PersonId, Failure> {
    let people = store.people().or_fail(Kind::Gallery)?;
    match people.into_iter().find(|person| person.name.as_deref() == Some(name)) {
        Some(person) => Ok(person.id),
        None => Ok(store.add_people(&[Some(name)]).or_fail(Kind::Gallery)?[0]),
    }
}

/// The person, photo or face of that name, path or identifier.
pub(super) fn subject(store: &dyn Store, text: &str) -> Result<Subject, Failure> {
    if let Ok(subject) = text.parse() {
        return Ok(subject);
    }
    let people = store.people().or_fail(Kind::Gallery)?;
    if let Some(person) = people.into_iter().find(|person| person.name.as_deref() == Some(text)) {
        return Ok(Subject::Person(person.id));
    }
    let path = absolute(Path::new(text));
    let mut after = PhotoId(0);
    loop {
        let photos = store.photos(after, BATCH).or_fail(Kind::Gallery)?;
        let Some(last) = photos.last() else { break };
        after = last.id;
        let has_path = |photo: &&facenet_gallery::PhotoRecord| {
            photo.files.iter().any(|file| Some(&file.path) == path.as_ref())
        };
        if let Some(photo) = photos.iter().find(has_path) {
            return Ok(Subject::Photo(photo.id));
        }
    }
    let text = format!(
        "the gallery `{}` has neither a person nor a photo `{text}`\nhint: `gallery.people()` lists whom it knows",
        store.place()
    );
    Err(Failure::new(Kind::Unknown, text))
}

/// An error unless the gallery has the face.
pub(super) fn need_face(store: &dyn Store, id: FaceId) -> Result<(), Failure> {
    match store.face(id) {
        Err(unknown @ StoreError::NoSuch { .. }) => Err(Failure::new(Kind::Unknown, unknown.to_string())),
        found => found.map(drop).or_fail(Kind::Gallery),
    }
}

/// The path as a gallery keeps it.
pub(super) fn absolute(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}
