//! A gallery as a folder: one folder a person, `DIR/PERSON/PHOTO.jpg`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// Endings of the files that count as images; case does not matter.
const IMAGE_ENDINGS: &[&str] = &[
    "jpg",
    "jpeg",
    "png",
    "webp",
    "gif",
    "bmp",
    "tif",
    "tiff",
    #[cfg(feature = "heic")]
    "heic",
    #[cfg(feature = "heic")]
    "heif",
    #[cfg(feature = "heic")]
    "hif",
    #[cfg(feature = "avif")]
    "avif",
];

/// The people of a folder, and what in it belongs to nobody.
#[derive(Debug, Default)]
pub struct FolderGallery {
    /// The people that have an image, sorted by name; never empty.
    pub people: Vec<PersonFolder>,
    /// Images directly in the gallery: they belong to no person. Sorted.
    pub strays: Vec<PathBuf>,
    /// Folders of people without an image. Sorted.
    pub empty: Vec<PathBuf>,
    /// What could not be looked into, for example a link that leads nowhere.
    pub unreadable: Vec<Unreadable>,
}

/// A person and their images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFolder {
    /// The folder's name: any text.
    pub name: String,
    /// The images in it and in its subfolders, sorted; at least one.
    pub images: Vec<PathBuf>,
}

/// A file or folder that could not be looked into.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`")]
pub struct Unreadable {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Why a folder is no gallery.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It does not exist, is no folder, or may not be read.
    #[error("cannot read the gallery `{dir}`")]
    Read {
        /// The gallery's folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds no person with an image.
    #[error(
        "the gallery `{dir}` holds no images of people: expected a folder for each person\n\
         hint: put images where the person's name is the folder's, as in `{example}`",
        example = dir.join("Anna/photo.jpg").display()
    )]
    Empty {
        /// The gallery's folder.
        dir: PathBuf,
    },
    /// A person's folder has a name that is no text, so it cannot be shown or told from others.
    #[error("the name of the person's folder `{path}` is not UTF-8 text\nhint: rename the folder")]
    NotText {
        /// The person's folder.
        path: PathBuf,
    },
}

impl FolderGallery {
    /// Lists the people in `dir` and their images, without opening an image.
    ///
    /// Hidden files and folders (`.name`) and files that are no images are left out. Links are followed; one that
    /// leads back to a folder above it is left out.
    ///
    /// # Errors
    /// When `dir` cannot be read, holds no image of a person, or a person's folder has a name that is not UTF-8.
    pub fn scan(dir: &Path) -> Result<Self, ScanError> {
        fs_err::read_dir(dir).map_err(|source| ScanError::Read { dir: dir.into(), source })?;
        let mut gallery = Self::default();
        let mut people: BTreeMap<String, (PathBuf, Vec<PathBuf>)> = BTreeMap::new();
        let walk = WalkDir::new(dir).min_depth(1).follow_links(true).into_iter();

        for entry in walk.filter_entry(|entry| !is_hidden(entry)) {
            match entry {
                Ok(entry) if entry.depth() == 1 && entry.file_type().is_dir() => {
                    people.insert(person_name(&entry)?, (entry.into_path(), Vec::new()));
                }
                Ok(entry) if !entry.file_type().is_file() || !has_image_ending(entry.path()) => {}
                Ok(entry) if entry.depth() == 1 => gallery.strays.push(entry.into_path()),
                Ok(entry) => images_of(&mut people, dir, &entry).push(entry.into_path()),
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => gallery.unreadable.push(unreadable(error)),
            }
        }
        gallery.settle(people);
        if gallery.people.is_empty() { Err(ScanError::Empty { dir: dir.into() }) } else { Ok(gallery) }
    }

    /// Sorts everything and tells people with images from those without.
    fn settle(&mut self, people: BTreeMap<String, (PathBuf, Vec<PathBuf>)>) {
        for (name, (folder, mut images)) in people {
            if images.is_empty() {
                self.empty.push(folder);
            } else {
                images.sort();
                self.people.push(PersonFolder { name, images });
            }
        }
        self.strays.sort();
        self.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Whether a file's name ends like that of an image: `.jpg`, `.jpeg`, `.png`, `.webp`, `.gif`, `.bmp`, `.tif` or
/// `.tiff`, with the feature `heic` also `.heic`, `.heif` or `.hif`, with `avif` also `.avif`, in any letter case.
pub fn has_image_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| IMAGE_ENDINGS.contains(&ending.as_str()))
}

fn person_name(folder: &DirEntry) -> Result<String, ScanError> {
    let name = folder.file_name().to_str().map(str::to_owned);
    name.ok_or_else(|| ScanError::NotText { path: folder.path().into() })
}

/// The list that `image`, somewhere below `dir`, goes into.
fn images_of<'a>(
    people: &'a mut BTreeMap<String, (PathBuf, Vec<PathBuf>)>,
    dir: &Path,
    image: &DirEntry,
) -> &'a mut Vec<PathBuf> {
    let below = image.path().strip_prefix(dir).expect("the walk stays below its folder");
    let person = below.iter().next().and_then(|name| name.to_str());
    let person = people.get_mut(person.expect("a person's folder has a name that is text"));
    &mut person.expect("the walk meets a folder before its files").1
}

