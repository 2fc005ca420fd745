//! `facenet gallery`: people that are remembered.

mod add;
mod age;
mod check;
mod cluster;
mod create;
mod edit;
mod files;
mod index;
mod list;
mod migrate;
mod remove;
mod search;
mod transfer;
mod upgrade;
mod who;

use std::path::PathBuf;

pub(crate) use add::jpeg;
use anyhow::{Result, bail};
use facenet_core::Contract;
use facenet_gallery::{Finder, GalleryFilter, SqliteStore, Store, Template};

use crate::console::Console;
use crate::galleries;
use crate::outcome::Outcome;

/// What to do with a gallery.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
People go by their names or by `person:3`, photos by their paths or by `photo:17`, faces by `face:21`.

Examples:
  facenet gallery create family.faces
  facenet gallery add family.faces photos/ --folders
  facenet gallery search family.faces visitor.jpg
  facenet gallery remove family.faces Anna")]
pub(crate) enum Command {
    Create(create::Args),
    Add(add::Args),
    List(list::ListArgs),
    Show(list::ShowArgs),
    Search(search::Args),
    Cluster(cluster::Args),
    Index(index::Args),
    Rename(edit::RenameArgs),
    Tag(edit::TagArgs),
    Merge(edit::MergeArgs),
    Split(edit::SplitArgs),
    Correct(edit::CorrectArgs),
    Remove(remove::RemoveArgs),
    Forget(remove::ForgetArgs),
    Export(transfer::ExportArgs),
    Import(transfer::ImportArgs),
    Check(check::CheckArgs),
    Compact(check::CompactArgs),
    Upgrade(upgrade::Args),
    Migrate(migrate::Args),
}

/// The gallery that a command is about.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GalleryFile {
    /// The gallery's file, or its address on a server: `postgres://user@host/database?gallery=NAME`, `milvus://…`.
    #[arg(value_name = "GALLERY")]
    gallery: PathBuf,
}

impl GalleryFile {
    fn open(&self) -> Result<Box<dyn Store>> {
        galleries::open(&self.gallery)
    }

    /// Opens a gallery in a file, for what concerns the index beside it.
    fn open_file(&self) -> Result<SqliteStore> {
        if galleries::address(&self.gallery)?.is_some() {
            bail!("a server keeps the index of its gallery by itself");
        }
        Ok(SqliteStore::open(&self.gallery)?)
    }
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    match command {
        Command::Create(args) => create::run(args, console),
        Command::Add(args) => add::run(args, console),
        Command::List(args) => list::list(args, console),
        Command::Show(args) => list::show(args, console),
        Command::Search(args) => search::run(args, console),
        Command::Cluster(args) => cluster::run(args, console),
        Command::Index(args) => index::run(args, console),
        Command::Rename(args) => edit::rename(args, console),
        Command::Tag(args) => edit::tag(args, console),
        Command::Merge(args) => edit::merge(args, console),
        Command::Split(args) => edit::split(args, console),
        Command::Correct(args) => edit::correct(args, console),
        Command::Remove(args) => remove::remove(args, console),
        Command::Forget(args) => remove::forget(args, console),
        Command::Export(args) => transfer::export(args, console),
        Command::Import(args) => transfer::import(args, console),
        Command::Check(args) => check::check(args, console),
        Command::Compact(args) => check::compact(args, console),
        Command::Upgrade(args) => upgrade::run(args, console),
        Command::Migrate(args) => migrate::run(args, console),
    }
}

/// The known people of a gallery whom `filter` lets through, for probes under `contract`.
///
/// # Errors
/// When it is a gallery of another model, or cannot be read.
pub(crate) fn finder<'a>(
    store: &'a dyn Store,
    contract: &Contract,
    filter: GalleryFilter,
    template: Template,
    console: &Console,
) -> Result<Finder<'a>> {
    let finder = Finder::of(store, contract, filter, template)?;
    if finder.is_exact()
        && template == Template::Best
        && let Some(file) = store.as_file()
    {
        index::note_missing(file, console)?;
    }
    Ok(finder)
}
