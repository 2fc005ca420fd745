//! `facenet gallery cluster`.

use anyhow::{Result, anyhow, ensure};
use facenet_gallery::{
    Cluster, ClusterOptions, GroupOptions, Knowledge, Linkage, Scope, Store, Ungrouped, cluster, regroup,
};

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
    /// Only group the faces that came since the last time, with whoever is near them; everybody else is left as they are.
    #[arg(long)]
    new: bool,
    /// How far two groups are apart: `average`, `complete` (their farthest faces), `single` (their nearest) or `ward`.
    #[arg(long, value_name = "NAME", default_value_t)]
    linkage: Linkage,
    /// Faces whose quality, from 0 to 1, is below this join a group, but bring no two together.
    #[arg(long, value_name = "QUALITY", default_value_t = 0.0)]
    glue_quality: f32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, serde::Serialize)]
struct Done {
    faces: usize,
    new_faces: usize,
    people: usize,
    new_people: usize,
    alone: usize,
    /// Pairs of groups that may be one person but were not joined.
    questions: usize,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let contract = store.settings().contract.clone();
    let cut = args.threshold.choose(&contract, FALSE_ACCEPT_RATE)?;
    ensure!(
        (0.0..=1.0).contains(&args.glue_quality),
        "`--glue-quality {}` cannot be used: expected a number from 0 to 1",
        args.glue_quality
    );
    ensure!(
        args.glue_quality == 0.0 || args.linkage == Linkage::Average,
        "`--glue-quality` is for `--linkage average`, found `--linkage {}`",
        args.linkage
    );
    ensure!(
        !args.new || args.linkage == Linkage::Average,
        "`--new` is for `--linkage average`, found `--linkage {}`",
        args.linkage
    );
    let options = GroupOptions { min_quality: args.glue_quality, ..GroupOptions::at(cut.distance()) };
    let scope = if args.new { Scope::New(options) } else { Scope::All };
    let mut questions = 0;
    let group = |faces: &Ungrouped| -> Result<Vec<Vec<usize>>> {
        let clusters = if args.linkage == Linkage::Average {
            let found = faces.by_average(options)?;
            questions = found.suggestions().len();
            found.clusters()
        } else {
            let Knowledge { same, different } = faces.known.clone();
            let (cannot_link, must_link) = (different, same);
            let threshold = cut.distance();
            let options = ClusterOptions { threshold, linkage: args.linkage, cannot_link, must_link };
            cluster(&faces.embeddings, &options)?
        };
        Ok(clusters.iter().map(|cluster: &Cluster| cluster.faces().collect()).collect())
    };
    if store.counts()?.faces == 0 {
        return Err(anyhow!("the gallery `{}` holds no face", store.place()));
    }
    let done = regroup(&mut store, scope, group)?;
    let done = Done {
        faces: done.faces,
        new_faces: done.new_faces,
        people: done.people,
        new_people: done.new_people,
        alone: done.alone,
        questions,
    };
    if args.json {
        console.print_json(&done)?;
    }
    let asked = if questions > 0 {
        let pairs = counted(questions, "pair", "pairs");
        format!("; {pairs} may be one person, see the page of `facenet serve`")
    } else {
        String::new()
    };
    if args.new && done.faces == 0 {
        console.note(format_args!("no face came since the last time: nothing was changed"));
    } else if args.new {
        console.note(format_args!(
            "{} of nobody, with {} of people near them: {}, {} of them new, {} alone{asked}; the threshold is {}",
            counted(done.new_faces, "face", "faces"),
            done.faces - done.new_faces,
            counted(done.people, "person", "people"),
            done.new_people,
            done.alone,
            threshold::words(&cut)
        ));
    } else {
        console.note(format_args!(
            "{}: {}, {} of them new, {} alone{asked}; the threshold is {}",
            counted(done.faces, "face", "faces"),
            counted(done.people, "person", "people"),
            done.new_people,
            done.alone,
            threshold::words(&cut)
        ));
    }
    Ok(Outcome::Yes)
}
