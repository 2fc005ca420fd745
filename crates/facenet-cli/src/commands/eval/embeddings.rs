//! The embeddings of a pairs file's images.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet_core::Embedding;
use facenet_eval::{CompatPair, ImageRef, PairsFile, ScoredPairs};

use super::source::Source;
use crate::console::Console;
use crate::numbers::counted;

/// What may be left out.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SkipOptions {
    /// Measure without the pairs whose images are missing or cannot be used; their number is reported.
    #[arg(long)]
    pub(crate) skip_missing: bool,
}

/// A pairs file with the embeddings of its images.
pub(crate) struct EmbeddedPairs {
    pub(crate) pairs: PairsFile,
    pub(crate) scored: ScoredPairs,
    embeddings: HashMap<ImageRef, Embedding>,
}

impl EmbeddedPairs {
    /// Reads `file`, embeds the images under `images` and scores the pairs.
    pub(crate) fn of(
        source: &Source,
        images: &Path,
        file: &Path,
        skip: SkipOptions,
        console: &mut Console,
    ) -> Result<Self> {
        let pairs = PairsFile::read(file)?;
        let located = locate(&pairs, images, skip, console)?;
        let embeddings = embed(source, &located, skip, console)?;
        let scored = pairs.score(|left, right| Some(embeddings.get(left)?.distance(embeddings.get(right)?)));
        let scored = scored.with_context(|| format!("nothing can be measured on `{}`", file.display()))?;
        Ok(Self { pairs, scored, embeddings })
    }

    /// The pairs that could be compared, in the file's order.
    pub(crate) fn in_order(&self) -> Vec<CompatPair<'_>> {
        let embedded = |pair: &facenet_eval::Pair| {
            let (left, right) = (self.embeddings.get(&pair.left)?, self.embeddings.get(&pair.right)?);
            Some((left, right, pair.same))
        };
        let pairs = self.pairs.folds.iter().flatten().filter_map(embedded);
        pairs.map(|(left, right, same)| CompatPair { left, right, same }).collect()
    }
}

/// The files of all images that the pairs name, as far as they may be missing.
pub(super) fn locate(
    pairs: &PairsFile,
    images: &Path,
    skip: SkipOptions,
    console: &Console,
) -> Result<BTreeMap<ImageRef, PathBuf>> {
    let located = pairs.locate(images);
    if !skip.skip_missing {
        return located.complete().context(
            "images of the pairs file are missing\nhint: pass `--skip-missing` to measure without their pairs",
        );
    }
    if let Some(missing) = &located.missing {
        let (missing, named) = (missing.images.len(), missing.named);
        console.note(format_args!("{missing} of {named} images are missing: their pairs are skipped"));
    }
    Ok(located.found)
}

/// The embedding of each image that can be used; the others are skipped if that is allowed.
pub(super) fn embed(
    source: &Source,
    images: &BTreeMap<ImageRef, PathBuf>,
    skip: SkipOptions,
    console: &mut Console,
) -> Result<HashMap<ImageRef, Embedding>> {
    let names: HashMap<&Path, &ImageRef> = images.iter().map(|(name, path)| (path.as_path(), name)).collect();
    let files: Vec<PathBuf> = images.values().cloned().collect();
    let mut embeddings = HashMap::new();
    source.embed(&files, console, |path, embedding| {
        embeddings.insert(names[path.as_path()].clone(), embedding);
        Ok(())
    })?;
    check_usable(files.len() - embeddings.len(), files.len(), skip)?;
    Ok(embeddings)
}

/// Refuses to go on without `unusable` of `images`, unless that is allowed.
pub(crate) fn check_usable(unusable: usize, images: usize, skip: SkipOptions) -> Result<()> {
    if unusable > 0 && !skip.skip_missing {
        bail!(
            "{} of {} cannot be used\nhint: pass `--skip-missing` to measure without their pairs",
            unusable,
            counted(images, "image", "images")
        );
    }
    Ok(())
}
