//! `facenet completions` and `facenet man`: what the program says about itself, for shells and for `man`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;
use crate::console::Console;
use crate::outcome::Outcome;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet completions bash > ~/.local/share/bash-completion/completions/facenet
  facenet completions zsh > ~/.zfunc/_facenet")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write those of all commands.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet man | man -l -
  facenet man --output ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs, console: &Console) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "facenet", &mut text);
    console.print(String::from_utf8(text)?.trim_end())?;
    Ok(Outcome::Yes)
}

pub(super) fn man(args: &ManArgs, console: &Console) -> Result<Outcome> {
    let cannot = "cannot write the manual page";
    match &args.output {
        Some(folder) => {
            fs_err::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder).context(cannot)?;
            console.note(format_args!("wrote the pages into {}", folder.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).context(cannot)?;
            console.print(String::from_utf8(page)?.trim_end())?;
        }
    }
    Ok(Outcome::Yes)
}
