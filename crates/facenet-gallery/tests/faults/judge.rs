//! What must hold of a gallery after a program that worked on it was killed.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, FaceRecord, IndexState, PhotoId, SqliteStore, Store,
    StoredEmbedding, copy_store,
};

use crate::drawn::{self, photo, traces};
use crate::work::{Kind, REPLACED_AT_ONCE, copy_of};

/// Photos that a gallery has at the least before a program starts to work on it.
const PHOTOS: u32 = 150;

/// Knows what a gallery must hold.
pub(crate) struct Judge {
    kind: Kind,
    folder: PathBuf,
    /// Photos that must be there.
    there: BTreeSet<u32>,
    /// Photos that were deleted, of which no byte may be found.
    deleted: BTreeSet<u32>,
    /// The number of the first photo that was never added.
    first: u32,
    whole_run: Option<Duration>,
}

impl Judge {
    pub(crate) fn new(kind: Kind, folder: &Path) -> Self {
        let folder = folder.to_path_buf();
        Self { kind, folder, there: BTreeSet::new(), deleted: BTreeSet::new(), first: 0, whole_run: None }
    }

    pub(crate) fn first(&self) -> u32 {
        self.first
    }

    pub(crate) fn deleted(&self) -> usize {
        self.deleted.len()
    }

    /// How long a run takes that nobody kills, measured once.
    pub(crate) fn whole_run(&mut self, measure: impl FnOnce(&Path) -> Duration) -> Duration {
        if matches!(self.kind, Kind::Add | Kind::Delete | Kind::Index) {
            return Duration::ZERO;
        }
        let folder = self.folder.clone();
        let kind = self.kind;
        *self.whole_run.get_or_insert_with(|| {
            let path = folder.join("measured");
            match kind {
                Kind::Upgrade => old_gallery(&path),
                _ => drop(filled(&path, 0..PHOTOS)),
            }
            SqliteStore::create(&copy_of(&path), &drawn::settings()).unwrap();
            measure(&path)
        })
    }

    /// Makes the gallery of a round: the one of the last round where it grows or shrinks, a new one else.
    pub(crate) fn prepare(&mut self, round: usize) -> PathBuf {
        let path = match self.kind {
            Kind::Add | Kind::Delete | Kind::Compact | Kind::Index => self.folder.join("gallery"),
            Kind::Copy | Kind::Upgrade | Kind::Model => self.folder.join(format!("gallery-{round}")),
        };
        match self.kind {
            Kind::Upgrade => {
                old_gallery(&path);
                return path;
            }
            Kind::Copy => {
                SqliteStore::create(&copy_of(&path), &drawn::settings()).unwrap();
                self.there.clear();
            }
            Kind::Model => self.there.clear(),
            Kind::Add | Kind::Delete | Kind::Compact | Kind::Index => {}
        }
        let mut store = if path.exists() { SqliteStore::open(&path).unwrap() } else { filled(&path, 0..0) };
        while self.kind != Kind::Add && (self.there.len() as u32) < PHOTOS {
            store.add(&[photo(self.first)]).unwrap();
            self.there.insert(self.first);
            self.first += 1;
        }
        path
    }

