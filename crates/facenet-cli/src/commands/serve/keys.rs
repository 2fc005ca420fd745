//! `facenet serve keys`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use facenet_server::{KeyFile, Scope};
use serde::Serialize;

use crate::console::Console;
use crate::outcome::Outcome;

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Add(AddArgs),
    List(ListArgs),
    Rotate(IdArgs),
    Remove(RemoveArgs),
}

/// Make a key, and print its secret, which nothing can tell again: only its digest is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The file of keys, which is made if there is none; only its owner may read it.
    file: PathBuf,
    /// Whose the key is, or what for.
    name: String,
    /// What it may do.
    #[arg(long, value_enum, default_value_t = Level::Read)]
    scope: Level,
}

/// List the keys, without their secrets.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The file of keys.
    file: PathBuf,
    /// Print a line of JSON a key.
    #[arg(long)]
    json: bool,
}

/// Give a key another secret and print it; the old one is no more, also for services that run.
#[derive(Debug, clap::Args)]
pub(crate) struct IdArgs {
    /// The file of keys.
    file: PathBuf,
    /// The key's identifier: `k1`.
    id: String,
}

/// Remove a key, also for services that run.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// The file of keys.
    file: PathBuf,
    /// The key's identifier: `k1`.
    id: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    /// Look at images, search, and read the gallery
    Read,
    /// Change the gallery too, and delete from it
    Write,
    /// Add folders of the server too
    Admin,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: &'a str,
    name: &'a str,
    scope: Scope,
    created: u64,
}

pub(super) fn run(command: &Command, console: &Console) -> Result<Outcome> {
    match command {
        Command::Add(args) => {
            ensure!(!args.name.chars().any(char::is_control), "a name is text in one line");
            let scope = match args.scope {
                Level::Read => Scope::Read,
                Level::Write => Scope::Write,
                Level::Admin => Scope::Admin,
            };
            let (id, secret) = KeyFile::open(&args.file)?.add(&args.name, scope)?;
            console.note(format_args!("made the key {id}; keep what is printed, it cannot be shown again"));
            console.print(secret)?;
        }
        Command::List(args) => list(args, console)?,
        Command::Rotate(args) => {
            let secret = KeyFile::open(&args.file)?.rotate(&args.id)?;
            console.note(format_args!("{} has another secret; the old one is no more", args.id));
            console.print(secret)?;
        }
        Command::Remove(args) => {
            KeyFile::open(&args.file)?.remove(&args.id)?;
            console.note(format_args!("removed the key {}", args.id));
        }
    }
    Ok(Outcome::Yes)
}

fn list(args: &ListArgs, console: &Console) -> Result<()> {
    for key in KeyFile::open(&args.file)?.keys() {
        let line = Line { id: &key.id, name: &key.name, scope: key.scope, created: key.created };
        match args.json {
            true => console.print_json(&line)?,
            false => console.print(format_args!("{}\t{}\t{}", line.id, line.scope.name(), line.name))?,
        }
    }
    Ok(())
}
