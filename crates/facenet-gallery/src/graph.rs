//! Which of very many faces are one person? Average linkage over a graph of nearest neighbours.
//!
//! [`cluster`](crate::cluster) compares all pairs and is exact for every linkage; its memory grows with the square of
//! the faces. A [`Clustering`] compares clusters only where faces are near each other, in memory that grows with the
//! faces, takes what is known into account, and goes on when faces are added.

mod edges;
mod joiner;
mod suggest;

use facenet_core::Distance;

use self::edges::Edge;
use self::joiner::Joiner;
pub use self::suggest::{Suggestion, Why};
use crate::cluster::{Cluster, ranked};
use crate::index::{Index, IndexError, IndexOptions};
use crate::knowledge::{Contradiction, Knowledge};

/// Up to so many faces all pairs are compared: the result is exact. Two hundred million distances, a second or two.
pub const ALL_PAIRS_UP_TO: usize = 20_000;

/// How very many faces become clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupOptions {
    /// Two clusters become one if the mean distance between their faces is at most this (inclusive).
    pub threshold: Distance,
    /// Clusters farther apart than the threshold, by up to this much, are suggested to be one; at least 0.
    pub suggest_within: f32,
    /// Faces of a lower quality join a cluster, but count in no mean and never bring two together, in `[0, 1]`.
    pub min_quality: f32,
    /// The nearest neighbours of a face that it is compared with beyond [`ALL_PAIRS_UP_TO`] faces.
    pub neighbours: usize,
    /// Up to so many faces all pairs are compared.
    pub all_pairs_up_to: usize,
}

impl GroupOptions {
    /// The defaults at `threshold`: suggestions up to a tenth beyond, no face too poor, 32 neighbours.
    pub fn at(threshold: Distance) -> Self {
        Self {
            threshold,
            suggest_within: threshold.value() / 10.0,
            min_quality: 0.0,
            neighbours: 32,
            all_pairs_up_to: ALL_PAIRS_UP_TO,
        }
    }

    /// No pair farther apart is of interest.
    pub(crate) fn limit(&self) -> f32 {
        self.threshold.value() + self.suggest_within
    }
}

/// Faces to cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroupFaces<'a> {
    /// Unit vectors, `[faces, dimension]`.
    pub rows: &'a [f32],
    /// The photo of each face: two faces of one photo are two people. Empty when nothing is known.
    pub photos: &'a [u64],
    /// The quality of each face, in `[0, 1]`. Empty when all are good.
    pub quality: &'a [f32],
}

/// Why faces cannot be clustered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The vectors do not fit.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// What is known cannot be true.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// Photos or qualities that are not one a face.
    #[error("found {found} {what} for {faces} faces")]
    Lengths {
        /// `photos` or `qualities`.
        what: &'static str,
        /// Their number.
        found: usize,
        /// The number of faces.
        faces: usize,
    },
}

/// Clusters of faces that can grow. Faces are numbered in the order in which they came.
///
/// Up to [`GroupOptions::all_pairs_up_to`] faces the clusters are those of [`cluster`](crate::cluster) with average
/// linkage. Beyond, pairs that are not among the nearest neighbours are not compared: two clusters whose faces never
/// are each other's neighbours stay two.
///
/// [`add`](Self::add) ends where a run from scratch ends: no two linked clusters that may be one are at most the
/// threshold apart. It may have joined in another order, so clusters near the threshold can differ;
/// `docs/clustering.md` has measured by how much.
///
/// ```
/// use facenet_core::Distance;
/// use facenet_gallery::{Clustering, GroupFaces, GroupOptions, Knowledge};
///
/// let faces = GroupFaces { rows: &[1.0, 0.0, 0.8, 0.6, 0.0, 1.0], ..GroupFaces::default() };
/// let different = vec![(1, 2)];
/// let knowledge = Knowledge { different, ..Knowledge::default() };
/// let mut found = Clustering::of(2, faces, knowledge, GroupOptions::at(Distance::new(1.0)?))?;
/// assert_eq!(found.labels(), [0, 0, 1]);
/// found.add(GroupFaces { rows: &[0.6, 0.8], ..GroupFaces::default() })?;
/// assert_eq!(found.labels(), [0, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Clustering {
    options: GroupOptions,
    dimension: usize,
    rows: Vec<f32>,
    photos: Vec<u64>,
    is_good: Vec<bool>,
    knowledge: Knowledge,
    /// Made when faces are added, or too many to compare all.
    index: Option<Index>,
    /// Sorted; only pairs within [`GroupOptions::limit`].
    edges: Vec<Edge>,
    joiner: Joiner,
}

