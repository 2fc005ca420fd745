//! The `.bin` sets of insightface (LFW, CFP-FP, AgeDB-30, CALFW, CPLFW): images and whether each two are the same.
//!
//! A set is a Python pickle of `(images, issame)`: encoded images as byte strings, and one boolean for each two of
//! them, in order. Such a file can make Python run anything; here only the few codes are read that lists of bytes
//! and booleans need, and everything else is refused.

mod pickle;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use self::pickle::PickleError;

/// Longest file that is read, in bytes; the field's sets have 70 to 250 MB.
const LIMIT_BYTES: u64 = 4 << 30;

/// Folds of the field's protocol on these sets.
const FOLDS: usize = 10;

/// A set of image pairs. Who is in an image is not known, only whether two images show the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssameSet {
    bytes: Vec<u8>,
    images: Vec<Range<usize>>,
    same: Vec<bool>,
}

/// Why a `.bin` set was refused.
#[derive(Debug, thiserror::Error)]
pub enum IssameError {
    /// The file could not be read.
    #[error("cannot read the set `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too long.
    #[error("`{path}` is {bytes} bytes long, but a set has at most {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length, in bytes.
        bytes: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The file is no pickle of lists of bytes and booleans.
    #[error("cannot understand `{path}` as a `.bin` set")]
    Pickle {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: PickleError,
    },
    /// The numbers of images and labels do not fit each other.
    #[error("`{path}` holds {images} images and {labels} labels, expected two images for each label")]
    Count {
        /// The file.
        path: PathBuf,
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },
}

impl IssameSet {
    /// Reads a set.
    ///
    /// # Errors
    /// When the file cannot be read, is longer than 4 GiB, and as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self, IssameError> {
        let read_error = |source| IssameError::Read { path: path.into(), source };
        let bytes = fs_err::metadata(path).map_err(read_error)?.len();
        if bytes > LIMIT_BYTES {
            return Err(IssameError::TooLarge { path: path.into(), bytes, limit: LIMIT_BYTES });
        }
        Self::parse(fs_err::read(path).map_err(read_error)?, path)
    }

    /// Reads the bytes of a set; `path` is only named in errors.
    ///
    /// # Errors
    /// When they are no pickle, one of other things, or do not hold two images for each label.
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, IssameError> {
        let pickle =
            pickle::read(&bytes).map_err(|source| IssameError::Pickle { path: path.into(), source })?;
        let (images, labels) = (pickle.images.len(), pickle.same.len());
        if labels.checked_mul(2) != Some(images) {
            return Err(IssameError::Count { path: path.into(), images, labels });
        }
        Ok(Self { bytes, images: pickle.images, same: pickle.same })
    }

    /// The number of pairs.
    pub fn pairs(&self) -> usize {
        self.same.len()
    }

    /// The encoded images (JPEG or PNG), two after the other a pair.
    pub fn images(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.images.iter().map(|range| &self.bytes[range.clone()])
    }

    /// Whether each pair shows the same person, in order.
    pub fn same(&self) -> &[bool] {
        &self.same
    }

    /// The pairs' indices fold by fold: ten parts in the file's order whose sizes differ by at most one, the longer
    /// ones first, as scikit-learn's `KFold` has them. Fewer when there are fewer than ten pairs.
    pub fn folds(&self) -> Vec<Range<usize>> {
        k_folds(self.pairs(), FOLDS)
    }
}

/// `0..pairs` in at most `folds` parts in order, the longer ones first, none empty.
pub(crate) fn k_folds(pairs: usize, folds: usize) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut part = |fold: usize| {
        let len = pairs / folds + usize::from(fold < pairs % folds);
        start += len;
        start - len..start
    };
    (0..folds).map(&mut part).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests;
