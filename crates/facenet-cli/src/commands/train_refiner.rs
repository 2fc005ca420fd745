//! `facenet train-refiner`: learns to look at found faces again.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use facenet_train::{RefinerConfig, train_refiner};

use super::train_detector::{learn, run_folder};
use crate::console::Console;

/// Train the second look of a detector: is it a face, and where exactly are its landmarks?
///
/// It learns from what the detector finds in labelled photos (in the form that `train-detector` reads), right and wrong, and
/// from aligned crops such as `train` reads. The model at the end holds both looks; it can be given wherever a command takes
/// `--detector`. The run folder is that of `train-detector`, and so is `--resume`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  facenet train-refiner configs/refiner.toml --data detect/ --crops train/\n  \
                        facenet train-refiner configs/refiner.toml --detector runs/detector/model.safetensors"
)]
pub(crate) struct Args {
    /// The settings, in TOML.
    config: PathBuf,
    /// Folder of the run; by default `runs/` and the name of the config.
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the run in that folder from its last checkpoint.
    #[arg(long)]
    resume: bool,
    /// Photos with labelled faces; replaces `data.folder`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Aligned crops, a folder for each person or tar shards; replaces `data.crops`.
    #[arg(long, value_name = "PATH")]
    crops: Option<PathBuf>,
    /// The detector that gets the second look; replaces `detector`. By default the one that ships with the program.
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &Console) -> Result<ExitCode> {
    let mut config = RefinerConfig::load(&args.config)?;
    if let Some(data) = &args.data {
        config.data.folder.clone_from(data);
    }
    config.data.crops = args.crops.clone().or(config.data.crops);
    config.detector = args.detector.clone().or(config.detector);
    let config =
        config.validate().with_context(|| format!("cannot use the config `{}`", args.config.display()))?;
    let folder = run_folder(args.run.as_deref(), &args.config);
    learn(&config.settings().to_toml(), &folder, args.resume, console, |run, show| {
        Ok(train_refiner(&config, run, show)?)
    })
}
