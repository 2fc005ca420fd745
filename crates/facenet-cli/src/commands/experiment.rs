//! `facenet experiment`: one of the paper's experiments, over a config.

mod cells;
mod config;
mod faces;
mod images;
#[cfg(feature = "train")]
mod training;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet_eval::{CellStore, ExperimentReport, ExperimentRow, png, write_file};

use self::cells::Cell;
use self::config::{Axes, ExperimentConfig};
use self::faces::TestFaces;
use super::eval::command_line;
use crate::console::Console;
use crate::engine::ModelOptions;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Run one of the paper's experiments: VAL over one thing that changes, beside what the paper found.
///
/// The config says which, by its table: `[network]` (Table 3, Figure 4), `[image]` (JPEG quality and pixels, Table 4),
/// `[dimension]` (Table 5), `[data]` (amount of training data, Table 6), or `[invariance]` (shift, turn and scale of the
/// face). `[image]` and `[invariance]` test a model; the others train one for each cell, from the config that
/// `[training]` names. VAL is measured by the paper's hold-out protocol, as `facenet eval holdout` does.
///
/// Writes `table.md`, `table.csv`, `table.json`, `plot.svg` and `plot.png` into a folder. Finished cells are kept there
/// too: started again, a run that was stopped goes on where it was, a training from its last checkpoint.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet experiment configs/experiments/image.toml
  facenet experiment configs/experiments/image.toml --model my.safetensors --out runs/image-my
  facenet experiment configs/experiments/network.toml --data faces/ --images crops/ --pairs pairs.txt")]
pub(crate) struct Args {
    /// The settings, in TOML.
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// The folder to write into; by default `runs/experiments/` and the name of the config.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Faces to measure on, a folder a person; replaces `measure.images`.
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Pairs to measure accuracy on, in LFW's format; replaces `measure.pairs`.
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Training faces; replaces `data.train` of the training config.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    model: ModelOptions,
    /// Lines instead of a dashboard while training, as when stderr is no terminal.
    #[arg(long)]
    plain: bool,
    /// Print JSON: the table as in `table.json`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let config = ExperimentConfig::load(&args.config)?.replacing(args.images.clone(), args.pairs.clone());
    let axes = config.axes().with_context(|| format!("cannot use the config `{}`", args.config.display()))?;
    let out = args.out.clone().unwrap_or_else(|| {
        Path::new("runs/experiments").join(args.config.file_stem().unwrap_or(args.config.as_os_str()))
    });
    check_writable(&out.join("cells/cell.json"))?;
    let faces = TestFaces::find(&config.measure)?;
    let experiment = Experiment { args, config: &config, faces: &faces, out: &out };
    let report = match axes {
        Axes::OfImages(kind, cells) => images::run(&experiment, kind, &cells, console)?,
        #[cfg(feature = "train")]
        Axes::OfTraining(kind, cells) => training::run(&experiment, kind, &cells, console)?,
        #[cfg(not(feature = "train"))]
        Axes::OfTraining(..) => anyhow::bail!(
            "this experiment trains networks, but this program was built without training\n\
             hint: build it with its default features"
        ),
    };
    console.note(format_args!("wrote the table and the plot to {}", out.display()));
    if args.json {
        console.print(report.to_json().trim_end())?;
    } else {
        console.print(report.table().trim_end())?;
    }
    Ok(console.outcome(Outcome::Yes))
}

/// What all kinds of experiments share.
struct Experiment<'a> {
    args: &'a Args,
    config: &'a ExperimentConfig,
    faces: &'a TestFaces,
    out: &'a Path,
}

impl Experiment<'_> {
    /// Takes up the finished cells, has `measure` measure the others, and writes the table after each of them.
    ///
    /// `rests_on` says what decides a cell's figures; a cell for which `measure` gives none stays without.
    fn run(
        &self,
        mut report: ExperimentReport,
        cells: &[Cell],
        console: &mut Console,
        rests_on: impl Fn(&Cell) -> Result<String>,
        mut measure: impl FnMut(&Cell, &mut Console) -> Result<Option<facenet_eval::CellFigures>>,
    ) -> Result<ExperimentReport> {
        let store = CellStore::open(self.out)?;
        let row = |cell: &Cell| ExperimentRow::new(report.kind, cell.group, cell.at, &cell.name);
        report.rows = cells.iter().map(row).collect();
        // All cells that are there, before any work: a cell of other settings would only be found hours later.
        for (cell, row) in cells.iter().zip(&mut report.rows) {
            row.figures = store.find(&cell.name, &rests_on(cell)?)?;
        }
        let kept = report.rows.iter().filter(|row| row.figures.is_some()).count();
        if kept > 0 {
            console.note(format_args!("{kept} of {} cells are finished", cells.len()));
        }
        report.rows.extend(ExperimentRow::of_paper_alone(report.kind, &report.rows));
        self.write(&report)?;
        for (i, cell) in cells.iter().enumerate().filter(|_| kept < cells.len()) {
            if report.rows[i].figures.is_some() {
                continue;
            }
            console.note(format_args!("{} of {}: {}", i + 1, cells.len(), cell.name));
            if let Some(figures) = measure(cell, console)? {
                store.keep(&cell.name, &rests_on(cell)?, &figures)?;
                report.rows[i].figures = Some(figures);
                self.write(&report)?;
            }
        }
        Ok(report)
    }

    fn write(&self, report: &ExperimentReport) -> Result<()> {
        write_file(&self.out.join("table.md"), report.to_markdown())?;
        write_file(&self.out.join("table.csv"), report.to_csv())?;
        write_file(&self.out.join("table.json"), report.to_json())?;
        match report.svg() {
            Ok(svg) => {
                write_file(&self.out.join("plot.png"), png(&svg)?)?;
                write_file(&self.out.join("plot.svg"), svg)?;
            }
            Err(facenet_eval::PictureError::NoCurve) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The command as one would type it again.
    fn command(&self) -> String {
        let mut words = vec!["experiment".to_owned(), self.args.config.display().to_string()];
        let paths = [
            ("--images", &self.args.images),
            ("--pairs", &self.args.pairs),
            ("--data", &self.args.data),
            ("--out", &self.args.out),
        ];
        for (name, path) in paths {
            words.extend(path.iter().flat_map(|path| [name.into(), path.display().to_string()]));
        }
        words.extend(self.args.model.arguments());
        command_line(words)
    }
}
