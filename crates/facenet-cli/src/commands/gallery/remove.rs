//! `facenet gallery remove` and `forget`.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use facenet_gallery::{FaceId, PersonId, PhotoId, Removal, Removed, Store, Subject};
use serde::Serialize;

use super::age::Age;
use super::{GalleryFile, who};
use crate::cache::{self, CacheOptions};
use crate::console::Console;
use crate::numbers::{counted, grouped};
use crate::outcome::Outcome;

/// Delete people, photos or faces, and every trace of them.
///
/// A person goes with all their faces and the photos that show nobody else; a photo with all its faces. Embeddings,
/// pictures, corrections and index entries go too, and what the cache keeps of the photos. The files of the gallery are
/// then searched for the very bytes that were deleted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery remove family.faces Anna
  facenet gallery remove family.faces photos/party.jpg face:21 --dry-run")]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// People by name or `person:3`, photos by path or `photo:17`, faces by `face:21`.
    #[arg(required = true, value_name = "WHAT")]
    subjects: Vec<String>,
    #[command(flatten)]
    options: Options,
}

/// Delete what was added longer ago than an age, and every trace of it.
///
/// Photos go by when they were added, and people of whom no face is left go with them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery forget visitors.faces --older-than 30d --dry-run
  facenet gallery forget visitors.faces --older-than 30d")]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    file: GalleryFile,
    /// The age: `365d`, `12h`, `2w`.
    #[arg(long, value_name = "AGE")]
    older_than: Age,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, clap::Args)]
struct Options {
    /// Delete nothing, and say what would be.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cache: CacheOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Everything that was deleted.
#[derive(Debug, Default, Serialize)]
struct Done {
    people: Vec<PersonId>,
    photos: Vec<PhotoId>,
    faces: Vec<FaceId>,
    cache_lines: usize,
    pieces: u64,
    found_before: u64,
    found_after: u64,
    dry_run: bool,
}

pub(super) fn remove(args: &RemoveArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let (mut people, mut photos, mut faces) = (Vec::new(), Vec::new(), Vec::new());
    for text in &args.subjects {
        match who::subject(&store, text)? {
            Subject::Person(id) => people.push(id),
            Subject::Photo(id) => photos.push(id),
            Subject::Face(id) => faces.push(id),
        }
    }
    // Faces first: they may lie in the photos, and photos may show only the people.
    let removals = [
        (!faces.is_empty()).then_some(Removal::Faces(faces)),
        (!photos.is_empty()).then_some(Removal::Photos { photos, people: false }),
        (!people.is_empty()).then_some(Removal::People(people)),
    ];
    for removal in removals.iter().flatten() {
        store.would_remove(removal)?; // nothing is deleted when one is not there
    }
    finish(&mut store, removals.iter().flatten(), &args.options, console)
}

pub(super) fn forget(args: &ForgetArgs, console: &Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
    let mut photos = Vec::new();
    who::photo(&store, |photo| {
        photos.extend((photo.added < now - args.older_than.0).then_some(photo.id));
        false
    })?;
    let removal = (!photos.is_empty()).then_some(Removal::Photos { photos, people: true });
    finish(&mut store, removal.iter(), &args.options, console)
}

fn finish<'a>(
    store: &mut dyn Store,
    removals: impl Iterator<Item = &'a Removal>,
    options: &Options,
    console: &Console,
) -> Result<Outcome> {
    if store.is_read_only() && !options.dry_run {
        bail!("the gallery `{}` is read-only, so it cannot be changed", store.place());
    }
    let mut done = Done { dry_run: options.dry_run, ..Done::default() };
    for removal in removals {
        let foreseen = store.would_remove(removal)?;
        let removed = if options.dry_run {
            foreseen
        } else {
            // The cache first: it can be made again, and once the gallery has forgotten the photos nobody could tell
            // which lines are theirs.
            if let Some(folder) = options.cache.folder() {
                let contents: HashSet<String> = foreseen.contents.iter().map(ToString::to_string).collect();
                done.cache_lines += cache::forget(&folder, &contents)?;
            }
            store.remove(removal)?
        };
        done.take(removed);
    }
    if options.json {
        console.print_json(&done)?;
    } else {
        let verb = if options.dry_run { "would go" } else { "gone" };
        done.ids().iter().try_for_each(|id| console.print(format_args!("{id}\t{verb}")))?;
    }
    console.note(done.words(store));
    Ok(Outcome::Yes)
}

impl Done {
    fn take(&mut self, removed: Removed) {
        self.people.extend(removed.people);
        self.photos.extend(removed.photos);
        self.faces.extend(removed.faces);
        self.pieces += removed.pieces;
        self.found_before += removed.found_before;
        self.found_after += removed.found_after;
    }

    fn ids(&self) -> Vec<String> {
        let people = self.people.iter().map(ToString::to_string);
        let photos = self.photos.iter().map(ToString::to_string);
        people.chain(photos).chain(self.faces.iter().map(ToString::to_string)).collect()
    }

    fn words(&self, store: &dyn Store) -> String {
        let what = format!(
            "{}, {} and {}",
            counted(self.people.len(), "person", "people"),
            counted(self.photos.len(), "photo", "photos"),
            counted(self.faces.len(), "face", "faces")
        );
        if self.dry_run {
            return format!("{what} would be deleted; nothing was");
        }
        if self.ids().is_empty() {
            return "nothing is that old; nothing was deleted".into();
        }
        if self.pieces == 0 {
            let lines = counted(self.cache_lines, "line", "lines");
            return format!(
                "deleted {what} from {}, whose tables were written anew; {lines} of the cache overwritten",
                store.place()
            );
        }
        format!(
            "deleted {what}; of {} of their bytes, {} lay in the files of {} before and {} do now; {} of the cache \
             overwritten",
            counted(self.pieces as usize, "piece", "pieces"),
            grouped(self.found_before as usize),
            store.place(),
            grouped(self.found_after as usize),
            counted(self.cache_lines, "line", "lines"),
        )
    }
}