impl Clustering {
    /// Clusters `faces`, of `dimension` coordinates, which `knowledge` names by their index.
    ///
    /// # Errors
    /// When vectors are not of unit length or do not fit `dimension`, photos or qualities are not one a face, or the
    /// knowledge contradicts itself or the photos.
    pub fn of(
        dimension: usize,
        faces: GroupFaces<'_>,
        knowledge: Knowledge,
        options: GroupOptions,
    ) -> Result<Self, GroupError> {
        let mut clustering = Self {
            options,
            dimension,
            rows: Vec::new(),
            photos: Vec::new(),
            is_good: Vec::new(),
            knowledge,
            index: None,
            edges: Vec::new(),
            joiner: Joiner::new(dimension),
        };
        crate::index::check_units(dimension, faces.rows)?;
        clustering.take(faces)?;
        // A contradiction is found before the long part.
        clustering.knowledge.groups(clustering.len(), &clustering.photos)?;
        clustering.edges = if clustering.len() <= options.all_pairs_up_to {
            edges::all(&clustering.rows, dimension, options.limit())
        } else {
            clustering.index_all()?;
            clustering.nearest_edges(0)?
        };
        clustering.join_all()?;
        Ok(clustering)
    }

    /// Adds faces: each joins the nearest cluster that it may join, or opens one, and clusters that thereby come
    /// within the threshold of each other become one. Returns the number of the first.
    ///
    /// # Errors
    /// As [`of`](Self::of); the clusters are then as before.
    pub fn add(&mut self, faces: GroupFaces<'_>) -> Result<usize, GroupError> {
        let first = self.len();
        if self.index.is_none() {
            self.index_all()?;
        }
        crate::index::check_units(self.dimension, faces.rows)?;
        self.take(faces)?;
        let ids: Vec<u64> = (first as u64..self.len() as u64).collect();
        let index = self.index.as_mut().expect("made above");
        index.add(&ids, faces.rows)?;
        let new = self.nearest_edges(first)?;
        for face in first..self.len() {
            self.push(face);
        }
        self.link(&new);
        let changed = new.iter().flat_map(|&(a, b)| [a, b]);
        self.joiner.settle(self.options.threshold.value(), changed);
        self.edges.extend(new);
        self.attach_poor();
        Ok(first)
    }

    /// Takes knowledge in addition to what is known, and clusters again: without comparing faces anew.
    ///
    /// # Errors
    /// When it contradicts itself, what was known or the photos; all is then as before.
    pub fn learn(&mut self, knowledge: &Knowledge) -> Result<(), GroupError> {
        let mut all = self.knowledge.clone();
        all.same.extend(&knowledge.same);
        all.different.extend(&knowledge.different);
        all.groups(self.len(), &self.photos)?;
        self.knowledge = all;
        self.join_all()
    }

    /// The number of faces.
    pub fn len(&self) -> usize {
        self.is_good.len()
    }

