//! Forgetting photos that the cache knows.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};
use fs_err::{File, OpenOptions};

use super::{Content, Known, content_of};

/// Overwrites with blanks, in the cache in `folder`, all lines about these contents, and gives their number. Lines stay
/// where they are, so that other programs which use the cache at this time go on.
///
/// # Errors
/// When a file of the cache cannot be read or written.
pub(crate) fn forget(folder: &Path, contents: &HashSet<Content>) -> Result<usize> {
    if contents.is_empty() || !folder.is_dir() {
        return Ok(0);
    }
    let mut lines = 0;
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content: fn(&[u8]) -> Option<Content> = match name.as_str() {
            "files.jsonl" => |line| Some(serde_json::from_slice::<Known>(line).ok()?.content),
            name if name.starts_with("faces-") && name.ends_with(".jsonl") => content_of,
            _ => continue,
        };
        let is_forgotten = |line: &[u8]| content(line).is_some_and(|content| contents.contains(&content));
        lines += blank(&path, is_forgotten).context("cannot overwrite lines of the cache")?;
    }
    Ok(lines)
}

fn blank(path: &Path, is_forgotten: impl Fn(&[u8]) -> bool) -> Result<usize> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut places, mut line, mut place) = (Vec::new(), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        let length = line.len() as u64;
        line.pop_if(|last| *last == b'\n');
        if is_forgotten(&line) {
            places.push((place, line.len()));
        }
        place += length;
        line.clear();
    }
    if places.is_empty() {
        return Ok(0);
    }
    let mut file = OpenOptions::new().write(true).open(path)?;
    for (place, length) in &places {
        file.seek(SeekFrom::Start(*place))?;
        file.write_all(&vec![b' '; *length])?;
    }
    file.sync_all()?;
    Ok(places.len())
}
