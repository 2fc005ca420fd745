//! `facenet train`: learns an embedding, showing how it goes.

mod dashboard;
mod figures;
mod screen;
mod story;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use facenet_train::{RunFolder, TrainConfig, ValidationConfig, train};

use self::view::View;
use crate::console::Console;

/// Train an embedding with the triplet loss.
///
/// The run folder holds the effective config, the log (JSON lines), curves (SVG), a page that shows how it goes
/// (HTML), checkpoints and, at the end, the model and its report. A run that was interrupted goes on with `--resume`, to the very same weights.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  facenet train configs/lite.toml --data faces/\n  \
                        facenet train runs/lite/config.toml --run runs/lite --resume")]
pub(crate) struct Args {
    /// The settings, in TOML.
    config: PathBuf,
    /// Folder of the run; by default `runs/` and the name of the config.
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the run in that folder from its last checkpoint.
    #[arg(long)]
    resume: bool,
    /// Training faces: a folder per person, or tar shards; replaces `data.train`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Validation faces in LFW's layout; replaces `data.validation.images`.
    #[arg(long, value_name = "DIR", requires = "validation_pairs")]
    validation_images: Option<PathBuf>,
    /// Validation pairs in LFW's format; replaces `data.validation.pairs`.
    #[arg(long, value_name = "FILE", requires = "validation_images")]
    validation_pairs: Option<PathBuf>,
    /// Lines instead of a dashboard, as when stderr is no terminal.
    #[arg(long)]
    plain: bool,
}

pub(crate) fn run(args: &Args, console: &Console) -> Result<ExitCode> {
    let mut config = TrainConfig::load(&args.config)?;
    if let Some(data) = &args.data {
        config.data.train.clone_from(data);
    }
    if let (Some(images), Some(pairs)) = (&args.validation_images, &args.validation_pairs) {
        let name = config.data.validation.and_then(|validation| validation.name);
        config.data.validation =
            Some(ValidationConfig { images: images.clone(), pairs: pairs.clone(), name });
    }
    let config =
        config.validate().with_context(|| format!("cannot use the config `{}`", args.config.display()))?;
    if !console.is_quiet() {
        eprintln!("{}", config.settings().to_toml());
    }

    let folder = args.run.clone().unwrap_or_else(|| {
        PathBuf::from("runs").join(args.config.file_stem().unwrap_or(args.config.as_os_str()))
    });
    let mut run = RunFolder::open(&folder, args.resume)?;
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    let mut view = View::new(name, console.is_quiet(), args.plain);
    let trained = train(&config, &mut run, |event| view.show(&event));
    view.finish();
    let trained = trained?;

    if let Some(report) = &trained.report {
        println!("{report}");
    }
    println!("model  {}", run.model_path().display());
    println!("run    {}", folder.display());
    println!("page   {}", run.page_path().display());
    if trained.unreadable > 0 {
        eprintln!("facenet: {} images could not be read and were skipped", trained.unreadable);
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}
