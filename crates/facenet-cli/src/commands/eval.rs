//! `facenet eval`: measure a model on labelled data.

mod bin;
mod cluster;
mod command_line;
mod detect;
mod embeddings;
mod harmonic;
mod hold_out;
mod identify;
mod labelled;
mod lfw;
mod output;
mod pairs;
mod reject;
mod report;
mod source;
mod ytf;

use anyhow::Result;

use crate::console::Console;
use crate::outcome::Outcome;

pub(crate) use self::command_line::command_line;
pub(crate) use self::embeddings::{EmbeddedPairs, SkipOptions};
pub(crate) use self::hold_out::{Kernels, faces_of_people, images_of_people};
#[cfg(feature = "train")]
pub(crate) use self::labelled::LabelledFolder;
pub(crate) use self::source::Source;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Pairs(pairs::Args),
    Lfw(lfw::Args),
    Ytf(ytf::Args),
    Bin(bin::Args),
    #[command(name = "holdout")]
    HoldOut(hold_out::Args),
    Identify(identify::Args),
    Cluster(cluster::Args),
    Harmonic(harmonic::Args),
    Reject(reject::Args),
    Detect(detect::Args),
    Report(report::Args),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Pairs(args) => pairs::run(args, console),
        Command::Lfw(args) => lfw::run(args, console),
        Command::Ytf(args) => ytf::run(args, console),
        Command::Bin(args) => bin::run(args, console),
        Command::HoldOut(args) => hold_out::run(args, console),
        Command::Identify(args) => identify::run(args, console),
        Command::Cluster(args) => cluster::run(args, console),
        Command::Harmonic(args) => harmonic::run(args, console),
        Command::Reject(args) => reject::run(args, console),
        Command::Detect(args) => detect::run(args, console),
        Command::Report(args) => report::run(args, console),
    }
}
