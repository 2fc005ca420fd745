//! `facenet embed`: images to embeddings.

mod sink;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use facenet::Quality;
use facenet_core::{Embedding, Face, QuantisedEmbedding};
use serde::Serialize;

use self::sink::Sink;
use crate::console::Console;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::photos::{PhotoOptions, note_missing};
use crate::pipeline::Photo;

/// Turn images into embeddings: unit vectors, one a face.
///
/// Prints a line of JSON a face: `path`; `face` with its `box` (`x`, `y`, `width` and `height` in pixels of the
/// upright image), `landmarks` where they are known, and `score`; `quality` with its `value` from 0 to 1 and the `reasons`
/// for a low one; `embedding`, an array of numbers; `model`. Only embeddings of the same `model` may be
/// compared.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet embed me.jpg
  facenet embed photos/ --output faces.jsonl
  facenet embed 'photos/**/*.png' --output faces.npy
  facenet embed aligned/ --crop none
  facenet embed photos/ --quantised --output faces.npy")]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Write to this file instead of stdout, by its ending: `.jsonl` as printed, or `.npy`.
    ///
    /// `.npy` is a NumPy array of 32-bit floats, [faces, dimensions]. Its rows are named by a second file beside it,
    /// `NAME.rows.jsonl`: a line a row, as printed but without the embedding. Files appear when they are complete; an
    /// older one is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write one byte a coordinate instead of a 32-bit float: whole numbers q from -127 to 127.
    ///
    /// They give the direction: the embedding is q / |q|, with |q| the Euclidean norm. The scale, 127 divided by the
    /// largest coordinate, differs from embedding to embedding and is not needed: the squared distance of two is
    /// 2 - 2 (q . p) / (|q| |p|). In a `.npy` file they are 8-bit signed integers.
    #[arg(long)]
    quantised: bool,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print JSON: with `--output`, a summary; otherwise that is what is printed anyway.
    #[arg(long)]
    json: bool,
}

/// A line of output.
#[derive(Debug, Clone, Copy, Serialize)]
struct FaceLine<'a> {
    path: &'a Path,
    face: &'a Face,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a Quality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<&'a Coordinates<'a>>,
    model: &'a str,
}

/// The coordinates of an embedding, as they were asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Coordinates<'a> {
    Floats(&'a Embedding),
    Bytes(QuantisedEmbedding),
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    output: &'a Path,
    /// Where the rows of an array are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<PathBuf>,
    model: &'a str,
    images: usize,
    faces: usize,
    failed: usize,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    let model = engine.contract().id();
    let mut sink = Sink::open(args.output.as_deref(), engine.contract().dimension)?;
    let files = args.inputs.files(console)?;

    let (mut images, mut faces) = (0, 0);
    args.photos.pipeline(&engine)?.run(&files, console, |photo, console| {
        note_missing(&photo, console);
        let Photo { path, faces: found, .. } = photo;
        images += 1;
        faces += found.len();
        for found in &found {
            let line = FaceLine {
                path: &path,
                face: &found.face,
                quality: found.quality.as_ref(),
                embedding: None,
                model: &model,
            };
            let coordinates = match args.quantised {
                true => Coordinates::Bytes(QuantisedEmbedding::from(&found.embedding)),
                false => Coordinates::Floats(&found.embedding),
            };
            sink.put(line, &coordinates, console)?;
        }
        Ok(())
    })?;

    if let Some(output) = &args.output {
        if faces == 0 {
            bail!("no face was found, so `{}` was not written", output.display());
        }
        let rows = sink.finish()?;
        let failed = console.failures();
        if args.json {
            console.print_json(&Summary { output, rows, model: &model, images, faces, failed })?;
        }
        let (faces, images) = (counted(faces, "face", "faces"), counted(images, "image", "images"));
        console.note(format_args!("wrote {faces} of {images} to {}", output.display()));
    }
    Ok(console.outcome(Outcome::Yes))
}
