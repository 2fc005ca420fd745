//! The squared distances of all pairs in a batch.

use rayon::prelude::*;

use super::rows::{NotEmbeddings, Rows};

/// The squared Euclidean distances of all pairs of a batch, `[batch, batch]`, each in `[0, 4]`.
///
/// [`mine`](crate::mine) does not hold them all at once; this is for looking at a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct SquaredDistances {
    batch: usize,
    values: Vec<f32>,
}

impl SquaredDistances {
    /// The distances between `batch` unit rows of `embeddings`, `[batch, dimension]`: `d = 2 - 2 a·b`.
    ///
    /// The same result whatever the number of threads. [`mine`](crate::mine) goes by the same distances but for
    /// rounding: it puts the rows in another order first.
    ///
    /// # Errors
    /// When the values do not divide into `batch` rows, or a row is not of unit length.
    pub fn between(embeddings: &[f32], batch: usize) -> Result<Self, NotEmbeddings> {
        let rows = Rows::check(embeddings, batch)?;
        let blocks: Vec<Vec<f32>> = rows
            .blocks()
            .into_par_iter()
            .map(|block| {
                let mut out = Vec::new();
                rows.distances(block, 0..batch, &mut out);
                out
            })
            .collect();
        Ok(Self { batch, values: blocks.concat() })
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
        /// Batches on both sides of a block. A dot product in 32 bits is off by at most about
        /// `dimension * 2^-24`.
        #[test]
        fn every_distance_is_that_of_the_naive_sum_in_64_bits(
            batch in prop::sample::select(vec![1usize, 2, 31, 32, 33, 127, 128, 129, 130, 257]),
            dimension in prop::sample::select(vec![1usize, 2, 3, 7, 19, 64, 128, 130, 512]),
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
