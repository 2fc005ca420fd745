//! `facenet cache`: what is kept of photos that were looked at.

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::cache::CacheOptions;
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;

/// What to do with the cache.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
    Clear(ClearArgs),
}

/// Say where the cache is, and how large.
///
/// It holds, of photos that were embedded, clustered or searched: their paths, sizes, times and SHA-256, and for each
/// face its box, landmarks, score, quality and embedding. No pictures. Embeddings can recognise people: clear the cache
/// when they shall not be kept.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    cache: CacheOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Delete all that the cache holds.
#[derive(Debug, clap::Args)]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    cache: CacheOptions,
}

#[derive(Debug, Serialize)]
struct Shown {
    folder: std::path::PathBuf,
    files: usize,
    bytes: u64,
}

pub(crate) fn run(command: &Command, console: &Console) -> Result<Outcome> {
    match command {
        Command::Show(args) => show(args, console),
        Command::Clear(args) => clear(args, console),
    }
}

fn show(args: &ShowArgs, console: &Console) -> Result<Outcome> {
    let shown = look(&args.cache)?;
    if args.json {
        console.print_json(&shown)?;
    } else {
        let (files, mib) = (counted(shown.files, "file", "files"), shown.bytes as f64 / f64::from(1 << 20));
        console.print(format_args!("{}: {files}, {mib:.1} MiB", shown.folder.display()))?;
    }
    Ok(Outcome::Yes)
}

fn clear(args: &ClearArgs, console: &Console) -> Result<Outcome> {
    let Shown { folder, files, .. } = look(&args.cache)?;
    for path in own_files(&folder)? {
        fs_err::remove_file(path)?;
    }
    console.note(format_args!("deleted {} in {}", counted(files, "file", "files"), folder.display()));
    Ok(Outcome::Yes)
}

fn look(options: &CacheOptions) -> Result<Shown> {
    let Some(folder) = options.folder() else { bail!("there is no cache: it is off") };
    let files = own_files(&folder)?;
    let sizes = files.iter().map(|file| Ok(fs_err::metadata(file)?.len()));
    let bytes = sizes.sum::<std::io::Result<u64>>().context("cannot look into the cache")?;
    Ok(Shown { folder, files: files.len(), bytes })
}

/// The files that a cache consists of; a folder that is named by mistake keeps all others.
fn own_files(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "files.jsonl" || (name.starts_with("faces-") && name.ends_with(".jsonl")) {
            files.push(path);
        }
    }
    Ok(files)
}
