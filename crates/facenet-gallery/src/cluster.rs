//! Which faces are one person? Agglomerative clustering (Schroff et al. 2015, §1 and fig. 7).
//!
//! Every face starts as a cluster of its own; again and again the two clusters that are most alike become one, until
//! no two are at most the threshold apart. The paper leaves linkage and threshold open.

mod agglomeration;
mod condensed;
mod linkage;

use std::collections::HashMap;
use std::hash::Hash;

use facenet_core::{Distance, Embedding};
use rayon::prelude::*;

use agglomeration::Agglomeration;
use condensed::Condensed;
pub use linkage::{Linkage, UnknownLinkage};

use crate::knowledge::{Contradiction, Knowledge};
use crate::rows::Rows;

/// The most faces that are clustered at once: 1.8 GB of distances, and about a minute on two cores.
pub const MAX_FACES: usize = 30_000;

/// How faces become clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterOptions {
    /// Two clusters become one if their dissimilarity is at most this (inclusive).
    pub threshold: Distance,
    /// How dissimilar two clusters are.
    pub linkage: Linkage,
    /// Pairs of faces, by index, that are two people: their clusters never become one, directly or through others.
    /// [`pairs_in_one_photo`] makes the most common ones. A pair may be named twice, in either order.
    pub cannot_link: Vec<(usize, usize)>,
    /// Pairs of faces, by index, that are one person: they are in one cluster, however far apart.
    pub must_link: Vec<(usize, usize)>,
}

impl ClusterOptions {
    /// The default linkage at `threshold`, without knowledge of who is not who.
    pub fn at(threshold: Distance) -> Self {
        Self { threshold, linkage: Linkage::default(), cannot_link: Vec::new(), must_link: Vec::new() }
    }
}

/// Faces that are one person, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The faces, the most central first and the most doubtful last; at equal distance by index. At least one.
    pub members: Vec<Member>,
}

/// A face in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The face's index.
    pub face: usize,
    /// The mean distance to the other faces of the cluster; none when there is no other.
    pub mean_distance: Option<Distance>,
}

impl Cluster {
    /// The indices of the faces, in the order of `members`.
    pub fn faces(&self) -> impl Iterator<Item = usize> + '_ {
        self.members.iter().map(|member| member.face)
    }

    /// Whether it is a face that no other was joined to.
    pub fn is_alone(&self) -> bool {
        self.members.len() == 1
    }
}

impl Member {
    /// Whether the face lies farther from the others than `threshold`, on average; exactly at it does not count.
    ///
    /// By [`Linkage::Average`] it would not be joined to the others as they are now: it came in through a part of
    /// them. A face alone is not doubtful.
    pub fn is_doubtful(&self, threshold: Distance) -> bool {
        self.mean_distance.is_some_and(|mean| mean > threshold)
    }
}

/// Why faces cannot be clustered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The distances of all pairs would take too much memory.
    #[error(
        "the distances of {faces} faces would take {gib:.1} GiB: at most {MAX_FACES} faces are clustered at once\n\
         hint: cluster fewer images at a time",
        gib = Condensed::bytes(*faces) as f64 / f64::from(1 << 30)
    )]
    TooMany {
        /// The number of faces found.
        faces: usize,
    },
    /// Embeddings of several models.
    #[error(
        "face {face} has {found} coordinates, but face 0 has {expected}: they come from different models"
    )]
    Dimension {
        /// The face that differs.
        face: usize,
        /// The number of its coordinates.
        found: usize,
        /// The number of coordinates of the first face.
        expected: usize,
    },
    /// What is known of pairs of faces cannot be true.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

