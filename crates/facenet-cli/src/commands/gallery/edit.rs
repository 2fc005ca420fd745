//! `facenet gallery rename`, `tag`, `merge`, `split` and `correct`: what the user says about people.

use anyhow::{Result, bail};
use clap::ValueEnum;
use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, Store, Verdict, remember_answer, take_back_answer,
};

use super::{GalleryFile, who};
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;

/// Give a person a name, or another one.
#[derive(Debug, clap::Args)]
pub(crate) struct RenameArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The person: a name or `person:3`.
    who: String,
    /// The new name; none takes it away.
    name: Option<String>,
}

/// Tag people, to filter by in `list` and `search`.
#[derive(Debug, clap::Args)]
pub(crate) struct TagArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The person: a name or `person:3`.
    who: String,
    /// The tags.
    #[arg(required = true)]
    tags: Vec<String>,
    /// Take the tags away.
    #[arg(long)]
    remove: bool,
}

/// Make two people one: all faces of the first become the second's.
#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The person who is no more then: a name or `person:3`.
    from: String,
    /// The person who stays.
    into: String,
}

/// Make faces a person of their own, or give them to another.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery split family.faces face:21 face:22 --name Berta
  facenet gallery split family.faces face:9 --to Anna")]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The faces: `face:21`.
    #[arg(required = true, value_name = "FACE")]
    faces: Vec<String>,
    /// The name of the new person; without, it has none yet.
    #[arg(long)]
    name: Option<String>,
    /// Give the faces to this person instead.
    #[arg(long, value_name = "WHO", conflicts_with = "name")]
    to: Option<String>,
}

/// Say of two faces that they are the same person, or not; it binds for ever.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery correct family.faces face:21 different face:22
  facenet gallery correct family.faces --undo")]
pub(crate) struct CorrectArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// One face: `face:21`.
    #[arg(required_unless_present = "undo")]
    face: Option<String>,
    /// What they are.
    #[arg(value_enum, requires = "face", required_unless_present = "undo")]
    verdict: Option<Word>,
    /// The other face.
    #[arg(requires = "face", required_unless_present = "undo")]
    other: Option<String>,
    /// Take the last word back, with what followed from it at once.
    #[arg(long, conflicts_with = "face")]
    undo: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    /// One person
    Same,
    /// Two people
    Different,
}

pub(super) fn rename(args: &RenameArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let person = who::person(&store, &args.who)?;
    store.apply(EventKind::Rename, &[Change::Rename(person.id, args.name.clone())])?;
    console.note(format_args!(
        "{} is now {}",
        person.label(),
        args.name.as_deref().unwrap_or("without a name")
    ));
    Ok(Outcome::Yes)
}

pub(super) fn tag(args: &TagArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let person = who::person(&store, &args.who)?;
    let change = |tag: &String| match args.remove {
        true => Change::Untag(person.id, tag.clone()),
        false => Change::Tag(person.id, tag.clone()),
    };
    store.apply(EventKind::Tag, &args.tags.iter().map(change).collect::<Vec<_>>())?;
    let tags = who::person(&store, &person.id.to_string())?.tags;
    let tags = if tags.is_empty() { "no tags".to_owned() } else { tags.join(", ") };
    console.note(format_args!("{}: {tags}", person.label()));
    Ok(Outcome::Yes)
}

pub(super) fn merge(args: &MergeArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let (from, into) = (who::person(&store, &args.from)?, who::person(&store, &args.into)?);
    if from.id == into.id {
        bail!("`{}` and `{}` are one person already", args.from, args.into);
    }
    store.apply(EventKind::Merge, &[Change::Merge(from.id, into.id)])?;
    console.note(format_args!("{} is now {}", from.label(), into.label()));
    Ok(Outcome::Yes)
}

pub(super) fn split(args: &SplitArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let faces: Vec<FaceId> = args.faces.iter().map(|face| who::face(face)).collect::<Result<_>>()?;
    for face in &faces {
        store.face(*face)?;
    }
    let person = match &args.to {
        Some(to) => who::person(&store, to)?.id,
        None => store.add_people(&[args.name.as_deref()])?[0],
    };
    let assign = |face: &FaceId| Change::Assign(*face, Some((person, AssignedBy::User)));
    store.apply(EventKind::Split, &faces.iter().map(assign).collect::<Vec<_>>())?;
    let label = who::person(&store, &person.to_string())?.label();
    let whose = if faces.len() == 1 { "is" } else { "are" };
    console.note(format_args!("{} {whose} now {label}", counted(faces.len(), "face", "faces")));
    Ok(Outcome::Yes)
}

pub(super) fn correct(args: &CorrectArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let (Some(face), Some(word), Some(other)) = (&args.face, args.verdict, &args.other) else {
        let Some(last) = take_back_answer(&mut store)? else { bail!("there is no word to take back") };
        console.note(format_args!("took back what was said about {} and {}", last.faces.0, last.faces.1));
        return Ok(Outcome::Yes);
    };
    let (face, other) = (who::face(face)?, who::face(other)?);
    if face == other {
        bail!("{face} is itself: expected two faces");
    }
    let (verdict, words) = match word {
        Word::Same => (Verdict::Same, "one person"),
        Word::Different => (Verdict::Different, "two people"),
    };
    remember_answer(&mut store, (face, other), verdict)?;
    console.note(format_args!("{face} and {other} are {words}"));
    Ok(Outcome::Yes)
}
