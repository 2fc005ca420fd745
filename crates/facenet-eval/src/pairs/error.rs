//! Why a pairs file was refused.

use std::path::PathBuf;

use super::{ImageRef, NotAnImageRef};

/// Why a pairs file was refused.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// The file could not be read.
    #[error("cannot read the pairs file `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too long to be a list of pairs.
    #[error("`{path}` is {bytes} bytes long, but a pairs file has at most {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length, in bytes.
        bytes: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The file is no text.
    #[error("`{path}`, line {line}: found bytes that are not UTF-8, expected a pairs file's text")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first such byte, counted from 1.
        line: usize,
    },
    /// The file has no line.
    #[error(
        "`{path}` is empty, but a pairs file begins with a line like `10 300`: folds, pairs of each kind"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line is wrong.
    #[error("{line}: {problem}")]
    Line {
        /// Where.
        line: FileLine,
        /// What is wrong with it.
        problem: WrongLine,
    },
}

/// A place in a file, shown as `` `pairs.txt`, line 7 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub number: usize,
}

impl std::fmt::Display for FileLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, line {}", self.path.display(), self.number)
    }
}

/// What is wrong with a line of a pairs file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongLine {
    /// The first line is no header.
    #[error("found `{found}`, expected one or two whole numbers above zero: folds, pairs of each kind")]
    Header {
        /// The line.
        found: String,
    },
    /// The header promises another number of lines than there are.
    #[error("the header promises {expected} pairs, but the file holds {found}")]
    Count {
        /// The number of lines after the header that are not empty.
        found: usize,
        /// Twice folds times pairs of each kind.
        expected: u128,
    },
    /// The line stands among the genuine pairs and is none.
    #[error("found `{found}`, expected a genuine pair: `NAME NUMBER NUMBER`")]
    Genuine {
        /// The line.
        found: String,
    },
    /// The line stands among the impostor pairs and is none.
    #[error("found `{found}`, expected an impostor pair: `NAME NUMBER NAME NUMBER`")]
    Impostor {
        /// The line.
        found: String,
    },
    /// An image is compared with itself.
    #[error("found `{image}` compared with itself, expected two images of one person")]
    SameImage {
        /// The image.
        image: ImageRef,
    },
    /// An impostor pair names one person twice.
    #[error("found two images of `{person}`, expected an impostor pair: images of two people")]
    SamePerson {
        /// The person.
        person: String,
    },
    /// A field names no image.
    #[error(transparent)]
    Image(#[from] NotAnImageRef),
}
