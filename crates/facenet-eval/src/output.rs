//! Files that appear whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`")]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// Writes `contents` to a new file beside `path` and renames it to `path`, so that no reader sees half of it.
///
/// # Errors
/// When the folder does not exist, is full or must not be written to.
pub fn write_file(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), WriteError> {
    write_beside_and_rename(path, contents.as_ref())
        .map_err(|source| WriteError { path: path.into(), source })
}

fn write_beside_and_rename(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // A temporary file is its owner's alone by default; a report is to be read like any other new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        write_file(&path, "first, and longer").unwrap();
        write_file(&path, "second").unwrap();
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs_err::metadata(dir.path().join(name)).unwrap().permissions().mode();
        fs_err::write(dir.path().join("ordinary"), "").unwrap();
        write_file(&dir.path().join("written"), "").unwrap();
        assert_eq!(mode("written"), mode("ordinary"));
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_that_names_the_file() {
        let error = write_file("nowhere/report.json".as_ref(), "").unwrap_err();
        assert_eq!(error.to_string(), "cannot write `nowhere/report.json`");
    }
}
