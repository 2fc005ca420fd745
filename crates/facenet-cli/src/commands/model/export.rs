//! `facenet model export`: our networks as ONNX, for other programs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use facenet::{DetectorModel, write_beside};
use facenet_onnx::{EMBEDDING, INPUT, LOOK, OPSET, PLACES};
use serde::Serialize;

use crate::console::Console;
use crate::engine::ModelOptions;
use crate::loaded::Loaded;
use crate::numbers::grouped;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Write a model as an ONNX file, which ONNX Runtime, OpenCV, TensorRT and others run.
///
/// The input is `image`, [batch, 3, height, width]: the middle of an aligned crop, red, green, blue, (value - 127.5) /
/// 128. The output is `embedding`, [batch, dimension], of unit length. Contract and preprocessing are in the file's
/// properties.
///
/// A detector reads a whole image of any multiples of 32 pixels, and gives `places8`, `places16` and `places32`, [batch, 15,
/// height, width]. How they become faces is in the property `facenet.decoding`. Its second look at each face is a file of its own
/// (`refiner`): `look`, [batch, 15], of squares of 64 pixels.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model export lite.onnx
  facenet model export mine.onnx --model runs/lite/model.safetensors --json
  facenet model export detector.onnx --as detector
  facenet model export refiner.onnx --as refiner")]
pub(crate) struct Args {
    /// The file to write.
    #[arg(value_name = "FILE.onnx")]
    output: PathBuf,
    /// Which of the program's networks.
    #[arg(long = "as", value_enum, value_name = "NETWORK", default_value_t = Network::Embedder)]
    network: Network,
    #[command(flatten)]
    model: ModelOptions,
    /// The detector's file; by default the shipped detector.
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Written {
    model: String,
    file: PathBuf,
    bytes: usize,
    opset: i64,
    input: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<&'static str>>,
}

/// What there is to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Network {
    /// Turns a face into an embedding
    Embedder,
    /// Finds faces in an image
    Detector,
    /// Looks again at each face that the detector found
    Refiner,
}

/// A model as it is written.
struct Exported {
    model: String,
    file: Vec<u8>,
    outputs: Vec<&'static str>,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    check_writable(&args.output)?;
    let Exported { model, file, outputs } = match args.network {
        Network::Embedder => embedder(args)?,
        Network::Detector | Network::Refiner => detector(args)?,
    };
    write_beside(&args.output, &file).with_context(|| format!("cannot write `{}`", args.output.display()))?;
    let bytes = file.len();
    if args.json {
        let (output, outputs) = match outputs[..] {
            [output] => (Some(output), None),
            _ => (None, Some(outputs)),
        };
        let file = args.output.clone();
        console.print_json(&Written { model, file, bytes, opset: OPSET, input: INPUT, output, outputs })?;
    } else {
        console.note(format_args!(
            "wrote {model} to {}: {} bytes, opset {OPSET}, `{INPUT}` to `{}`",
            args.output.display(),
            grouped(bytes),
            outputs.join("`, `")
        ));
    }
    Ok(Outcome::Yes)
}

fn embedder(args: &Args) -> Result<Exported> {
    if args.detector.is_some() {
        bail!("`--detector` names a detector, but what embeds is written\nhint: add `--as detector`");
    }
    let model = match args.model.load()? {
        Loaded::Ours(model) => model,
        Loaded::Imported(model) => {
            bail!("the model `{}` was imported: it is an ONNX file already", model.manifest().name)
        }
    };
    let file = facenet_onnx::export(&model);
    Ok(Exported { model: model.contract().id(), file, outputs: vec![EMBEDDING] })
}

fn detector(args: &Args) -> Result<Exported> {
    if args.model.is_named() {
        bail!("`--model` names what embeds, but a detector is written\nhint: name its file by `--detector`");
    }
    let model = match &args.detector {
        Some(path) => DetectorModel::load(path)?,
        None => DetectorModel::shipped()?,
    };
    let named = |network: &str, weights: &str| format!("{network}-{}", &weights[..12]);
    let facts = model.facts();
    if args.network == Network::Detector {
        let (model, file) = (named(&facts.network, &facts.weights), facenet_onnx::export_detector(&model));
        return Ok(Exported { model, file, outputs: PLACES.into() });
    }
    let refiner = facts.refiner.as_ref().zip(facenet_onnx::export_refiner(&model));
    let (facts, file) =
        refiner.context("the detector looks at each face once: it has no second look to export")?;
    Ok(Exported { model: named(&facts.network, &facts.weights), file, outputs: vec![LOOK] })
}
