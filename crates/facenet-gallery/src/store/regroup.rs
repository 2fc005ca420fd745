//! Whose the faces are, after clustering.

mod bonds;

use std::collections::{BTreeMap, BTreeSet};

use facenet_core::Embedding;

use self::bonds::{Bonds, bound_clusters};
use super::Store;
use super::error::StoreError;
use super::question::all_faces;
use super::record::{AssignedBy, Change, EventKind, FaceRecord};
use super::subject::PersonId;
use crate::graph::{Clustering, GroupError, GroupFaces, GroupOptions};
use crate::knowledge::Knowledge;

/// What became of the faces of a gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regrouped {
    /// Faces in all.
    pub faces: usize,
    /// People who have faces now.
    pub people: usize,
    /// People who are new.
    pub new_people: usize,
    /// Faces that are nobody's: no other was joined to them.
    pub alone: usize,
}

/// The faces of a gallery, as clustering needs them.
#[derive(Debug, Clone, PartialEq)]
pub struct Ungrouped {
    /// In the order of their identifiers.
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

/// Clusters all faces anew and assigns them; what the user said stays as it is.
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
    cluster: impl FnOnce(&Ungrouped) -> Result<Vec<Vec<usize>>, E>,
) -> Result<Regrouped, E> {
    let faces = all_faces(store)?;
    let bonds = Bonds::of(&faces, &store.corrections()?);
    let ungrouped = Ungrouped {
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
    let nameless = store.people()?.into_iter().filter(|person| person.name.is_none());
    changes.extend(nameless.filter(|person| !people.contains(&person.id)).map(|p| Change::DropEmpty(p.id)));
    store.apply(EventKind::Cluster, &changes)?;
    Ok(Regrouped { faces: faces.len(), people: people.len(), new_people: new, alone })
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
