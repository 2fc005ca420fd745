//! `facenet cluster`: who is who in a heap of photos?

mod embeddings;
mod known;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use facenet_core::{Contract, Distance, Embedding, Face, RgbImage};
use facenet_gallery::{
    Cluster, ClusterOptions, Clustering, Cut, GroupFaces, GroupOptions, Knowledge, Linkage, Member, Page,
    PageFace, STATED_SHARES, Suggestion, Why, check_free, cluster, pairs_in_one_photo,
    threshold_for_wrong_pairs, write_folders, write_page,
};
use serde::Serialize;

use crate::console::Console;
use crate::inputs::expand;
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
/// apart. Beyond 20,000 faces each is compared with its nearest neighbours only. Two faces of one photo are two people,
/// and what `--known` says binds. Groups a little farther apart than the threshold are named as questions. Prints a line a face, person by person: the group, a tab, the file.
/// The most typical face comes first; one that is farther than the threshold from the others on average is marked
/// `doubtful` in a third column. Faces that no other was joined to are `alone`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet cluster photos/
  facenet cluster photos/ --output sorted/ --html sorted.html
  facenet cluster photos/ --wrong-pairs 1% --known known.tsv --html sorted.html
  facenet cluster photos/ --threshold 0.7 --linkage complete --json
  facenet cluster --embeddings faces.npy")]
pub(crate) struct Args {
    /// Images, folders of images, or patterns such as `photos/**/*.jpg`; as `facenet embed` takes them.
    #[arg(required_unless_present = "embeddings", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Faces that `facenet embed --output FILE.npy` has embedded, instead of photos.
    ///
    /// FILE.rows.jsonl beside it names their photos; without it, every face is named by its row.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "output", "html"])]
    embeddings: Option<PathBuf>,
    /// What you know: a line a pair, `same` or `different` and two faces, separated by tabs. It binds.
    ///
    /// A face is its photo as it is printed here, with `#2` for the second face of several.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Choose the threshold so that about this share of the pairs in a group are wrong, for example 1%.
    ///
    /// From the model's curve of probability; the shares are those measured on validation faces: 1%, 2%, 5% or 10%.
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with_all = ["far", "threshold"])]
    wrong_pairs: Option<f64>,
    /// Faces whose quality, from 0 to 1, is below this join a group, but bring no two together.
    #[arg(long, value_name = "QUALITY", default_value_t = 0.0)]
    glue_quality: f32,
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
    /// None where it is not known.
    faces: Vec<Option<Face>>,
    quality: Vec<f32>,
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
    questions: Vec<Question<'a>>,
}

/// Two groups that may be one person, each by a face of it.
#[derive(Debug, Serialize)]
struct Question<'a> {
    a: &'a Path,
    b: &'a Path,
    distance: Distance,
    why: &'static str,
}

#[derive(Debug, Serialize)]
struct Person<'a> {
    name: String,
    faces: Vec<FaceOfPerson<'a>>,
}

#[derive(Debug, Serialize)]
struct FaceOfPerson<'a> {
    path: &'a Path,
    face: Option<&'a Face>,
    mean_distance: Option<Distance>,
    doubtful: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    ensure!(
        (0.0..=1.0).contains(&args.glue_quality),
        "`--glue-quality {}` cannot be used: expected a number from 0 to 1",
        args.glue_quality
    );
    let contract = engine.contract();
    let cut = match args.wrong_pairs {
        Some(share) => wrong_pairs(contract, share)?,
        None => args.threshold.choose(contract, FALSE_ACCEPT_RATE)?,
    };
    check_outputs(args)?;
    let faces = match &args.embeddings {
        Some(path) => embeddings::read(path, &contract.id(), contract.dimension)?,
        None => {
            let files = expand(&args.paths, console)?;
            let pipeline = args.photos.pipeline(&engine)?;
            let pipeline = if args.html.is_some() { pipeline.with_pictures() } else { pipeline };
            find(&pipeline, &files, console)?
        }
    };
    if faces.sources.is_empty() {
        bail!("no face was found");
    }
    let knowledge = match &args.known {
        Some(path) => known::read(path, &faces.sources)?,
        None => Knowledge::default(),
    };
    let (clusters, suggestions) = group(args, &faces, knowledge, cut.distance())?;

    write(args, &faces, &clusters, &suggestions, cut)?;
    if args.json {
        console.print_json(&groups(args, &faces, (&clusters, &suggestions), &cut, &contract.id()))?;
    } else if args.output.is_none() && args.html.is_none() {
        print(&faces, &clusters, cut.distance(), console)?;
    }
    summarize(args, &clusters, &suggestions, &cut, console);
    Ok(console.outcome(Outcome::Yes))
}

/// A share such as `1%` or `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let expected = || format!("expected one of {}, as percent or number", shares());
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|value| value / 100.0),
        None => text.parse(),
    };
    let value = value.map_err(|_| expected())?;
    STATED_SHARES.into_iter().find(|share| (share - value).abs() < 1e-9).ok_or_else(expected)
}

fn shares() -> String {
    STATED_SHARES.map(|share| format!("{}%", (100.0 * share).round())).join(", ")
}

