//! How commands come to the faces of photos.

use anyhow::{Result, ensure};
use facenet::FaceEngine;

use crate::cache::{Cache, CacheOptions};
use crate::console::Console;
use crate::engine::EngineOptions;
use crate::numbers::counted;
use crate::pipeline::{Photo, Pipeline};

/// Which model embeds, which faces of photos, and what is kept of them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PhotoOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// Leave out faces whose quality, from 0 to 1, is below this.
    #[arg(long, value_name = "QUALITY", default_value_t = 0.0)]
    min_quality: f32,
    #[command(flatten)]
    cache: CacheOptions,
}

impl PhotoOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// When a model cannot be loaded or an option is out of its range.
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        check_quality(self.min_quality)?;
        self.engine.build()
    }

    /// The way of photos through `engine`, which these options have built.
    ///
    /// # Errors
    /// When the cache cannot be opened.
    pub(crate) fn pipeline<'e>(&self, engine: &'e FaceEngine) -> Result<Pipeline<'e>> {
        let open = |folder: std::path::PathBuf| Cache::open(&folder, &self.engine.key(engine.contract())?);
        let cache = self.cache.folder().map(open).transpose()?;
        Ok(Pipeline::new(engine).with_quality().with_least_quality(self.min_quality).with_cache(cache))
    }
}

/// Checks a quality that was asked for.
///
/// # Errors
/// When it is not in `[0, 1]`.
pub(crate) fn check_quality(least: f32) -> Result<()> {
    ensure!(
        (0.0..=1.0).contains(&least),
        "`--min-quality {least}` cannot be used: expected a number from 0 to 1"
    );
    Ok(())
}

/// Tells which faces a photo lacks: all, or those of poor quality.
pub(crate) fn note_missing(photo: &Photo, console: &Console) {
    match (photo.faces.len(), photo.poor) {
        (0, 0) => console.note(format_args!("{}: no face was found", photo.path.display())),
        (_, 0) => {}
        (_, poor) => console.note(format_args!(
            "{}: {} of poor quality left out",
            photo.path.display(),
            counted(poor, "face", "faces")
        )),
    }
}
