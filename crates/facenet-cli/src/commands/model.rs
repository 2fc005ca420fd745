//! `facenet model`: what a model promises, what a network is made of, and models of and for other programs.

mod derive;
#[cfg(feature = "onnx")]
mod export;
#[cfg(feature = "onnx")]
mod import;
mod show;
mod table;

use anyhow::Result;

use crate::console::Console;
use crate::outcome::Outcome;

/// What to show or make.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Show(show::Args),
    Table(table::Args),
    Derive(derive::Args),
    #[cfg(feature = "onnx")]
    Import(import::Args),
    #[cfg(feature = "onnx")]
    Export(export::Args),
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Show(args) => show::run(args, console),
        Command::Derive(args) => derive::run(args, console),
        Command::Table(args) => table::run(args, console),
        #[cfg(feature = "onnx")]
        Command::Import(args) => import::run(args, console),
        #[cfg(feature = "onnx")]
        Command::Export(args) => export::run(args, console),
    }
}
