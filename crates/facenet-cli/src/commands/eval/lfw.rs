//! `facenet eval lfw`: both views of Labeled Faces in the Wild.

use std::path::PathBuf;

use anyhow::Result;
use facenet_eval::TransferredThreshold;

use super::embeddings::{EmbeddedPairs, SkipOptions};
use super::output::{Measured, ReportOptions};
use super::source::Source;
use crate::console::Console;
use crate::engine::CenterEngineOptions;
use crate::outcome::Outcome;

/// Measure on Labeled Faces in the Wild: its ten folds (View 2), and its development pairs (View 1).
///
/// View 2 reports a model: ten folds, each tested at the threshold of the other nine (`pairs.txt`). View 1 is for
/// choosing one: the threshold comes from `pairsDevTrain.txt` and is tested on `pairsDevTest.txt`. Images are LFW's own
/// 250-pixel photos, of which a fixed centre crop is taken (the paper's first way); for crops pass `--crop none`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval lfw --images lfw/ --pairs pairs.txt
  facenet eval lfw --images lfw/ --pairs pairs.txt --dev-train pairsDevTrain.txt --dev-test pairsDevTest.txt")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// View 2's pairs.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// View 1's pairs that give the threshold.
    #[arg(long, value_name = "FILE", requires = "dev_test")]
    dev_train: Option<PathBuf>,
    /// View 1's pairs that it is tested on.
    #[arg(long, value_name = "FILE", requires = "dev_train")]
    dev_test: Option<PathBuf>,
    #[command(flatten)]
    skip: SkipOptions,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    engine: CenterEngineOptions,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = Source::Engine(Box::new(args.engine.build()?));
    args.report.check()?;
    let mut embedded = |pairs| EmbeddedPairs::of(&source, &args.images, pairs, args.skip, console);
    let view1 = match (&args.dev_train, &args.dev_test) {
        (Some(train), Some(test)) => {
            Some(TransferredThreshold::of(&embedded(train)?.scored, &embedded(test)?.scored))
        }
        _ => None,
    };
    let view2 = embedded(&args.pairs)?;
    let measured = Measured {
        model: &source.name(),
        data: &args.pairs.display().to_string(),
        scored: &view2.scored,
        in_order: Some(view2.in_order()),
        warnings: view2.pairs.audit().warnings(),
        view1,
    };
    args.report.give(measured, console)?;
    Ok(Outcome::Yes)
}
