//! `facenet eval reject`: what it helps to refuse pictures of poor quality.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use facenet_core::Embedding;
use facenet_eval::{ImageRef, PairsFile, RejectCurve, ScoredPair};
use serde::Serialize;

use super::embeddings::{SkipOptions, check_usable, locate};
use crate::console::Console;
use crate::engine::AlignedEngineOptions;
use crate::outcome::Outcome;
use crate::pipeline::Pipeline;

/// Measure how the error falls when pairs with pictures of poor quality are rejected, worst first.
///
/// A pair is as good as the worse of its two pictures. Images lie as for `facenet eval pairs`; whole photos need
/// `--crop detect`, which also tells faces that look away.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval reject --images crops/ --pairs pairs.txt
  facenet eval reject --images photos/ --pairs pairs.txt --crop detect --json")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs file.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    #[command(flatten)]
    skip: SkipOptions,
    #[command(flatten)]
    engine: AlignedEngineOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    model: &'a str,
    data: String,
    #[serde(flatten)]
    curve: &'a RejectCurve,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    let file = PairsFile::read(&args.pairs)?;
    let located = locate(&file, &args.images, args.skip, console)?;
    let names: HashMap<&PathBuf, &ImageRef> = located.iter().map(|(name, path)| (path, name)).collect();
    let files: Vec<PathBuf> = located.values().cloned().collect();
    let mut judged: HashMap<ImageRef, (Embedding, f32)> = HashMap::new();
    Pipeline::new(&engine).with_quality().run(&files, console, |photo, console| {
        match photo.faces.into_iter().next() {
            Some(face) => {
                let quality = face.quality.context("the pipeline was asked for the quality")?;
                judged.insert(names[&photo.path].clone(), (face.embedding, quality.value));
            }
            None => console.failed(&photo.path, &anyhow!("no face was found")),
        }
        Ok(())
    })?;
    check_usable(files.len() - judged.len(), files.len(), args.skip)?;

    let pair = |pair: &facenet_eval::Pair| {
        let (left, right) = (judged.get(&pair.left)?, judged.get(&pair.right)?);
        Some((ScoredPair { distance: left.0.distance(&right.0), same: pair.same }, left.1.min(right.1)))
    };
    let pairs: Vec<_> = file.folds.iter().flatten().filter_map(pair).collect();
    let curve = RejectCurve::of(&pairs)
        .with_context(|| format!("nothing can be measured on `{}`", args.pairs.display()))?;
    if args.json {
        let (model, data) = (engine.contract().id(), args.pairs.display().to_string());
        console.print_json(&Report { model: &model, data, curve: &curve })?;
    } else {
        console.print(&curve)?;
    }
    Ok(console.outcome(Outcome::Yes))
}
