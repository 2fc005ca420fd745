//! Output that appears whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A hidden folder beside an output, which is written in it and then moved to its place.
///
/// Dropped without [`publish`](Self::publish), it takes what was written with it. A process that is killed leaves it
/// behind, under a name that says so: `.NAME.unfinished-XXXXXX`.
#[derive(Debug)]
pub(super) struct Staging {
    folder: TempDir,
    target: PathBuf,
}

impl Staging {
    /// Makes room for `target`, and the folders above it.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        // `.` and `..` have no name to stage beside.
        let target = if target.exists() { fs_err::canonicalize(target)? } else { target.to_path_buf() };
        let (Some(name), Some(parent)) = (target.file_name(), target.parent()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a name below another folder"));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        fs_err::create_dir_all(parent)?;
        let prefix = format!(".{}.unfinished-", name.to_string_lossy());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
        Ok(Self { folder, target })
    }

    /// Where to write: the file or folder that will be moved. One level below the hidden folder, so that it gets the
    /// permissions of any new file and not those of a temporary one.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// Moves what was written to its place: a file replaces a file, a folder only an empty folder.
    pub(super) fn publish(self) -> io::Result<()> {
        fs_err::rename(self.path(), &self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs_err::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs_err::read_dir(dir).unwrap().map(name).collect()
    }

    #[test]
    fn output_appears_only_when_published_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("new/page.html");

        let staging = Staging::beside(&target).unwrap();
        fs_err::write(staging.path(), "half").unwrap();
        assert!(!target.exists());
        drop(staging);
        assert_eq!(names(&dir.path().join("new")), [""; 0]);

        let staging = Staging::beside(&target).unwrap();
        fs_err::write(staging.path(), "whole").unwrap();
        staging.publish().unwrap();
        assert_eq!(names(&dir.path().join("new")), ["page.html"]);
    }

    #[test]
    fn a_folder_does_not_replace_one_that_was_filled_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("album");
        let staging = Staging::beside(&target).unwrap();
        fs_err::create_dir(staging.path()).unwrap();
        fs_err::create_dir(&target).unwrap();
        fs_err::write(target.join("mine.txt"), "").unwrap();
        assert!(staging.publish().is_err());
        assert_eq!(names(&target), ["mine.txt"]);
    }

    #[test]
    fn the_root_is_no_place_for_output() {
        assert_eq!(Staging::beside(Path::new("/")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
