//! `facenet embed`: images to embeddings.

mod sink;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use facenet_core::{Embedding, Face};
use serde::Serialize;

use self::sink::Sink;
use crate::console::Console;
use crate::engine::EngineOptions;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::pipeline::{Photo, Pipeline};

/// Turn images into embeddings: unit vectors, one a face.
///
/// Prints a line of JSON a face: `path`; `face` with its `box` (`x`, `y`, `width` and `height` in pixels of the
/// upright image) and `score`; `embedding`, an array of numbers; `model`. Only embeddings of the same `model` may be
/// compared.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet embed me.jpg
  facenet embed photos/ --output faces.jsonl
  facenet embed 'photos/**/*.png' --output faces.npy
  facenet embed aligned/ --crop none")]
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
    #[command(flatten)]
    engine: EngineOptions,
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
    embedding: Option<&'a Embedding>,
    model: &'a str,
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
    let engine = args.engine.build()?;
    let model = engine.contract().id();
    let mut sink = Sink::open(args.output.as_deref(), engine.contract().dimension)?;
    let files = args.inputs.files(console)?;

    let (mut images, mut faces) = (0, 0);
    Pipeline::new(&engine).run(&files, console, |Photo { path, faces: found }, console| {
        images += 1;
        faces += found.len();
        if found.is_empty() {
            console.note(format_args!("{}: no face was found", path.display()));
        }
        let line = |face| FaceLine { path: &path, face, embedding: None, model: &model };
        found.iter().try_for_each(|found| sink.put(line(&found.face), &found.embedding, console))
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
