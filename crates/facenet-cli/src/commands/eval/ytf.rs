//! `facenet eval ytf`: pairs of videos, as in YouTube Faces.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use facenet_eval::{FIRST_FRAMES, VideoDistance, VideoPairs, VideoRef, VideoSummary};

use super::embeddings::SkipOptions;
use super::output::{Measured, ReportOptions};
use crate::console::Console;
use crate::engine::CenterEngineOptions;
use crate::outcome::Outcome;
use crate::pipeline::{Photo, Pipeline};

/// Measure on pairs of videos, by the protocol of YouTube Faces.
///
/// Frames lie in `DIR/NAME/VIDEO/`, numbered (`aligned_detect_0.17.jpg`); the first ones of each video count.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval ytf --images aligned_images_DB/ --splits splits.txt
  facenet eval ytf --images aligned_images_DB/ --splits splits.txt --compare template")]
pub(crate) struct Args {
    /// The folder of the videos: a folder a person, in it a folder a video.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs: lines like `1, NAME/0, OTHER/2, 0`.
    #[arg(long, value_name = "FILE")]
    splits: PathBuf,
    /// Frames of a video that count, from its beginning.
    #[arg(long, value_name = "N", default_value_t = FIRST_FRAMES)]
    frames: usize,
    /// How two videos are compared.
    #[arg(long, value_enum, default_value_t = Compare::Frames)]
    compare: Compare,
    #[command(flatten)]
    skip: SkipOptions,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    engine: CenterEngineOptions,
}

/// How two videos are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compare {
    /// The mean distance over all pairs of their frames: the paper's
    Frames,
    /// The distance of their mean embeddings, of unit length again
    Template,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    args.report.check()?;
    let pairs = VideoPairs::read(&args.splits)?;
    let videos = summaries(args, &pairs, &Pipeline::new(&engine), console)?;
    let by = match args.compare {
        Compare::Frames => VideoDistance::MeanOfPairs,
        Compare::Template => VideoDistance::Template,
    };
    let scored = pairs.score(|left, right| by.between(videos.get(left)?, videos.get(right)?));
    let scored = scored.with_context(|| format!("nothing can be measured on `{}`", args.splits.display()))?;
    let measured = Measured {
        model: &engine.contract().id(),
        data: &args.splits.display().to_string(),
        scored: &scored,
        in_order: None,
        warnings: Vec::new(),
        view1: None,
    };
    args.report.give(measured, console)?;
    Ok(Outcome::Yes)
}

/// Each video that has a usable frame; the others are skipped if that is allowed. One video's frames are held at a
/// time.
fn summaries<'a>(
    args: &Args,
    pairs: &'a VideoPairs,
    pipeline: &Pipeline<'_>,
    console: &mut Console,
) -> Result<HashMap<&'a VideoRef, VideoSummary>> {
    let mut summaries = HashMap::new();
    let mut missing = Vec::new();
    for video in pairs.videos() {
        let files = video.frames_in(&args.images, args.frames)?.unwrap_or_default();
        let mut frames = Vec::new();
        pipeline.run(&files, console, |Photo { path, faces, .. }, console| {
            match faces.into_iter().next() {
                Some(first) => frames.push(first.embedding),
                None => console.failed(&path, &anyhow!("no face was found")),
            }
            Ok(())
        })?;
        match VideoSummary::of(&frames) {
            Some(summary) => drop(summaries.insert(video, summary)),
            None => missing.push(video.to_string()),
        }
    }
    if let Some(first) = missing.first() {
        let found = format!("{} of {} videos have no usable frame", missing.len(), pairs.videos().len());
        if !args.skip.skip_missing {
            bail!("{found}, `{first}` first\nhint: pass `--skip-missing` to measure without their pairs");
        }
        console.note(format_args!("{found}: their pairs are skipped"));
    }
    Ok(summaries)
}
