//! Photos as a gallery knows them again.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use facenet::{Limits, read_image_bytes};
use facenet_gallery::{FileRecord, PhotoDigest};
use sha2::{Digest, Sha256};

/// A file that was changed more recently could change again within the step of its clock.
const SETTLED: Duration = Duration::from_secs(2);

/// The state of the file at `path`; none when the system does not tell it, or the path is no text.
pub(super) fn state(path: &Path) -> Option<FileRecord> {
    let metadata = fs_err::metadata(path).ok()?;
    let changed = metadata.modified().ok()?;
    let is_settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED);
    let changed_ns = changed.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()?;
    Some(FileRecord {
        path: absolute(path)?,
        size: metadata.len().try_into().ok()?,
        // A time that no file has: it is looked at again.
        changed_ns: if is_settled { changed_ns } else { -1 },
    })
}

/// The path as a gallery keeps it.
pub(super) fn absolute(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}

/// SHA-256 of the file.
pub(super) fn digest(path: &Path) -> Result<PhotoDigest> {
    let bytes = read_image_bytes(path, &Limits::default()).map_err(|error| error.reason)?;
    Ok(PhotoDigest(Sha256::digest(&bytes).into()))
}
