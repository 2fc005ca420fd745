//! LFW's pairs file: which images are compared, and which of them show the same person.

mod audit;
mod error;
mod image_ref;
mod locate;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use facenet_core::Distance;

pub use self::audit::PairsAudit;
pub use self::error::{FileLine, PairsError, WrongLine};
pub use self::image_ref::{ImageRef, NotAnImageRef};
pub use self::locate::{LocatedImages, MissingImages};
use crate::{NotMeasurable, ScoredPair, ScoredPairs};

/// Longest pairs file that is read, in bytes: room for ten million pairs with names of 40 letters.
const LIMIT_BYTES: u64 = 1 << 30;

/// Two images that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The image named first.
    pub left: ImageRef,
    /// The image named second; never the first again.
    pub right: ImageRef,
    /// Whether both show the same person: a genuine pair, else an impostor pair.
    pub same: bool,
}

/// The pairs of a verification protocol, in folds.
///
/// The first line holds the number of folds and of pairs of each kind in a fold (`10 300`), or that second
/// number alone for a single fold. Then follow, fold by fold, the genuine pairs as `NAME NUMBER NUMBER` and the
/// impostor pairs as `NAME NUMBER NAME NUMBER`. Fields are separated by tabs or other white space, so a name
/// has none; empty lines are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairsFile {
    /// The folds, in the file's order: at least one, none empty.
    pub folds: Vec<Vec<Pair>>,
}

impl PairsFile {
    /// Reads a pairs file.
    ///
    /// # Errors
    /// When the file cannot be read, is longer than 1 GiB or is not UTF-8, and as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self, PairsError> {
        let read_error = |source| PairsError::Read { path: path.into(), source };
        let bytes = fs_err::metadata(path).map_err(read_error)?.len();
        if bytes > LIMIT_BYTES {
            return Err(PairsError::TooLarge { path: path.into(), bytes, limit: LIMIT_BYTES });
        }
        let bytes = fs_err::read(path).map_err(read_error)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
            PairsError::NotUtf8 { path: path.into(), line }
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a pairs file; `path` is only named in errors.
    ///
    /// # Errors
    /// When the text is empty, the header is no header, the number of lines is not the one that it promises, or
    /// a line is not of the form that its place in the file asks for. A genuine pair of an image with itself
    /// and an impostor pair of one person are refused too: both would falsify the measurement.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PairsError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text); // editors on Windows write a byte order mark
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line))
            .filter(|(_, line)| !line.trim().is_empty());
        let wrong =
            |number, problem| PairsError::Line { line: FileLine { path: path.into(), number }, problem };

        let (number, header) = lines.next().ok_or_else(|| PairsError::Empty { path: path.into() })?;
        let header = Header::parse(header).map_err(|problem| wrong(number, problem))?;
        let found = lines.clone().count();
        if found as u128 != header.lines() {
            return Err(wrong(number, WrongLine::Count { found, expected: header.lines() }));
        }

        // No fold is reserved before the count above has shown that the file holds its lines.
        let mut folds = Vec::new();
        for _ in 0..header.folds {
            let mut fold = Vec::new();
            for (number, line) in lines.by_ref().take(2 * header.pairs_of_a_kind as usize) {
                let same = fold.len() < header.pairs_of_a_kind as usize;
                let pair = if same { parse_genuine(line) } else { parse_impostor(line) };
                fold.push(pair.map_err(|problem| wrong(number, problem))?);
            }
            folds.push(fold);
        }
        Ok(Self { folds })
    }

    /// Every image that some pair names, once, sorted by person and number.
    pub fn images(&self) -> BTreeSet<&ImageRef> {
        self.folds.iter().flatten().flat_map(|pair| [&pair.left, &pair.right]).collect()
    }

    /// Scores each pair with `distance`; a pair for which it gives none is skipped and counted.
    ///
    /// # Errors
    /// As [`ScoredPairs::new`].
    pub fn score(
        &self,
        mut distance: impl FnMut(&ImageRef, &ImageRef) -> Option<Distance>,
    ) -> Result<ScoredPairs, NotMeasurable> {
        let people: BTreeSet<&str> = self.images().into_iter().map(ImageRef::person).collect();
        let people: HashMap<&str, u32> = people.into_iter().zip(0..).collect();
        let mut skipped = 0;
        let mut score = |pair: &Pair| {
            let scored = distance(&pair.left, &pair.right);
            skipped += u64::from(scored.is_none());
            let subjects = [&pair.left, &pair.right].map(|image| people[image.person()]);
            scored.map(|distance| (ScoredPair { distance, same: pair.same }, subjects))
        };
        let folds: Vec<Vec<_>> =
            self.folds.iter().map(|fold| fold.iter().filter_map(&mut score).collect()).collect();
        Ok(ScoredPairs::with_subjects(&folds)?.with_skipped(skipped))
    }
}

/// The first line of a pairs file; both numbers are above zero.
struct Header {
    folds: u32,
    pairs_of_a_kind: u32,
}

impl Header {
    fn parse(line: &str) -> Result<Self, WrongLine> {
        let not_a_header = || WrongLine::Header { found: line.trim().into() };
        let number = |field: &str| field.parse().ok().filter(|&n| n > 0).ok_or_else(not_a_header);
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [pairs] => Ok(Self { folds: 1, pairs_of_a_kind: number(pairs)? }),
            [folds, pairs] => Ok(Self { folds: number(folds)?, pairs_of_a_kind: number(pairs)? }),
            _ => Err(not_a_header()),
        }
    }

    /// The number of lines that follow; it may well be more than any file holds.
    fn lines(&self) -> u128 {
        2 * u128::from(self.folds) * u128::from(self.pairs_of_a_kind)
    }
}

fn parse_genuine(line: &str) -> Result<Pair, WrongLine> {
    let [person, left, right] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(WrongLine::Genuine { found: line.trim().into() });
    };
    let (left, right) = (ImageRef::parse(person, left)?, ImageRef::parse(person, right)?);
    if left == right {
        return Err(WrongLine::SameImage { image: left });
    }
    Ok(Pair { left, right, same: true })
}

fn parse_impostor(line: &str) -> Result<Pair, WrongLine> {
    let [left_person, left, right_person, right] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(WrongLine::Impostor { found: line.trim().into() });
    };
    if left_person == right_person {
        return Err(WrongLine::SamePerson { person: left_person.into() });
    }
    let (left, right) = (ImageRef::parse(left_person, left)?, ImageRef::parse(right_person, right)?);
    Ok(Pair { left, right, same: false })
}

#[cfg(test)]
mod tests;
