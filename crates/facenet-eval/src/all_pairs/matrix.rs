//! Embeddings with their people, laid out for matrix products.

use facenet_core::{Distance, Embedding};

use crate::{NotMeasurable, ScoredPair, ScoredPairs};

/// Labelled embeddings, one after the other: `[len, dimension]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceMatrix {
    rows: Vec<f32>,
    people: Vec<u32>,
    dimension: usize,
}

/// An embedding that cannot be compared with the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("found an embedding of {found} coordinates among embeddings of {expected}")]
pub struct NotOneSpace {
    /// Its number of coordinates.
    pub found: usize,
    /// The number of coordinates of the others.
    pub expected: usize,
}

impl FaceMatrix {
    /// No faces yet, for embeddings of `dimension` coordinates.
    pub fn new(dimension: usize) -> Self {
        Self { rows: Vec::new(), people: Vec::new(), dimension }
    }

    /// Adds a face of `person`, any number that is theirs alone.
    ///
    /// # Errors
    /// When the embedding has another dimension.
    pub fn push(&mut self, embedding: &Embedding, person: u32) -> Result<(), NotOneSpace> {
        let (found, expected) = (embedding.dimension(), self.dimension);
        if found != expected {
            return Err(NotOneSpace { found, expected });
        }
        self.rows.extend_from_slice(embedding.as_slice());
        self.people.push(person);
        Ok(())
    }

    /// The number of faces.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The person of each face.
    pub fn people(&self) -> &[u32] {
        &self.people
    }

    /// The faces with these indices, in this order.
    ///
    /// # Panics
    /// When an index is beyond the faces.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut selected = Self::new(self.dimension);
        for &index in indices {
            selected.rows.extend_from_slice(self.coordinates(index..index + 1));
            selected.people.push(self.people[index]);
        }
        selected
    }

    /// Every face with every other one as scored pairs in one fold, held in memory: 20 bytes a pair, so for sets of some
    /// thousand faces. [`PairSet`](super::PairSet) measures larger ones.
    ///
    /// # Errors
    /// When there is no pair, or none of one kind.
    pub fn scored_pairs(&self) -> Result<ScoredPairs, NotMeasurable> {
        let rows: Vec<&[f32]> = (0..self.len()).map(|face| self.coordinates(face..face + 1)).collect();
        let pair = |left: usize, right: usize| {
            let squares = rows[left].iter().zip(rows[right]).map(|(l, r)| (l - r) * (l - r));
            let distance =
                Distance::new(squares.sum::<f32>().min(4.0)).expect("embeddings are of unit length");
            let subjects = [self.people[left], self.people[right]];
            (ScoredPair { distance, same: subjects[0] == subjects[1] }, subjects)
        };
        let pairs = (0..self.len()).flat_map(|left| (left + 1..self.len()).map(move |right| (left, right)));
        ScoredPairs::with_subjects(&[pairs.map(|(left, right)| pair(left, right)).collect()])
    }

    /// The coordinates of a range of faces.
    pub(super) fn coordinates(&self, faces: std::ops::Range<usize>) -> &[f32] {
        &self.rows[faces.start * self.dimension..faces.end * self.dimension]
    }
}
