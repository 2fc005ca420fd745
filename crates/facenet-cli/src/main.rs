//! The program `facenet`: data on stdout, everything else on stderr.

mod cache;
mod commands;
mod console;
mod engine;
mod failure;
mod galleries;
mod inputs;
mod loaded;
mod numbers;
mod outcome;
mod output;
mod photos;
mod pipeline;
mod threshold;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use commands::Command;
use console::Console;

/// Face embeddings: one vector a face, near each other if and only if it is the same person.
///
/// Distances are squared Euclidean distances between unit vectors: 0 is the same face, 4 the opposite. A model's
/// thresholds say which distance counts as the same person, and how often two strangers would pass.
#[derive(Debug, Parser)]
#[command(name = "facenet", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Threads to work with; by default one a core.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Say nothing on stderr but errors: no progress, no summaries.
    #[arg(short, long, global = true)]
    quiet: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  yes: done, the same person, somebody
  1  no: two different people, nobody
  2  an error; or images that could not be used, each named on stderr, while the others were";

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) if failure::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", failure::text(&error));
            outcome::Outcome::Failed.into()
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    if let Some(threads) = cli.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global().with_context(|| format!("cannot start {threads} threads"))?;
    }
    cli.command.run(&mut Console::new(cli.quiet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
