//! What a program does until it is killed: a line for each step that is done.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facenet_gallery::{FaceId, PhotoId, PhotoRecord, Removal, SqliteStore, Store, Upgrade, copy_store};

use crate::drawn;

/// Faces whose embeddings an upgrade replaces in a step.
pub(crate) const REPLACED_AT_ONCE: usize = 20;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Adds photos, in steps of one to five.
    Add,
    /// Deletes photos, in steps of one to three.
    Delete,
    /// Writes the gallery anew.
    Compact,
    /// Copies the gallery into another one.
    Copy,
    /// Brings a gallery of an older schema up to date.
    Upgrade,
    /// Brings the gallery to another model, in steps of some faces.
    Model,
    /// Builds the index, deletes a photo, adds one.
    Index,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Add, Self::Delete, Self::Compact, Self::Copy, Self::Upgrade, Self::Model, Self::Index];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Compact => "compact",
            Self::Copy => "copy",
            Self::Upgrade => "upgrade",
            Self::Model => "model",
            Self::Index => "index",
        }
    }

    /// The longest time until it is killed, if a whole run takes `whole`.
    pub(crate) fn time_to_kill(self, whole: Duration) -> Duration {
        match self {
            // These go on for long: some steps.
            Self::Add | Self::Delete | Self::Index => Duration::from_millis(300),
            Self::Compact | Self::Copy | Self::Upgrade | Self::Model => whole.mul_f64(1.1),
        }
    }
}

/// Where a copy of the gallery at `path` goes.
pub(crate) fn copy_of(path: &Path) -> PathBuf {
    path.with_extension("copy")
}

/// Does what `order` says: the kind, the gallery, the number of the first new photo.
pub(crate) fn obey(order: &str) {
    let mut words = order.lines();
    let mut word = || words.next().unwrap();
    let (kind, path, first) = (word(), PathBuf::from(word()), word().parse().unwrap());
    match Kind::ALL.into_iter().find(|known| known.name() == kind).unwrap() {
        Kind::Add => add(&path, first),
        Kind::Delete => delete(&path),
        Kind::Compact => {
            let mut store = SqliteStore::open(&path).unwrap();
            say("ready");
            store.compact().unwrap();
            say("done");
        }
        Kind::Copy => {
            let from = SqliteStore::open(&path).unwrap();
            let mut to = SqliteStore::open(&copy_of(&path)).unwrap();
            say("ready");
            copy_store(&from, &mut to).unwrap();
            say("done");
        }
        Kind::Upgrade => {
            say("ready");
            SqliteStore::open(&path).unwrap();
            say("done");
        }
        Kind::Model => model(&path),
        Kind::Index => index(&path, first),
    }
}

fn model(path: &Path) {
    let mut store = SqliteStore::open(path).unwrap();
    say("ready");
    store.begin_upgrade(&drawn::newer_model(), Upgrade::Harmonic).unwrap();
    say("begun");
    let faces = store.faces(FaceId(0), usize::MAX >> 1).unwrap();
    for step in faces.chunks(REPLACED_AT_ONCE) {
        let anew: Vec<_> = step.iter().map(|face| (face.id, drawn::anew(face.id))).collect();
        store.replace_embeddings(&anew).unwrap();
        say("replaced");
    }
    store.finish_upgrade().unwrap();
    say("finished");
}

fn add(path: &Path, first: u32) {
    let mut store = SqliteStore::open(path).unwrap();
    say("ready");
    let mut next = first;
    for step in 0..1000 {
        let numbers: Vec<u32> = (next..=next + step % 5).collect();
        next += numbers.len() as u32;
        store.add(&numbers.iter().map(|number| drawn::photo(*number)).collect::<Vec<_>>()).unwrap();
        say(&format!("added {numbers:?}"));
    }
}

fn delete(path: &Path) {
    let mut store = SqliteStore::open(path).unwrap();
    let photos = store.photos(PhotoId(0), usize::MAX >> 1).unwrap();
    say("ready");
    let mut rest: &[PhotoRecord] = &photos;
    for step in 0.. {
        let (now, later) = rest.split_at(rest.len().min(1 + step % 3));
        if now.is_empty() {
            return;
        }
        rest = later;
        let ids = now.iter().map(|photo| photo.id).collect();
        store.remove(&Removal::Photos { photos: ids, people: false }).unwrap();
        let numbers: Vec<u32> = now.iter().map(|photo| drawn::number(photo.content)).collect();
        say(&format!("deleted {numbers:?}"));
    }
}

fn index(path: &Path, first: u32) {
    let mut store = SqliteStore::open(path).unwrap();
    say("ready");
    for number in first..first + 1000 {
        store.build_index(true, &mut |_| ()).unwrap();
        say("indexed");
        let photo = store.photos(PhotoId(0), 1).unwrap().remove(0);
        store.remove(&Removal::Photos { photos: vec![photo.id], people: false }).unwrap();
        say(&format!("deleted [{}]", drawn::number(photo.content)));
        store.build_index(false, &mut |_| ()).unwrap();
        store.add(&[drawn::photo(number)]).unwrap();
        say(&format!("added [{number}]"));
    }
}

/// A line in one write, so that it is acknowledged as a whole or not at all.
fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}
