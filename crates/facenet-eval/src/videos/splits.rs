//! `splits.txt` of YouTube Faces: which videos are compared, in ten splits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use facenet_core::Distance;

use super::VideoRef;
use crate::{FileLine, NotMeasurable, ScoredPair, ScoredPairs};

/// Two videos that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPair {
    /// The video named first.
    pub left: VideoRef,
    /// The video named second.
    pub right: VideoRef,
    /// Whether both show the same person.
    pub same: bool,
}

/// The pairs of a `splits.txt`.
///
/// A line is `SPLIT, NAME/VIDEO, NAME/VIDEO, …, LABEL`, where the label, 1 for the same person and else 0, stands
/// last. A first line without a number is a heading; empty lines are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPairs {
    /// The splits, by their numbers; none is empty.
    pub splits: Vec<Vec<VideoPair>>,
}

/// Why a `splits.txt` was refused.
#[derive(Debug, thiserror::Error)]
pub enum SplitsError {
    /// The file could not be read, or is no UTF-8.
    #[error("cannot read the splits file `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file has no pair.
    #[error("`{path}` holds no pair, expected lines like `1, Ada/0, Ada/2, 1`")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line is wrong.
    #[error("{line}: found `{found}`, expected {expected}")]
    Line {
        /// Where.
        line: FileLine,
        /// The line.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl VideoPairs {
    /// Reads a splits file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self, SplitsError> {
        let text =
            fs_err::read_to_string(path).map_err(|source| SplitsError::Read { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a splits file; `path` is only named in errors.
    ///
    /// # Errors
    /// When a line is not of the form, names no two videos, or its label contradicts its names; when there is none.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SplitsError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut splits: BTreeMap<u32, Vec<VideoPair>> = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let heading = number == 1 && !line.trim_start().starts_with(|c: char| c.is_ascii_digit());
            if heading || line.trim().is_empty() {
                continue;
            }
            let (split, pair) = parse_line(line).map_err(|expected| SplitsError::Line {
                line: FileLine { path: path.into(), number },
                found: line.trim().into(),
                expected,
            })?;
            splits.entry(split).or_default().push(pair);
        }
        if splits.is_empty() {
            return Err(SplitsError::Empty { path: path.into() });
        }
        Ok(Self { splits: splits.into_values().collect() })
    }

    /// Every video that some pair names, once, sorted.
    pub fn videos(&self) -> BTreeSet<&VideoRef> {
        self.splits.iter().flatten().flat_map(|pair| [&pair.left, &pair.right]).collect()
    }

    /// Scores each pair with `distance`; a pair for which it gives none is skipped and counted.
    ///
    /// # Errors
    /// As [`ScoredPairs::new`].
    pub fn score(
        &self,
        mut distance: impl FnMut(&VideoRef, &VideoRef) -> Option<Distance>,
    ) -> Result<ScoredPairs, NotMeasurable> {
        let people: BTreeSet<&str> = self.videos().into_iter().map(VideoRef::person).collect();
        let people: HashMap<&str, u32> = people.into_iter().zip(0..).collect();
        let mut skipped = 0;
        let mut score = |pair: &VideoPair| {
            let scored = distance(&pair.left, &pair.right);
            skipped += u64::from(scored.is_none());
            let subjects = [&pair.left, &pair.right].map(|video| people[video.person()]);
            scored.map(|distance| (ScoredPair { distance, same: pair.same }, subjects))
        };
        let folds: Vec<Vec<_>> =
            self.splits.iter().map(|split| split.iter().filter_map(&mut score).collect()).collect();
        Ok(ScoredPairs::with_subjects(&folds)?.with_skipped(skipped))
    }
}

fn parse_line(line: &str) -> Result<(u32, VideoPair), &'static str> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [split, left, right, .., label] = fields[..] else {
        return Err("`SPLIT, NAME/VIDEO, NAME/VIDEO, LABEL`");
    };
    let split = split.parse().map_err(|_| "the number of a split first")?;
    let (left, right) = (parse_video(left)?, parse_video(right)?);
    let same = match label {
        "1" => true,
        "0" => false,
        _ => return Err("a label at the end: 1 for the same person, else 0"),
    };
    if left == right {
        return Err("two videos");
    }
    if same != (left.person() == right.person()) {
        return Err("label 1 for two videos of one person, 0 for those of two");
    }
    Ok((split, VideoPair { left, right, same }))
}

