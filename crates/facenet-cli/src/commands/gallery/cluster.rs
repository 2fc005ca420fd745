//! `facenet gallery cluster`.

use anyhow::{Result, anyhow};
use facenet_core::Embedding;
use facenet_gallery::{Cluster, ClusterOptions, Linkage, Store, cluster, regroup};

use super::GalleryFile;
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::threshold::{self, ThresholdOptions};

/// The default for `--far`: every face is compared with all others.
const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// Group the faces of a gallery by person.
///
/// What the user said stays: faces that were named, and pairs that are the same or not. Two faces of one photo are two
/// people. A group that holds faces of a known person is that person; others of at least two faces become new people
/// without a name, whom `facenet gallery rename` names. People stay the same from run to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    #[command(flatten)]
    threshold: ThresholdOptions,
    /// How far two groups are apart: `average`, `complete` (their farthest faces), `single` (their nearest) or `ward`.
    #[arg(long, value_name = "NAME", default_value_t)]
    linkage: Linkage,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, serde::Serialize)]
struct Done {
    faces: usize,
    people: usize,
    new_people: usize,
    alone: usize,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let contract = store.settings().contract.clone();
    let cut = args.threshold.choose(&contract, FALSE_ACCEPT_RATE)?;
    let group = |embeddings: &[Embedding], cannot_link| {
        let options = ClusterOptions {
            threshold: cut.distance(),
            linkage: args.linkage,
            cannot_link,
            must_link: Vec::new(),
        };
        let clusters = cluster(embeddings, &options)?;
        Ok::<_, anyhow::Error>(clusters.iter().map(|c: &Cluster| c.faces().collect()).collect())
    };
    if store.counts()?.faces == 0 {
        return Err(anyhow!("the gallery `{}` holds no face", store.place()));
    }
    let done = regroup(&mut store, group)?;
    let done =
        Done { faces: done.faces, people: done.people, new_people: done.new_people, alone: done.alone };
    if args.json {
        console.print_json(&done)?;
    }
    console.note(format_args!(
        "{}: {}, {} of them new, {} alone; the threshold is {}",
        counted(done.faces, "face", "faces"),
        counted(done.people, "person", "people"),
        done.new_people,
        done.alone,
        threshold::words(&cut)
    ));
    Ok(Outcome::Yes)
}
