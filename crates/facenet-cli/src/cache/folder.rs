//! Where the cache lies.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Whether and where results are kept.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CacheOptions {
    /// Where to keep what was found in photos, so that unchanged ones need not be looked at again: a folder, or `off`.
    ///
    /// It holds paths, boxes, landmarks and embeddings of faces, and no pictures; only its owner may read it. By default
    /// it lies in the user's cache folder; `facenet cache` shows and clears it.
    #[arg(long, value_name = "DIR", env = "FACENET_CACHE", hide_env_values = true)]
    pub(crate) cache: Option<CacheFolder>,
}

/// A folder for the cache, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CacheFolder {
    Off,
    At(PathBuf),
}

impl From<OsString> for CacheFolder {
    fn from(text: OsString) -> Self {
        if text == "off" { Self::Off } else { Self::At(text.into()) }
    }
}

impl CacheOptions {
    /// The folder; none when there shall be no cache, or the system has no place for one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match &self.cache {
            Some(CacheFolder::Off) => None,
            Some(CacheFolder::At(folder)) => Some(folder.clone()),
            None => dirs::cache_dir().map(|folder| folder.join("facenet")),
        }
    }
}

/// Makes the folder if it is not there, for its owner alone.
pub(super) fn make(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| {
        format!(
            "cannot make the cache `{}`\nhint: name another with `--cache DIR`, or none with `--cache off`",
            folder.display()
        )
    })
}