    /// Whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.is_good.is_empty()
    }

    /// The cluster of each face: numbers from 0 in the order of their first face.
    pub fn labels(&self) -> Vec<u32> {
        let mut numbers = vec![u32::MAX; self.len()];
        let mut next = 0;
        let label = |face: u32| {
            let number = &mut numbers[self.joiner.root(face) as usize];
            if *number == u32::MAX {
                *number = next;
                next += 1;
            }
            *number
        };
        (0..self.len() as u32).map(label).collect()
    }

    /// The clusters, as [`cluster`](crate::cluster) gives them: largest first, of equal size by their lowest face.
    pub fn clusters(&self) -> Vec<Cluster> {
        let labels = self.labels();
        let mut groups: Vec<Vec<usize>> =
            vec![Vec::new(); labels.iter().max().map_or(0, |&m| m as usize + 1)];
        for (face, &label) in labels.iter().enumerate() {
            groups[label as usize].push(face);
        }
        ranked(groups, &|face| self.row(face))
    }

    /// Pairs of clusters that may be one person but were not joined, the nearest first.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        suggest::suggestions(&self.joiner, &self.edges, &self.options, &|a, b| {
            crate::rows::squared_distance(self.row(a as usize), self.row(b as usize))
        })
    }

    fn row(&self, face: usize) -> &[f32] {
        &self.rows[face * self.dimension..][..self.dimension]
    }

    /// Takes checked faces into the lists.
    fn take(&mut self, faces: GroupFaces<'_>) -> Result<(), GroupError> {
        let count = faces.rows.len() / self.dimension.max(1);
        for (what, found) in [("photos", faces.photos.len()), ("qualities", faces.quality.len())] {
            if found != 0 && found != count {
                return Err(GroupError::Lengths { what, found, faces: count });
            }
        }
        let before = self.len();
        if before > 0 && self.photos.is_empty() != faces.photos.is_empty() {
            return Err(GroupError::Lengths { what: "photos", found: faces.photos.len(), faces: count });
        }
        self.rows.extend(faces.rows);
        self.photos.extend(faces.photos);
        let min_quality = self.options.min_quality;
        self.is_good.extend(faces.quality.iter().map(|&quality| quality >= min_quality));
        self.is_good.resize(before + count, true);
        Ok(())
    }

    fn index_all(&mut self) -> Result<(), GroupError> {
        let ids: Vec<u64> = (0..self.len() as u64).collect();
        // Less sure than a search for a person: a face has many ways into its cluster.
        let options =
            IndexOptions { expansion_add: 64, expansion_search: 48, ..IndexOptions::of(self.dimension) };
        self.index = Some(Index::build(options, &ids, &self.rows)?);
        Ok(())
    }

    fn nearest_edges(&self, first: usize) -> Result<Vec<Edge>, GroupError> {
        let index = self.index.as_ref().expect("made before");
        let (k, limit) = (self.options.neighbours, self.options.limit());
        Ok(edges::nearest(index, &self.rows, self.dimension, first, k, limit)?)
    }

    fn push(&mut self, face: usize) {
        let row = &self.rows[face * self.dimension..][..self.dimension];
        self.joiner.push(row, self.is_good[face], self.photos.get(face).copied());
    }

    fn link(&mut self, edges: &[Edge]) {
        let threshold = self.options.threshold.value();
        for &(a, b) in edges {
            if crate::rows::squared_distance(self.row(a as usize), self.row(b as usize)) <= threshold {
                self.joiner.link(a, b);
            }
        }
    }

    /// All from scratch, over the edges that are there.
    fn join_all(&mut self) -> Result<(), GroupError> {
        let groups = self.knowledge.groups(self.len(), &self.photos)?;
        self.joiner = Joiner::new(self.dimension);
        (0..self.len()).for_each(|face| self.push(face));
        let edges = std::mem::take(&mut self.edges);
        self.link(&edges);
        self.edges = edges;
        for (face, &group) in groups.iter().enumerate().filter(|(face, group)| face != *group) {
            self.joiner.join(face as u32, group as u32);
        }
        for &(a, b) in &self.knowledge.different {
            self.joiner.keep_apart(a as u32, b as u32);
        }
        self.joiner.settle(self.options.threshold.value(), 0..self.len() as u32);
        self.attach_poor();
        Ok(())
    }

    /// Poor faces join the nearest cluster of good ones within the threshold, the surest first. They bring nothing
    /// together: where none may be joined they stay alone.
    fn attach_poor(&mut self) {
        let threshold = self.options.threshold.value();
        let mut wishes: Vec<(f32, u32, u32)> = Vec::new();
        for &(a, b) in &self.edges {
            let (a, b) = (self.joiner.root(a), self.joiner.root(b));
            let (poor, good) = match (self.joiner.is_good(a), self.joiner.is_good(b)) {
                (false, true) => (a, b),
                (true, false) => (b, a),
                _ => continue,
            };
            let distance = self.joiner.distance(poor, good);
            if distance <= threshold {
                wishes.push((distance, poor, good));
            }
        }
        wishes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        for (_, poor, good) in wishes {
            let (poor, good) = (self.joiner.root(poor), self.joiner.root(good));
            if !self.joiner.is_good(poor) && !self.joiner.are_apart(poor, good) {
                self.joiner.join(poor, good);
            }
        }
    }
}

#[cfg(test)]
mod tests;
