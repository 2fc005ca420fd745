//! `facenet eval reject`: what it helps to refuse pictures of poor quality.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use facenet::FaceEngine;
use facenet_core::Embedding;
use facenet_eval::{ImageRef, NotMeasurable, PairsFile, RejectCurve, ScoredPair};
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
    let (judged, without) = judge(&engine, &located, console)?;
    for file in &without {
        console.failed(file, &anyhow!("no face was found"));
    }
    check_usable(located.len() - judged.len(), located.len(), args.skip)?;
    let curve = curve(&file, &judged)
        .with_context(|| format!("nothing can be measured on `{}`", args.pairs.display()))?;
    if args.json {
        let (model, data) = (engine.contract().id(), args.pairs.display().to_string());
        console.print_json(&Report { model: &model, data, curve: &curve })?;
    } else {
        console.print(&curve)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

/// The embedding and quality of an image's face.
pub(super) type Judged = HashMap<ImageRef, (Embedding, f32)>;

/// Embeds and judges images, and names those without a face.
pub(super) fn judge(
    engine: &FaceEngine,
    located: &BTreeMap<ImageRef, PathBuf>,
    console: &mut Console,
) -> Result<(Judged, Vec<PathBuf>)> {
    let names: HashMap<&PathBuf, &ImageRef> = located.iter().map(|(name, path)| (path, name)).collect();
    let files: Vec<PathBuf> = located.values().cloned().collect();
    let (mut judged, mut without) = (Judged::new(), Vec::new());
    Pipeline::new(engine).with_quality().run(&files, console, |photo, _| {
        match photo.faces.into_iter().next() {
            Some(face) => {
                let quality = face.quality.context("the pipeline was asked for the quality")?;
                judged.insert(names[&photo.path].clone(), (face.embedding, quality.value));
            }
            None => without.push(photo.path),
        }
        Ok(())
    })?;
    Ok((judged, without))
}

/// The errors without the pairs of poor quality.
pub(super) fn curve(file: &PairsFile, judged: &Judged) -> Result<RejectCurve, NotMeasurable> {
    let pair = |pair: &facenet_eval::Pair| {
        let (left, right) = (judged.get(&pair.left)?, judged.get(&pair.right)?);
        Some((ScoredPair { distance: left.0.distance(&right.0), same: pair.same }, left.1.min(right.1)))
    };
    RejectCurve::of(&file.folds.iter().flatten().filter_map(pair).collect::<Vec<_>>())
}
