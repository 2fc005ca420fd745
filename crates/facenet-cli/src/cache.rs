//! What was found in photos before, so that unchanged photos need not be looked at again.
//!
//! Two kinds of files lie in the cache's folder, lines of text, only ever appended to:
//!
//! - `files.jsonl` says which content a file had: path, size, time of change, SHA-256. A file of the same size and time
//!   is taken for unchanged and is not even opened; one that was changed less than two seconds before it was looked at
//!   is not remembered, since it could change again within the clock's step.
//! - `faces-….jsonl`, one for each model and way to find faces, says what was found in a content: boxes, landmarks,
//!   scores, quality and embeddings. No pictures.
//!
//! A line that is cut off or damaged is as good as none. What is forgotten is overwritten with blanks where it lies.

mod folder;
mod forget;
mod lines;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use facenet::Quality;
use facenet_core::{Embedding, Face};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use self::folder::CacheOptions;
pub(crate) use self::forget::forget;
use self::lines::Lines;

/// Grows whenever the program finds other faces or qualities with the same weights.
const VERSION: u32 = 1;
/// A file that was changed more recently than this could change again without a new time.
const SETTLED: Duration = Duration::from_secs(2);

/// A face as the cache keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CachedFace {
    pub(crate) face: Face,
    pub(crate) quality: Option<Quality>,
    pub(crate) embedding: Embedding,
}

/// SHA-256 of a file's bytes, in hexadecimal.
pub(crate) type Content = String;

/// The cache of one way to look at photos.
pub(crate) struct Cache {
    known: HashMap<PathBuf, Known>,
    files: Mutex<Lines>,
    faces: Mutex<Faces>,
}

struct Faces {
    lines: Lines,
    /// Where the line of a content lies.
    places: HashMap<Content, (u64, usize)>,
}

/// A file and the content that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    size: u64,
    changed_ns: u64,
    content: Content,
}

#[derive(Serialize, Deserialize)]
struct Found {
    content: Content,
    faces: Vec<CachedFace>,
}

impl Cache {
    /// Opens the cache in `folder` for photos that are looked at as `key` says.
    ///
    /// # Errors
    /// When the folder cannot be made or its files not be read.
    pub(crate) fn open(folder: &Path, key: &str) -> Result<Self> {
        folder::make(folder)?;
        let mut known = HashMap::new();
        let files = Lines::open(&folder.join("files.jsonl"), |line, _| {
            if let Ok(file) = serde_json::from_slice::<Known>(line) {
                known.insert(file.path.clone(), file);
            }
        })?;
        let name = hex(&Sha256::digest(format!("{VERSION} {key}")));
        let mut places = HashMap::new();
        let lines = Lines::open(&folder.join(format!("faces-{}.jsonl", &name[..16])), |line, place| {
            if let Some(content) = content_of(line) {
                places.insert(content, (place, line.len()));
            }
        })?;
        Ok(Self { known, files: Mutex::new(files), faces: Mutex::new(Faces { lines, places }) })
    }

    /// The content of a file that has not changed since it was looked at, told by its size and time alone.
    pub(crate) fn content(&self, path: &Path) -> Option<Content> {
        let now = State::of(path)?;
        let known = self.known.get(&now.path)?;
        (known.size == now.size && known.changed_ns == now.changed_ns).then(|| known.content.clone())
    }

    /// The faces that were found in a content; none when it was not looked at.
    pub(crate) fn faces(&self, content: &Content) -> Option<Vec<CachedFace>> {
        let mut faces = self.faces.lock().expect("no thread panics with the lock");
        let &(place, length) = faces.places.get(content)?;
        let line = faces.lines.read(place, length).ok()?;
        let found: Found = serde_json::from_slice(&line).ok()?;
        (found.content == *content).then_some(found.faces)
    }

    /// Remembers what was found in a content.
    ///
    /// # Errors
    /// When the disk is full or the folder is gone.
    pub(crate) fn put(&self, content: Content, faces: Vec<CachedFace>) -> Result<()> {
        let line = serde_json::to_vec(&Found { content: content.clone(), faces })?;
        let mut faces = self.faces.lock().expect("no thread panics with the lock");
        let place = faces.lines.append(&line).context("cannot write to the cache")?;
        faces.places.insert(content, (place, line.len()));
        Ok(())
    }

    /// Remembers that the file at `path`, whose state was read before its bytes, has this content.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub(crate) fn put_file(&self, state: Option<State>, content: &Content) -> Result<()> {
        let Some(State { path, size, changed_ns, settled: true }) = state else { return Ok(()) };
        let known = Known { path, size, changed_ns, content: content.clone() };
        if self.known.get(&known.path) == Some(&known) || known.path.to_str().is_none() {
            return Ok(());
        }
        let mut files = self.files.lock().expect("no thread panics with the lock");
        files.append(&serde_json::to_vec(&known)?).context("cannot write to the cache")?;
        Ok(())
    }
}

/// Size and time of a file.
pub(crate) struct State {
    path: PathBuf,
    size: u64,
    changed_ns: u64,
    settled: bool,
}

impl State {
    /// None when the system does not tell.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let metadata = fs_err::metadata(&path).ok()?;
        let changed = metadata.modified().ok()?;
        let changed_ns = changed.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()?;
        let settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED);
        Some(Self { path, size: metadata.len(), changed_ns, settled })
    }
}

/// The content of these bytes.
pub(crate) fn content(bytes: &[u8]) -> Content {
    hex(&Sha256::digest(bytes))
}

/// The content that a line of faces begins with, read without reading the faces.
fn content_of(line: &[u8]) -> Option<Content> {
    let digits = line.strip_prefix(br#"{"content":""#)?.get(..64)?;
    digits.iter().all(u8::is_ascii_hexdigit).then(|| String::from_utf8_lossy(digits).into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
