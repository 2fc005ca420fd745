//! `facenet model export`: our networks as ONNX, for other programs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use facenet::write_beside;
use facenet_onnx::{EMBEDDING, INPUT, OPSET};
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
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model export lite.onnx
  facenet model export mine.onnx --model runs/lite/model.safetensors --json")]
pub(crate) struct Args {
    /// The file to write.
    #[arg(value_name = "FILE.onnx")]
    output: PathBuf,
    #[command(flatten)]
    model: ModelOptions,
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
    output: &'static str,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    check_writable(&args.output)?;
    let model = match args.model.load()? {
        Loaded::Ours(model) => model,
        Loaded::Imported(model) => {
            bail!("the model `{}` was imported: it is an ONNX file already", model.manifest().name)
        }
    };
    let file = facenet_onnx::export(&model);
    write_beside(&args.output, &file).with_context(|| format!("cannot write `{}`", args.output.display()))?;
    let id = model.contract().id();
    if args.json {
        let (file, bytes) = (args.output.clone(), file.len());
        let written = Written { model: id, file, bytes, opset: OPSET, input: INPUT, output: EMBEDDING };
        console.print_json(&written)?;
    } else {
        console.note(format_args!(
            "wrote {id} to {}: {} bytes, opset {OPSET}, `{INPUT}` to `{EMBEDDING}`",
            args.output.display(),
            grouped(file.len())
        ));
    }
    Ok(Outcome::Yes)
}
