//! Embeddings as the rows of one flat matrix, so that a scan runs through memory in order.

use facenet_core::Embedding;

/// `[len, dimension]`, row by row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    dimension: usize,
    values: Vec<f32>,
}

impl Rows {
    /// No rows yet, for embeddings of `dimension` coordinates.
    pub(crate) fn new(dimension: usize) -> Self {
        Self { dimension, values: Vec::new() }
    }

    /// Appends `embedding`, whose dimension the caller has checked.
    pub(crate) fn push(&mut self, embedding: &Embedding) {
        debug_assert_eq!(embedding.dimension(), self.dimension);
        self.values.extend_from_slice(embedding.as_slice());
    }

    /// Row `index`, `[dimension]`.
    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimension..][..self.dimension]
    }

    /// The squared distances from `probe` to all rows, in their order, by the machine's vectors.
    pub(crate) fn distances(&self, probe: &[f32]) -> Vec<f32> {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || self.values.chunks_exact(self.dimension).map(|row| squared_distance(probe, row)).collect(),
        )
    }
}

/// Partial sums that are kept apart: with one, every addition waits for the last and nothing is vectorised.
const LANES: usize = 16;

/// The squared Euclidean distance of two unit vectors of equal length, in `[0, 4]`.
///
/// Differences are squared instead of using `2 - 2 a·b`: the distance of a vector to itself is exactly zero.
#[inline(always)]
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 =
        a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();

    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.zip(b_chunks) {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += (x - y) * (x - y);
        }
    }
    // Rounding can leave the range by a few units in the last place.
    (folded(lanes) + rest).clamp(0.0, 4.0)
}

/// The sum, by halves: one after another, each addition would wait for the last.
#[inline(always)]
pub(crate) fn folded(mut lanes: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

/// The product of two vectors of equal length.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.zip(b_chunks) {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += x * y;
        }
    }
    folded(lanes) + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_distance_is_the_one_of_the_embeddings(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..70),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            if let (Ok(a), Ok(b)) = (Embedding::normalize(a), Embedding::normalize(b)) {
                let found = squared_distance(a.as_slice(), b.as_slice());
                // Seventy additions of numbers below 4, in another order.
                prop_assert!((found - a.distance(&b).value()).abs() < 1e-5);
                prop_assert_eq!(squared_distance(a.as_slice(), a.as_slice()), 0.0);
            }
        }
    }

    #[test]
    fn opposite_vectors_do_not_leave_the_range() {
        let values: Vec<f32> = (0..128).map(|i| (i as f32 * 0.7).sin()).collect();
        let a = Embedding::normalize(values.clone()).unwrap();
        let b = Embedding::normalize(values.iter().map(|v| -v).collect()).unwrap();
        let found = squared_distance(a.as_slice(), b.as_slice());
        assert!((3.999_99..=4.0).contains(&found), "{found}");
    }
}
