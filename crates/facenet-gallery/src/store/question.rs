//! What is asked of any store: a gallery to search in, and what the user says about two faces.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use facenet_core::Contract;

use super::Store;
use super::error::StoreError;
use super::record::{
    AssignedBy, Change, Correction, EventKind, FaceId, FaceRecord, Moved, PhotoId, Subject, Verdict,
};
use crate::search::{Entry, Gallery};

/// Faces that are read at a time.
const BATCH: usize = 10_000;

/// Which people of a gallery are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GalleryFilter {
    /// Only people who have all these tags.
    pub tags: Vec<String>,
}

/// The assigned faces of a store, for exact search by a probe under `contract`. People go by their labels; the source of
/// a face is the first path of its photo, or its identifier where none is kept.
///
/// # Errors
/// [`StoreError::OtherContract`] when `contract` is not comparable; when the store cannot be read.
pub fn to_gallery(
    store: &dyn Store,
    contract: &Contract,
    filter: &GalleryFilter,
) -> Result<Gallery, StoreError> {
    let comparable = store.settings().contract.check_comparable(contract);
    comparable.map_err(|source| StoreError::OtherContract { place: store.place().into(), source })?;
    let people: HashMap<_, _> = store
        .people()?
        .into_iter()
        .filter(|person| filter.tags.iter().all(|tag| person.tags.contains(tag)))
        .map(|person| (person.id, person.label()))
        .collect();
    let paths = first_paths(store)?;
    let mut gallery = Gallery::new(contract.clone());
    for_each_face(store, |face| {
        let Some(name) = face.person.and_then(|(person, _)| people.get(&person)) else { return };
        let source = paths.get(&face.photo).cloned().unwrap_or_else(|| face.id.to_string());
        let entry =
            Entry { person: name.clone(), source: source.into(), embedding: face.embedding.embedding() };
        gallery.add(contract, entry).expect("the store keeps to its contract");
    })?;
    Ok(gallery)
}

/// The first path of each photo that has one.
fn first_paths(store: &dyn Store) -> Result<HashMap<PhotoId, String>, StoreError> {
    let (mut paths, mut after) = (HashMap::new(), PhotoId(0));
    loop {
        let photos = store.photos(after, BATCH)?;
        let Some(last) = photos.last() else { return Ok(paths) };
        after = last.id;
        let first = |photo: super::PhotoRecord| Some((photo.id, photo.files.into_iter().next()?.path));
        paths.extend(photos.into_iter().filter_map(first));
    }
}

fn for_each_face(store: &dyn Store, mut each: impl FnMut(FaceRecord)) -> Result<(), StoreError> {
    let mut after = FaceId(0);
    loop {
        let faces = store.faces(after, BATCH)?;
        let Some(last) = faces.last() else { return Ok(()) };
        after = last.id;
        faces.into_iter().for_each(&mut each);
    }
}

/// The face with this identifier.
fn face(store: &dyn Store, id: FaceId) -> Result<FaceRecord, StoreError> {
    let found = store.faces(FaceId(id.0 - 1), 1)?.into_iter().find(|face| face.id == id);
    found.ok_or_else(|| StoreError::NoSuch { place: store.place().into(), subject: Subject::Face(id) })
}

/// Remembers what the user says of two faces, and draws the nearest conclusion: the same face as one whose person is
/// known is that person's, and a second face that differs from the first is taken from the person of both.
///
/// # Errors
/// When a face does not exist, or the store cannot be written.
pub fn remember_answer(
    store: &mut dyn Store,
    faces: (FaceId, FaceId),
    verdict: Verdict,
) -> Result<(), StoreError> {
    let (a, b) = (face(store, faces.0)?, face(store, faces.1)?);
    let person = |face: &FaceRecord| face.person.map(|(person, _)| person);
    let by_user = |id| (id, AssignedBy::User);
    let after = match verdict {
        // Two people that are both known are not made one by two faces: that is what merging is for.
        Verdict::Same if person(&b).is_none() => person(&a).map(|id| (&b, Some(by_user(id)))),
        Verdict::Same if person(&a).is_none() => person(&b).map(|id| (&a, Some(by_user(id)))),
        Verdict::Different if person(&a).is_some() && person(&a) == person(&b) => Some((&b, None)),
        Verdict::Same | Verdict::Different => None,
    };
    let moved = after.map(|(face, _)| Moved { face: face.id, before: face.person });
    let mut changes = vec![Change::Correct { faces, verdict, moved }];
    changes.extend(after.map(|(face, person)| Change::Assign(face.id, person)));
    store.apply(EventKind::Correct, &changes)
}

