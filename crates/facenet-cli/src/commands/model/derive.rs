//! `facenet model derive`: the same network as another model: in half precision, or looking twice.

use std::path::PathBuf;

use anyhow::{Result, bail};
use facenet_core::Contract;
use serde::Serialize;

use crate::console::Console;
use crate::engine::ModelOptions;
use crate::numbers::grouped;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Make another model of the same network: smaller, or more exact.
///
/// Its embeddings are others than those of the model it is made of, so it has no thresholds: calibrate it afterwards with
/// `facenet calibrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model derive small.safetensors --half --model runs/lite/model.safetensors
  facenet model derive exact.safetensors --mirrored")]
pub(crate) struct Args {
    /// The file to write.
    #[arg(value_name = "FILE")]
    output: PathBuf,
    /// Round weights to half precision: half the size, embeddings that differ by little.
    #[arg(long, required_unless_present = "mirrored")]
    half: bool,
    /// Embed each face together with its mirror image: twice the time, more exact.
    #[arg(long)]
    mirrored: bool,
    #[command(flatten)]
    model: ModelOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Derived<'a> {
    model: String,
    of: String,
    file: &'a PathBuf,
    bytes: u64,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    check_writable(&args.output)?;
    let Some(model) = args.model.load()?.into_ours() else {
        bail!("the model was imported: only networks of this program can be rounded or mirrored");
    };
    let of = model.contract().id();
    let model = if args.half { model.halved() } else { model };
    let model = if args.mirrored { model.mirrored() } else { model };
    model.save(&args.output)?;

    let (id, bytes) = (Contract::id(model.contract()), fs_err::metadata(&args.output)?.len());
    if args.json {
        console.print_json(&Derived { model: id, of, file: &args.output, bytes })?;
    } else {
        console.print(format_args!("model   {id}, made of {of}"))?;
        console.print(format_args!(
            "file    {}, {} bytes",
            args.output.display(),
            grouped(bytes as usize)
        ))?;
        console.note("it has no thresholds yet; `facenet calibrate` gives it some");
    }
    Ok(Outcome::Yes)
}
