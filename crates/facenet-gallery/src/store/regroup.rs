//! Whose the faces are, after clustering.

mod bonds;
mod newcomers;

use std::collections::{BTreeMap, BTreeSet};

use facenet_core::Embedding;

use self::bonds::{Bonds, bound_clusters};
use super::Store;
use super::error::StoreError;
use super::question::all_faces;
use super::record::{AssignedBy, Change, EventKind, FaceRecord};
use super::subject::{FaceId, PersonId};
use crate::graph::{Clustering, GroupError, GroupFaces, GroupOptions};
use crate::knowledge::Knowledge;

/// Which faces are clustered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scope {
    /// All of them, anew.
    All,
    /// Those that came since the last clustering, with whoever is near enough to one of them to matter under these options,
    /// which are those of the clustering: people with all their faces, and faces that are nobody's. Everybody else is left as
    /// they are, unseen.
    New(GroupOptions),
}

/// What became of the faces that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouped {
    /// Faces in all.
    pub faces: usize,
    /// Faces of those that were nobody's before.
    pub new_faces: usize,
    /// People who have such faces now.
    pub people: usize,
    /// People who are new.
    pub new_people: usize,
    /// Faces that are nobody's: no other was joined to them.
    pub alone: usize,
}

/// The faces of a gallery, as clustering needs them.
#[derive(Debug, Clone, PartialEq)]
pub struct Ungrouped {
    /// Their identifiers, in order.
    pub faces: Vec<FaceId>,
    /// One a face.
    pub embeddings: Vec<Embedding>,
    /// One a face, in `[0, 1]`; 1 where it was not judged.
    pub quality: Vec<f32>,
    /// What the user said of them, by index, and that faces of one photo are several people. It contradicts itself nowhere.
    pub known: Knowledge,
}

impl Ungrouped {
    /// Clusters them by average linkage, however many they are.
    ///
    /// # Errors
    /// When an index cannot be built, for want of memory.
    pub fn by_average(&self, options: GroupOptions) -> Result<Clustering, GroupError> {
        let dimension = self.embeddings.first().map_or(1, Embedding::dimension);
        let rows: Vec<f32> = self.embeddings.iter().flat_map(|face| face.as_slice()).copied().collect();
        let faces = GroupFaces { rows: &rows, quality: &self.quality, photos: &[] };
        Clustering::of(dimension, faces, self.known.clone(), options)
    }
}

/// Clusters the faces in `scope` and assigns them; what the user said stays as it is.
///
/// `cluster` gives clusters of indices of the faces it gets, each index once. What is known it may take into account or not:
/// afterwards faces are joined and parted by it all the same. A cluster with a face that the user assigned is that person's; one with faces of a person by an
/// earlier clustering stays that person's, if no other cluster has more of them; others of at least two faces are
/// new people without a name. People without a name and without a face are deleted.
///
/// # Errors
/// When the store cannot be read or written, or `cluster` fails.
pub fn regroup<E: From<StoreError>>(
    store: &mut dyn Store,
    scope: Scope,
    cluster: impl FnOnce(&Ungrouped) -> Result<Vec<Vec<usize>>, E>,
) -> Result<Regrouped, E> {
    let corrections = store.corrections()?;
    let faces = match scope {
        Scope::All => all_faces(store)?,
        Scope::New(options) => newcomers::faces(store, &corrections, options)?,
    };
    let bonds = Bonds::of(&faces, &corrections);
    let ungrouped = Ungrouped {
        faces: faces.iter().map(|face| face.id).collect(),
        embeddings: faces.iter().map(|face| face.embedding.embedding()).collect(),
        quality: faces.iter().map(|face| face.quality.unwrap_or(1.0)).collect(),
        known: bonds.known(),
    };
    let clusters = bound_clusters(&bonds, &cluster(&ungrouped)?);

    let owners = owners(&faces, &clusters);
    let is_new = |(cluster, owner): &(&Vec<usize>, &Option<PersonId>)| owner.is_none() && cluster.len() > 1;
    let new = clusters.iter().zip(&owners).filter(is_new).count();
    let new_people = store.add_people(&vec![None; new])?;

    let mut changes = Vec::new();
    let mut fresh = new_people.iter().copied();
    let (mut people, mut alone) = (BTreeSet::new(), 0);
    for (cluster, owner) in clusters.iter().zip(owners) {
        let owner = owner.or_else(|| if cluster.len() > 1 { fresh.next() } else { None });
        people.extend(owner);
        alone += usize::from(owner.is_none());
        let wanted = owner.map(|owner| (owner, AssignedBy::Machine));
        let may_move = |face: &&FaceRecord| !matches!(face.person, Some((_, AssignedBy::User)));
        let members = cluster.iter().map(|face| &faces[*face]).filter(may_move);
        changes.extend(members.filter(|face| face.person != wanted).map(|f| Change::Assign(f.id, wanted)));
    }
    let before: BTreeSet<PersonId> = faces.iter().filter_map(|face| Some(face.person?.0)).collect();
    let seen = |person: &PersonId| scope == Scope::All || before.contains(person);
    let nameless = store.people()?.into_iter().filter(|person| person.name.is_none()).map(|person| person.id);
    changes.extend(nameless.filter(|id| seen(id) && !people.contains(id)).map(Change::DropEmpty));
    if !changes.is_empty() || scope == Scope::All {
        store.apply(EventKind::Cluster, &changes)?;
    }
    let new_faces = faces.iter().filter(|face| face.person.is_none()).count();
    Ok(Regrouped { faces: faces.len(), new_faces, people: people.len(), new_people: new, alone })
}

/// For each cluster the person whose it is, if anybody's; nobody has two.
fn owners(faces: &[FaceRecord], clusters: &[Vec<usize>]) -> Vec<Option<PersonId>> {
    let mut claims = Vec::new();
    let mut owners = vec![None; clusters.len()];
    for (index, cluster) in clusters.iter().enumerate() {
        let mut votes: BTreeMap<PersonId, (bool, usize)> = BTreeMap::new();
        for (person, by) in cluster.iter().filter_map(|face| faces[*face].person) {
            let vote = votes.entry(person).or_default();
            *vote = (vote.0 || by == AssignedBy::User, vote.1 + 1);
        }
        claims.extend(votes.into_iter().map(|(person, (by_user, count))| (by_user, count, index, person)));
    }
    // The user's word first, then the most faces; then the first cluster and person.
    claims.sort_by_key(|&(by_user, count, index, person)| (!by_user, usize::MAX - count, index, person));
    let mut taken = BTreeSet::new();
    for (_, _, index, person) in claims {
        if owners[index].is_none() && taken.insert(person) {
            owners[index] = Some(person);
        }
    }
    owners
}
