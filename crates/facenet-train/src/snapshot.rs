//! How a batch looks at one moment of a run: its distances, and the triplets that are hardest.

use std::collections::HashSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ImageId, LoadedBatch, Triplet};

/// Bins of a [`Histogram`].
pub const BINS: usize = 40;

/// The largest squared distance between unit vectors, the end of a [`Histogram`].
const MAX_DISTANCE: f32 = 4.0;

/// The most triplets that a snapshot keeps: what a person looks through at once.
pub const MAX_HARDEST: usize = 12;

/// Rows that one task compares with all that come after them: 32 of 128 coordinates are 16 KiB, which stay in the
/// first-level cache while the others pass by.
const ROWS: usize = 32;

/// One batch of a run, as it lay in the space of embeddings when its step was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Steps taken, that of the batch included.
    pub step: u64,
    /// Squared distances within people, each pair once.
    pub positives: Histogram,
    /// Squared distances between people, each pair once.
    pub negatives: Histogram,
    /// The mined triplets with the largest [`HardTriplet::violation`], hardest first: at most [`MAX_HARDEST`], and one
    /// for each person who is the anchor, so that they differ. None if none were mined.
    pub hardest: Vec<HardTriplet>,
}

/// How often squared distances fell into each of [`BINS`] equal bins over `[0, 4]`; a border belongs to the bin above
/// it, and 4 to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    counts: Vec<u64>,
}

/// Three faces of a batch, with their distances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HardTriplet {
    /// The face that both distances are taken from.
    pub anchor: Face,
    /// Another face of the same person.
    pub positive: Face,
    /// A face of another person.
    pub negative: Face,
    /// Squared distance from anchor to positive, in `[0, 4]`.
    pub positive_distance: f32,
    /// Squared distance from anchor to negative, in `[0, 4]`.
    pub negative_distance: f32,
}

/// A face: which image, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// The image.
    pub image: ImageId,
    /// The person: the position in [`Dataset::identities`](crate::Dataset::identities).
    pub identity: u32,
}

impl HardTriplet {
    /// How much farther the positive lies than the negative, `d(a,p) − d(a,n)`, in `[-4, 4]`: above 0 the triplet is
    /// hard, below it the negative is at least the farther one.
    pub fn violation(&self) -> f32 {
        self.positive_distance - self.negative_distance
    }
}

impl Histogram {
    /// No distance at all.
    pub fn empty() -> Self {
        Self { counts: vec![0; BINS] }
    }

    /// The counts, [`BINS`] of them, from distance 0 upwards.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many distances were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts over `bins` wider bins, each of as many of the [`BINS`] ones.
    ///
    /// # Panics
    /// When `bins` does not divide [`BINS`].
    pub fn coarser(&self, bins: usize) -> Vec<u64> {
        assert!(bins > 0 && BINS.is_multiple_of(bins), "{bins} bins cannot be made of {BINS}");
        self.counts.chunks(BINS / bins).map(|chunk| chunk.iter().sum()).collect()
    }

    fn add(&mut self, distance: f32) {
        let bin = (distance * (BINS as f32 / MAX_DISTANCE)) as usize;
        self.counts[bin.min(BINS - 1)] += 1;
    }

    fn merge(mut self, other: &Self) -> Self {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self
    }
}

impl Snapshot {
    /// The distances and the hardest `triplets` of a batch, whose `embeddings` are unit rows, `[batch, dimension]`.
    ///
    /// It takes `batch² / 2` dot products, no array of distances, and gives the same whatever the number of threads.
    ///
    /// # Panics
    /// When the embeddings do not divide into as many rows as the batch has labels, or a triplet names another row.
    pub fn of(embeddings: &[f32], batch: &LoadedBatch, triplets: &[Triplet]) -> Self {
        let rows = Rows::new(embeddings, batch.labels.len());
        let (positives, negatives) = histograms(&rows, &batch.labels);
        Self { step: batch.step + 1, positives, negatives, hardest: hardest(&rows, batch, triplets) }
    }
}

/// Unit rows, `[batch, dimension]`.
struct Rows<'a> {
    values: &'a [f32],
    dimension: usize,
}

impl<'a> Rows<'a> {
    fn new(values: &'a [f32], batch: usize) -> Self {
        assert!(
            if batch == 0 { values.is_empty() } else { values.len().is_multiple_of(batch) },
            "{} values do not make {batch} embeddings",
            values.len()
        );
        Self { values, dimension: values.len() / batch.max(1) }
    }

    fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    /// As the miner takes it: `2 − 2 a·b`, in `[0, 4]`.
    fn distance(&self, a: usize, b: usize) -> f32 {
        (2.0 - 2.0 * dot(self.row(a), self.row(b))).clamp(0.0, MAX_DISTANCE)
    }
}

/// Sums in eight lanes, which compilers turn into SIMD.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Within and between people, each pair once: a block of rows against all rows after each.
fn histograms(rows: &Rows<'_>, labels: &[u32]) -> (Histogram, Histogram) {
    let of_block = |block: usize| {
        let (mut positives, mut negatives) = (Histogram::empty(), Histogram::empty());
        let end = labels.len().min(block + ROWS);
        for b in block + 1..labels.len() {
            for a in block..end.min(b) {
                let histogram = if labels[a] == labels[b] { &mut positives } else { &mut negatives };
                histogram.add(rows.distance(a, b));
            }
        }
        (positives, negatives)
    };
    let none = || (Histogram::empty(), Histogram::empty());
    // Counts are whole numbers: the order of summing does not matter.
    (0..labels.len().div_ceil(ROWS))
        .into_par_iter()
        .map(|block| of_block(block * ROWS))
        .reduce(none, |a, b| (a.0.merge(&b.0), a.1.merge(&b.1)))
}

/// The hardest triplets, one for each person; of equally hard ones the first.
fn hardest(rows: &Rows<'_>, batch: &LoadedBatch, triplets: &[Triplet]) -> Vec<HardTriplet> {
    let face = |row: u32| Face { image: batch.ids[row as usize], identity: batch.labels[row as usize] };
    let measured = |triplet: &Triplet| {
        let from_anchor = |row: u32| rows.distance(triplet.anchor as usize, row as usize);
        HardTriplet {
            anchor: face(triplet.anchor),
            positive: face(triplet.positive),
            negative: face(triplet.negative),
            positive_distance: from_anchor(triplet.positive),
            negative_distance: from_anchor(triplet.negative),
        }
    };
    let mut all: Vec<HardTriplet> = triplets.par_iter().map(measured).collect();
    all.sort_by(|a, b| b.violation().total_cmp(&a.violation()));
    let mut people = HashSet::new();
    all.retain(|triplet| people.len() < MAX_HARDEST && people.insert(triplet.anchor.identity));
    all
}

#[cfg(test)]
mod tests;
