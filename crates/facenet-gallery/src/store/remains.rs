//! What is left in files of what was deleted.

mod needles;
mod slack;

use std::io;
use std::path::{Path, PathBuf};

pub(super) use self::needles::{Kind, Needles};
pub(super) use self::slack::unused_bytes;
use super::subject::Subject;

/// What a search for a deleted person, photo or face found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// What was searched for.
    pub subject: Subject,
    /// Whether the gallery ever gave this identifier.
    pub was_there: bool,
    /// Whether it is there still.
    pub is_there: bool,
    /// Whether a deletion was interrupted before its traces were wiped.
    pub is_unwiped: bool,
    /// Bytes in unused parts of the gallery's file that are not zero, in stretches of at least eight. When 0, the file
    /// holds nothing but what its tables show; otherwise they may be remains of anything.
    pub unused_bytes: u64,
    /// Index files that are older than the last deletion.
    pub stale_indexes: Vec<PathBuf>,
    /// Where traces may be that the store cannot look into: what a server keeps beside its tables. None for a file.
    pub beyond: Option<String>,
}

impl Gone {
    /// Whether nothing of it can be left in the gallery's files.
    pub fn is_proven(&self) -> bool {
        let Self { was_there: _, subject: _, is_there, is_unwiped, unused_bytes, stale_indexes, beyond } =
            self;
        !is_there && !is_unwiped && *unused_bytes == 0 && stale_indexes.is_empty() && beyond.is_none()
    }
}

/// The files of the gallery at `path`: its own, SQLite's beside it, and those of its index; sorted.
pub(super) fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    beside(path, |rest| matches!(rest, "" | "-wal" | "-shm" | "-journal") || rest.starts_with(".index"))
}

/// The files of the index of the gallery at `path`, sorted.
pub(super) fn index_files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    beside(path, |rest| rest.starts_with(".index"))
}

/// The files in the folder of `path` whose names are its name and then a rest that is `wanted`.
fn beside(path: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let rest = file.as_encoded_bytes().strip_prefix(name).map(String::from_utf8_lossy);
        if rest.is_some_and(|rest| wanted(&rest)) && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_gallery_are_its_own_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["g.db", "g.db-wal", "g.db-shm", "g.db.index", "g.db.index.map", "g.db.bak", "g.dbx", "h.db"]
        {
            fs_err::write(dir.path().join(name), "").unwrap();
        }
        fs_err::create_dir(dir.path().join("g.db.index.d")).unwrap();
        let names = |files: Vec<PathBuf>| -> Vec<String> {
            files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        let path = dir.path().join("g.db");
        assert_eq!(
            names(files_of(&path).unwrap()),
            ["g.db", "g.db-shm", "g.db-wal", "g.db.index", "g.db.index.map"]
        );
        assert_eq!(names(index_files_of(&path).unwrap()), ["g.db.index", "g.db.index.map"]);
    }
}
