//! What was seen in a photo, as a gallery takes it.

use facenet_gallery::{AssignedBy, Form, NewFace, PersonId, Settings, Store, StoredEmbedding, Subject};

use crate::engine::{Aim, Look, SeenFace};
use crate::problem::ApiError;
use crate::routes::need_person;

/// What a gallery wants of an image.
pub(crate) fn aim(settings: &Settings) -> Aim {
    if settings.keeps_crops { Aim::Crops } else { Aim::Embeddings }
}

/// The faces of a photo, of which the first, the most confident one, is `person`'s.
///
/// # Errors
/// When the engine gave a face without embedding.
pub(crate) fn new_faces(look: Look, form: Form, person: Option<PersonId>) -> Result<Vec<NewFace>, ApiError> {
    let people = person.into_iter().map(Some).chain(std::iter::repeat(None));
    let new = |(seen, person): (SeenFace, Option<PersonId>)| {
        let missing = || ApiError::Internal("the engine gave a face without embedding".into());
        Ok(NewFace {
            embedding: StoredEmbedding::of(seen.embedding.as_ref().ok_or_else(missing)?, form),
            found: seen.face,
            quality: Some(seen.quality),
            crop: seen.crop,
            person: person.map(|person| (person, AssignedBy::User)),
        })
    };
    look.faces.into_iter().zip(people).map(new).collect()
}

/// The person of that name or identifier; one of a new name is added.
///
/// # Errors
/// When there is no such person, or it cannot be a name.
pub(crate) fn person_or_new(store: &mut dyn Store, text: &str) -> Result<PersonId, ApiError> {
    if let Ok(Subject::Person(id)) = text.parse() {
        return need_person(store, id).map(|()| id);
    }
    let known = store.people()?.into_iter().find(|person| person.name.as_deref() == Some(text));
    match known {
        Some(person) => Ok(person.id),
        None => Ok(store.add_people(&[Some(text)])?[0]),
    }
}