/// Takes the last answer back, with what followed from it at once; gives it, or none when there is none.
///
/// # Errors
/// When the store cannot be written.
pub fn take_back_answer(store: &mut dyn Store) -> Result<Option<Correction>, StoreError> {
    let Some(last) = store.corrections()?.pop() else { return Ok(None) };
    let mut changes = vec![Change::Uncorrect(last.id)];
    changes.extend(last.moved.map(|Moved { face, before }| Change::Assign(face, before)));
    store.apply(EventKind::Undo, &changes)?;
    Ok(Some(last))
}

/// Clusters of faces as the user's words have them.
///
/// Takes clusters of indices into `faces`, made of those that may be regrouped, and gives clusters that obey
/// `corrections` and what the user assigned: faces that are the same lie in one cluster, and no two that differ, or lie
/// in one photo, do. A cluster is joined with another only where the user says so; where that would bring two together
/// that differ, only the faces of which the user spoke move. In the order of their first faces.
pub fn bound_clusters(
    faces: &[FaceRecord],
    corrections: &[Correction],
    clusters: &[Vec<usize>],
) -> Vec<Vec<usize>> {
    let bonds = Bonds::of(faces, corrections);
    let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut group_of = vec![usize::MAX; faces.len()];
    for (number, cluster) in clusters.iter().enumerate() {
        cluster.iter().for_each(|face| group_of[*face] = number);
        groups.insert(number, cluster.iter().copied().collect());
    }
    for (next, bound) in (clusters.len()..).zip(bonds.bound_together()) {
        let touched: BTreeSet<usize> = bound.iter().map(|face| group_of[*face]).collect();
        let all: BTreeSet<usize> = touched.iter().flat_map(|group| &groups[group]).copied().collect();
        let joined = if bonds.are_free_of_conflict(&all) { all } else { bound.clone() };
        for group in touched {
            let rest: BTreeSet<usize> = groups[&group].difference(&joined).copied().collect();
            groups.insert(group, rest);
        }
        joined.iter().for_each(|face| group_of[*face] = next);
        groups.insert(next, joined);
    }
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for group in groups.into_values() {
        clusters.extend(bonds.without_conflict(group));
    }
    clusters.sort();
    clusters
}

/// What ties faces together and keeps them apart, by their indices.
struct Bonds {
    same: Vec<usize>,
    different: HashSet<(usize, usize)>,
    photos: Vec<PhotoId>,
}

impl Bonds {
    fn of(faces: &[FaceRecord], corrections: &[Correction]) -> Self {
        let index: HashMap<FaceId, usize> = faces.iter().enumerate().map(|(i, face)| (face.id, i)).collect();
        let mut bonds = Self {
            same: (0..faces.len()).collect(),
            different: HashSet::new(),
            photos: faces.iter().map(|face| face.photo).collect(),
        };
        let pair = |c: &Correction| Some((*index.get(&c.faces.0)?, *index.get(&c.faces.1)?));
        let said = |verdict| corrections.iter().filter(move |c| c.verdict == verdict).filter_map(pair);
        said(Verdict::Same).for_each(|(a, b)| bonds.tie(a, b));
        let mut by_user = HashMap::new();
        for (face, record) in faces.iter().enumerate() {
            if let Some((person, AssignedBy::User)) = record.person {
                bonds.tie(face, *by_user.entry(person).or_insert(face));
            }
        }
        // Two people that the user named are two.
        let firsts: Vec<usize> = by_user.into_values().collect();
        let named = firsts.iter().enumerate().flat_map(|(i, a)| firsts[..i].iter().map(move |b| (*a, *b)));
        for (a, b) in named.chain(said(Verdict::Different)) {
            let (a, b) = (bonds.root(a), bonds.root(b));
            bonds.different.extend([(a, b), (b, a)]);
        }
        bonds
    }

    fn root(&self, mut face: usize) -> usize {
        while self.same[face] != face {
            face = self.same[face];
        }
        face
    }

    fn tie(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.same[a.max(b)] = a.min(b);
    }

    /// Groups of at least two faces that the user bound together.
    fn bound_together(&self) -> Vec<BTreeSet<usize>> {
        let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for face in 0..self.same.len() {
            groups.entry(self.root(face)).or_default().insert(face);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }

    fn differ(&self, a: usize, b: usize) -> bool {
        let (ra, rb) = (self.root(a), self.root(b));
        ra != rb && (self.photos[a] == self.photos[b] || self.different.contains(&(ra, rb)))
    }

    fn are_free_of_conflict(&self, group: &BTreeSet<usize>) -> bool {
        group.iter().all(|a| group.range(..a).all(|b| !self.differ(*a, *b)))
    }

    /// The group in parts within which no two differ; a face goes to the first part that takes it.
    fn without_conflict(&self, group: BTreeSet<usize>) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for face in group {
            let fits = |part: &&mut Vec<usize>| part.iter().all(|other| !self.differ(face, *other));
            match parts.iter_mut().find(fits) {
                Some(part) => part.push(face),
                None => parts.push(vec![face]),
            }
        }
        parts
    }
}
