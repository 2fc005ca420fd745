//! `facenet eval pairs`: verification by LFW's protocol.

use std::path::PathBuf;

use anyhow::Result;

use super::embeddings::{EmbeddedPairs, SkipOptions};
use super::output::{Measured, ReportOptions};
use super::source::SourceOptions;
use crate::console::Console;
use crate::outcome::Outcome;

/// Measure verification on labelled pairs, by the protocol of Labeled Faces in the Wild.
///
/// Prints accuracy (the threshold of each fold comes from the others), VAL at FAR 1e-1 to 1e-6 as far as the pairs
/// allow (a FAR needs 1 / FAR impostor pairs), the area under the ROC, the equal error rate and d′, each with an
/// interval over people. Images lie as in LFW: `DIR/NAME/NAME_0001.jpg` (or .jpeg, .png, .webp). They are taken for
/// aligned crops, as training data is; for LFW's own photos use `facenet eval lfw`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval pairs --images crops/ --pairs pairs.txt
  facenet eval pairs --images crops/ --pairs pairs.txt --out report/ --model my.safetensors
  facenet eval pairs --images crops/ --pairs pairs.txt --compat facenet")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs file: folds and pairs of each kind a fold, then `NAME 1 2` and `NAME 1 OTHER 1`.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    #[command(flatten)]
    skip: SkipOptions,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    source: SourceOptions,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = args.source.open()?;
    args.report.check()?;
    let embedded = EmbeddedPairs::of(&source, &args.images, &args.pairs, args.skip, console)?;
    let measured = Measured {
        model: &source.name(),
        data: &args.pairs.display().to_string(),
        scored: &embedded.scored,
        in_order: Some(embedded.in_order()),
        warnings: embedded.pairs.audit().warnings(),
        view1: None,
    };
    args.report.give(measured, console)?;
    Ok(Outcome::Yes)
}
