//! `facenet cluster`: who is who in a heap of photos?

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use facenet_core::{Distance, Embedding, Face, RgbImage};
use facenet_gallery::{
    Cluster, ClusterError, ClusterOptions, Cut, Linkage, MAX_FACES, Member, Page, PageFace, check_free,
    cluster, pairs_in_one_photo, write_folders, write_page,
};
use serde::Serialize;

use crate::console::Console;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::output::check_writable;
use crate::photos::{PhotoOptions, note_missing};
use crate::pipeline::{FoundFace, Pipeline};
use crate::threshold::{self, ThresholdJson, ThresholdOptions};

/// The default for `--far`: every face is compared with all others.
const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// Sort photos by the people in them, without knowing who they are.
///
/// Agglomerative clustering: the two most alike groups of faces become one, until no two are at most the threshold
/// apart. Two faces of one photo are two people. Prints a line a face, person by person: the group, a tab, the file.
/// The most typical face comes first; one that is farther than the threshold from the others on average is marked
/// `doubtful` in a third column. Faces that no other was joined to are `alone`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet cluster photos/
  facenet cluster photos/ --output sorted/ --html sorted.html
  facenet cluster photos/ --threshold 0.7 --linkage complete --json")]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Copy the photos into this new folder, a folder a person, instead of printing.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Write a page that shows all faces by person, in one file, instead of printing.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    threshold: ThresholdOptions,
    /// How far two groups are apart: `average`, `complete` (their farthest faces), `single` (their nearest) or `ward`.
    #[arg(long, value_name = "NAME", default_value_t)]
    linkage: Linkage,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print JSON, also with `--output` and `--html`.
    #[arg(long)]
    json: bool,
}

/// All faces, in the order in which they were found.
#[derive(Default)]
struct Faces {
    sources: Vec<PathBuf>,
    faces: Vec<Face>,
    embeddings: Vec<Embedding>,
    /// One a face, or none at all.
    pictures: Vec<RgbImage>,
}

#[derive(Debug, Serialize)]
struct Groups<'a> {
    model: &'a str,
    threshold: ThresholdJson<'a>,
    linkage: &'static str,
    people: Vec<Person<'a>>,
    alone: Vec<FaceOfPerson<'a>>,
}

#[derive(Debug, Serialize)]
struct Person<'a> {
    name: String,
    faces: Vec<FaceOfPerson<'a>>,
}

#[derive(Debug, Serialize)]
struct FaceOfPerson<'a> {
    path: &'a Path,
    face: &'a Face,
    mean_distance: Option<Distance>,
    doubtful: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    let cut = args.threshold.choose(engine.contract(), FALSE_ACCEPT_RATE)?;
    check_outputs(args)?;
    let files = args.inputs.files(console)?;

    let pipeline = args.photos.pipeline(&engine)?;
    let pipeline = if args.html.is_some() { pipeline.with_pictures() } else { pipeline };
    let faces = find(&pipeline, &files, console)?;
    if faces.sources.is_empty() {
        bail!("no face was found");
    }
    let options = ClusterOptions {
        threshold: cut.distance(),
        linkage: args.linkage,
        cannot_link: pairs_in_one_photo(&faces.sources),
    };
    let clusters = cluster(&faces.embeddings, &options)?;

    write(args, &faces, &clusters, cut)?;
    if args.json {
        console.print_json(&groups(args, &faces, &clusters, &cut, &engine.contract().id()))?;
    } else if args.output.is_none() && args.html.is_none() {
        print(&faces, &clusters, cut.distance(), console)?;
    }
    summarize(args, &clusters, &cut, console);
    Ok(console.outcome(Outcome::Yes))
}

/// What would fail at the end fails here.
fn check_outputs(args: &Args) -> Result<()> {
    if let Some(folder) = &args.output {
        check_free(folder)?;
        check_writable(folder)?;
    }
    if let Some(page) = &args.html {
        check_writable(page)?;
        if page.is_dir() {
            bail!("cannot write `{}`: it is a folder, expected a file", page.display());
        }
    }
    Ok(())
}

