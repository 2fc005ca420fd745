//! Distances between the faces of a batch, block by block, so that memory grows with the batch and not its square.

use std::collections::BTreeMap;
use std::ops::Range;

use facenet::kernels::{Matrix, Threads, multiply};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Batch;
use crate::MeanDistances;

/// Rows whose distances are held at once: a task. Fixed, so that sums do not depend on the number of threads.
pub(super) const ROWS: usize = 64;

/// Which distance a loss of pairs is taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DistanceKind {
    /// Squared Euclidean, in `[0, 4]`: FaceNet's.
    #[default]
    Squared,
    /// Euclidean, in `[0, 2]`: that of Hermans et al. 2017, who found squared ones to collapse more easily.
    Plain,
}

impl DistanceKind {
    /// The distance by its square.
    pub(super) fn of(self, squared: f32) -> f32 {
        match self {
            Self::Squared => squared,
            Self::Plain => squared.sqrt(),
        }
    }

    /// The `s` with `∂ distance(a, b) / ∂a = s · (a − b)`. Where two faces meet, the plain distance has no gradient,
    /// and 0 is taken.
    pub(super) fn slope(self, squared: f32) -> f32 {
        match self {
            Self::Squared => 2.0,
            Self::Plain if squared == 0.0 => 0.0,
            Self::Plain => squared.sqrt().recip(),
        }
    }

    /// The largest distance of two unit vectors.
    pub(super) fn largest(self) -> f32 {
        self.of(4.0)
    }
}

/// `Σ (a − b)²`, exact also for faces that lie close.
pub(super) fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Gives `work` a block of rows with their squared distances to all, `[rows, batch]`, for it to overwrite; blocks run
/// in parallel, and their results come in order. A distance misses by rounding of products near 1, about 1e-6.
pub(super) fn by_blocks<R: Send>(
    batch: &Batch,
    work: impl Fn(Range<usize>, &mut [f32]) -> R + Sync,
) -> Vec<R> {
    let (count, dimension) = (batch.labels.len(), batch.dimension);
    let norms: Vec<f32> =
        batch.embeddings.chunks_exact(dimension).map(|row| row.iter().map(|v| v * v).sum()).collect();
    let all = Matrix::new(batch.embeddings, count, dimension, dimension).transposed();
    let blocks = (0..count.div_ceil(ROWS)).into_par_iter();
    blocks
        .map(|block| {
            let rows = block * ROWS..count.min((block + 1) * ROWS);
            let own =
                Matrix::new(&batch.embeddings[rows.start * dimension..], rows.len(), dimension, dimension);
            let mut distances = vec![0.0; rows.len() * count];
            multiply(own, all, &mut distances, count, 0.0, Threads::One);
            for (row, line) in rows.clone().zip(distances.chunks_exact_mut(count)) {
                for (d, norm) in line.iter_mut().zip(&norms) {
                    *d = (norms[row] + norm - 2.0 * *d).max(0.0);
                }
            }
            work(rows, &mut distances)
        })
        .collect()
}

/// The mean squared distances of a batch over all pairs of each kind, in time that grows with the batch and not its
/// square; none unless there are pairs of both kinds. For losses that mine nothing: a collapsed embedding shows here.
///
/// From the sums `S` of each person's `n` unit rows: its ordered pairs add up to `2n² − 2|S|²`.
pub fn mean_distances(batch: &Batch) -> Option<MeanDistances> {
    let mut people: BTreeMap<u32, (f64, Vec<f64>)> = BTreeMap::new();
    let mut all = vec![0.0f64; batch.dimension];
    for (label, row) in batch.labels.iter().zip(batch.embeddings.chunks_exact(batch.dimension.max(1))) {
        let (count, sum) = people.entry(*label).or_insert_with(|| (0.0, vec![0.0; batch.dimension]));
        *count += 1.0;
        for ((sum, all), v) in sum.iter_mut().zip(&mut all).zip(row) {
            *sum += f64::from(*v);
            *all += f64::from(*v);
        }
    }
    let spread = |count: f64, sum: &[f64]| 2.0 * (count * count - sum.iter().map(|v| v * v).sum::<f64>());
    let faces = batch.labels.len() as f64;
    let within: f64 = people.values().map(|(count, sum)| spread(*count, sum)).sum();
    let within_pairs: f64 = people.values().map(|(count, _)| count * (count - 1.0)).sum();
    let across_pairs = faces * (faces - 1.0) - within_pairs;
    (within_pairs > 0.0 && across_pairs > 0.0).then(|| MeanDistances {
        positive: (within / within_pairs).max(0.0) as f32,
        negative: ((spread(faces, &all) - within) / across_pairs).max(0.0) as f32,
    })
}
