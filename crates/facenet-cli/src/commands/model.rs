//! `facenet model`: what a model promises, and what a network is made of.

mod show;
mod table;

use anyhow::Result;

use crate::console::Console;
use crate::outcome::Outcome;

/// What to show.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Show(show::Args),
    Table(table::Args),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Show(args) => show::run(args, console),
        Command::Table(args) => table::run(args, console),
    }
}
