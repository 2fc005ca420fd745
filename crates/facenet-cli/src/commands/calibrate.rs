//! `facenet calibrate`: thresholds and probabilities from named data, written into a model's contract.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet::FaceEngine;
use facenet_core::{Threshold, ThresholdInterval};
use facenet_eval::{Bootstrap, Calibrated, ScoredPairs, calibrate, reliability, reliability_svg, write_file};
use serde::Serialize;

use super::eval::{EmbeddedPairs, SkipOptions, Source, faces_of_people};
use crate::console::Console;
use crate::engine::{Crop, DetectorOptions};
use crate::loaded::Loaded;
use crate::numbers::{SEED, percent};
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Calibrate a model: write thresholds for false accept rates, and the curve of probability, into its file.
///
/// Each threshold is the largest whose share of accepted impostor pairs is at most the rate, with an interval of 95 %
/// over people. A rate is refused where the data cannot support it: it needs 3 / rate impostor pairs (the rule of
/// three: not one false accept among n pairs still allows a rate of 3 / n). The curve is a logistic function of the
/// distance, fitted by maximum likelihood, both kinds of pairs weighing the same. What the model held before is
/// replaced; weights, and so the comparability of embeddings, stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet calibrate my.safetensors --far 1e-3 --images crops/ --pairs pairs.txt
  facenet calibrate my.safetensors --far 1e-2 --far 1e-4 --images crops/     all pairs of the folder")]
pub(crate) struct Args {
    /// The model file, which is rewritten.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A share of pairs of two people that may pass as one; may be given several times.
    #[arg(long, value_name = "RATE", required = true)]
    far: Vec<f64>,
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs to calibrate on; without it, every face with every other one.
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// The name of the data in the contract; by default the path of the pairs or the images.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Write the calibrated model here, and leave MODEL as it is.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw what share of pairs came true over the stated probability, as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How often people are drawn anew for the intervals; 0 for none. On all pairs of thousands of faces, each takes a
    /// second.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::DRAWS)]
    bootstrap: u32,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::None)]
    crop: Crop,
    #[command(flatten)]
    skip: SkipOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    thresholds: &'a [Threshold],
    calibration: &'a facenet_core::Calibration,
    reliability: &'a [facenet_eval::ReliabilityBin],
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let model = Loaded::load(&args.model)?;
    let target = args.output.as_ref().unwrap_or(&args.model);
    check_writable(target)?;
    let detector = args.crop.detector(model.contract(), &DetectorOptions::default())?;
    let engine = FaceEngine::new(detector, model.embedder()?);
    let scored = score(args, &Source::Engine(Box::new(engine)), console)?;
    let path: &Path = args.pairs.as_ref().unwrap_or(&args.images);
    let data = args.data.clone().unwrap_or_else(|| path.display().to_string());
    let calibrated = calibrate(&scored, &args.far, &data, args.bootstrap, SEED)
        .with_context(|| format!("`{}` is not calibrated and stays as it was", target.display()))?;

    let bins = reliability(&scored, &calibrated.calibration);
    if let Some(plot) = &args.plot {
        write_file(plot, reliability_svg(&format!("Reliability on {data}"), &bins)?)?;
    }
    let Calibrated { thresholds, calibration } = calibrated;
    let model = model.calibrated(thresholds.clone(), calibration.clone());
    model.save(target)?;
    console.note(format_args!("wrote the calibration into {}", target.display()));
    if args.json {
        let id = model.contract().id();
        console.print_json(&Report {
            model: &id,
            thresholds: &thresholds,
            calibration: &calibration,
            reliability: &bins,
        })?;
    } else {
        print(&thresholds, &calibration, &scored, console)?;
    }
    Ok(Outcome::Yes)
}

fn score(args: &Args, source: &Source, console: &mut Console) -> Result<ScoredPairs> {
    if let Some(file) = &args.pairs {
        let embedded = EmbeddedPairs::of(source, &args.images, file, args.skip, console)?;
        let warnings = embedded.pairs.audit().warnings();
        warnings.iter().for_each(|warning| console.note(format_args!("{}: {warning}", file.display())));
        return Ok(embedded.scored);
    }
    let faces = faces_of_people(&args.images, source, args.skip, console)?;
    let nothing = || format!("nothing can be measured on `{}`", args.images.display());
    faces.scored_pairs().with_context(nothing)
}

fn print(
    thresholds: &[Threshold],
    calibration: &facenet_core::Calibration,
    scored: &ScoredPairs,
    console: &Console,
) -> Result<()> {
    let (genuine, impostors) = (scored.genuine(), scored.impostors());
    console.print(format_args!(
        "data        {}: {genuine} genuine, {impostors} impostor pairs",
        calibration.data
    ))?;
    for Threshold { distance, false_accept_rate, interval, .. } in thresholds {
        let interval = interval.map_or("no interval".into(), |ThresholdInterval { low, high, level }| {
            format!("{} sure of {:.4} to {:.4}", percent(level), low.value(), high.value())
        });
        let rate = percent(*false_accept_rate);
        console.print(format_args!(
            "threshold   {:.4} at a false accept rate of {rate}  ({interval})",
            distance.value()
        ))?;
    }
    let facenet_core::Calibration { midpoint, slope, .. } = calibration;
    console.print(format_args!(
        "probability 1 / (1 + exp({slope:.3} · (distance − {midpoint:.4}))) at even odds"
    ))
}
