//! `facenet eval report`: everything that a model is measured by, on one page.

mod measured;
mod output;

use std::path::PathBuf;

use anyhow::{Result, bail};
use facenet_eval::{HardestPairs, Metadata, PairsFile};

use self::measured::{Measured, measure};
use super::command_line::command_line;
use super::embeddings::SkipOptions;
use super::identify::DrawOptions;
use super::source::SourceOptions;
use crate::console::Console;
use crate::outcome::Outcome;
use crate::output::check_writable;
use crate::pipeline::Pipeline;

/// Hard pairs of each kind that the page shows.
const HARDEST: usize = 12;

/// Write a report: verification, groups, another model beside it, identification, clustering, what quality has to do with
/// errors, and the hardest pairs.
///
/// Writes into a folder: `report.html`, a page that needs nothing else and shows the faces of the hardest pairs;
/// `report.json` and `report.csv` with all figures; and each picture as SVG and PNG. Intervals are 95 %, from people
/// drawn with replacement (bootstrap over identities).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval report --images crops/ --pairs pairs.txt --out report/
  facenet eval report --images crops/ --pairs pairs.txt --metadata people.csv --against other.safetensors --out report/")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person, as in `facenet eval pairs`.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs file, as in `facenet eval pairs`.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    #[command(flatten)]
    skip: SkipOptions,
    /// A CSV table of people or images: its columns make groups that are measured each for itself.
    ///
    /// The column `person` (or `name`, `identity`, `subject`) holds the names of the folders, or the column `image`
    /// (or `file`, `path`) file names. Numbers with more than eight values are cut into four groups.
    #[arg(long, value_name = "FILE.csv")]
    metadata: Option<PathBuf>,
    /// Another model to compare with, on the same pairs; or its embeddings, an `.npy` or `.csv` as for `--embeddings`.
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Measure verification only, without embedding the images that no pair names.
    #[arg(long)]
    pairs_only: bool,
    /// How often people are drawn anew for intervals of 95 %; 0 for none.
    #[arg(long, value_name = "N", default_value_t = facenet_eval::Bootstrap::DRAWS)]
    bootstrap: u32,
    #[command(flatten)]
    draws: DrawOptions,
    /// The folder to write into.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    source: SourceOptions,
    /// Print JSON: the report as in `report.json`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = args.source.open()?;
    let other = args.against.as_ref().map(|path| args.source.open_other(path)).transpose()?;
    let table = args.metadata.as_ref().map(|path| Metadata::read(path)).transpose()?;
    if let Some(left_out) = table.as_ref().map(Metadata::left_out).filter(|names| !names.is_empty()) {
        console.note(format_args!("no groups: {} (no value, or more than 20 names)", left_out.join(", ")));
    }
    if args.out.is_file() {
        bail!("cannot write `{}`: it is a file, expected a folder", args.out.display());
    }
    check_writable(&args.out.join("report.html"))?;

    let pairs = PairsFile::read(&args.pairs)?;
    let measured = measure(args, &pairs, &source, other.as_ref(), table.as_ref(), console)?;
    let hardest = HardestPairs::of(&measured.pairs, HARDEST);
    let pipeline = source.engine().map(|engine| Pipeline::new(engine).with_pictures());
    let json = output::write(args, &measured, &hardest, pipeline.as_ref())?;

    console.note(format_args!(
        "wrote report.html, report.json, report.csv and pictures to {}",
        args.out.display()
    ));
    if args.json {
        console.print(json.trim_end())?;
    } else {
        console.print(summary(&measured))?;
    }
    // Who allows images to be skipped is not told by the exit code that some were.
    Ok(if args.skip.skip_missing { Outcome::Yes } else { console.outcome(Outcome::Yes) })
}

/// The tables of what was measured, one after the other.
fn summary(measured: &Measured<'_>) -> String {
    let mut text = measured.verification.to_string();
    if let Some(comparison) = &measured.comparison {
        text += &format!("\n\n{comparison}");
    }
    if let Some(identification) = &measured.identification {
        text += &format!("\n\n{identification}");
    }
    if let Some(clustering) = &measured.clustering {
        text += &format!("\n\n{clustering}");
    }
    text
}

impl Args {
    /// The command that writes this report.
    fn command(&self) -> String {
        let mut words = self.words(&["eval", "report"]);
        words.extend(["--pairs".into(), self.pairs.display().to_string()]);
        for (name, path) in [("--metadata", &self.metadata), ("--against", &self.against)] {
            words.extend(path.iter().flat_map(|path| [name.into(), path.display().to_string()]));
        }
        for (name, given) in [("--skip-missing", self.skip.skip_missing), ("--pairs-only", self.pairs_only)] {
            words.extend(given.then(|| name.to_owned()));
        }
        let (bootstrap, draws, seed) =
            (self.bootstrap.to_string(), self.draws.draws.to_string(), self.draws.seed.to_string());
        for (name, number) in [("--bootstrap", bootstrap), ("--draws", draws), ("--seed", seed)] {
            words.extend([name.into(), number]);
        }
        words.extend(["--out".into(), self.out.display().to_string()]);
        command_line(words)
    }

    /// A command over the same images with the same model.
    fn words(&self, verb: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = verb.iter().map(|&word| word.to_owned()).collect();
        words.extend(["--images".into(), self.images.display().to_string()]);
        words.extend(self.source.arguments());
        words
    }
}
