//! The squared distances of all pairs in a batch.

use rayon::prelude::*;

/// How far the squared norm of a row may lie from 1: 128 products of 32-bit floats, summed, miss by about
/// 1e-6; a row that was never normalised misses by far more.
const UNIT_TOLERANCE: f32 = 1e-3;

/// Columns that are worked on at once. 128 coordinates of 64 columns are 32 KiB, the first-level cache.
const TILE: usize = 64;

/// Rows that one task works on: they share the transposed tile.
const ROWS: usize = 32;

/// The squared Euclidean distances of all pairs of a batch, `[batch, batch]`, each in `[0, 4]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SquaredDistances {
    batch: usize,
    values: Vec<f32>,
}

/// Embeddings that no distances can be taken of.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotEmbeddings {
    /// The values do not divide into rows.
    #[error("{values} values do not make {batch} embeddings of one dimension")]
    Shape {
        /// How many values there are.
        values: usize,
        /// How many rows they should make.
        batch: usize,
    },
    /// A row is not of unit length, or not finite: most often the training has diverged.
    #[error("embedding {row} of the batch has the squared norm {squared_norm}, but expected 1")]
    NotUnit {
        /// The first such row.
        row: usize,
        /// Its squared norm.
        squared_norm: f32,
    },
}

impl SquaredDistances {
    /// The distances between `batch` unit rows of `embeddings`, `[batch, dimension]`: `d = 2 - 2 a·b`.
    ///
    /// The same result whatever the number of threads: each dot product is summed in the order of
    /// coordinates.
    ///
    /// # Errors
    /// When the values do not divide into `batch` rows, or a row is not of unit length.
    pub fn between(embeddings: &[f32], batch: usize) -> Result<Self, NotEmbeddings> {
        let dimension = dimension(embeddings, batch)?;
        let tiles = transposed_tiles(embeddings, batch, dimension);
        let mut values = vec![0.0; batch * batch];
        values
            .par_chunks_mut((ROWS * batch).max(1))
            .zip(embeddings.par_chunks((ROWS * dimension).max(1)))
            .for_each(|(out, rows)| {
                for (t, tile) in tiles.chunks_exact(TILE * dimension).enumerate() {
                    for (out, row) in out.chunks_exact_mut(batch).zip(rows.chunks_exact(dimension)) {
                        let end = batch.min((t + 1) * TILE);
                        distances_to_tile(row, tile, &mut out[t * TILE..end]);
                    }
                }
            });
        Ok(Self { batch, values })
    }

    /// How many embeddings there are.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The distances of embedding `a` to all, itself included, `[batch]`.
    ///
    /// # Panics
    /// When there is no embedding `a`.
    pub fn from(&self, a: usize) -> &[f32] {
        &self.values[a * self.batch..][..self.batch]
    }
}

/// Checks shape and length of the rows and gives their dimension.
fn dimension(embeddings: &[f32], batch: usize) -> Result<usize, NotEmbeddings> {
    let shape = NotEmbeddings::Shape { values: embeddings.len(), batch };
    if batch == 0 || embeddings.is_empty() || !embeddings.len().is_multiple_of(batch) {
        return if batch == 0 && embeddings.is_empty() { Ok(0) } else { Err(shape) };
    }
    let dimension = embeddings.len() / batch;
    for (row, values) in embeddings.chunks_exact(dimension).enumerate() {
        let squared_norm: f32 = values.iter().map(|v| v * v).sum();
        let off = (squared_norm - 1.0).abs();
        if off.is_nan() || off > UNIT_TOLERANCE {
            return Err(NotEmbeddings::NotUnit { row, squared_norm });
        }
    }
    Ok(dimension)
}

/// `[batch, dimension] -> [tiles, dimension, TILE]`, the last tile filled up with zeros: a coordinate of
/// neighbouring rows lies side by side, which is what the compiler turns into SIMD.
fn transposed_tiles(embeddings: &[f32], batch: usize, dimension: usize) -> Vec<f32> {
    let mut tiles = vec![0.0; batch.div_ceil(TILE) * dimension * TILE];
    for (row, values) in embeddings.chunks_exact(dimension.max(1)).enumerate() {
        let tile = &mut tiles[row / TILE * dimension * TILE..];
        for (k, &value) in values.iter().enumerate() {
            tile[k * TILE + row % TILE] = value;
        }
    }
    tiles
}

/// The distances of `row`, `[dimension]`, to the first `out.len()` columns of `tile`, `[dimension, TILE]`.
fn distances_to_tile(row: &[f32], tile: &[f32], out: &mut [f32]) {
    let mut dots = [0.0f32; TILE];
    for (&value, column) in row.iter().zip(tile.chunks_exact(TILE)) {
        for (dot, &other) in dots.iter_mut().zip(column) {
            *dot += value * other;
        }
    }
    for (out, dot) in out.iter_mut().zip(dots) {
        *out = (2.0 - 2.0 * dot).clamp(0.0, 4.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::miner::tests::unit_rows;

    #[test]
    fn same_right_angled_and_opposite_points() {
        let d = SquaredDistances::between(&[1.0, 0.0, 0.0, 1.0, -1.0, 0.0], 3).unwrap();
        assert_eq!(d.from(0), [0.0, 2.0, 4.0]);
        assert_eq!(d.from(2), [4.0, 2.0, 0.0]);
    }

    #[test]
    fn no_embeddings_have_no_distances() {
        assert_eq!(SquaredDistances::between(&[], 0).unwrap().batch(), 0);
    }

    #[test]
    fn values_that_do_not_divide_into_rows_are_refused() {
        for (values, batch) in [(5, 2), (4, 0), (0, 2)] {
            let error = SquaredDistances::between(&vec![1.0; values], batch).unwrap_err();
            assert_eq!(error, NotEmbeddings::Shape { values, batch });
        }
    }

    #[test]
    fn a_row_without_unit_length_is_named() {
        for bad in [0.0, 2.0, f32::NAN, f32::INFINITY] {
            let error = SquaredDistances::between(&[1.0, 0.0, bad, 0.0], 2).unwrap_err();
            assert!(matches!(error, NotEmbeddings::NotUnit { row: 1, .. }), "{bad}: {error}");
        }
    }

    proptest! {
        /// Batches on both sides of the tile and of the rows of a task. A dot product in 32 bits is off by at
        /// most about `dimension * 2^-24`.
        #[test]
        fn every_distance_is_that_of_the_naive_sum_in_64_bits(
            batch in prop::sample::select(vec![1usize, 2, 31, 32, 33, 63, 64, 65, 130]),
            dimension in 1usize..20,
            seed: u64,
        ) {
            let rows = unit_rows(batch, dimension, seed);
            let d = SquaredDistances::between(&rows, batch).unwrap();
            for (a, x) in rows.chunks(dimension).enumerate() {
                for (b, y) in rows.chunks(dimension).enumerate() {
                    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
                    let naive: f64 = x.iter().zip(y).map(square).sum();
                    prop_assert!((f64::from(d.from(a)[b]) - naive).abs() < 1e-5, "{a} {b}");
                    prop_assert_eq!(d.from(a)[b], d.from(b)[a]);
                }
            }
        }
    }
}
