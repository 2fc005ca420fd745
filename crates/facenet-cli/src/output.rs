//! Files that appear only when they are complete.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// A file that is written beside its place and moved there at the end; dropped before, it leaves no trace.
#[derive(Debug)]
pub(crate) struct Unfinished {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl Unfinished {
    /// Begins a file for `target`, whose folder must exist.
    ///
    /// # Errors
    /// When there is no such folder, it may not be written to, or `target` is a folder.
    pub(crate) fn beside(target: &Path) -> Result<Self> {
        let cannot_write = || format!("cannot write `{}`", target.display());
        if target.is_dir() {
            return Err(anyhow::anyhow!("it is a folder, expected a file").context(cannot_write()));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".facenet-");
        // A temporary file is its owner's alone by default; a result is to be read like any other new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
        let file = builder.tempfile_in(folder_of(target)).with_context(cannot_write)?;
        Ok(Self { file: BufWriter::new(file), target: target.into() })
    }

    /// Moves the file to its place; one that was there is replaced.
    ///
    /// # Errors
    /// When the disk is full or the place cannot be written to.
    pub(crate) fn finish(self) -> Result<()> {
        let cannot_write = || format!("cannot write `{}`", self.target.display());
        let file = self.file.into_inner().map_err(|error| error.into_error()).with_context(cannot_write)?;
        file.as_file().sync_all().with_context(cannot_write)?;
        file.persist(&self.target).map_err(|error| error.error).with_context(cannot_write)?;
        Ok(())
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Checks, before long work starts, that something can be made at `path`, and the folders above it.
///
/// # Errors
/// When the nearest folder above that exists may not be written to, or is a file.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    let existing = path.ancestors().skip(1).map(or_here).find(|folder| folder.exists());
    let folder = existing.unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map(drop).with_context(|| format!("cannot write `{}`", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().map_or(Path::new("."), or_here)
}

/// The folder above `name` is empty text, which stands for the current one.
fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_finished_and_leaves_nothing_when_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("faces.jsonl");
        fs_err::write(&path, "old").unwrap();

        let mut unfinished = Unfinished::beside(&path).unwrap();
        unfinished.write_all(b"half").unwrap();
        drop(unfinished);
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "old");

        let mut finished = Unfinished::beside(&path).unwrap();
        finished.write_all(b"new").unwrap();
        finished.finish().unwrap();
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn places_that_cannot_be_written_are_named_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::write(dir.path().join("file"), "").unwrap();
        for (path, folder) in [("file/x.jsonl", false), ("", true)] {
            let path = dir.path().join(path);
            let error = Unfinished::beside(&path).unwrap_err().to_string();
            assert_eq!(error, format!("cannot write `{}`", path.display()));
            assert_eq!(check_writable(&path).is_ok(), folder, "{}", path.display());
        }
        assert!(check_writable(&dir.path().join("new/folder/x.html")).is_ok());
    }
}