fn wrong_pairs(contract: &Contract, share: f64) -> Result<Cut<'_>> {
    let Some(calibration) = &contract.calibration else {
        bail!(
            "the model `{}` has no curve of probability, which `--wrong-pairs` rests on\n\
             hint: add one by `facenet calibrate`, or choose a squared distance by `--threshold`",
            contract.id()
        )
    };
    let distance = threshold_for_wrong_pairs(calibration, share).expect("a share that the option takes");
    Ok(Cut::WrongPairs { distance, share })
}

/// Average linkage also tells what it is not sure of, and takes any number of faces.
fn group(
    args: &Args,
    faces: &Faces,
    knowledge: Knowledge,
    threshold: Distance,
) -> Result<(Vec<Cluster>, Vec<Suggestion>)> {
    if args.linkage != Linkage::Average {
        ensure!(
            args.glue_quality == 0.0,
            "`--glue-quality` is for `--linkage average`, found `--linkage {}`",
            args.linkage
        );
        let mut cannot_link = pairs_in_one_photo(&faces.sources);
        cannot_link.extend(knowledge.different);
        let options =
            ClusterOptions { threshold, linkage: args.linkage, cannot_link, must_link: knowledge.same };
        return Ok((cluster(&faces.embeddings, &options)?, Vec::new()));
    }
    let rows: Vec<f32> = faces.embeddings.iter().flat_map(|e| e.as_slice()).copied().collect();
    let group = GroupFaces { rows: &rows, photos: &photo_numbers(&faces.sources), quality: &faces.quality };
    let options = GroupOptions { min_quality: args.glue_quality, ..GroupOptions::at(threshold) };
    let found = Clustering::of(faces.embeddings[0].dimension(), group, knowledge, options)?;
    Ok((found.clusters(), found.suggestions()))
}

/// The same number for the same photo.
fn photo_numbers(sources: &[PathBuf]) -> Vec<u64> {
    let mut numbers: HashMap<&Path, u64> = HashMap::new();
    let number = |source| {
        let next = numbers.len() as u64;
        *numbers.entry(source).or_insert(next)
    };
    sources.iter().map(PathBuf::as_path).map(number).collect()
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
        for FoundFace { face, quality, embedding, picture } in photo.faces {
            all.sources.push(photo.path.clone());
            all.faces.push(Some(face));
            all.quality.push(quality.map_or(1.0, |quality| quality.value));
            all.embeddings.push(embedding);
            all.pictures.extend(picture);
        }
        Ok(())
    })?;
    Ok(all)
}

fn write(
    args: &Args,
    all: &Faces,
    clusters: &[Cluster],
    suggestions: &[Suggestion],
    cut: Cut<'_>,
) -> Result<()> {
    if let Some(folder) = &args.output {
        write_folders(clusters, &all.sources, folder)?;
    }
    if let Some(page) = &args.html {
        let pictures = all.sources.iter().zip(&all.pictures);
        let faces: Vec<PageFace<'_>> =
            pictures.map(|(source, picture)| PageFace { source, picture }).collect();
        write_page(page, &Page { title: "Faces by person", clusters, faces: &faces, cut, suggestions })?;
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
    (clusters, suggestions): (&'a [Cluster], &[Suggestion]),
    cut: &Cut<'a>,
    model: &'a str,
) -> Groups<'a> {
    let face = |member: &Member| FaceOfPerson {
        path: &all.sources[member.face],
        face: all.faces[member.face].as_ref(),
        mean_distance: member.mean_distance,
        doubtful: member.is_doubtful(cut.distance()),
    };
    let (people, alone) = people_and_alone(clusters);
    let person = |(number, person): (usize, &&'a Cluster)| Person {
        name: person_name(number, people.len()),
        faces: person.members.iter().map(face).collect(),
    };
    let question = |suggestion: &Suggestion| Question {
        a: &all.sources[suggestion.a],
        b: &all.sources[suggestion.b],
        distance: suggestion.distance,
        why: match suggestion.why {
            Why::SomeAlike => "some_alike",
            Why::JustBeyond => "just_beyond",
            Why::Poor => "poor",
        },
    };
    Groups {
        model,
        threshold: threshold::json(cut),
        linkage: args.linkage.name(),
        people: (1..).zip(&people).map(person).collect(),
        alone: alone.iter().flat_map(|cluster| &cluster.members).map(face).collect(),
        questions: suggestions.iter().map(question).collect(),
    }
}

fn summarize(
    args: &Args,
    clusters: &[Cluster],
    suggestions: &[Suggestion],
    cut: &Cut<'_>,
    console: &Console,
) {
    let (people, alone) = people_and_alone(clusters);
    let faces = clusters.iter().map(|cluster| cluster.members.len()).sum();
    console.note(format_args!(
        "{}: {}, {} alone; the threshold is {}",
        counted(faces, "face", "faces"),
        counted(people.len(), "person", "people"),
        alone.len(),
        threshold::words(cut)
    ));
    if !suggestions.is_empty() {
        let pairs = counted(suggestions.len(), "pair of groups", "pairs of groups");
        console.note(format_args!(
            "{pairs} may be one person: see `--html` or `--json`, and answer by `--known`"
        ));
    }
    for output in [&args.output, &args.html].into_iter().flatten() {
        console.note(format_args!("wrote {}", output.display()));
    }
}
