//! `facenet eval detect`: are the faces of photos found?

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet::{DetectorModel, FaceDetector, Limits, Search, read_image};
use facenet_core::{Detector, Face};
use facenet_eval::{
    DetectionReport, DetectionSamples, LabelledPhoto, PictureError, precision_recall_svg,
    read_detection_labels, read_wider_labels, write_file,
};
use rayon::prelude::*;

use super::identify::write_picture;
use crate::console::Console;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// The least score of the faces that are measured: low enough for the whole curve of precision over recall.
const LEAST_SCORE: f32 = 0.02;

/// Photos that are searched between two looks at the progress.
const WINDOW: usize = 16;

/// Measure whether the faces of labelled photos are found.
///
/// Prints average precision, by the height of faces (under 24 pixels, 24 to 64, above 64), the share of faces that are found
/// where one photo in ten has a false one, and how far the landmarks lie off. A face counts as found from an intersection
/// over union of 0.4 on, since data sets differ in how tight their boxes are; faces that are labelled as unsure are neither
/// right nor wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval detect --data detect/val.jsonl
  facenet eval detect --data WIDER_val/images --wider wider_face_val_bbx_gt.txt --output report/")]
pub(crate) struct Args {
    /// Labels, a JSON object a line, beside the folder of their photos; or a folder with `val.jsonl` and `val/` in it.
    ///
    /// With `--wider` the folder of the photos.
    #[arg(long, value_name = "DIR|FILE.jsonl")]
    data: PathBuf,
    /// Labels in the form of WIDER FACE's `wider_face_val_bbx_gt.txt`.
    #[arg(long, value_name = "FILE")]
    wider: Option<PathBuf>,
    /// The detector; by default the one that ships with the program.
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
    /// The longer side of the finest view of a photo, in pixels: larger photos are shrunk to it.
    #[arg(long, value_name = "PIXELS", default_value_t = Search::default().finest_px, value_parser = clap::value_parser!(u32).range(32..))]
    finest: u32,
    /// Look at photos as they stand only, even where no certain face is found.
    #[arg(long)]
    upright: bool,
    /// Write `detection.json` and the curve as SVG and PNG into this folder too.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    if let Some(folder) = &args.output {
        check_writable(&folder.join("detection.json"))?;
    }
    let photos = match &args.wider {
        Some(labels) => read_wider_labels(labels, &args.data)?,
        None => read_detection_labels(&labels_of(&args.data))?,
    };
    anyhow::ensure!(!photos.is_empty(), "`{}` tells of no photos", args.data.display());
    let detector = detector(args)?;
    let report = measure(&detector, &photos, console)?;

    if let Some(folder) = &args.output {
        fs_err::create_dir_all(folder)?;
        write_file(&folder.join("detection.json"), report.to_json() + "\n")?;
        match precision_recall_svg("Faces found", &report) {
            Ok(svg) => write_picture(folder, "detection", &svg)?,
            Err(PictureError::NoCurve) => console.note("nothing was found, so there is no curve to draw"),
            Err(error) => return Err(error.into()),
        }
        console.note(format_args!("wrote detection.json and the curve to {}", folder.display()));
    }
    if args.json {
        console.print(report.to_json())?;
    } else {
        console.print(&report)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

/// The labels of a folder.
fn labels_of(data: &Path) -> PathBuf {
    if data.is_dir() { data.join("val.jsonl") } else { data.into() }
}

fn detector(args: &Args) -> Result<FaceDetector> {
    let model = match &args.detector {
        Some(path) => DetectorModel::load(path)?,
        None => DetectorModel::shipped()?,
    };
    let search =
        Search { score: LEAST_SCORE, finest_px: args.finest, turns: !args.upright, ..Search::default() };
    FaceDetector::new(&model).with_search(search).context("the detector cannot search so")
}

/// Photos that cannot be read are told and left out.
fn measure(
    detector: &FaceDetector,
    photos: &[LabelledPhoto],
    console: &mut Console,
) -> Result<DetectionReport> {
    let mut samples = DetectionSamples::default();
    console.begin(photos.len());
    for window in photos.chunks(WINDOW) {
        let found: Vec<Result<Vec<Face>>> = window
            .par_iter()
            .map(|photo| {
                let image = read_image(&photo.path, &Limits::default())?;
                detector.detect(&image).map_err(anyhow::Error::from_boxed)
            })
            .collect();
        for (photo, found) in window.iter().zip(found) {
            match found {
                Ok(found) => samples.add(&found, &photo.faces),
                Err(error) => console.failed(&photo.path, &error),
            }
        }
        console.advance(window.len());
    }
    console.end();
    Ok(samples.report())
}
