//! What the user knows: which faces are one person and which are not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet_gallery::Knowledge;

/// Reads `path`: a line a pair, `same` or `different` and two faces, separated by tabs. A face is its photo, followed by
/// `#2` for the second of several. Empty lines and those that begin with `#` are passed over.
///
/// # Errors
/// When the file cannot be read, or a line is no pair of the faces that were found in `sources`.
pub(super) fn read(path: &Path, sources: &[PathBuf]) -> Result<Knowledge> {
    let text = fs_err::read_to_string(path)?;
    let mut found: HashMap<&Path, Vec<usize>> = HashMap::new();
    for (face, source) in sources.iter().enumerate() {
        found.entry(source).or_default().push(face);
    }
    let mut knowledge = Knowledge::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let pair = pair(line, &found).with_context(|| format!("`{}`, line {number}", path.display()))?;
        match pair {
            (true, faces) => knowledge.same.push(faces),
            (false, faces) => knowledge.different.push(faces),
        }
    }
    Ok(knowledge)
}

/// Whether it is one person, and the faces.
fn pair(line: &str, found: &HashMap<&Path, Vec<usize>>) -> Result<(bool, (usize, usize))> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [word, a, b] = parts.as_slice() else {
        bail!(
            "found {} parts, expected three, separated by tabs: `same` or `different` and two faces",
            parts.len()
        );
    };
    let is_same = match *word {
        "same" => true,
        "different" => false,
        other => bail!("found `{other}`, expected `same` or `different`"),
    };
    Ok((is_same, (face(a, found)?, face(b, found)?)))
}

fn face(name: &str, found: &HashMap<&Path, Vec<usize>>) -> Result<usize> {
    if let Some(faces) = found.get(Path::new(name)) {
        match faces.as_slice() {
            [face] => return Ok(*face),
            faces => bail!(
                "`{name}` has {} faces\nhint: name one as `{name}#1`, counted from the surest",
                faces.len()
            ),
        }
    }
    let numbered = name.rsplit_once('#').and_then(|(photo, number)| {
        let number: usize = number.parse().ok()?;
        found.get(Path::new(photo))?.get(number.checked_sub(1)?).copied()
    });
    numbered.with_context(|| format!("no face was found in `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Result<Knowledge> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known.tsv");
        fs_err::write(&path, text).unwrap();
        read(&path, &["a.jpg", "b.jpg", "b.jpg", "c #1.jpg"].map(PathBuf::from))
    }

    #[test]
    fn pairs_are_read_by_photo_and_number() {
        let found = known("# mine\n\nsame\ta.jpg\tb.jpg#2\ndifferent\tb.jpg#1\tc #1.jpg\n").unwrap();
        assert_eq!(found, Knowledge { same: vec![(0, 2)], different: vec![(1, 3)] });
    }

    #[test]
    fn what_is_no_pair_is_named_with_its_line() {
        for (text, expected) in [
            ("same\ta.jpg", "line 1: found 2 parts, expected three"),
            ("\nalike\ta.jpg\tb.jpg#1", "line 2: found `alike`, expected `same` or `different`"),
            ("same\ta.jpg\tb.jpg", "`b.jpg` has 2 faces"),
            ("same\ta.jpg\tb.jpg#3", "no face was found in `b.jpg#3`"),
            ("same\ta.jpg\tb.jpg#0", "no face was found in `b.jpg#0`"),
            ("same\ta.jpg\td.jpg", "no face was found in `d.jpg`"),
        ] {
            let error = format!("{:#}", known(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