fn unreadable(error: walkdir::Error) -> Unreadable {
    let path = error.path().map(Path::to_path_buf).unwrap_or_default();
    Unreadable { path, source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files at `paths`; a path that ends in `/` is a folder.
    fn folder(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let full = dir.path().join(path);
            if path.ends_with('/') {
                fs_err::create_dir_all(full).unwrap();
            } else {
                fs_err::create_dir_all(full.parent().unwrap()).unwrap();
                fs_err::write(full, b"").unwrap();
            }
        }
        dir
    }

    fn listing(dir: &Path, gallery: &FolderGallery) -> Vec<(String, Vec<String>)> {
        let short = |path: &PathBuf| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        gallery.people.iter().map(|p| (p.name.clone(), p.images.iter().map(short).collect())).collect()
    }

    #[test]
    fn the_endings_of_heic_and_avif_count_with_their_features() {
        for (name, counts) in [
            ("a.HEIC", cfg!(feature = "heic")),
            ("a.heif", cfg!(feature = "heic")),
            ("a.hif", cfg!(feature = "heic")),
            ("a.avif", cfg!(feature = "avif")),
        ] {
            assert_eq!(has_image_ending(Path::new(name)), counts, "{name}");
        }
    }

    #[test]
    fn people_and_images_are_sorted_and_everything_else_is_told_apart() {
        let dir = folder(&[
            "Żaneta/b.JPG",
            "Anna <b>/2.png",
            "Anna <b>/1.jpeg",
            "Anna <b>/summer/0.jpg",
            "Anna <b>/.hidden.jpg",
            "Anna <b>/notes.txt",
            "nobody/notes.txt",
            "void/",
            ".trash/x.jpg",
            "stray.jpg",
            "README.md",
        ]);
        let gallery = FolderGallery::scan(dir.path()).unwrap();

        let anna = ["Anna <b>/1.jpeg", "Anna <b>/2.png", "Anna <b>/summer/0.jpg"].map(String::from).to_vec();
        let expected =
            [("Anna <b>".to_owned(), anna), ("Żaneta".to_owned(), vec!["Żaneta/b.JPG".to_owned()])];
        assert_eq!(listing(dir.path(), &gallery), expected);
        assert_eq!(gallery.strays, [dir.path().join("stray.jpg")]);
        assert_eq!(gallery.empty, [dir.path().join("nobody"), dir.path().join("void")]);
        assert!(gallery.unreadable.is_empty());
    }

    #[test]
    fn a_gallery_without_people_is_an_error_that_says_what_to_do() {
        let dir = folder(&["stray.jpg", "void/"]);
        let error = FolderGallery::scan(dir.path()).unwrap_err().to_string();
        let error = error.replace(dir.path().to_str().unwrap(), "DIR");
        insta::assert_snapshot!(error, @"
        the gallery `DIR` holds no images of people: expected a folder for each person
        hint: put images where the person's name is the folder's, as in `DIR/Anna/photo.jpg`
        ");
    }

    #[test]
    fn a_missing_folder_and_a_file_are_no_galleries() {
        let dir = folder(&["file.jpg"]);
        for name in ["missing", "file.jpg"] {
            let path = dir.path().join(name);
            let error = FolderGallery::scan(&path).unwrap_err();
            assert!(matches!(error, ScanError::Read { dir, .. } if dir == path), "{name}");
        }
    }

    #[test]
    fn a_gallery_whose_own_folder_is_hidden_is_read() {
        let dir = folder(&[".faces/Anna/1.jpg"]);
        assert_eq!(FolderGallery::scan(&dir.path().join(".faces")).unwrap().people.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_never_in_a_circle() {
        use std::os::unix::fs::symlink;

        let dir = folder(&["Anna/1.jpg", "Bert/2.jpg"]);
        let at = |path: &str| dir.path().join(path);
        symlink(dir.path(), at("Anna/all")).unwrap();
        symlink(at("Bert"), at("Bert/again")).unwrap();
        symlink(at("Anna/1.jpg"), at("Bert/with-anna.jpg")).unwrap();
        symlink(at("gone.jpg"), at("Bert/broken.jpg")).unwrap();
        symlink(at("Bert"), at("Robert")).unwrap();

        let gallery = FolderGallery::scan(dir.path()).unwrap();
        let names: Vec<_> = listing(dir.path(), &gallery);
        assert_eq!(names[0], ("Anna".into(), vec!["Anna/1.jpg".into()]));
        assert_eq!(names[1], ("Bert".into(), vec!["Bert/2.jpg".into(), "Bert/with-anna.jpg".into()]));
        assert_eq!(names[2].0, "Robert");
        let unreadable: Vec<_> = gallery.unreadable.iter().map(|u| u.path.clone()).collect();
        assert_eq!(unreadable, [at("Bert/broken.jpg"), at("Robert/broken.jpg")]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStrExt;

        let dir = folder(&["Anna/1.jpg"]);
        let bad = dir.path().join(std::ffi::OsStr::from_bytes(b"Ren\xe9"));
        fs_err::create_dir(&bad).unwrap();
        let error = FolderGallery::scan(dir.path()).unwrap_err();
        assert!(matches!(error, ScanError::NotText { path } if path == bad));
    }
}
