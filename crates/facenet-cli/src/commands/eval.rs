//! `facenet eval`: measure a model on labelled data.

mod pairs;

use anyhow::Result;

use crate::console::Console;
use crate::outcome::Outcome;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Pairs(pairs::Args),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Pairs(args) => pairs::run(args, console),
    }
}