    /// Looks at what the program left; `acknowledged` are the steps that it had done.
    pub(crate) fn judge(&mut self, path: &Path, acknowledged: &[&str]) {
        let done = |verb: &str| -> BTreeSet<u32> {
            let lists = acknowledged.iter().filter_map(|line| line.strip_prefix(verb));
            lists.flat_map(|list| serde_json::from_str::<Vec<u32>>(list).unwrap()).collect()
        };
        let (added, deleted) = (done("added "), done("deleted "));
        self.there.extend(&added);
        self.there.retain(|number| !deleted.contains(number));
        // What was acknowledged as deleted is in no file, also before anybody opens the gallery again.
        self.deleted.extend(&deleted);
        self.look_for_traces(path);
        if self.kind == Kind::Upgrade {
            return judge_upgraded(path);
        }
        if self.kind == Kind::Model {
            return judge_model(path, acknowledged);
        }

        let mut store = SqliteStore::open(path).unwrap();
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
        let found = numbers(&store);
        if let Some(lost) = self.there.iter().find(|number| !found.contains(number)) {
            // A step of deleting was under way: all of it is done, or nothing.
            let deletes = matches!(self.kind, Kind::Delete | Kind::Index);
            assert!(deletes, "photo {lost} was acknowledged and is lost");
            let lost: BTreeSet<u32> = self.there.difference(&found).copied().collect();
            assert!(lost.len() <= 3, "{lost:?}: more than one step is lost");
            self.there.retain(|number| !lost.contains(number));
            self.deleted.extend(lost);
        }
        assert_eq!(self.deleted.intersection(&found).next(), None, "a photo came back");
        // A step of adding was under way.
        let more: Vec<u32> = found.difference(&self.there).copied().collect();
        let adds = matches!(self.kind, Kind::Add | Kind::Index);
        assert!(more.is_empty() || adds && more.len() <= 5, "{more:?}");
        self.there.extend(more);
        self.first = self.first.max(found.last().map_or(0, |last| last + 1));
        judge_faces(&store, &found);

        if self.kind == Kind::Copy {
            judge_copy(path, &mut store);
        }
        if self.kind == Kind::Index {
            judge_index(&mut store);
        }
        drop(store);
        self.look_for_traces(path);
    }

