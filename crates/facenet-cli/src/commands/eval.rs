//! `facenet eval`: measure a model on labelled data.

mod cluster;
mod command_line;
mod identify;
mod labelled;
mod pairs;
mod report;

use anyhow::Result;

use crate::console::Console;
use crate::outcome::Outcome;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Pairs(pairs::Args),
    Identify(identify::Args),
    Cluster(cluster::Args),
    Report(report::Args),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Pairs(args) => pairs::run(args, console),
        Command::Identify(args) => identify::run(args, console),
        Command::Cluster(args) => cluster::run(args, console),
        Command::Report(args) => report::run(args, console),
    }
}
