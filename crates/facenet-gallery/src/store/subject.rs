//! What a gallery's people, photos, faces and corrections are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, ":{}"), self.0)
            }
        }
    };
}

id!(
    /// A person of a gallery; above 0, never given twice.
    PersonId, "person"
);
id!(
    /// A photo of a gallery; above 0, never given twice.
    PhotoId, "photo"
);
id!(
    /// A face in a photo of a gallery; above 0, never given twice.
    FaceId, "face"
);
id!(
    /// A word of the user about two faces; above 0, never given twice.
    CorrectionId, "correction"
);

/// A person, photo or face by its identifier: `person:3`, `photo:17`, `face:21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person.
    Person(PersonId),
    /// A photo.
    Photo(PhotoId),
    /// A face.
    Face(FaceId),
}

/// A text that names no person, photo or face.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier: expected `person:3`, `photo:17` or `face:21`")]
pub struct UnknownSubject(pub String);

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        let unknown = || UnknownSubject(text.into());
        let (kind, number) = text.split_once(':').ok_or_else(unknown)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(unknown)?;
        match kind {
            "person" => Ok(Self::Person(PersonId(number))),
            "photo" => Ok(Self::Photo(PhotoId(number))),
            "face" => Ok(Self::Face(FaceId(number))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::Photo(id) => id.fmt(f),
            Self::Face(id) => id.fmt(f),
        }
    }
}

/// Whether a text can be a person's name: some text in one line that does not look like an identifier.
pub fn is_name(text: &str) -> bool {
    is_tag(text) && text.parse::<Subject>().is_err()
}

/// Whether a text can be a tag: some text in one line.
pub fn is_tag(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_as_they_are_written() {
        for text in ["person:3", "photo:17", "face:21"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        for text in ["", "face", "face:", "face:0", "face:-1", "face:x", "dog:1", "Face:1"] {
            assert_eq!(text.parse::<Subject>(), Err(UnknownSubject(text.into())));
        }
    }
}
