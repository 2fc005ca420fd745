//! The finished cells of an experiment, a file each.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CellFigures;
use crate::{WriteError, write_file};

/// The finished cells of an experiment, in `cells/` of its folder: what a stopped run need not do again.
#[derive(Debug)]
pub struct CellStore {
    folder: PathBuf,
}

/// Why a cell cannot be kept or taken up again.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The folder cannot be made, or a cell not be read.
    #[error("cannot use `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A cell cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file that holds no cell.
    #[error("`{path}` holds no cell of an experiment\nhint: remove it, and the cell is measured again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A cell that was measured with other settings, another model or other data.
    #[error(
        "the cell `{name}` in `{path}` was measured with other settings, another model or other data\n\
         hint: choose another folder with `--out`, or remove this file"
    )]
    Other {
        /// The cell.
        name: String,
        /// Its file.
        path: PathBuf,
    },
}

/// A cell's file.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    rests_on: String,
    figures: CellFigures,
}

impl CellStore {
    /// Opens the cells of the experiment in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, CellError> {
        let folder = folder.join("cells");
        fs_err::create_dir_all(&folder).map_err(|source| CellError::Io { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    /// The figures of the cell `name`, if it is finished. `rests_on` says, as text, all that decides them.
    ///
    /// # Errors
    /// When its file cannot be read or holds something else, or the cell rests on something else.
    pub fn find(&self, name: &str, rests_on: &str) -> Result<Option<CellFigures>, CellError> {
        let path = self.path(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CellError::Io { path, source }),
        };
        let kept: Kept = serde_json::from_str(&text)
            .map_err(|source| CellError::Damaged { path: path.clone(), source })?;
        if kept.name != name || kept.rests_on != rests_on {
            return Err(CellError::Other { name: name.into(), path });
        }
        Ok(Some(kept.figures))
    }

    /// Keeps the figures of a finished cell.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, name: &str, rests_on: &str, figures: &CellFigures) -> Result<(), CellError> {
        let kept = Kept { name: name.into(), rests_on: rests_on.into(), figures: figures.clone() };
        let json = serde_json::to_string_pretty(&kept).expect("figures are finite numbers");
        Ok(write_file(&self.path(name), json + "\n")?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(file_name(name) + ".json")
    }
}

/// `JPEG 10` as `jpeg-10`, `shift right +0.05` as `shift-right-+0.05`: distinct names stay distinct among those that
/// experiments have, and the name inside the file tells.
fn file_name(name: &str) -> String {
    let plain =
        |c: char| if c.is_ascii_alphanumeric() || "+-.".contains(c) { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FoldMean;

    fn figures() -> CellFigures {
        let mean = FoldMean { mean: 0.1 + 0.2, standard_error: 1.0 / 3.0, folds: 5 };
        CellFigures { val_at_far: vec![Some(mean), None], eer: None, accuracy: Some(mean), facts: vec![0.5] }
    }

    #[test]
    fn a_finished_cell_comes_back_to_the_last_bit() {
        let dir = tempfile::tempdir().unwrap();
        let store = CellStore::open(dir.path()).unwrap();
        assert_eq!(store.find("JPEG 10", "lite").unwrap(), None);
        store.keep("JPEG 10", "lite", &figures()).unwrap();
        assert_eq!(store.find("JPEG 10", "lite").unwrap(), Some(figures()));
        assert_eq!(CellStore::open(dir.path()).unwrap().find("JPEG 10", "lite").unwrap(), Some(figures()));
        assert_eq!(store.find("JPEG 20", "lite").unwrap(), None);
    }

    #[test]
    fn a_cell_of_other_settings_is_refused_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = CellStore::open(dir.path()).unwrap();
        store.keep("64", "100 steps", &figures()).unwrap();
        let error = store.find("64", "200 steps").unwrap_err().to_string();
        assert!(error.contains("the cell `64` in `") && error.contains("64.json"), "{error}");
        assert!(error.contains("measured with other settings"), "{error}");
    }

    #[test]
    fn a_damaged_cell_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = CellStore::open(dir.path()).unwrap();
        fs_err::write(dir.path().join("cells/64.json"), "{").unwrap();
        assert!(matches!(store.find("64", ""), Err(CellError::Damaged { .. })));
    }

    #[test]
    fn file_names_hold_no_separator() {
        assert_eq!(file_name("shift right -0.05"), "shift-right--0.05");
        assert_eq!(file_name("../JPEG 10"), "..-jpeg-10");
    }
}
