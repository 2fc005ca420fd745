//! Lines of JSON beside the gallery that outlive the service, and a kill of it: what is appended is there after a restart.
//!
//! Only its owner may read the file. It is written anew, beside and renamed, when it opens and when it has grown; a last line
//! that was cut off is ignored. Lines reach the system's memory, not the disk at once: after a failure of power the last ones
//! may be missing.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that may be appended before the file is worth being written anew.
const GROWTH: usize = 4 << 20;

/// Entries of one kind, of which later ones say more than earlier ones.
pub(crate) struct Journal<T> {
    path: PathBuf,
    file: File,
    appended: usize,
    entries: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens the file at `path`, or makes it; gives what it holds, the oldest first.
    ///
    /// # Errors
    /// When it cannot be read and written. [`io::ErrorKind::WouldBlock`] when another service uses it.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let file = options().open(path)?;
        lock(&file)?;
        let text = fs_err::read(path)?;
        let lines = text.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Ok((Self { path: path.into(), file, appended: 0, entries: PhantomData }, entries))
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&mut self, entry: &T) -> io::Result<()> {
        let line = line(entry)?;
        self.appended += line.len();
        // One write a line: a kill leaves it there or not, but for a full disk.
        self.file.write_all(&line)
    }

    /// Whether so much was appended that it is worth to write it anew.
    pub(crate) fn has_grown(&self) -> bool {
        self.appended > GROWTH
    }

    /// Writes the file anew, with these entries alone.
    ///
    /// # Errors
    /// When it cannot be written; it is then as it was.
    pub(crate) fn rewrite<'a>(&mut self, entries: impl Iterator<Item = &'a T>) -> io::Result<()>
    where
        T: 'a,
    {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        for entry in entries {
            new.write_all(&line(entry)?)?;
        }
        lock(new.as_file())?;
        new.as_file().sync_all()?;
        // The file stays open, and locked, under its new name; it was written to its end.
        self.file = new.persist(&self.path)?;
        self.appended = 0;
        Ok(())
    }
}

fn options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn line(entry: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(path: &Path) -> (Journal<u32>, Vec<u32>) {
        Journal::open(path).unwrap()
    }

    #[test]
    fn what_was_appended_is_there_again_and_a_cut_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (mut journal, before) = opened(&path);
        assert_eq!(before, [0; 0]);
        [1, 2, 3].iter().for_each(|entry| journal.append(entry).unwrap());
        journal.file.write_all(b"{\"cut").unwrap();
        drop(journal);
        assert_eq!(opened(&path).1, [1, 2, 3]);
    }

    #[test]
    fn it_is_written_anew_with_what_counts_and_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (mut journal, _) = opened(&path);
        journal.append(&1).unwrap();
        journal.rewrite([7, 8].iter()).unwrap();
        journal.append(&9).unwrap();
        drop(journal);
        assert_eq!(opened(&path).1, [7, 8, 9]);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    }

    #[test]
    fn two_services_do_not_share_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (mut first, _) = opened(&path);
        let refused = || Journal::<u32>::open(&path).err().map(|error| error.kind());
        assert_eq!(refused(), Some(io::ErrorKind::WouldBlock));
        first.rewrite([1].iter()).unwrap();
        assert_eq!(refused(), Some(io::ErrorKind::WouldBlock), "also after it was written anew");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mode = || fs_err::metadata(&path).unwrap().permissions().mode() & 0o777;
        let (mut journal, _) = opened(&path);
        assert_eq!(mode(), 0o600);
        journal.rewrite([1].iter()).unwrap();
        assert_eq!(mode(), 0o600);
    }
}
