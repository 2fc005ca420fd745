//! `facenet model import`: other people's networks for this program.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use facenet_onnx::{Imported, Manifest, OnnxFile, PRESETS, Role};
use serde::Serialize;

use crate::console::Console;
use crate::numbers::grouped;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Import other people's networks from ONNX files, as a model file that `--model` takes.
///
/// A manifest says what an ONNX file does not: how pixels become its input and what its outputs mean. Some come with the
/// program (`--preset`); a file of your own (`--manifest`) is TOML and may extend one of them, as in `extends =
/// "arcface"`. Files that `facenet model export` wrote need none.
///
/// The network is run once, so that what does not fit is told now. It is run in a runtime that cannot reach other files;
/// time and memory are bounded by nothing but what it does, so import only what you trust that far.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet model import mobilefacenet.onnx --as embedder --preset arcface --licence MIT -o mobilefacenet.safetensors
  facenet model import net.onnx --as embedder --manifest net.toml -o net.safetensors
  facenet model import pnet.onnx rnet.onnx onet.onnx --as detector --preset mtcnn -o mtcnn.safetensors
  facenet verify a.jpg b.jpg --model mobilefacenet.safetensors --threshold 1.2")]
pub(crate) struct Args {
    /// The network; of MTCNN all three, in the order P, R, O.
    #[arg(value_name = "FILE.onnx", required = true, num_args = 1..=3)]
    files: Vec<PathBuf>,
    /// What the model is for.
    #[arg(long = "as", value_name = "KIND", value_enum)]
    kind: Kind,
    /// A manifest that comes with the program.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(PRESETS), conflicts_with = "manifest")]
    preset: Option<String>,
    /// A manifest of your own.
    #[arg(long, value_name = "FILE.toml")]
    manifest: Option<PathBuf>,
    /// What to call the model, instead of the manifest's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The terms of the weights, to be kept with them.
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// The model file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Turns a face into an embedding
    Embedder,
    /// Finds faces in an image
    Detector,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    model: String,
    kind: String,
    networks: Vec<Network<'a>>,
    /// None where nobody stated any.
    licence: Option<&'a str>,
    file: &'a PathBuf,
}

#[derive(Debug, Serialize)]
struct Network<'a> {
    file: &'a str,
    sha256: String,
    reads: String,
    gives: Vec<String>,
    parameters: usize,
}

impl<'a> Network<'a> {
    fn of(file: &'a OnnxFile) -> Self {
        Self {
            file: file.origin(),
            sha256: file.digest(),
            reads: file.inputs().iter().map(ToString::to_string).collect(),
            gives: file.outputs().iter().map(ToString::to_string).collect(),
            parameters: file.parameters(),
        }
    }
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    check_writable(&args.output)?;
    let files = args.files.iter().map(|path| OnnxFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let manifest = manifest(args, &files)?;
    let model = Imported::new(manifest, files)
        .with_context(|| format!("cannot import `{}`", args.files[0].display()))?;
    model.save(&args.output)?;

    let manifest = model.manifest();
    let report = Report {
        model: model.contract().map_or_else(|| manifest.name.clone(), |contract| contract.id()),
        kind: manifest.role().to_string(),
        networks: model.files().iter().map(Network::of).collect(),
        licence: Some(manifest.licence.as_str()).filter(|text| !text.is_empty()),
        file: &args.output,
    };
    if args.json {
        console.print_json(&report)?;
    } else {
        print(&report, console)?;
    }
    Ok(Outcome::Yes)
}

/// The manifest that was asked for, or the one that the file carries.
fn manifest(args: &Args, files: &[OnnxFile]) -> Result<Manifest> {
    let mut manifest = match (&args.preset, &args.manifest, files[0].property("facenet.manifest")) {
        (Some(name), _, _) => Manifest::preset(name)?,
        (None, Some(path), _) => Manifest::read(path)?,
        (None, None, Some(text)) => Manifest::parse(text, &args.files[0].display().to_string())?,
        (None, None, None) => bail!(
            "nothing says how pixels become the input of `{}`\nhint: give `--preset` with one of {}, or `--manifest`",
            args.files[0].display(),
            PRESETS.join(", ")
        ),
    };
    let expected = match args.kind {
        Kind::Embedder => Role::Embedder,
        Kind::Detector => Role::Detector,
    };
    if manifest.role() != expected {
        bail!(
            "the manifest `{}` describes the kind `{}`, expected `{expected}`",
            manifest.name,
            manifest.role()
        );
    }
    if let Some(name) = &args.name {
        manifest.name.clone_from(name);
    }
    if let Some(licence) = &args.licence {
        manifest.licence.clone_from(licence);
    }
    // What was put in may not be a name.
    Ok(Manifest::parse(&manifest.to_toml(), "with these options")?)
}

fn print(report: &Report<'_>, console: &Console) -> Result<()> {
    console.print(format_args!("model    {}", report.model))?;
    console.print(format_args!("kind     {}", report.kind))?;
    for Network { file, sha256, reads, gives, parameters } in &report.networks {
        let gives = gives.join(", ");
        console
            .print(format_args!("network  {file}: {reads} to {gives}; {} weights", grouped(*parameters)))?;
        console.print(format_args!("         sha256 {sha256}"))?;
    }
    let unknown = "none stated: ask who made the weights before you use them";
    console.print(format_args!("licence  {}", report.licence.unwrap_or(unknown)))?;
    console.note(format_args!("wrote {}", report.file.display()));
    Ok(())
}
