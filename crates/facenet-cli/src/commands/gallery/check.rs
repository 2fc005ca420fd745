//! `facenet gallery check` and `compact`.

use anyhow::Result;
use facenet_gallery::{Gone, IndexState, SqliteStore, Store, Subject};
use serde::Serialize;

use super::GalleryFile;
use crate::console::Console;
use crate::outcome::Outcome;

/// Look for faults in a gallery, or for traces of what was deleted.
///
/// Without `--gone`: checks the file's structure, all references and all embeddings; exits with 1 if something is wrong.
///
/// With `--gone`: proves that nothing of a deleted person, photo or face is in the gallery's files. The identifier is in
/// no table; the log is empty; every byte of the file that no table uses is zero, so that there is no place where
/// something could remain; and no index is older than the last deletion. Exits with 1 if one of these does not hold. Of a
/// gallery on a server it cannot be proven: that no table holds it is told, and what nobody can look into.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery check family.faces
  facenet gallery check family.faces --gone person:3 --gone photo:17")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// What should be gone: `person:3`, `photo:17` or `face:21`, as `remove` printed it.
    #[arg(long, value_name = "ID")]
    gone: Vec<Subject>,
    /// Print a line of JSON a fault or identifier.
    #[arg(long)]
    json: bool,
}

/// Write a gallery anew, without the space of what was deleted.
#[derive(Debug, clap::Args)]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    file: GalleryFile,
}

#[derive(Debug, Serialize)]
struct GoneLine {
    id: String,
    gone: bool,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    fault: &'a str,
}

pub(super) fn check(args: &CheckArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    if args.gone.is_empty() {
        let faults = store.check()?;
        for fault in &faults {
            match args.json {
                true => console.print_json(&Fault { fault })?,
                false => console.print(fault)?,
            }
        }
        if faults.is_empty() {
            console.note(format_args!("{}: sound", store.place()));
        }
        if let Some(file) = store.as_file() {
            note_index(file, console)?;
        }
        return Ok(Outcome::of(faults.is_empty()));
    }
    let mut all_gone = true;
    for subject in &args.gone {
        let gone = store.check_gone(*subject)?;
        let line = GoneLine {
            id: subject.to_string(),
            gone: gone.is_proven(),
            reasons: reasons(&gone, store.place()),
        };
        all_gone &= line.gone;
        if args.json {
            console.print_json(&line)?;
            continue;
        }
        let verdict = match (line.gone, gone.is_there) {
            (true, _) => "gone",
            (false, true) => "still there",
            (false, false) => "not proven",
        };
        console.print(format_args!("{}\t{verdict}", line.id))?;
        line.reasons.iter().for_each(|reason| console.note(format_args!("{}: {reason}", line.id)));
    }
    Ok(Outcome::of(all_gone))
}

/// Says what there is of an index. It is disposable, so that nothing about it is a fault of the gallery.
fn note_index(store: &SqliteStore, console: &Console) -> Result<()> {
    match store.index_state()? {
        IndexState::Missing | IndexState::SeveralModels => {}
        IndexState::Usable { faces, missing, .. } => console.note(format_args!(
            "{}: {faces} of {} faces",
            store.index_path().display(),
            faces + missing
        )),
        IndexState::Unusable(error) => console
            .note(format_args!("{error}\nhint: `facenet gallery index {}` makes it anew", store.place())),
    }
    Ok(())
}

/// What speaks against its being gone, and what else should be known.
fn reasons(gone: &Gone, place: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if !gone.was_there {
        reasons.push("the gallery never gave this identifier".into());
    }
    if gone.is_there {
        reasons.push("the gallery holds it".into());
    }
    if gone.is_unwiped {
        reasons.push(
            "a deletion was interrupted before its traces were wiped; opening the gallery finishes it".into(),
        );
    }
    if gone.unused_bytes > 0 && !gone.is_there {
        reasons.push(format!(
            "{} bytes in unused parts of the file are not zero, and may be anything's; `facenet gallery compact \
             {place}` clears them",
            gone.unused_bytes
        ));
    }
    let stale = gone.stale_indexes.iter();
    reasons.extend(
        stale.map(|index| format!("the index `{}` is older than the last deletion", index.display())),
    );
    reasons.extend(
        gone.beyond.as_ref().filter(|_| !gone.is_there).map(|beyond| format!("no table holds it; {beyond}")),
    );
    reasons
}

pub(super) fn compact(args: &CompactArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let before = store.size()?;
    store.compact()?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    match (before, store.size()?) {
        (Some(before), Some(now)) => console.note(format_args!(
            "{}: {:.1} MiB before, {:.1} MiB now",
            store.place(),
            mib(before),
            mib(now)
        )),
        _ => console.note(format_args!("{}: written anew", store.place())),
    }
    Ok(Outcome::Yes)
}
