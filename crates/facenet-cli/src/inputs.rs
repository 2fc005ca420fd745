//! From the paths that a user names to image files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet_gallery::has_image_ending;
use walkdir::{DirEntry, WalkDir};

use crate::console::Console;

/// Images to work on.
#[derive(Debug, clap::Args)]
pub(crate) struct Inputs {
    /// Images, folders of images, or patterns such as `photos/**/*.jpg`.
    ///
    /// Folders are searched with everything below them, in the order of names; hidden files and files without the
    /// ending of an image (jpg, jpeg, png, webp, gif, bmp, tif, tiff) are left out. A file that is named itself, or
    /// by a pattern, is tried whatever its ending. A file that is named twice counts once.
    #[cfg_attr(
        all(feature = "heic", not(feature = "avif")),
        doc = "The endings heic, heif and hif count too."
    )]
    #[cfg_attr(feature = "avif", doc = "The endings heic, heif, hif and avif count too.")]
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Inputs {
    /// The files, in the order of the arguments. What gives none is reported on `console` as failed.
    ///
    /// # Errors
    /// When no file is left.
    pub(crate) fn files(&self, console: &mut Console) -> Result<Vec<PathBuf>> {
        expand(&self.paths, console)
    }
}

/// The image files that `paths` stand for, each once; what gives none is reported on `console` as failed.
///
/// # Errors
/// When no file is left.
pub(crate) fn expand(paths: &[PathBuf], console: &mut Console) -> Result<Vec<PathBuf>> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for path in paths {
        match expand_one(path, console) {
            Ok(found) => files.extend(found.into_iter().filter(|file| seen.insert(file.clone()))),
            Err(error) => console.failed(path, &error),
        }
    }
    if files.is_empty() {
        bail!("no image was found");
    }
    Ok(files)
}

fn expand_one(path: &Path, console: &mut Console) -> Result<Vec<PathBuf>> {
    // The plain error, without a path: the message begins with it.
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => images_below(path, console),
        Ok(_) => Ok(vec![path.into()]),
        Err(error) => match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(pattern) => matches(pattern, console),
            None => Err(anyhow::Error::new(error).context("the file cannot be read")),
        },
    }
}

/// What a pattern means, as if the shell had expanded it.
fn matches(pattern: &str, console: &mut Console) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let mut files = Vec::new();
    for found in glob::glob_with(pattern, options).context("the pattern cannot be understood")? {
        let found = found?;
        if found.is_dir() {
            files.extend(images_below(&found, console)?);
        } else {
            files.push(found);
        }
    }
    if files.is_empty() {
        bail!("no file matches the pattern");
    }
    Ok(files)
}

fn images_below(folder: &Path, console: &mut Console) -> Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && has_image_ending(entry.path()) => {
                images.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                let reason = error.into_io_error().context("circles are handled above")?;
                console.failed(&path, &anyhow::Error::new(reason).context("it cannot be read"));
            }
        }
    }
    if images.is_empty() {
        bail!("the folder holds no image");
    }
    Ok(images)
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files at `paths`.
    fn folder(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            fs_err::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs_err::write(dir.path().join(path), "").unwrap();
        }
        dir
    }

    /// What `paths` below `dir` give, and how many of them failed.
    fn expanded(dir: &Path, paths: &[&str]) -> (Vec<String>, usize) {
        let mut console = Console::new(true);
        let paths: Vec<PathBuf> = paths.iter().map(|path| dir.join(path)).collect();
        let files = expand(&paths, &mut console).unwrap_or_default();
        let short = |file: &PathBuf| file.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        (files.iter().map(short).collect(), console.failures())
    }

    fn listed(files: &[&str], failures: usize) -> (Vec<String>, usize) {
        (files.iter().map(|file| (*file).to_owned()).collect(), failures)
    }

    #[test]
    fn folders_give_their_images_in_order_and_named_files_come_as_they_are() {
        let dir = folder(&["a/2.jpg", "a/1.PNG", "a/b/3.webp", "a/notes.txt", "a/.hidden.jpg", "z.txt"]);
        assert_eq!(
            expanded(dir.path(), &["z.txt", "a"]),
            listed(&["z.txt", "a/1.PNG", "a/2.jpg", "a/b/3.webp"], 0)
        );
    }

    #[test]
    fn a_pattern_is_expanded_where_the_shell_has_not_done_it() {
        let dir = folder(&["a/1.jpg", "a/2.txt", "b/1.jpg", "b/.hidden.jpg"]);
        assert_eq!(expanded(dir.path(), &["*/1.jpg"]), listed(&["a/1.jpg", "b/1.jpg"], 0));
        assert_eq!(expanded(dir.path(), &["**/*.jpg"]), listed(&["a/1.jpg", "b/1.jpg"], 0));
        assert_eq!(expanded(dir.path(), &["a/*"]), listed(&["a/1.jpg", "a/2.txt"], 0));
        assert_eq!(expanded(dir.path(), &["[ab]"]), listed(&["a/1.jpg", "b/1.jpg"], 0));
    }

    #[test]
    fn a_file_whose_name_is_a_pattern_is_that_file() {
        let dir = folder(&["a[1].jpg", "a1.jpg"]);
        assert_eq!(expanded(dir.path(), &["a[1].jpg"]), listed(&["a[1].jpg"], 0));
    }

    #[test]
    fn a_file_named_twice_counts_once() {
        let dir = folder(&["a/1.jpg", "a/2.jpg"]);
        assert_eq!(expanded(dir.path(), &["a/2.jpg", "a", "a/*.jpg"]), listed(&["a/2.jpg", "a/1.jpg"], 0));
    }

    #[test]
    fn what_gives_no_image_fails_for_itself() {
        let dir = folder(&["a/1.jpg", "b/notes.txt"]);
        assert_eq!(expanded(dir.path(), &["gone.jpg", "b", "*.gif", "a"]), listed(&["a/1.jpg"], 3));
        assert_eq!(expanded(dir.path(), &["b"]), listed(&[], 1));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_circles_and_broken_ones_are_not() {
        let dir = folder(&["a/1.jpg"]);
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(dir.path().join(to), dir.path().join(from)).unwrap();
        };
        link("a/again", "a");
        link("a/2.jpg", "a/1.jpg");
        link("a/3.jpg", "gone.jpg");
        assert_eq!(expanded(dir.path(), &["a"]), listed(&["a/1.jpg", "a/2.jpg"], 1));
    }
}
