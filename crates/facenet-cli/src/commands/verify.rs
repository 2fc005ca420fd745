//! `facenet verify`: are these two the same person?

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet_core::{Distance, Face};
use serde::Serialize;

use crate::console::Console;
use crate::engine::EngineOptions;
use crate::outcome::Outcome;
use crate::pipeline::{FoundFace, Pipeline};
use crate::threshold::{self, ThresholdJson, ThresholdOptions};

/// The default for `--far`: one face is compared with one other.
const FALSE_ACCEPT_RATE: f64 = 1e-2;

/// Decide whether two images show the same person.
///
/// They do if the distance of their embeddings is at most the threshold. Exits with 0 for the same person, 1 for two
/// different ones. A verdict is a guess whose errors are known only for data like that which the threshold was
/// calibrated on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet verify passport.jpg selfie.jpg
  facenet verify a.jpg b.jpg --far 1e-3        stricter: up to 0.1 % of strangers pass
  facenet verify a.jpg b.jpg --quiet && echo welcome")]
pub(crate) struct Args {
    /// One image.
    #[arg(value_name = "A")]
    left: PathBuf,
    /// The other image.
    #[arg(value_name = "B")]
    right: PathBuf,
    #[command(flatten)]
    threshold: ThresholdOptions,
    #[command(flatten)]
    engine: EngineOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    same: bool,
    distance: Distance,
    cosine: f32,
    /// Of one person, at even odds before looking; none where the model has no fitted curve.
    probability: Option<f64>,
    threshold: ThresholdJson<'a>,
    model: &'a str,
    left: Side<'a>,
    right: Side<'a>,
}

#[derive(Debug, Serialize)]
struct Side<'a> {
    path: &'a Path,
    face: &'a Face,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    let cut = args.threshold.choose(engine.contract(), FALSE_ACCEPT_RATE)?;
    let pipeline = Pipeline::new(&engine);
    let left = only_face(&pipeline, &args.left, console)?;
    let right = only_face(&pipeline, &args.right, console)?;

    let distance = left.embedding.distance(&right.embedding);
    let same = distance <= cut.distance();
    let probability = engine.contract().calibration.as_ref().map(|curve| curve.probability(distance));
    let model = engine.contract().id();
    if args.json {
        console.print_json(&Verdict {
            same,
            distance,
            cosine: distance.cosine(),
            probability,
            threshold: threshold::json(&cut),
            model: &model,
            left: Side { path: &args.left, face: &left.face },
            right: Side { path: &args.right, face: &right.face },
        })?;
    } else {
        console.print(if same { "same person" } else { "different people" })?;
        console
            .print(format_args!("distance   {:.3}  (0 the same face, 4 the opposite)", distance.value()))?;
        console.print(format_args!("cosine     {:.3}", distance.cosine()))?;
        if let Some(probability) = probability {
            let probability = probability_words(probability);
            console.print(format_args!("same       {probability}  (probability at even odds)"))?;
        }
        console.print(format_args!("threshold  {}", threshold::words(&cut)))?;
        console.print(format_args!("model      {model}"))?;
    }
    Ok(Outcome::of(same))
}

/// A probability in percent; beyond what a fitted curve can tell, only the side.
fn probability_words(probability: f64) -> String {
    match 100.0 * probability {
        percent if percent < 0.1 => "below 0.1 %".into(),
        percent if percent > 99.9 => "above 99.9 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// The most confident face of an image; that there are others is told.
fn only_face(pipeline: &Pipeline<'_>, path: &Path, console: &Console) -> Result<FoundFace> {
    let mut faces = pipeline.photo(path)?.faces.into_iter();
    let first = faces.next().with_context(|| format!("no face was found in `{}`", path.display()))?;
    if faces.len() > 0 {
        console.note(format_args!(
            "{}: the most confident of {} faces counts",
            path.display(),
            faces.len() + 1
        ));
    }
    Ok(first)
}
