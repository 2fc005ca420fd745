//! `facenet detect`: where are the faces?

mod draw;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet::{Limits, Quality, Reason, read_image};
use facenet_core::{BoundingBox, Detector, Face};
use rayon::prelude::*;
use serde::Serialize;

use self::draw::Drawings;
use crate::console::Console;
use crate::engine::DetectorOptions;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::photos::check_quality;
use crate::pipeline::quality;

/// Find the faces in photos.
///
/// Prints a line a face, the most confident of a photo first: the photo, the box (left, top, width and height in pixels
/// of the upright photo), the score, the quality, and what is wrong with the picture. Exits with 1 if no photo has a
/// face.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet detect party.jpg
  facenet detect photos/ --draw marked/ --min-face 40
  facenet detect photos/ --json > faces.jsonl")]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    detector: DetectorOptions,
    /// Leave out faces whose quality, from 0 to 1, is below this.
    #[arg(long, value_name = "QUALITY", default_value_t = 0.0)]
    min_quality: f32,
    /// Write a copy of every photo into this folder, as JPEG, with the faces drawn in: green for good pictures, yellow
    /// and red for worse.
    #[arg(long, value_name = "DIR")]
    draw: Option<PathBuf>,
    /// Print a line of JSON a photo: `path`, `width`, `height` and `faces`, each with `face` (`box`, `landmarks`,
    /// `score`) and `quality` (`value`, `reasons`).
    #[arg(long)]
    json: bool,
}

/// A photo and its faces.
#[derive(Debug, Serialize)]
struct Detected<'a> {
    path: &'a Path,
    width: u32,
    height: u32,
    faces: Vec<Judged>,
}

/// A face and how good its picture is.
#[derive(Debug, Serialize)]
struct Judged {
    face: Face,
    quality: Quality,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    check_quality(args.min_quality)?;
    let detector = args.detector.load()?;
    let files = args.inputs.files(console)?;
    let drawings = args.draw.as_deref().map(|folder| Drawings::into(folder, &files)).transpose()?;

    let mut found = 0;
    console.begin(files.len());
    // Not more photos are decoded than there are threads.
    for window in files.chunks(rayon::current_num_threads()) {
        let photos: Vec<Result<Detected<'_>>> =
            window.par_iter().map(|file| look(file, &*detector, args, drawings.as_ref())).collect();
        for (file, photo) in window.iter().zip(photos) {
            match photo {
                Ok(photo) => {
                    found += photo.faces.len();
                    print(&photo, args, console)?;
                }
                Err(error) => console.failed(file, &error),
            }
            console.advance(1);
        }
    }
    console.end();
    let photos = counted(files.len(), "photo", "photos");
    console.note(format_args!("{} in {photos}", counted(found, "face", "faces")));
    if let Some(folder) = &args.draw {
        console.note(format_args!("wrote the marked photos to {}", folder.display()));
    }
    Ok(console.outcome(Outcome::of(found > 0)))
}

fn look<'a>(
    path: &'a Path,
    detector: &dyn Detector,
    args: &Args,
    drawings: Option<&Drawings>,
) -> Result<Detected<'a>> {
    let image = read_image(path, &Limits::default()).map_err(|error| error.reason)?;
    let faces = match detector.detect(&image) {
        Ok(faces) => faces,
        Err(error) => bail!(anyhow::Error::from_boxed(error).context("cannot look for faces")),
    };
    let judged = faces.into_iter().map(|face| Judged { quality: quality(&image, &face), face });
    let faces: Vec<Judged> = judged.filter(|face| face.quality.value >= args.min_quality).collect();
    let (width, height) = image.dimensions();
    if let Some(drawings) = drawings {
        drawings.write(path, image, &faces).context("cannot write the marked photo")?;
    }
    Ok(Detected { path, width, height, faces })
}

fn print(photo: &Detected<'_>, args: &Args, console: &Console) -> Result<()> {
    if args.json {
        return console.print_json(photo);
    }
    if photo.faces.is_empty() {
        console.note(format_args!("{}: no face was found", photo.path.display()));
    }
    photo.faces.iter().try_for_each(|Judged { face, quality }| {
        let BoundingBox { x, y, width, height } = face.bounds;
        let reasons: Vec<&str> = quality.reasons.iter().copied().map(Reason::words).collect();
        console.print(format_args!(
            "{}\t{x:.0} {y:.0} {width:.0} {height:.0}\tscore {:.2}\tquality {:.2}{}{}",
            photo.path.display(),
            face.score,
            quality.value,
            if reasons.is_empty() { "" } else { "\t" },
            reasons.join(", ")
        ))
    })
}
