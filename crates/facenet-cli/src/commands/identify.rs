//! `facenet identify`: who is this?

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use facenet_core::{Distance, Face};
use facenet_gallery::{
    Cut, Entry, Finder, FolderGallery, Gallery, GalleryFilter, Identification, PersonMatch, Store, Template,
};
use serde::Serialize;

use crate::console::Console;
use crate::galleries;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::photos::{PhotoOptions, note_missing};
use crate::pipeline::{FoundFace, Photo, Pipeline};
use crate::threshold::{self, ThresholdJson, ThresholdOptions};

/// The default for `--far`: every face is compared with the whole gallery.
pub(crate) const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// Name the people in images, out of a gallery of known ones.
///
/// Prints the nearest people of the gallery for each image, and the nearest as its person if at most the threshold
/// away. Exits with 0 if every face is somebody, with 1 if one is nobody. In a large gallery a stranger has many
/// chances to be taken for someone: make the threshold stricter as it grows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet identify visitor.jpg --gallery people/
  facenet identify visitor.jpg --gallery family.faces
  facenet identify inbox/ --gallery people/ -k 1 --far 1e-4 --json")]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The known people: a gallery's file, as `facenet gallery` makes it, or a folder of folders that are named like the
    /// person, as in `DIR/Anna/photo.jpg`.
    #[arg(short, long, value_name = "GALLERY")]
    gallery: PathBuf,
    /// How many of the nearest people to show.
    #[arg(short, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    #[command(flatten)]
    template: TemplateOption,
    #[command(flatten)]
    threshold: ThresholdOptions,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print a line of JSON a face.
    #[arg(long)]
    json: bool,
}

/// How near a person with several faces is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct TemplateOption {
    /// How the distances to a person's faces become one: `best` (the nearest face), `mean` (the mean of the faces' vectors)
    /// or `all` (the mean of the distances). Thresholds are calibrated for pairs of faces, so for `best`; `facenet eval
    /// identify` measures others.
    #[arg(long = "template", value_name = "NAME", default_value = "best", value_parser = template)]
    pub(crate) template: Template,
}

fn template(name: &str) -> Result<Template, String> {
    let found = Template::ALL.into_iter().find(|template| template.name() == name);
    found.ok_or_else(|| format!("expected one of {}", Template::ALL.map(Template::name).join(", ")))
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    path: &'a Path,
    face: &'a Face,
    /// `null` for nobody.
    person: Option<&'a str>,
    nearest: Vec<Near<'a>>,
    threshold: ThresholdJson<'a>,
    model: &'a str,
}

#[derive(Debug, Serialize)]
struct Near<'a> {
    person: &'a str,
    distance: Distance,
    cosine: f32,
    image: &'a Path,
    /// The older model that embedded the face; none for the gallery's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    older_model: Option<&'a str>,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    let cut = args.threshold.choose(engine.contract(), FALSE_ACCEPT_RATE)?;
    let pipeline = args.photos.pipeline(&engine)?;
    let probes = args.inputs.files(console)?;
    let mut store = None;
    let finder = known(&args.gallery, args.template.template, &pipeline, &mut store, console)?;
    let answers = Answers { finder: &finder, cut: &cut, k: args.k.into(), json: args.json };
    answer_all(&answers, &galleries::shown(&args.gallery), &pipeline, &probes, console)
}

/// The known people at `place`, for probes of the pipeline's model: a gallery's file or address, which is
/// opened into `store`, or a folder.
///
/// # Errors
/// When it is neither, or a gallery of another model.
pub(crate) fn known<'a>(
    place: &Path,
    template: Template,
    pipeline: &Pipeline<'_>,
    store: &'a mut Option<Box<dyn Store>>,
    console: &mut Console,
) -> Result<Finder<'a>> {
    let contract = pipeline.contract();
    if place.is_file() || galleries::address(place)?.is_some() {
        let store = store.insert(galleries::open(place)?);
        return super::gallery::finder(store, contract, GalleryFilter::default(), template, console);
    }
    let empty = Gallery::with_template(contract.clone(), template);
    Ok(Finder::exact(fill(&FolderGallery::scan(place)?, pipeline, empty, console)?))
}

/// How probes are answered.
pub(crate) struct Answers<'a> {
    pub(crate) finder: &'a Finder<'a>,
    pub(crate) cut: &'a Cut<'a>,
    /// How many of the nearest people to show.
    pub(crate) k: usize,
    pub(crate) json: bool,
}

