//! `facenet train`: learns an embedding, showing how it goes.

mod dashboard;
mod figures;
mod screen;
mod story;
mod view;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use facenet_core::Embedder;
use facenet_train::{
    Alone, Processes, RunFolder, TrainConfig, Trained, ValidConfig, ValidationConfig, train_together,
};

pub(crate) use self::view::View;
use crate::console::Console;
use crate::failure;
use crate::loaded::Loaded;

/// Train an embedding with the triplet loss.
///
/// The run folder holds the effective config, the log (JSON lines), curves (SVG), a page that shows how it goes
/// (HTML), checkpoints and, at the end, the model and its report. A run that was interrupted goes on with `--resume`, to the very same weights.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  facenet train configs/lite.toml --data faces/\n  \
                        facenet train runs/lite/config.toml --run runs/lite --resume\n  \
                        mpirun -n 4 facenet train configs/lite.toml")]
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
    let folder = args.run.clone().unwrap_or_else(|| {
        PathBuf::from("runs").join(args.config.file_stem().unwrap_or(args.config.as_os_str()))
    });
    let old = match &config.settings().harmonic {
        Some(harmonic) => Some(Loaded::load(&harmonic.to).context("cannot use `harmonic.to`")?.embedder()?),
        None => None,
    };
    let processes = processes()?;
    if processes.rank() > 0 {
        return follow(&config, old.as_deref(), &*processes);
    }
    let (run, trained) = match lead(args, &config, old.as_deref(), &folder, &*processes, console) {
        Err(error) if processes.count() > 1 => give_up(&error, &*processes),
        result => result?,
    };

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

/// Trains as the only process or the first of several: it writes to the run folder and shows how it goes.
fn lead(
    args: &Args,
    config: &ValidConfig,
    old: Option<&dyn Embedder>,
    folder: &Path,
    processes: &dyn Processes,
    console: &Console,
) -> Result<(RunFolder, Trained)> {
    if !console.is_quiet() {
        eprintln!("{}", config.settings().to_toml());
    }
    let mut run = RunFolder::open(folder, args.resume)?;
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    let mut view = View::new(name, console.is_quiet(), args.plain);
    let trained = train_together(config, old, Some(&mut run), processes, |event| view.show(&event));
    view.finish();
    Ok((run, trained?))
}

/// Trains as one of several processes that is not the first.
fn follow(config: &ValidConfig, old: Option<&dyn Embedder>, processes: &dyn Processes) -> Result<ExitCode> {
    match train_together(config, old, None, processes, |_| {}) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => give_up(&error.into(), processes),
    }
}

/// Says why this process cannot go on, and ends the others, which wait for it.
fn give_up(error: &anyhow::Error, processes: &dyn Processes) -> ! {
    eprint!("process {} of {}: {}", processes.rank() + 1, processes.count(), failure::text(error));
    eprintln!("hint: what was learnt up to the last checkpoint is kept; go on with `--resume`");
    processes.abort()
}

/// The processes of this run: those that `mpirun` started, else this one.
fn processes() -> Result<Box<dyn Processes>> {
    let started_by_mpi = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]
        .iter()
        .filter_map(|name| std::env::var(name).ok()?.parse::<usize>().ok())
        .any(|size| size > 1);
    #[cfg(feature = "mpi")]
    if started_by_mpi {
        return Ok(Box::new(facenet_train::Mpi::join().context("MPI is in use in this process already")?));
    }
    #[cfg(not(feature = "mpi"))]
    if started_by_mpi {
        anyhow::bail!(
            "this program was built without MPI, but `mpirun` started several of it\n\
             hint: build with `--features mpi`"
        );
    }
    Ok(Box::new(Alone))
}
