//! The commands, one module each.

mod bench;
mod calibrate;
mod cluster;
mod embed;
mod eval;
mod experiment;
mod identify;
mod model;
#[cfg(feature = "train")]
mod train;
mod verify;

use std::process::ExitCode;

use crate::console::Console;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Embed(embed::Args),
    Verify(verify::Args),
    Identify(identify::Args),
    Cluster(cluster::Args),
    /// Measure a model on labelled data.
    #[command(subcommand)]
    Eval(eval::Command),
    Experiment(experiment::Args),
    Calibrate(calibrate::Args),
    /// Show models and networks.
    #[command(subcommand)]
    Model(model::Command),
    Bench(bench::Args),
    #[cfg(feature = "train")]
    Train(train::Args),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, console: &mut Console) -> anyhow::Result<ExitCode> {
        let outcome = match self {
            Self::Embed(args) => embed::run(args, console),
            Self::Verify(args) => verify::run(args, console),
            Self::Identify(args) => identify::run(args, console),
            Self::Cluster(args) => cluster::run(args, console),
            Self::Eval(command) => eval::run(command, console),
            Self::Experiment(args) => experiment::run(args, console),
            Self::Calibrate(args) => calibrate::run(args, console),
            Self::Model(command) => model::run(command, console),
            Self::Bench(args) => bench::run(args, console),
            #[cfg(feature = "train")]
            Self::Train(args) => return train::run(args, console),
        };
        outcome.map(ExitCode::from)
    }
}
