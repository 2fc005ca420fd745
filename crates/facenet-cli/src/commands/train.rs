//! `facenet train`: learns an embedding, showing how it goes.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use facenet_train::{Event, RunFolder, TrainConfig, ValidationConfig, train};
use indicatif::{ProgressBar, ProgressStyle};

use crate::console::Console;

/// Train an embedding with the triplet loss.
///
/// The run folder holds the effective config, the log (JSON lines), curves (SVG), checkpoints and, at the end, the
/// model and its report. A run that was interrupted goes on with `--resume`, to the very same weights.
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
    let mut view = View::new(console.is_quiet());
    let trained = train(&config, &mut run, |event| view.show(&event))?;
    view.bar.finish_and_clear();

    if let Some(report) = &trained.report {
        println!("{report}");
    }
    println!("model  {}", run.model_path().display());
    println!("run    {}", folder.display());
    if trained.unreadable > 0 {
        eprintln!("facenet: {} images could not be read and were skipped", trained.unreadable);
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}

/// The live view: a bar that stays, and lines above it that are also there when nobody watches.
struct View {
    quiet: bool,
    bar: ProgressBar,
    start: Instant,
}

impl View {
    fn new(quiet: bool) -> Self {
        let bar = if std::io::stderr().is_terminal() && !quiet {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        let style = "{bar:30} step {pos}/{len}  {elapsed} gone, {eta} left  {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is valid"));
        Self { quiet, bar, start: Instant::now() }
    }

    /// Tells something, unless quiet.
    fn line(&self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Tells something that went wrong.
    fn error(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Data { identities, images, ignored } => {
                self.line(&format!("data: {images} faces of {identities} people, {ignored} other files ignored"));
            }
            Event::Starts { step, steps } => {
                self.bar.set_length(*steps);
                self.bar.set_position(*step);
                self.bar.reset_eta();
                self.start = Instant::now();
                if *step > 0 {
                    self.line(&format!("resumed after step {step}"));
                }
            }
            Event::Step { step } => self.bar.set_position(*step),
            Event::Logged(record) => {
                let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.3}"));
                let text = format!(
                    "loss {:.4}  active {}  d(a,p) {}  d(a,n) {}  rate {:.4}  {:.0} faces/s ({:.0} % waiting)",
                    record.loss,
                    record.active.map_or("-".into(), |share| format!("{:.1} %", share * 100.0)),
                    number(record.positive_distance.map(f64::from)),
                    number(record.negative_distance.map(f64::from)),
                    record.learning_rate,
                    record.faces_per_second,
                    record.waiting * 100.0,
                );
                if self.bar.is_hidden() {
                    self.line(&format!("step {}  {text}", record.step));
                } else {
                    self.bar.set_message(text);
                }
            }
            Event::Validated(record) => {
                let percent = |share: f64| format!("{:.2} %", share * 100.0);
                let accuracy = match (record.accuracy, record.standard_error) {
                    (Some(mean), Some(error)) => format!("{} ± {:.2}", percent(mean), error * 100.0),
                    _ => "-".into(),
                };
                self.line(&format!(
                    "step {}: validation accuracy {accuracy}, AUC {:.4}, after {:.0} s",
                    record.step,
                    record.auc,
                    self.start.elapsed().as_secs_f64()
                ));
            }
            Event::Unreadable(image) => self.error(&format!("facenet: {}: {}", image.place, image.reason)),
            Event::Collapsed { step } => self.error(&format!(
                "step {step}: the embedding has collapsed: all faces lie in nearly one point; if it does not recover, \
                 the run will stop"
            )),
        }
    }
}
