//! One image of LFW's layout, named by person and number.

use std::path::{Component, Path, PathBuf};

/// An image's formats, in the order in which they are looked for.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// One image of LFW's layout: `PERSON/PERSON_0001.jpg`. Ordered by person, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    person: String,
    number: u32,
}

/// A name or number that stands for no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnImageRef {
    /// The name would be no folder of its own inside the data's folder.
    #[error("found the person `{person}`, expected a name that is a single folder: no separator, no `..`")]
    Person {
        /// The name.
        person: String,
    },
    /// The number is no number above zero.
    #[error("found the image number `{number}` of `{person}`, expected a whole number above zero")]
    Number {
        /// The person it belongs to.
        person: String,
        /// The number.
        number: String,
    },
}

impl ImageRef {
    /// Names the `number`-th image of `person`, counted from 1.
    ///
    /// # Errors
    /// When `number` is zero, or `person` is empty, holds a path separator or otherwise leads out of the folder
    /// that the images lie in.
    pub fn new(person: &str, number: u32) -> Result<Self, NotAnImageRef> {
        if !is_single_folder(person) {
            return Err(NotAnImageRef::Person { person: person.into() });
        }
        if number == 0 {
            return Err(NotAnImageRef::Number { person: person.into(), number: "0".into() });
        }
        Ok(Self { person: person.into(), number })
    }

    /// As [`new`](Self::new), with the number still in text.
    pub(super) fn parse(person: &str, number: &str) -> Result<Self, NotAnImageRef> {
        let not_a_number = |_| NotAnImageRef::Number { person: person.into(), number: number.into() };
        Self::new(person, number.parse().map_err(not_a_number)?)
    }

    /// The person's name, which is the folder's name too.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The image's number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The image's file under `dir`: `DIR/PERSON/PERSON_0001` with the first of `.jpg`, `.jpeg`, `.png` and
    /// `.webp` that exists; none when none does.
    pub fn find_in(&self, dir: &Path) -> Option<PathBuf> {
        EXTENSIONS.iter().map(|extension| dir.join(format!("{self}.{extension}"))).find(|path| path.is_file())
    }
}

/// The path under the data's folder without extension: `PERSON/PERSON_0001`.
impl std::fmt::Display for ImageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{0}/{0}_{1:04}", self.person, self.number)
    }
}

/// Whether joining `name` to a folder's path gives a child of it, on every system: a backslash separates on
/// some, a colon names a drive or a stream.
fn is_single_folder(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let single = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    single && !name.contains(['/', '\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_as_in_lfw() {
        let name = |number| ImageRef::new("Ada_Lovelace", number).unwrap().to_string();
        assert_eq!(name(1), "Ada_Lovelace/Ada_Lovelace_0001");
        assert_eq!(name(12_345), "Ada_Lovelace/Ada_Lovelace_12345");
    }

    #[test]
    fn a_person_whose_name_leads_out_of_the_folder_is_refused() {
        for person in ["", ".", "..", "../ada", "/ada", "ada/..", "ada/", "a/b", "..\\ada", "C:ada", "a\0b"] {
            let expected = Err(NotAnImageRef::Person { person: person.into() });
            assert_eq!(ImageRef::new(person, 1), expected, "{person:?}");
        }
        for person in ["ada", "..ada", ".ada", "O'Brien", "Zoë", "ada.b"] {
            assert!(ImageRef::new(person, 1).is_ok(), "{person:?}");
        }
    }

    #[test]
    fn an_image_number_is_a_whole_number_above_zero() {
        for number in ["0", "-1", "1.0", "x", "", "4294967296"] {
            let expected = NotAnImageRef::Number { person: "ada".into(), number: number.into() };
            assert_eq!(ImageRef::parse("ada", number), Err(expected), "{number:?}");
        }
        assert_eq!(ImageRef::parse("ada", "0001").unwrap().number(), 1);
    }

    #[test]
    fn the_first_format_that_exists_is_taken_and_a_folder_is_no_image() {
        let dir = tempfile::tempdir().unwrap();
        let ada = ImageRef::new("ada", 1).unwrap();
        fs_err::create_dir_all(dir.path().join("ada/ada_0001.jpg")).unwrap();
        assert_eq!(ada.find_in(dir.path()), None);
        for extension in ["webp", "png", "jpeg"] {
            let path = dir.path().join("ada").join(format!("ada_0001.{extension}"));
            fs_err::write(&path, "").unwrap();
            assert_eq!(ada.find_in(dir.path()), Some(path));
        }
    }
}
