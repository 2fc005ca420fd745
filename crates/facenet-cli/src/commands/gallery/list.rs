//! `facenet gallery list` and `show`.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use facenet_core::Face;
use facenet_gallery::{
    AssignedBy, FaceId, FaceRecord, Person, PersonId, PhotoId, Store, Subject, all_faces, first_paths,
};
use serde::Serialize;

use super::{GalleryFile, who};
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::output::Unfinished;

/// List the people of a gallery.
///
/// Prints a line a person: the identifier, the name, the number of faces, the tags.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// Only people with this tag; may be given more than once.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Print a line of JSON a person.
    #[arg(long)]
    json: bool,
}

/// Show the faces of a person or photo, or a face; without one, those that are nobody's yet.
///
/// Prints a line a face: the identifier, the photo, whose it is and who said so, the quality, the path.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// A person by name or `person:3`, a photo by path or `photo:17`, a face by `face:21`.
    who: Option<String>,
    /// Write the pictures of the faces into this folder, in a gallery that keeps them.
    #[arg(long, value_name = "DIR")]
    crops: Option<PathBuf>,
    /// Print a line of JSON a face.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct PersonLine<'a> {
    #[serde(flatten)]
    person: &'a Person,
    faces: usize,
}

#[derive(Debug, Serialize)]
struct FaceLine<'a> {
    id: FaceId,
    photo: PhotoId,
    path: Option<&'a str>,
    face: &'a Face,
    quality: Option<f32>,
    /// The older model that embedded it; none for the gallery's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    older_model: Option<&'a str>,
    person: Option<PersonId>,
    name: Option<&'a str>,
    by: Option<AssignedBy>,
}

pub(super) fn list(args: &ListArgs, console: &Console) -> Result<Outcome> {
    let store = args.file.open()?;
    let mut faces: HashMap<PersonId, usize> = HashMap::new();
    for (person, _) in all_faces(&store)?.into_iter().filter_map(|face| face.person) {
        *faces.entry(person).or_default() += 1;
    }
    for person in store.people()?.iter().filter(|p| args.tags.iter().all(|tag| p.tags.contains(tag))) {
        let faces = faces.get(&person.id).copied().unwrap_or(0);
        if args.json {
            console.print_json(&PersonLine { person, faces })?;
            continue;
        }
        let name = person.name.as_deref().unwrap_or("(no name)");
        let (count, tags) = (counted(faces, "face", "faces"), person.tags.join(", "));
        let gap = if tags.is_empty() { "" } else { "\t" };
        console.print(format_args!("{}\t{name}\t{count}{gap}{tags}", person.id))?;
    }
    let counts = store.counts()?;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    console.note(format_args!(
        "{} of {} in {}; {} nobody's yet",
        counted(number(counts.faces), "face", "faces"),
        counted(number(counts.people), "person", "people"),
        counted(number(counts.photos), "photo", "photos"),
        counted(number(counts.unassigned), "is", "are"),
    ));
    Ok(Outcome::Yes)
}

pub(super) fn show(args: &ShowArgs, console: &Console) -> Result<Outcome> {
    let store = args.file.open()?;
    let subject = args.who.as_deref().map(|who| who::subject(&store, who)).transpose()?;
    let is_shown = |face: &FaceRecord| match subject {
        None => face.person.is_none(),
        Some(Subject::Person(id)) => face.person.is_some_and(|(person, _)| person == id),
        Some(Subject::Photo(id)) => face.photo == id,
        Some(Subject::Face(id)) => face.id == id,
    };
    let people: HashMap<PersonId, Person> = store.people()?.into_iter().map(|p| (p.id, p)).collect();
    let paths = first_paths(&store)?;
    let mut shown = all_faces(&store)?;
    shown.retain(is_shown);
    for face in &shown {
        let person = face.person.and_then(|(id, _)| people.get(&id));
        let path = paths.get(&face.photo).map(String::as_str);
        if args.json {
            console.print_json(&FaceLine {
                id: face.id,
                photo: face.photo,
                path,
                face: &face.found,
                quality: face.quality,
                older_model: face.older_model.as_deref(),
                person: person.map(|person| person.id),
                name: person.and_then(|person| person.name.as_deref()),
                by: face.person.map(|(_, by)| by),
            })?;
            continue;
        }
        let whose = match (person, face.person) {
            (Some(person), Some((_, AssignedBy::User))) => format!("{}, by the user", person.label()),
            (Some(person), _) => format!("{}, by clustering", person.label()),
            (None, _) => "nobody's yet".into(),
        };
        let quality = face.quality.map_or("unknown".into(), |quality| format!("{quality:.2}"));
        let path = path.unwrap_or("(no path)");
        let older = face.older_model.as_ref().map_or(String::new(), |model| format!("\tby {model}"));
        console
            .print(format_args!("{}\t{}\t{whose}\tquality {quality}\t{path}{older}", face.id, face.photo))?;
    }
    if let Some(folder) = &args.crops {
        write_crops(&store, &shown, folder, console)?;
    }
    Ok(Outcome::of(!shown.is_empty()))
}

fn write_crops(
    store: &dyn Store,
    faces: &[FaceRecord],
    folder: &std::path::Path,
    console: &Console,
) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let ids: Vec<FaceId> = faces.iter().map(|face| face.id).collect();
    let mut written = 0;
    for (id, crop) in ids.iter().zip(store.crops(&ids)?) {
        let Some(crop) = crop else { continue };
        let mut file = Unfinished::beside(&folder.join(format!("face-{}.jpg", id.0)))?;
        std::io::Write::write_all(&mut file, &crop).context("cannot write a picture")?;
        file.finish()?;
        written += 1;
    }
    console.note(format_args!("wrote {} to {}", counted(written, "picture", "pictures"), folder.display()));
    Ok(())
}
