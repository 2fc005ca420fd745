//! Where the images of a pairs file lie on disk, and which are missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ImageRef, PairsFile};

/// How many missing images an error's text names; [`MissingImages::images`] holds all.
const SHOWN: usize = 10;

/// The images of a pairs file, as they were found under a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedImages {
    /// The images that exist, with their files.
    pub found: BTreeMap<ImageRef, PathBuf>,
    /// The images that do not, if any.
    pub missing: Option<MissingImages>,
}

/// Images that a pairs file names and a folder does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingImages {
    /// The folder that was searched.
    pub dir: PathBuf,
    /// Every missing image, once, sorted by person and number; never empty.
    pub images: Vec<ImageRef>,
    /// The number of images that the pairs file names, missing or not.
    pub named: usize,
}

impl PairsFile {
    /// Looks for every image under `dir`, in LFW's layout: see [`ImageRef::find_in`].
    pub fn locate(&self, dir: &Path) -> LocatedImages {
        let mut found = BTreeMap::new();
        let mut images = Vec::new();
        for image in self.images() {
            match image.find_in(dir) {
                Some(path) => {
                    found.insert(image.clone(), path);
                }
                None => images.push(image.clone()),
            }
        }
        let named = found.len() + images.len();
        let missing = (!images.is_empty()).then(|| MissingImages { dir: dir.into(), images, named });
        LocatedImages { found, missing }
    }
}

impl LocatedImages {
    /// The files of all images.
    ///
    /// # Errors
    /// When an image is missing.
    pub fn complete(self) -> Result<BTreeMap<ImageRef, PathBuf>, MissingImages> {
        match self.missing {
            None => Ok(self.found),
            Some(missing) => Err(missing),
        }
    }
}

impl std::error::Error for MissingImages {}

impl std::fmt::Display for MissingImages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (missing, named) = (self.images.len(), self.named);
        write!(f, "{missing} of {named} images are missing under `{}`:", self.dir.display())?;
        for image in self.images.iter().take(SHOWN) {
            write!(f, "\n  {image}.jpg")?;
        }
        if missing > SHOWN {
            write!(f, "\n  and {} more", missing - SHOWN)?;
        }
        write!(f, "\nhint: name the folder that holds one folder a person, as in LFW")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(people: u32) -> PairsFile {
        let mut text = format!("{people}\n");
        (0..people).for_each(|i| text += &format!("ada{i:02} 1 2\n"));
        (0..people).for_each(|i| text += &format!("ada{i:02} 1 bob 1\n"));
        PairsFile::parse(&text, "pairs.txt".as_ref()).unwrap()
    }

    #[test]
    fn found_and_missing_images_are_both_reported() {
        let dir = tempfile::tempdir().unwrap();
        let ada = dir.path().join("ada00/ada00_0002.png");
        fs_err::create_dir(dir.path().join("ada00")).unwrap();
        fs_err::write(&ada, "").unwrap();

        let located = pairs(1).locate(dir.path());
        let image = |person, number| ImageRef::new(person, number).unwrap();
        assert_eq!(located.found, BTreeMap::from([(image("ada00", 2), ada)]));
        let missing = located.complete().unwrap_err();
        assert_eq!(missing.images, [image("ada00", 1), image("bob", 1)]);
        assert_eq!(missing.named, 3);
    }

    #[test]
    fn a_complete_folder_gives_every_file() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["ada00/ada00_0001.jpg", "ada00/ada00_0002.jpg", "bob/bob_0001.jpg"] {
            fs_err::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
            fs_err::write(dir.path().join(file), "").unwrap();
        }
        let files = pairs(1).locate(dir.path()).complete().unwrap();
        assert!(files.values().all(|path| path.is_file()));
        assert_eq!(files.len(), 3);
    }

    #[test]
    fn the_error_names_ten_images_and_counts_the_rest() {
        let missing = pairs(6).locate("nowhere".as_ref()).complete().unwrap_err();
        assert_eq!(missing.images.len(), 13);
        insta::assert_snapshot!(missing, @r"
        13 of 13 images are missing under `nowhere`:
          ada00/ada00_0001.jpg
          ada00/ada00_0002.jpg
          ada01/ada01_0001.jpg
          ada01/ada01_0002.jpg
          ada02/ada02_0001.jpg
          ada02/ada02_0002.jpg
          ada03/ada03_0001.jpg
          ada03/ada03_0002.jpg
          ada04/ada04_0001.jpg
          ada04/ada04_0002.jpg
          and 3 more
        hint: name the folder that holds one folder a person, as in LFW
        ");
    }
}
