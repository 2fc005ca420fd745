//! `facenet train-detector`: learns to find faces.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use facenet_train::{DetectorConfig, DetectorEvent, RunFolder, TrainedDetector, train_detector};
use indicatif::{ProgressBar, ProgressStyle};

use crate::console::Console;

/// Train a detector on photos with labelled faces.
///
/// The folder of the data holds `train.jsonl` and the photos it tells of in `train/`: a JSON object a line, with `file` and
/// `faces`, each with `box` [x, y, width, height] in pixels, `landmarks` (five points or null) and `label`, of which
/// `unlabelled` and `unsure` are not learnt. With `val.jsonl` and `val/` beside, the run is validated on those. The run
/// folder holds the effective config, the log (JSON lines), curves (SVG), checkpoints and, at the end, the model and its
/// report. A run that was interrupted goes on with `--resume`, to the very same weights.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  facenet train-detector configs/detector.toml --data detect/\n  \
                        facenet train-detector runs/detector/config.toml --run runs/detector --resume")]
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
}

pub(crate) fn run(args: &Args, console: &Console) -> Result<ExitCode> {
    let mut config = DetectorConfig::load(&args.config)?;
    if let Some(data) = &args.data {
        config.data.folder.clone_from(data);
    }
    let config =
        config.validate().with_context(|| format!("cannot use the config `{}`", args.config.display()))?;
    let folder = run_folder(args.run.as_deref(), &args.config);
    learn(&config.settings().to_toml(), &folder, args.resume, console, |run, show| {
        Ok(train_detector(&config, run, show)?)
    })
}

/// The folder of a run: that which was asked for, or one named like the config.
pub(super) fn run_folder(asked: Option<&Path>, config: &Path) -> PathBuf {
    asked.map_or_else(
        || PathBuf::from("runs").join(config.file_stem().unwrap_or(config.as_os_str())),
        Path::to_path_buf,
    )
}

/// Runs the training of a detector's network in `folder`, and shows how it goes.
pub(super) fn learn(
    settings: &str,
    folder: &Path,
    resume: bool,
    console: &Console,
    train: impl FnOnce(&mut RunFolder, &mut dyn FnMut(DetectorEvent)) -> Result<TrainedDetector>,
) -> Result<ExitCode> {
    if !console.is_quiet() {
        eprintln!("{settings}");
    }
    let mut run = RunFolder::open(folder, resume)?;
    let bar = if console.is_quiet() { ProgressBar::hidden() } else { ProgressBar::no_length() };
    let style = "{bar:30} {pos}/{len} steps, {elapsed} gone, {eta} left  {msg}";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is valid"));
    let trained = train(&mut run, &mut |event| show(&bar, console.is_quiet(), &event));
    bar.finish_and_clear();
    let trained = trained?;
    if let Some(report) = &trained.report {
        println!("{report}");
    }
    println!("model  {}", run.model_path().display());
    println!("run    {}", folder.display());
    if trained.unreadable > 0 {
        eprintln!("facenet: {} pictures could not be read and were left out", trained.unreadable);
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(bar: &ProgressBar, quiet: bool, event: &DetectorEvent) {
    let say = |text: String| match (quiet, bar.is_hidden()) {
        (true, _) => {}
        // Without a terminal there is no bar, and what it would say is lines.
        (false, true) => eprintln!("{text}"),
        (false, false) => bar.println(text),
    };
    match event {
        DetectorEvent::Data { photos, faces, validation } => {
            say(format!(
                "{photos} photos with {faces} faces to learn from, {validation} photos to validate with"
            ));
        }
        DetectorEvent::Candidates { right, wrong, aligned } => say(format!(
            "{right} found faces, {wrong} that are none and {aligned} aligned crops to learn from"
        )),
        DetectorEvent::Starts { step, steps } => {
            bar.set_length(*steps);
            bar.set_position(*step);
            bar.reset_eta();
        }
        DetectorEvent::Step { step } => bar.set_position(*step),
        DetectorEvent::Logged(record) => {
            let text = format!(
                "loss {:.3} (scores {:.3}, boxes {:.3}, landmarks {:.3}), IoU {:.3}, {:.1} pictures/s",
                record.loss,
                record.score_loss,
                record.box_loss,
                record.landmark_loss,
                record.overlap,
                record.scenes_per_second
            );
            if bar.is_hidden() {
                let left = bar.eta().as_secs();
                say(format!("step {}  {text}, {} min {:02} s left", record.step, left / 60, left % 60));
            } else {
                bar.set_message(text);
            }
        }
        DetectorEvent::Validated(record) => {
            let figure = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
            let [all, small, middle, large] = record.average_precision.map(figure);
            say(format!(
                "step {}  AP {all} (< 24 px {small}, 24-64 px {middle}, > 64 px {large}), recall {}, landmarks {}",
                record.step,
                figure(record.recall),
                figure(record.landmark_error)
            ));
        }
        DetectorEvent::Unreadable(unreadable) => say(format!("facenet: {unreadable}")),
    }
}
