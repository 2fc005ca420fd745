//! `facenet eval bin`: the `.bin` sets of insightface.

use std::path::PathBuf;

use anyhow::{Context, Result};
use facenet::{FaceEngine, Limits, decode};
use facenet_core::{Chip, Embedding};
use facenet_eval::{CompatPair, IssameSet, ScoredPair, ScoredPairs};
use rayon::prelude::*;

use super::embeddings::{SkipOptions, check_usable};
use super::output::{Measured, ReportOptions};
use crate::console::Console;
use crate::engine::TightEngineOptions;
use crate::outcome::Outcome;
use crate::pipeline::BATCH;

/// Measure on a `.bin` set: LFW, CFP-FP, AgeDB-30, CALFW, CPLFW as the field hands them out.
///
/// Ten folds in the file's order. The sets do not say who is in an image, so there are no intervals over people. Their
/// images are 112-pixel aligned crops.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval bin cfp_fp.bin
  facenet eval bin lfw.bin --compat facenet --out report/")]
pub(crate) struct Args {
    /// The set: a pickle of images and labels, read without running it.
    #[arg(value_name = "FILE")]
    set: PathBuf,
    #[command(flatten)]
    skip: SkipOptions,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    engine: TightEngineOptions,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    args.report.check()?;
    let set = IssameSet::read(&args.set)?;
    let embeddings = embed(args, &engine, &set, console)?;
    let pair = |pair: usize| {
        let (left, right) = (embeddings[2 * pair].as_ref()?, embeddings[2 * pair + 1].as_ref()?);
        Some(CompatPair { left, right, same: set.same()[pair] })
    };
    let score =
        |pair: CompatPair<'_>| ScoredPair { distance: pair.left.distance(pair.right), same: pair.same };
    // A fold of which every pair was skipped is none.
    let folds = set.folds().into_iter().map(|fold| fold.filter_map(pair).map(score).collect::<Vec<_>>());
    let folds: Vec<Vec<_>> = folds.filter(|fold| !fold.is_empty()).collect();
    let in_order: Vec<_> = (0..set.pairs()).filter_map(pair).collect();
    let skipped = (set.pairs() - in_order.len()) as u64;
    let scored = ScoredPairs::new(&folds).map(|scored| scored.with_skipped(skipped));
    let scored = scored.with_context(|| format!("nothing can be measured on `{}`", args.set.display()))?;
    let measured = Measured {
        model: &engine.contract().id(),
        data: &args.set.display().to_string(),
        scored: &scored,
        in_order: Some(in_order),
        warnings: Vec::new(),
        view1: None,
    };
    args.report.give(measured, console)?;
    Ok(Outcome::Yes)
}

/// One embedding an image; none where it cannot be used and that is allowed.
fn embed(
    args: &Args,
    engine: &FaceEngine,
    set: &IssameSet,
    console: &mut Console,
) -> Result<Vec<Option<Embedding>>> {
    let images: Vec<&[u8]> = set.images().collect();
    let mut embeddings = Vec::with_capacity(images.len());
    console.begin(images.len());
    for images in images.chunks(BATCH) {
        let chips: Vec<Result<Chip>> = images.par_iter().map(|image| chip(engine, image)).collect();
        for chip in chips {
            let embedding = chip.and_then(|chip| Ok(engine.embed(&[chip])?.remove(0)));
            let number = embeddings.len() + 1;
            embeddings.push(match embedding {
                Ok(embedding) => Some(embedding),
                Err(error) => {
                    console.failed(&args.set, &error.context(format!("image {number}")));
                    None
                }
            });
        }
        console.advance(images.len());
    }
    console.end();
    check_usable(embeddings.iter().filter(|e| e.is_none()).count(), embeddings.len(), args.skip)?;
    Ok(embeddings)
}

fn chip(engine: &FaceEngine, image: &[u8]) -> Result<Chip> {
    let image = decode(image, &Limits::default())?;
    let first = engine.chips(&image)?.into_iter().next().context("no face was found")?;
    Ok(first.1)
}
