//! Whom a request was about, for the audit log.

use facenet_gallery::{PersonId, Removed, Subject};

use crate::records::Who;

/// Whom a request was about: identifiers alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched(pub(crate) Vec<Subject>);

impl Who {
    /// The person.
    pub(crate) fn subject(&self) -> Subject {
        Subject::Person(PersonId(self.id()))
    }
}

impl From<&Removed> for Touched {
    fn from(removed: &Removed) -> Self {
        let people = removed.people.iter().map(|id| Subject::Person(*id));
        let photos = removed.photos.iter().map(|id| Subject::Photo(*id));
        Self(people.chain(photos).chain(removed.faces.iter().map(|id| Subject::Face(*id))).collect())
    }
}