fn parse_video(text: &str) -> Result<VideoRef, &'static str> {
    let expected = "videos as `NAME/NUMBER`";
    let (person, number) = text.split_once('/').ok_or(expected)?;
    VideoRef::new(person, number.parse().map_err(|_| expected)?).map_err(|_| expected)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const TEXT: &str = "split number, first name, second name, is same\n1, Ada/0, Ada/2 , 1 \n1, Ada/0, Bob/0, 0\n\
                        \n2, Cyd/1, Dan/0, extra, 0\n2, Cyd/1, Cyd/3, extra, 1\n";

    fn parse(text: &str) -> Result<VideoPairs, SplitsError> {
        VideoPairs::parse(text, "splits.txt".as_ref())
    }

    #[test]
    fn splits_are_read_with_heading_and_spaces() {
        let pairs = parse(TEXT).unwrap();
        let shown = pairs.splits.iter().flatten().map(|p| format!("{} {} {}", p.left, p.right, p.same));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            ["Ada/0 Ada/2 true", "Ada/0 Bob/0 false", "Cyd/1 Dan/0 false", "Cyd/1 Cyd/3 true"]
        );
        assert_eq!(pairs.splits.len(), 2);
        assert_eq!(pairs.videos().len(), 6);
    }

    #[test]
    fn scored_pairs_know_their_people() {
        let scored = parse(TEXT)
            .unwrap()
            .score(|left, _| (left.person() == "Ada").then(|| Distance::new(1.0).unwrap()));
        assert_eq!(scored.unwrap_err(), NotMeasurable::EmptyFold { fold: 2 });
        let scored = parse(TEXT)
            .unwrap()
            .score(|l, r| (l.to_string() != "Cyd/1" || r.person() == "Dan").then_some(Distance::MAX));
        let scored = scored.unwrap();
        assert_eq!((scored.subjects(), scored.skipped(), scored.folds()), (Some(4), 1, 2));
    }

    #[test]
    fn a_refusal_names_file_line_and_expectation() {
        let mut refusals = String::new();
        for text in [
            "",
            "heading\n",
            "1, Ada/0, Ada/1\n",
            "x\none, Ada/0, Ada/1, 1\n",
            "1, Ada, Ada/1, 1\n",
            "1, Ada/0, Ada/x, 1\n",
            "1, ../0, Ada/1, 0\n",
            "1, Ada/0, Ada/1, 2\n",
            "1, Ada/0, Ada/0, 1\n",
            "1, Ada/0, Ada/1, 0\n",
            "1, Ada/0, Bob/1, 1\n",
        ] {
            writeln!(refusals, "{}", parse(text).unwrap_err()).unwrap();
        }
        insta::assert_snapshot!(refusals, @r"
        `splits.txt` holds no pair, expected lines like `1, Ada/0, Ada/2, 1`
        `splits.txt` holds no pair, expected lines like `1, Ada/0, Ada/2, 1`
        `splits.txt`, line 1: found `1, Ada/0, Ada/1`, expected `SPLIT, NAME/VIDEO, NAME/VIDEO, LABEL`
        `splits.txt`, line 2: found `one, Ada/0, Ada/1, 1`, expected the number of a split first
        `splits.txt`, line 1: found `1, Ada, Ada/1, 1`, expected videos as `NAME/NUMBER`
        `splits.txt`, line 1: found `1, Ada/0, Ada/x, 1`, expected videos as `NAME/NUMBER`
        `splits.txt`, line 1: found `1, ../0, Ada/1, 0`, expected videos as `NAME/NUMBER`
        `splits.txt`, line 1: found `1, Ada/0, Ada/1, 2`, expected a label at the end: 1 for the same person, else 0
        `splits.txt`, line 1: found `1, Ada/0, Ada/0, 1`, expected two videos
        `splits.txt`, line 1: found `1, Ada/0, Ada/1, 0`, expected label 1 for two videos of one person, 0 for those of two
        `splits.txt`, line 1: found `1, Ada/0, Bob/1, 1`, expected label 1 for two videos of one person, 0 for those of two
        ");
    }
}