/// Says who is in each of `probes`, out of the gallery at `place`.
///
/// # Errors
/// When the gallery is empty, or stdout cannot be written.
pub(crate) fn answer_all(
    answers: &Answers<'_>,
    place: &Path,
    pipeline: &Pipeline<'_>,
    probes: &[PathBuf],
    console: &mut Console,
) -> Result<Outcome> {
    let Answers { finder, cut, k, json } = *answers;
    if finder.is_empty() {
        bail!("the gallery `{}` holds no face that can be used", place.display());
    }
    console.note(format_args!("the threshold is {}", threshold::words(cut)));

    let model = finder.contract().id();
    let mut nobody = false;
    pipeline.run(probes, console, |photo, console| {
        match (photo.faces.len(), photo.poor) {
            (0, 0) => console.failed(&photo.path, &anyhow!("no face was found")),
            _ => note_missing(&photo, console),
        }
        let Photo { path, faces, .. } = photo;
        for FoundFace { face, embedding, .. } in faces {
            let found = finder.identify(&embedding, cut.distance(), k)?;
            nobody |= found.person.is_none();
            if json {
                console.print_json(&answer(&path, &face, &found, cut, &model))?;
            } else {
                print(&path, &found, cut, console)?;
            }
        }
        Ok(())
    })?;
    Ok(console.outcome(Outcome::of(!nobody)))
}

/// Embeds the people of `folder`; of a photo with several faces the most confident one is the person.
fn fill(
    folder: &FolderGallery,
    pipeline: &Pipeline<'_>,
    mut gallery: Gallery,
    console: &mut Console,
) -> Result<Gallery> {
    for stray in &folder.strays {
        console.note(format_args!("{}: left out, it lies in no person's folder", stray.display()));
    }
    for empty in &folder.empty {
        console.note(format_args!("{}: left out, the folder holds no image", empty.display()));
    }
    for unreadable in &folder.unreadable {
        console.failed(&unreadable.path, &anyhow!("{}", unreadable.source));
    }

    let contract = gallery.contract().clone();
    let images: Vec<PathBuf> = folder.people.iter().flat_map(|person| &person.images).cloned().collect();
    let mut people =
        folder.people.iter().flat_map(|person| person.images.iter().map(|image| (image, &person.name)));
    pipeline.run(&images, console, |photo, console| {
        let (_, person) = people.find(|(image, _)| **image == photo.path).expect("the order is kept");
        let Some(first) = photo.faces.into_iter().next() else {
            let why =
                if photo.poor > 0 { "no face of enough quality was found" } else { "no face was found" };
            console.failed(&photo.path, &anyhow!(why));
            return Ok(());
        };
        let entry = Entry { person: person.clone(), source: photo.path, embedding: first.embedding };
        Ok(gallery.add(&contract, entry)?)
    })?;
    let (faces, people) = (gallery.len(), folder.people.len());
    console.note(format_args!(
        "the gallery has {} of {}",
        counted(faces, "face", "faces"),
        counted(people, "person", "people")
    ));
    Ok(gallery)
}

fn answer<'a>(
    path: &'a Path,
    face: &'a Face,
    found: &'a Identification,
    cut: &Cut<'a>,
    model: &'a str,
) -> Answer<'a> {
    let near = |near: &'a PersonMatch| Near {
        person: &near.person,
        distance: near.distance,
        cosine: near.distance.cosine(),
        image: &near.source,
        older_model: near.older_model.as_deref(),
    };
    Answer {
        path,
        face,
        person: found.person.as_deref(),
        nearest: found.nearest.iter().map(near).collect(),
        threshold: threshold::json(cut),
        model,
    }
}

fn print(path: &Path, found: &Identification, cut: &Cut<'_>, console: &Console) -> Result<()> {
    console.print(format_args!("{}: {}", path.display(), found.person.as_deref().unwrap_or("nobody")))?;
    for (rank, near) in (1..).zip(&found.nearest) {
        let verdict = if near.distance <= cut.distance() { "within" } else { "beyond" };
        let (distance, image) = (near.distance.value(), near.source.display());
        let older = near.older_model.as_ref().map_or(String::new(), |model| format!("  (by {model})"));
        console.print(format_args!("  {rank}. {distance:.3} {verdict}  {}  {image}{older}", near.person))?;
    }
    Ok(())
}
