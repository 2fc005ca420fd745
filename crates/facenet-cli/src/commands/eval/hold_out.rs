//! `facenet eval holdout`: the paper's own protocol, all pairs of labelled faces.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use facenet::kernels::{Matrix, Threads, multiply};
use facenet_eval::{
    Curve, DotProducts, FaceMatrix, HoldOut, HoldOutReport, Pairing, Side, det_svg, roc_svg, write_file,
};
use serde::Serialize;
use walkdir::WalkDir;

use super::embeddings::{SkipOptions, check_usable};
use super::source::{Source, SourceOptions};
use crate::console::Console;
use crate::numbers::SEED;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Measure VAL at FAR on all pairs of labelled faces: the paper's hold-out protocol.
///
/// People are dealt into splits; each split compares one random half of its faces with the other. VAL is given as the
/// mean over the splits with its standard error, each split at its own threshold. All distances are computed, counted
/// and never stored, so 100,000 by 100,000 faces fit into memory; FAR, VAL and thresholds are exact nevertheless.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval holdout --images crops/
  facenet eval holdout --images crops/ --pairing all --out report/")]
pub(crate) struct Args {
    /// The folder of the faces, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Splits, disjoint in people.
    #[arg(long, value_name = "N", default_value_t = HoldOut::default().splits)]
    splits: usize,
    /// Which pairs of a split are compared.
    #[arg(long, value_enum, default_value_t = PairingArg::Halves)]
    pairing: PairingArg,
    /// The seed that deals people into splits and faces into halves.
    #[arg(long, value_name = "NUMBER", default_value_t = SEED)]
    seed: u64,
    #[command(flatten)]
    skip: SkipOptions,
    /// Write `report.json` and each split's curve, `roc.svg` and `det.svg`, into this folder too.
    #[arg(short, long = "out", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON: the report as in `report.json`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceOptions,
}

/// Which pairs of a split are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PairingArg {
    /// One half of the faces with the other: the paper's
    Halves,
    /// Every face with every other one: twice as many pairs, for small sets
    All,
}

/// The matrix product of the networks, for tiles of distances.
pub(crate) struct Kernels;

impl DotProducts for Kernels {
    fn products(&self, left: Side<'_>, right: Side<'_>, dimension: usize, out: &mut [f32]) {
        let left = Matrix::new(left.values, left.rows, dimension, dimension);
        let columns = right.rows;
        let right = Matrix::new(right.values, right.rows, dimension, dimension);
        multiply(left, right.transposed(), out, columns, 0.0, Threads::One);
    }
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    data: &'a str,
    target_fars: [f64; facenet_eval::TARGET_FARS.len()],
    #[serde(flatten)]
    report: &'a HoldOutReport,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = args.source.open()?;
    if let Some(folder) = &args.out {
        check_writable(&folder.join("report.json"))?;
    }
    let faces = faces_of_people(&args.images, &source, args.skip, console)?;
    let pairing = match args.pairing {
        PairingArg::Halves => Pairing::Halves,
        PairingArg::All => Pairing::All,
    };
    let protocol = HoldOut { splits: args.splits, pairing, seed: args.seed };
    let report = protocol.measure(&faces, &Kernels).with_context(|| {
        format!(
            "`{}` is too small for {} splits\nhint: pass a smaller `--splits`",
            args.images.display(),
            args.splits
        )
    })?;
    let (model, data) = (source.name(), args.images.display().to_string());
    let target_fars = facenet_eval::TARGET_FARS;
    let whole = Report { model: &model, data: &data, target_fars, report: &report };
    let json = serde_json::to_string_pretty(&whole).context("cannot write the report as JSON")?;
    if let Some(folder) = &args.out {
        fs_err::create_dir_all(folder)?;
        write_file(&folder.join("report.json"), format!("{json}\n"))?;
        write_curves(folder, &model, &report)?;
        console.note(format_args!("wrote report.json, roc.svg and det.svg to {}", folder.display()));
    }
    if args.json {
        console.print(json)?;
    } else {
        console.print(format_args!("{:<16}{model}\n{:<16}{data}\n{report}", "model", "data"))?;
    }
    Ok(Outcome::Yes)
}

fn write_curves(folder: &Path, model: &str, report: &HoldOutReport) -> Result<()> {
    let labels: Vec<String> = (1..=report.splits.len()).map(|split| format!("split {split}")).collect();
    let curves = labels
        .iter()
        .zip(&report.splits)
        .filter_map(|(label, split)| Some(Curve { label, roc: split.roc.as_ref()? }));
    let curves: Vec<Curve<'_>> = curves.collect();
    let without_band: Vec<_> = curves.iter().map(|&curve| (curve, None)).collect();
    write_file(&folder.join("roc.svg"), roc_svg(&format!("Hold-out, {model}"), &curves)?)?;
    write_file(&folder.join("det.svg"), det_svg(&format!("Hold-out errors, {model}"), &without_band)?)?;
    Ok(())
}

/// The images in the folders below `images`, each folder a person, with the person of each.
///
/// # Errors
/// When there is none, or a folder cannot be listed.
pub(crate) fn images_of_people(images: &Path) -> Result<(Vec<PathBuf>, Vec<u32>)> {
    let (mut files, mut people) = (Vec::new(), Vec::new());
    let mut numbers = HashMap::new();
    for entry in WalkDir::new(images).min_depth(2).max_depth(2).sort_by_file_name() {
        let path = entry?.into_path();
        if facenet_gallery::has_image_ending(&path) {
            let folder = path.parent().expect("two levels deep").to_path_buf();
            let next = numbers.len() as u32;
            people.push(*numbers.entry(folder).or_insert(next));
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("found no image in `{}`, expected a folder for each person", images.display());
    }
    Ok((files, people))
}

/// The faces of every image in the folders below `images`, each folder a person.
pub(crate) fn faces_of_people(
    images: &Path,
    source: &Source,
    skip: SkipOptions,
    console: &mut Console,
) -> Result<FaceMatrix> {
    let (files, people) = images_of_people(images)?;
    let mut people = files.iter().zip(people);
    let mut faces = FaceMatrix::new(source.dimension());
    source.embed(&files, console, |path, embedding| {
        let (_, person) = people.find(|(file, _)| **file == path).expect("the order is kept");
        Ok(faces.push(&embedding, person)?)
    })?;
    check_usable(files.len() - faces.len(), files.len(), skip)?;
    Ok(faces)
}