    /// No byte of what was deleted is in any file of the gallery.
    fn look_for_traces(&self, path: &Path) {
        let traces: HashSet<[u8; 16]> = self.deleted.iter().flat_map(|number| traces(*number)).collect();
        if traces.is_empty() {
            return;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        for entry in std::fs::read_dir(&self.folder).unwrap() {
            let file = entry.unwrap().path();
            // The gallery, its log, and its index, also a half-written one.
            if !file.file_name().unwrap().to_str().unwrap().starts_with(name) {
                continue;
            }
            let bytes = std::fs::read(&file).unwrap();
            let trace = bytes.windows(16).find(|window| traces.contains(*window));
            assert_eq!(trace, None, "{}: a trace of what was deleted", file.display());
        }
    }
}

/// The index, if there is one, answers for the faces that are there, once they are somebody's.
fn judge_index(store: &mut SqliteStore) {
    let faces = store.faces(FaceId(0), usize::MAX >> 1).unwrap();
    match store.index_state().unwrap() {
        IndexState::Missing => {}
        IndexState::Usable { faces: indexed, missing, .. } => {
            assert_eq!(indexed + missing, faces.len() as u64);
            let someone = store.add_people(&[None]).unwrap()[0];
            let some: Vec<_> = faces.iter().step_by(9).collect();
            let assign = |face: &&FaceRecord| Change::Assign(face.id, Some((someone, AssignedBy::User)));
            store.apply(EventKind::Assign, &some.iter().map(assign).collect::<Vec<_>>()).unwrap();
            for face in some {
                let probe = face.embedding.embedding();
                let hits = store.nearest(&probe, 1).unwrap().unwrap();
                assert!(hits[0].distance.value() < 1e-6, "{} is not found", face.id);
            }
        }
        other => panic!("{other:?}"),
    }
}

fn filled(path: &Path, photos: std::ops::Range<u32>) -> SqliteStore {
    let mut store = SqliteStore::create(path, &drawn::settings()).unwrap();
    store.add(&photos.map(photo).collect::<Vec<_>>()).unwrap();
    store
}

fn numbers(store: &dyn Store) -> BTreeSet<u32> {
    let photos = store.photos(PhotoId(0), usize::MAX >> 1).unwrap();
    photos.into_iter().map(|photo| drawn::number(photo.content)).collect()
}

/// Every photo that is there has its faces and their pictures, as they were added.
fn judge_faces(store: &dyn Store, found: &BTreeSet<u32>) {
    let faces = store.faces(FaceId(0), usize::MAX >> 1).unwrap();
    let photos = store.photos(PhotoId(0), usize::MAX >> 1).unwrap();
    assert_eq!(faces.len(), 2 * found.len());
    let crops = store.crops(&faces.iter().map(|face| face.id).collect::<Vec<_>>()).unwrap();
    let mut faces = faces.iter().zip(crops);
    for found in &photos {
        let expected = photo(drawn::number(found.content));
        assert_eq!(found.files.first(), expected.file.as_ref());
        for (expected, (face, crop)) in expected.faces.iter().zip(faces.by_ref()) {
            assert_eq!((face.photo, &face.embedding, &crop), (found.id, &expected.embedding, &expected.crop));
        }
    }
}

/// Each face has the former embedding or the new one; what was acknowledged is done. An upgrade that was not finished is
/// taken back to the last byte; of a finished one no former byte is left.
fn judge_model(path: &Path, acknowledged: &[&str]) {
    let mut store = SqliteStore::open(path).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let photos = store.photos(PhotoId(0), usize::MAX >> 1).unwrap();
    let former: Vec<StoredEmbedding> = photos
        .iter()
        .flat_map(|found| photo(drawn::number(found.content)).faces)
        .map(|face| face.embedding)
        .collect();
    let embeddings = |store: &SqliteStore| -> Vec<StoredEmbedding> {
        let faces = store.faces(FaceId(0), usize::MAX >> 1).unwrap();
        faces.into_iter().map(|face| face.embedding).collect()
    };
    let faces = store.faces(FaceId(0), usize::MAX >> 1).unwrap();
    let has_begun = store.settings().contract == drawn::newer_model();
    let mut replaced = 0;
    for (face, former) in faces.iter().zip(&former) {
        let is_anew = has_begun && face.older_model.is_none();
        let expected = if is_anew { drawn::anew(face.id) } else { former.clone() };
        assert_eq!(face.embedding, expected);
        replaced += usize::from(is_anew);
    }
    let told = acknowledged.iter().filter(|line| **line == "replaced").count() * REPLACED_AT_ONCE;
    assert!((told..=told + REPLACED_AT_ONCE).contains(&replaced), "{replaced} of {told}");
    if store.settings().upgrading_from.is_some() {
        assert!(!acknowledged.contains(&"finished"));
        store.undo_upgrade().unwrap();
        assert_eq!(embeddings(&store), former);
    } else if has_begun {
        assert_eq!(replaced, faces.len());
        drop(store);
        let bytes = std::fs::read(path).unwrap();
        let traces: HashSet<&[u8]> = former.iter().map(|former| &former.as_bytes()[128..144]).collect();
        assert!(bytes.windows(16).all(|window| !traces.contains(window)), "a former embedding is left");
    } else {
        assert!(acknowledged.is_empty(), "{acknowledged:?}");
    }
}

/// A copy that was interrupted is sound, and copying again completes it.
fn judge_copy(path: &Path, from: &mut SqliteStore) {
    let mut to = SqliteStore::open(&copy_of(path)).unwrap();
    assert_eq!(to.check().unwrap(), Vec::<String>::new());
    assert_eq!(copy_store(from, &mut to).unwrap(), from.counts().unwrap());
    assert_eq!(numbers(&to), numbers(from));
}

/// A gallery of schema 1 with some thousand faces.
fn old_gallery(path: &Path) {
    let old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch(include_str!("../fixtures/gallery-1.sql")).unwrap();
    old.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO photos SELECT i, CAST(printf('%032d', i) AS BLOB), i, '/photos/' || i || '.jpg', i, i FROM n;
         INSERT INTO faces (photo, x, y, width, height, score, contract, embedding)
             SELECT id, 1, 2, 3, 4, 0.5, 1, X'01020304' FROM photos WHERE id > 2;",
    )
    .unwrap();
}

/// Whether it was brought up to date or not: afterwards it is, and has everything.
fn judge_upgraded(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let counts = store.counts().unwrap();
    assert_eq!((counts.photos, counts.faces, counts.corrections), (3000, 3001, 1));
    let photos = store.photos(PhotoId(0), 5000).unwrap();
    assert_eq!(photos.iter().filter(|photo| photo.files.len() == 1).count(), 2999);
}
