//! API keys: random, and kept only as digests.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::caller::{Caller, Scope};
use crate::jobs::now;
use crate::problem::ApiError;

/// What every key begins with, so that one that leaked is found by searching.
const PREFIX: &str = "fnk_";

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The identifier: `k1`, `k2` …
    pub id: String,
    /// Whose it is, or what for.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// SHA-256 of the secret, in hexadecimal. A secret has 256 random bits, which nobody can try out: it needs no salt and
    /// no slow digest, as passwords do.
    pub sha256: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// A file of keys, which only its owner may read.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The number of the last key that was made: identifiers are never given twice, since the audit log has them.
    last: u64,
    keys: Vec<Key>,
}

/// Why a file of keys could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read or written.
    #[error("cannot use the keys in `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("`{path}` is no file of keys")]
    NotKeys {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Others could read or change it.
    #[error("`{path}` can be read or changed by others\nhint: `chmod 600 {path}`")]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It has no such key.
    #[error("`{path}` has no key `{id}`\nhint: `facenet serve keys list {path}` shows those it has")]
    NoSuch {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
}

impl KeyFile {
    /// Reads the keys in the file at `path`; none if there is no file.
    ///
    /// # Errors
    /// When it cannot be read, is something else, or can be read by others.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let fault = |source| KeyError::File { path: path.into(), source };
        let text = match fs_err::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.into(), content: Content::default() });
            }
            Err(error) => return Err(fault(error)),
        };
        check_private(path).map_err(fault)?.then_some(()).ok_or(KeyError::Open { path: path.into() })?;
        let content = serde_json::from_slice(&text);
        let content = content.map_err(|source| KeyError::NotKeys { path: path.into(), source })?;
        Ok(Self { path: path.into(), content })
    }

    /// The keys, in the order in which they were made.
    pub fn keys(&self) -> &[Key] {
        &self.content.keys
    }

    /// Makes a key and gives its secret, which nothing can tell again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, name: &str, scope: Scope) -> Result<(String, String), KeyError> {
        let secret = secret()?;
        self.content.last += 1;
        let id = format!("k{}", self.content.last);
        let key = Key { id: id.clone(), name: name.into(), scope, sha256: digest(&secret), created: now() };
        self.content.keys.push(key);
        self.save()?;
        Ok((id, secret))
    }

    /// Gives the key with this identifier another secret, and gives that; the old one is no more.
    ///
    /// # Errors
    /// When there is none, or the file cannot be written.
    pub fn rotate(&mut self, id: &str) -> Result<String, KeyError> {
        let secret = secret()?;
        let missing = KeyError::NoSuch { path: self.path.clone(), id: id.into() };
        let key = self.content.keys.iter_mut().find(|key| key.id == id).ok_or(missing)?;
        key.sha256 = digest(&secret);
        self.save()?;
        Ok(secret)
    }

    /// Removes the key with this identifier.
    ///
    /// # Errors
    /// When there is none, or the file cannot be written.
    pub fn remove(&mut self, id: &str) -> Result<(), KeyError> {
        let before = self.content.keys.len();
        self.content.keys.retain(|key| key.id != id);
        if self.content.keys.len() == before {
            return Err(KeyError::NoSuch { path: self.path.clone(), id: id.into() });
        }
        self.save()
    }

    /// Writes the file beside its place and renames it; a temporary file is its owner's alone.
    fn save(&self) -> Result<(), KeyError> {
        let write = || {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            serde_json::to_writer_pretty(&mut file, &self.content)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|source| KeyError::File { path: self.path.clone(), source })
    }
}

fn secret() -> Result<String, KeyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Random(io::Error::other(error.to_string())))?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn digest(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn check_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs_err::metadata(path)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The keys of a running service. The file is read for every request, a few kilobytes that the system has in memory, so
/// that a key that is removed is so at once: its time of change is too coarse to tell.
pub(crate) struct KeyRing {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What was read.
    text: Vec<u8>,
    /// By digest. Comparing digests tells nothing about a secret by the time that it takes.
    callers: HashMap<String, Caller>,
}

impl KeyRing {
    /// Reads the keys in the file at `path`.
    ///
    /// # Errors
    /// As [`KeyFile::open`].
    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        KeyFile::open(path)?;
        let ring = Self { path: path.into(), known: Mutex::default() };
        ring.refresh(&mut ring.known.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(ring)
    }

    /// Whether there is any key.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).callers.is_empty()
    }

    /// Whose secret this is. When the file cannot be read any more, nobody's.
    ///
    /// # Errors
    /// When it is nobody's.
    pub(crate) fn caller(&self, secret: &str) -> Result<Caller, ApiError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut known);
        known.callers.get(&digest(secret)).cloned().ok_or(ApiError::UnknownKey)
    }

    fn refresh(&self, known: &mut Known) {
        let text = fs_err::read(&self.path).unwrap_or_default();
        if text == known.text && !text.is_empty() {
            return;
        }
        let caller = |key: &Key| (key.sha256.clone(), Caller { key: Some(key.id.clone()), scope: key.scope });
        let file = KeyFile::open(&self.path);
        let callers = file.map(|file| file.keys().iter().map(caller).collect()).unwrap_or_default();
        *known = Known { text, callers };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_once_and_only_its_digest_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        let (id, secret) = KeyFile::open(&path).unwrap().add("door", Scope::Read).unwrap();
        assert_eq!((id.as_str(), secret.len()), ("k1", 4 + 43)); // 256 bits in base64
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(!text.contains(&secret[4..]) && text.contains("\"door\""), "{text}");
        let ring = KeyRing::open(&path).unwrap();
        let caller = ring.caller(&secret).unwrap();
        assert_eq!((caller.key.as_deref(), caller.scope), (Some("k1"), Scope::Read));
        assert!(ring.caller("fnk_guess").is_err());
    }

    #[test]
    fn a_key_that_is_removed_or_rotated_is_so_for_a_running_service() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        let mut file = KeyFile::open(&path).unwrap();
        let (id, old) = file.add("door", Scope::Write).unwrap();
        let ring = KeyRing::open(&path).unwrap();
        let new = file.rotate(&id).unwrap();
        assert!(ring.caller(&old).is_err() && ring.caller(&new).is_ok());
        file.remove(&id).unwrap();
        assert!(ring.caller(&new).is_err());
        assert_eq!(file.add("other", Scope::Read).unwrap().0, "k2", "an identifier is not given twice");
        assert!(matches!(file.remove("k1"), Err(KeyError::NoSuch { .. })));
        fs_err::remove_file(&path).unwrap();
        assert!(ring.caller(&new).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        KeyFile::open(&path).unwrap().add("door", Scope::Read).unwrap();
        let mode = || fs_err::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(KeyFile::open(&path), Err(KeyError::Open { .. })));
        fs_err::write(&path, "[]").unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(KeyFile::open(&path), Err(KeyError::NotKeys { .. })));
    }
}
