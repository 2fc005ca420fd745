//! `facenet gallery index`.

use std::time::Instant;

use anyhow::Result;
use facenet_gallery::{
    FaceId, Index, IndexKind, IndexOptions, IndexState, SqliteStore, Store, StoreError, recall,
};
use serde::Serialize;

use super::GalleryFile;
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;

/// Faces of the gallery that are searched for to measure the index.
const PROBES: usize = 200;
/// Reading so many faces takes about a second, each time.
const NOTED_FROM: u64 = 100_000;
/// How many of the nearest are compared.
const NEAREST: usize = 10;

/// Make searches of a large gallery fast.
///
/// Writes an index beside the gallery, as GALLERY.index, and measures how much of what an exact search finds is found
/// through it. Searches use it from then on; faces that are added later are added to it in memory, and to its file when
/// this is run again. The index is deleted when anything is removed from the gallery. Up to 20,000 faces it is a plain
/// list, which is searched exactly.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery index family.faces
  facenet gallery index family.faces --anew --json")]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    /// Build it from nothing, also when the present one can be brought up to date.
    #[arg(long)]
    anew: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Done {
    faces: usize,
    kind: IndexKind,
    seconds: f64,
    bytes: u64,
    /// The share of the ten nearest faces that are found, in `[0, 1]`.
    recall: Option<f64>,
    /// Probes that the recall was measured with.
    probes: usize,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let mut store = args.file.open_file()?;
    let faces = store.counts()?.faces;
    let began = Instant::now();
    console.begin_of(usize::try_from(faces)?, "faces");
    let built = store.build_index(args.anew, &mut |done| console.reach(done));
    console.end();
    let index = built?;
    let seconds = began.elapsed().as_secs_f64();
    let (found, probes) = measured(&store, &index)?;
    let bytes = fs_err::metadata(store.index_path())?.len();
    let done = Done { faces: index.len(), kind: index.kind(), seconds, bytes, recall: found, probes };
    if args.json {
        console.print_json(&done)?;
    }
    let recall = found.map_or(String::new(), |recall| format!(", recall@{NEAREST} {recall:.4}"));
    let kind = match done.kind {
        IndexKind::Exact => "exact",
        IndexKind::Hnsw => "a graph",
    };
    console.note(format_args!(
        "{}: {} in {seconds:.1} s, {:.1} MiB, {kind}{recall}",
        store.index_path().display(),
        counted(done.faces, "face", "faces"),
        bytes as f64 / f64::from(1 << 20),
    ));
    Ok(Outcome::Yes)
}

/// The recall of a graph beside a scan of all its faces, for faces from all over the gallery, and how many those are.
fn measured(store: &SqliteStore, index: &Index) -> Result<(Option<f64>, usize)> {
    if index.kind() == IndexKind::Exact {
        return Ok((None, 0));
    }
    let options = IndexOptions { exact_up_to: usize::MAX, ..store.index_options() };
    let mut exact = Index::build(options, &[], &[])?;
    let (mut probes, mut after, mut count) = (Vec::new(), FaceId(0), 0);
    let every = index.len().div_ceil(PROBES);
    loop {
        let faces = store.faces(after, 10_000)?;
        let Some(last) = faces.last() else { break };
        after = last.id;
        for face in faces {
            let row = face.embedding.embedding();
            exact.add(&[face.id.0.unsigned_abs()], row.as_slice())?;
            if count % every == 0 {
                probes.extend_from_slice(row.as_slice());
            }
            count += 1;
        }
    }
    Ok((recall(index, &exact, &probes, NEAREST)?, count.div_ceil(every)))
}

/// Says when a large gallery is searched without an index, and why.
pub(super) fn note_missing(store: &SqliteStore, console: &Console) -> Result<(), StoreError> {
    let why = match store.index_state()? {
        IndexState::Missing if !store.is_encrypted() && store.counts()?.faces > NOTED_FROM => {
            "it has no index".to_owned()
        }
        IndexState::Unusable(error) => error.to_string(),
        _ => return Ok(()),
    };
    console.note(format_args!(
        "every face of `{place}` is compared: {why}\nhint: `facenet gallery index {place}` makes searches fast",
        place = store.place()
    ));
    Ok(())
}
