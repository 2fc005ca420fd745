//! `facenet eval pairs`: verification by LFW's protocol.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use facenet_core::Embedding;
use facenet_eval::{Curve, ImageRef, PairsFile, Roc, VerificationReport, roc_svg, write_file};

use crate::console::Console;
use crate::engine::AlignedEngineOptions;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::output::check_writable;
use crate::pipeline::{Photo, Pipeline};

/// Measure verification on labelled pairs, by the protocol of Labeled Faces in the Wild.
///
/// Prints accuracy (the threshold of each fold comes from the others), VAL at FAR 1e-1 to 1e-4, the area under the
/// ROC and the equal error rate. Images lie as in LFW: `DIR/NAME/NAME_0001.jpg` (or .jpeg, .png, .webp). They are
/// taken for aligned crops, as training data is; for LFW's own photos pass `--crop center`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval pairs --images lfw/ --pairs pairs.txt --crop center
  facenet eval pairs --images crops/ --pairs pairs.txt --output report/ --model my.safetensors")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs file: folds and pairs of each kind a fold, then `NAME 1 2` and `NAME 1 OTHER 1`.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// Measure without the pairs whose images are missing or cannot be used; their number is reported.
    #[arg(long)]
    skip_missing: bool,
    /// Write `report.json` and the curve `roc.svg` into this folder too.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    engine: AlignedEngineOptions,
    /// Print JSON: the report as in `report.json`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    let pairs = PairsFile::read(&args.pairs)?;
    let images = locate(&args.images, args.skip_missing, &pairs, console)?;
    if let Some(folder) = &args.output {
        check_writable(&folder.join("report.json"))?;
    }

    let embeddings = embed(&Pipeline::new(&engine), &images, console)?;
    let unusable = images.len() - embeddings.len();
    if unusable > 0 && !args.skip_missing {
        bail!(
            "{} of {} cannot be used\nhint: pass `--skip-missing` to measure without their pairs",
            unusable,
            counted(images.len(), "image", "images")
        );
    }
    let scored = pairs.score(|left, right| Some(embeddings.get(left)?.distance(embeddings.get(right)?)));
    let scored = scored.with_context(|| format!("nothing can be measured on `{}`", args.pairs.display()))?;
    let model = engine.contract().id();
    let report = VerificationReport::measure(&model, &args.pairs.display().to_string(), &scored);

    if let Some(folder) = &args.output {
        fs_err::create_dir_all(folder)?;
        report.write_json(&folder.join("report.json"))?;
        let curve = Curve { label: &model, roc: &Roc::of(&scored) };
        write_file(&folder.join("roc.svg"), roc_svg("Verification", &[curve])?)?;
        console.note(format_args!("wrote report.json and roc.svg to {}", folder.display()));
    }
    if args.json {
        console.print(report.to_json().trim_end())?;
    } else {
        console.print(&report)?;
    }
    Ok(Outcome::Yes)
}

/// The files of all images that the pairs name, as far as they may be missing.
pub(super) fn locate(
    dir: &Path,
    skip_missing: bool,
    pairs: &PairsFile,
    console: &Console,
) -> Result<BTreeMap<ImageRef, PathBuf>> {
    let located = pairs.locate(dir);
    if !skip_missing {
        return located.complete().context(
            "images of the pairs file are missing\nhint: pass `--skip-missing` to measure without their pairs",
        );
    }
    if let Some(missing) = &located.missing {
        let (missing, named) = (missing.images.len(), missing.named);
        console.note(format_args!("{missing} of {named} images are missing: their pairs are skipped"));
    }
    Ok(located.found)
}

/// The embedding of each image that can be used; the others are reported on `console` as failed.
pub(super) fn embed<'a>(
    pipeline: &Pipeline<'_>,
    images: &'a BTreeMap<ImageRef, PathBuf>,
    console: &mut Console,
) -> Result<HashMap<&'a ImageRef, Embedding>> {
    let names: HashMap<&Path, &ImageRef> = images.iter().map(|(name, path)| (path.as_path(), name)).collect();
    let files: Vec<PathBuf> = images.values().cloned().collect();
    let mut embeddings = HashMap::new();
    pipeline.run(&files, console, |Photo { path, faces }, console| {
        match faces.into_iter().next() {
            Some(first) => drop(embeddings.insert(names[path.as_path()], first.embedding)),
            None => console.failed(&path, &anyhow!("no face was found")),
        }
        Ok(())
    })?;
    Ok(embeddings)
}