fn find(pipeline: &Pipeline<'_>, files: &[PathBuf], console: &mut Console) -> Result<Faces> {
    let mut all = Faces::default();
    pipeline.run(files, console, |photo, console| {
        note_missing(&photo, console);
        for FoundFace { face, embedding, picture, .. } in photo.faces {
            all.sources.push(photo.path.clone());
            all.faces.push(face);
            all.embeddings.push(embedding);
            all.pictures.extend(picture);
        }
        match all.faces.len() {
            faces if faces > MAX_FACES => Err(ClusterError::TooMany { faces }.into()),
            _ => Ok(()),
        }
    })?;
    Ok(all)
}

fn write(args: &Args, all: &Faces, clusters: &[Cluster], cut: Cut<'_>) -> Result<()> {
    if let Some(folder) = &args.output {
        write_folders(clusters, &all.sources, folder)?;
    }
    if let Some(page) = &args.html {
        let pictures = all.sources.iter().zip(&all.pictures);
        let faces: Vec<PageFace<'_>> =
            pictures.map(|(source, picture)| PageFace { source, picture }).collect();
        write_page(page, &Page { title: "Faces by person", clusters, faces: &faces, cut })?;
    }
    Ok(())
}

fn people_and_alone(clusters: &[Cluster]) -> (Vec<&Cluster>, Vec<&Cluster>) {
    clusters.iter().partition(|cluster| !cluster.is_alone())
}

/// The name that `write_folders` gives the folder too.
fn person_name(number: usize, people: usize) -> String {
    let digits = people.to_string().len().max(3);
    format!("person-{number:0digits$}")
}

fn print(all: &Faces, clusters: &[Cluster], threshold: Distance, console: &Console) -> Result<()> {
    let (people, alone) = people_and_alone(clusters);
    for (number, person) in (1..).zip(&people) {
        let name = person_name(number, people.len());
        for member in &person.members {
            let doubt = if member.is_doubtful(threshold) { "\tdoubtful" } else { "" };
            console.print(format_args!("{name}\t{}{doubt}", all.sources[member.face].display()))?;
        }
    }
    let mut alone = alone.into_iter().flat_map(Cluster::faces);
    alone.try_for_each(|face| console.print(format_args!("alone\t{}", all.sources[face].display())))
}

fn groups<'a>(
    args: &Args,
    all: &'a Faces,
    clusters: &'a [Cluster],
    cut: &Cut<'a>,
    model: &'a str,
) -> Groups<'a> {
    let face = |member: &Member| FaceOfPerson {
        path: &all.sources[member.face],
        face: &all.faces[member.face],
        mean_distance: member.mean_distance,
        doubtful: member.is_doubtful(cut.distance()),
    };
    let (people, alone) = people_and_alone(clusters);
    let person = |(number, person): (usize, &&'a Cluster)| Person {
        name: person_name(number, people.len()),
        faces: person.members.iter().map(face).collect(),
    };
    Groups {
        model,
        threshold: threshold::json(cut),
        linkage: args.linkage.name(),
        people: (1..).zip(&people).map(person).collect(),
        alone: alone.iter().flat_map(|cluster| &cluster.members).map(face).collect(),
    }
}

fn summarize(args: &Args, clusters: &[Cluster], cut: &Cut<'_>, console: &Console) {
    let (people, alone) = people_and_alone(clusters);
    let faces = clusters.iter().map(|cluster| cluster.members.len()).sum();
    console.note(format_args!(
        "{}: {}, {} alone; the threshold is {}",
        counted(faces, "face", "faces"),
        counted(people.len(), "person", "people"),
        alone.len(),
        threshold::words(cut)
    ));
    for output in [&args.output, &args.html].into_iter().flatten() {
        console.note(format_args!("wrote {}", output.display()));
    }
}
