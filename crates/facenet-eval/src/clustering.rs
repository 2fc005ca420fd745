//! How well do clusters of faces agree with the people in them?
//!
//! The paper shows its clustering only as a picture (Schroff et al. 2015, fig. 7); these are the measures of the field:
//! pairwise precision and recall, BCubed (Bagga and Baldwin 1998; Amigó et al. 2009), and normalised mutual
//! information. Pairwise figures weigh a person by the square of their faces, BCubed by their faces.

mod report;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::report::{ClusteringReport, ClusteringRun};

/// How well clusters agree with people.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusteringScores {
    /// Faces.
    pub faces: usize,
    /// People who are there.
    pub people: usize,
    /// Clusters that were found, single faces included.
    pub clusters: usize,
    /// Clusters of a single face.
    pub alone: usize,
    /// Over pairs of faces: are the two of a cluster one person, and the two of a person in one cluster?
    pub pairwise: Agreement,
    /// Over faces: how much of its cluster is its person, and how much of its person is in its cluster?
    pub bcubed: Agreement,
    /// Normalised mutual information, in `[0, 1]`: by the arithmetic mean of the two entropies, as scikit-learn's
    /// `normalized_mutual_info_score` does; 1 when there is one person and one cluster.
    pub nmi: f64,
}

/// Precision, recall, and their harmonic mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// In `[0, 1]`; none when no cluster has two faces, which leaves no pair to be right.
    pub precision: Option<f64>,
    /// In `[0, 1]`; none when no person has two faces.
    pub recall: Option<f64>,
    /// Twice what is right, by all that was found or to be found, in `[0, 1]`; none when neither was anything.
    pub f: Option<f64>,
}

/// Labels of which nothing can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAClustering {
    /// There is no face.
    #[error("found no faces, expected at least one")]
    NoFaces,
    /// Every face needs both.
    #[error("found {clusters} cluster numbers for {people} faces with known people, expected one each")]
    Lengths {
        /// The number of people's labels.
        people: usize,
        /// The number of cluster labels.
        clusters: usize,
    },
}

impl ClusteringScores {
    /// Compares the person and the cluster of each face. Their numbers or names mean nothing but equality.
    ///
    /// O(n log n) time and O(n) memory; counts are exact up to four billion faces.
    ///
    /// # Errors
    /// When there is no face, or not one person and one cluster a face.
    ///
    /// # Examples
    /// ```
    /// use facenet_eval::ClusteringScores;
    ///
    /// let scores = ClusteringScores::of(&["ada", "ada", "bob"], &[0, 0, 0])?;
    /// assert_eq!(scores.pairwise.precision, Some(1.0 / 3.0));
    /// assert_eq!(scores.pairwise.recall, Some(1.0));
    /// # Ok::<(), facenet_eval::NotAClustering>(())
    /// ```
    pub fn of<P: Ord, C: Ord>(people: &[P], clusters: &[C]) -> Result<Self, NotAClustering> {
        if people.len() != clusters.len() {
            return Err(NotAClustering::Lengths { people: people.len(), clusters: clusters.len() });
        }
        if people.is_empty() {
            return Err(NotAClustering::NoFaces);
        }
        let table = Table::of(people, clusters);
        Ok(Self {
            faces: people.len(),
            people: table.people.len(),
            clusters: table.clusters.len(),
            alone: table.clusters.values().filter(|&&faces| faces == 1).count(),
            pairwise: table.pairwise(),
            bcubed: table.bcubed(),
            nmi: table.nmi(),
        })
    }
}

/// How many faces of each person are in each cluster.
struct Table<'a, P, C> {
    both: BTreeMap<(&'a P, &'a C), u64>,
    people: BTreeMap<&'a P, u64>,
    clusters: BTreeMap<&'a C, u64>,
    faces: f64,
}

impl<'a, P: Ord, C: Ord> Table<'a, P, C> {
    fn of(people: &'a [P], clusters: &'a [C]) -> Self {
        Self {
            both: count(people.iter().zip(clusters)),
            people: count(people.iter()),
            clusters: count(clusters.iter()),
            faces: people.len() as f64,
        }
    }

    fn pairwise(&self) -> Agreement {
        let pairs = |counts: &mut dyn Iterator<Item = u64>| counts.map(|n| n * (n - 1) / 2).sum::<u64>();
        let right = pairs(&mut self.both.values().copied());
        let found = pairs(&mut self.clusters.values().copied());
        let wanted = pairs(&mut self.people.values().copied());
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Agreement {
            precision: share(right, found),
            recall: share(right, wanted),
            f: share(2 * right, found + wanted),
        }
    }

    fn bcubed(&self) -> Agreement {
        let mut precision = 0.0;
        let mut recall = 0.0;
        for ((person, cluster), &both) in &self.both {
            let squared = both as f64 * both as f64;
            precision += squared / self.clusters[cluster] as f64;
            recall += squared / self.people[person] as f64;
        }
        let (precision, recall) = (precision / self.faces, recall / self.faces);
        // Every face is in its own cluster and of its own person: neither is ever 0.
        let f = 2.0 * precision * recall / (precision + recall);
        Agreement { precision: Some(precision), recall: Some(recall), f: Some(f) }
    }

    fn nmi(&self) -> f64 {
        if self.people.len() == 1 && self.clusters.len() == 1 {
            return 1.0;
        }
        let entropy = |counts: &mut dyn Iterator<Item = u64>| {
            counts.map(|n| n as f64 / self.faces).map(|share| -share * share.ln()).sum::<f64>()
        };
        let people = entropy(&mut self.people.values().copied());
        let clusters = entropy(&mut self.clusters.values().copied());
        let information: f64 = self
            .both
            .iter()
            .map(|((person, cluster), &both)| {
                let expected = self.people[person] as f64 * self.clusters[cluster] as f64 / self.faces;
                both as f64 / self.faces * (both as f64 / expected).ln()
            })
            .sum();
        // The sum may miss 0 or the entropies by rounding.
        (information / f64::midpoint(people, clusters)).clamp(0.0, 1.0)
    }
}

fn count<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests;
