//! The commands, one module each.

mod about;
#[cfg(feature = "train")]
mod adapter;
mod bench;
mod cache;
mod calibrate;
mod cluster;
mod detect;
mod embed;
mod eval;
mod experiment;
mod gallery;
mod identify;
mod model;
mod serve;
mod track;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod train_detector;
#[cfg(feature = "train")]
mod train_refiner;
mod verify;

use std::process::ExitCode;

use crate::console::Console;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Detect(detect::Args),
    Embed(embed::Args),
    Verify(verify::Args),
    Identify(identify::Args),
    Cluster(cluster::Args),
    Track(track::Args),
    /// Remember people: photos, faces and names in one file.
    #[command(subcommand)]
    Gallery(gallery::Command),
    /// Measure a model on labelled data.
    #[command(subcommand)]
    Eval(eval::Command),
    Experiment(experiment::Args),
    Calibrate(calibrate::Args),
    /// Show models and networks; import and export models.
    #[command(subcommand)]
    Model(model::Command),
    /// Take one model's embeddings into another's space.
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Adapter(adapter::Command),
    Serve(serve::Args),
    Bench(bench::Args),
    /// Show or clear what is kept of photos that were looked at.
    #[command(subcommand)]
    Cache(cache::Command),
    #[cfg(feature = "train")]
    Train(train::Args),
    #[cfg(feature = "train")]
    TrainDetector(train_detector::Args),
    #[cfg(feature = "train")]
    TrainRefiner(train_refiner::Args),
    Completions(about::CompletionsArgs),
    Man(about::ManArgs),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, console: &mut Console) -> anyhow::Result<ExitCode> {
        let outcome = match self {
            Self::Detect(args) => detect::run(args, console),
            Self::Embed(args) => embed::run(args, console),
            Self::Verify(args) => verify::run(args, console),
            Self::Identify(args) => identify::run(args, console),
            Self::Cluster(args) => cluster::run(args, console),
            Self::Eval(command) => eval::run(command, console),
            Self::Experiment(args) => experiment::run(args, console),
            Self::Calibrate(args) => calibrate::run(args, console),
            Self::Model(command) => model::run(command, console),
            Self::Track(args) => track::run(args, console),
            Self::Gallery(command) => gallery::run(command, console),
            Self::Serve(args) => serve::run(args, console),
            Self::Cache(command) => cache::run(command, console),
            #[cfg(feature = "train")]
            Self::Adapter(command) => adapter::run(command, console),
            Self::Completions(args) => about::completions(args, console),
            Self::Man(args) => about::man(args, console),
            Self::Bench(args) => bench::run(args, console),
            #[cfg(feature = "train")]
            Self::Train(args) => return train::run(args, console),
            #[cfg(feature = "train")]
            Self::TrainDetector(args) => return train_detector::run(args, console),
            #[cfg(feature = "train")]
            Self::TrainRefiner(args) => return train_refiner::run(args, console),
        };
        outcome.map(ExitCode::from)
    }
}
