//! A video of YouTube Faces on disk: a folder of numbered frames.

use std::path::{Path, PathBuf};

use crate::{ImageRef, NotAnImageRef};

/// Endings of frames.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// A video: a person's name and the number of the video, `NAME/0`. Ordered by name, then number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VideoRef {
    person: String,
    number: u32,
}

/// Why a video's frames cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the frames in `{path}`")]
pub struct FramesError {
    /// The folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

impl VideoRef {
    /// The `number`-th video of `person`, counted from 0 as the set does.
    ///
    /// # Errors
    /// When `person` is not the name of a single folder.
    pub fn new(person: &str, number: u32) -> Result<Self, NotAnImageRef> {
        ImageRef::new(person, 1)?; // the same rule for names
        Ok(Self { person: person.into(), number })
    }

    /// The person's name.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The first `most` frames under `dir`, by the number before their ending (`0.17.jpg`,
    /// `aligned_detect_0.17.jpg`); frames without one are left out. In YouTube Faces these are the frames in which a
    /// face was found. None when there is no such folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn frames_in(&self, dir: &Path, most: usize) -> Result<Option<Vec<PathBuf>>, FramesError> {
        let path = dir.join(&self.person).join(self.number.to_string());
        if !path.is_dir() {
            return Ok(None);
        }
        let wrong = |source| FramesError { path: path.clone(), source };
        let mut frames = Vec::new();
        for entry in fs_err::read_dir(&path).map_err(wrong)? {
            let file = entry.map_err(wrong)?.path();
            if let Some(number) = frame_number(&file) {
                frames.push((number, file));
            }
        }
        frames.sort();
        frames.truncate(most);
        Ok(Some(frames.into_iter().map(|(_, file)| file).collect()))
    }
}

impl std::fmt::Display for VideoRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.person, self.number)
    }
}

fn frame_number(file: &Path) -> Option<u64> {
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    let digits = file.file_stem()?.to_str()?.rsplit(['.', '_']).next()?;
    EXTENSIONS.contains(&extension.as_str()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_first_by_number_not_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("Ada/0");
        fs_err::create_dir_all(&folder).unwrap();
        for name in ["aligned_detect_0.100.jpg", "aligned_detect_0.9.jpg", "0.20.png", "notes.txt", "x.jpg"] {
            fs_err::write(folder.join(name), "").unwrap();
        }
        let names = |most| -> Vec<String> {
            let frames = VideoRef::new("Ada", 0).unwrap().frames_in(dir.path(), most).unwrap().unwrap();
            frames.iter().map(|f| f.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(9), ["aligned_detect_0.9.jpg", "0.20.png", "aligned_detect_0.100.jpg"]);
        assert_eq!(names(2).len(), 2);
        assert_eq!(VideoRef::new("Ada", 1).unwrap().frames_in(dir.path(), 9).unwrap(), None);
        assert!(VideoRef::new("../Ada", 1).is_err());
    }
}
