//! `facenet gallery export` and `import`.

use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use facenet_gallery::{JsonlError, SqliteStore, StoreError, export_jsonl, import_jsonl};

use super::GalleryFile;
use crate::console::Console;
use crate::galleries;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::output::Unfinished;

/// Write all that a gallery holds as lines of JSON.
///
/// `facenet gallery import` makes the same gallery of it, identifiers included. `docs/gallery.md` describes the lines.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The file to write, instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Make a gallery of an export.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The export: lines of JSON.
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// The gallery to make; nothing may be there.
    #[arg(value_name = "GALLERY")]
    gallery: PathBuf,
}

pub(super) fn export(args: &ExportArgs, console: &Console) -> Result<Outcome> {
    let store = args.file.open()?;
    let records = match &args.output {
        Some(path) => {
            let mut file = Unfinished::beside(path)?;
            let records = plain(export_jsonl(&store, &mut file))?;
            file.finish()?;
            records
        }
        None => plain(export_jsonl(&store, BufWriter::new(std::io::stdout().lock())))?,
    };
    console.note(format_args!("wrote {}", counted(records as usize, "record", "records")));
    Ok(Outcome::Yes)
}

/// The cause alone of a failed write: a reader that is gone is then known as such.
fn plain<T>(result: Result<T, JsonlError>) -> Result<T> {
    match result {
        Err(JsonlError::Io(error)) => Err(error).context("cannot write the export"),
        other => Ok(other?),
    }
}

pub(super) fn import(args: &ImportArgs, console: &Console) -> Result<Outcome> {
    let from = BufReader::new(fs_err::File::open(&args.from)?);
    if galleries::address(&args.gallery)?.is_some() {
        bail!(
            "an export is made a gallery in a file\n\
             hint: `facenet gallery migrate` takes that to a server then"
        );
    }
    if args.gallery.exists() {
        return Err(StoreError::Exists { place: args.gallery.display().to_string() }.into());
    }
    let unfinished = Unfinished::beside(&args.gallery)?;
    drop(unfinished); // it can be written there
    // Made beside its place, so that an export that is cut off leaves nothing.
    let folder = args.gallery.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = tempfile::Builder::new()
        .prefix(".facenet-")
        .tempdir_in(folder.unwrap_or(std::path::Path::new(".")))
        .context("cannot make a folder beside the gallery")?;
    let path = folder.path().join("gallery");
    let made = import_jsonl(from, |settings| SqliteStore::create(&path, settings));
    let (store, counts) = made.with_context(|| format!("cannot import `{}`", args.from.display()))?;
    drop(store); // its log is written back
    fs_err::hard_link(&path, &args.gallery)?; // unlike renaming, it replaces nothing
    console.note(format_args!(
        "made the gallery {} with {} in {}",
        args.gallery.display(),
        counted(counts.faces as usize, "face", "faces"),
        counted(counts.photos as usize, "photo", "photos")
    ));
    Ok(Outcome::Yes)
}