/// Finds which of `embeddings`, all of one model, are one person.
///
/// Every face is in exactly one cluster. Clusters come largest first, of equal size by their lowest face index; no
/// faces give no clusters. The same input gives the same result, however many threads run.
///
/// O(n²) time and memory: 4 bytes for each pair of faces.
///
/// # Errors
/// When there are more than [`MAX_FACES`], their dimensions differ, or `cannot_link` and `must_link` name what is no
/// pair or contradict each other.
pub fn cluster(embeddings: &[Embedding], options: &ClusterOptions) -> Result<Vec<Cluster>, ClusterError> {
    check(embeddings)?;
    let knowledge = Knowledge { same: options.must_link.clone(), different: options.cannot_link.clone() };
    let known = knowledge.groups(embeddings.len(), &[])?;
    let mut dissimilarities = Condensed::squared_distances(&rows(embeddings), embeddings.len());
    for &(a, b) in &options.cannot_link {
        dissimilarities.set(a, b, f32::INFINITY);
    }
    let mut agglomeration = Agglomeration::new(dissimilarities, options.linkage);
    agglomeration.join_known(&known);
    let groups = agglomeration.run(options.threshold.value());

    Ok(ranked(groups, &|face| embeddings[face].as_slice()))
}

/// Clusters of unit vectors in their order, each with its faces in theirs.
pub(crate) fn ranked<'a>(groups: Vec<Vec<usize>>, row: &(dyn Fn(usize) -> &'a [f32] + Sync)) -> Vec<Cluster> {
    let mut groups: Vec<Vec<usize>> = groups.into_iter().map(sorted).collect();
    groups.sort_by_key(|faces| (std::cmp::Reverse(faces.len()), faces[0]));
    groups.par_iter().map(|faces| rank(faces, row)).collect()
}

/// All pairs of faces that were found in the same photo, for [`ClusterOptions::cannot_link`]: nobody is twice in a
/// photo, mirrors and collages aside.
///
/// `photos[i]` says where face `i` was found. Pairs come in the order of their second face.
pub fn pairs_in_one_photo<P: Eq + Hash>(photos: &[P]) -> Vec<(usize, usize)> {
    let mut earlier: HashMap<&P, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    for (face, photo) in photos.iter().enumerate() {
        let others = earlier.entry(photo).or_default();
        pairs.extend(others.iter().map(|&other| (other, face)));
        others.push(face);
    }
    pairs
}

fn check(embeddings: &[Embedding]) -> Result<(), ClusterError> {
    let faces = embeddings.len();
    if faces > MAX_FACES {
        return Err(ClusterError::TooMany { faces });
    }
    let expected = embeddings.first().map_or(0, Embedding::dimension);
    match embeddings.iter().position(|e| e.dimension() != expected) {
        Some(face) => Err(ClusterError::Dimension { face, found: embeddings[face].dimension(), expected }),
        None => Ok(()),
    }
}

fn rows(embeddings: &[Embedding]) -> Rows {
    let mut rows = Rows::new(embeddings.first().map_or(0, Embedding::dimension));
    embeddings.iter().for_each(|embedding| rows.push(embedding));
    rows
}

fn sorted(mut faces: Vec<usize>) -> Vec<usize> {
    faces.sort_unstable();
    faces
}

/// Orders `faces` by their mean distance to each other.
///
/// With the sum S of all m vectors, `Σⱼ ‖x - xⱼ‖² = m ‖x‖² + Σⱼ ‖xⱼ‖² - 2 x·S`: linear in m instead of quadratic.
fn rank<'a>(faces: &[usize], row: &(dyn Fn(usize) -> &'a [f32] + Sync)) -> Cluster {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let vector = |face: usize| row(face).iter().map(|&v| f64::from(v)).collect::<Vec<_>>();

    let count = faces.len() as f64;
    let mut sum = vec![0.0; row(faces[0]).len()];
    let mut squares = 0.0;
    for &face in faces {
        let x = vector(face);
        sum.iter_mut().zip(&x).for_each(|(s, x)| *s += x);
        squares += dot(&x, &x);
    }
    let mean_distance = |face: usize| {
        let x = vector(face);
        let mean = (count * dot(&x, &x) + squares - 2.0 * dot(&x, &sum)) / (count - 1.0);
        Distance::new((mean as f32).clamp(0.0, 4.0)).expect("a clamped mean of finite numbers")
    };
    let member =
        |&face: &usize| Member { face, mean_distance: (faces.len() > 1).then(|| mean_distance(face)) };
    let mut members: Vec<Member> = faces.iter().map(member).collect();
    members.sort_by_key(|member| (member.mean_distance, member.face));
    Cluster { members }
}

#[cfg(test)]
mod tests;
