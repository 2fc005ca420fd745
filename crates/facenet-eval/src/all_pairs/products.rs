//! The inner products of a tile: the seam where a fast matrix product plugs in.

/// Rows of one side of a tile.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The coordinates, `[rows, dimension]`, row after row.
    pub values: &'a [f32],
    /// The number of rows.
    pub rows: usize,
}

/// Computes the inner products of all rows of two sides.
///
/// The program plugs in the kernels of its networks; [`PlainProducts`] needs nothing but this crate.
pub trait DotProducts: Sync {
    /// Writes `out[i, j] = left[i] · right[j]`, where `out` is `[left.rows, right.rows]`, row after row.
    ///
    /// Called from many threads at a time; the same tile must give the same bits each time.
    fn products(&self, left: Side<'_>, right: Side<'_>, dimension: usize, out: &mut [f32]);
}

/// Inner products in plain Rust, about as fast as the compiler's vectors.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainProducts;

/// Sums that run side by side in a product: eight fill the vectors of any processor of the last ten years.
const LANES: usize = 8;

impl DotProducts for PlainProducts {
    fn products(&self, left: Side<'_>, right: Side<'_>, dimension: usize, out: &mut [f32]) {
        let rows = left.values.chunks_exact(dimension).zip(out.chunks_exact_mut(right.rows));
        for (left, out) in rows {
            for (right, out) in right.values.chunks_exact(dimension).zip(out) {
                *out = dot(left, right);
            }
        }
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(l, r)| l * r).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_rows_whatever_the_length() {
        for dimension in [1, 7, 8, 19] {
            let value = |i: usize| (i % 5) as f32 - 2.0;
            let (left, right): (Vec<f32>, Vec<f32>) =
                ((0..2 * dimension).map(value).collect(), (0..3 * dimension).map(|i| value(i + 3)).collect());
            let mut out = [0.0; 6];
            let (l, r) = (Side { values: &left, rows: 2 }, Side { values: &right, rows: 3 });
            PlainProducts.products(l, r, dimension, &mut out);
            for (i, j) in (0..2).flat_map(|i| (0..3).map(move |j| (i, j))) {
                let expected: f32 =
                    (0..dimension).map(|k| left[i * dimension + k] * right[j * dimension + k]).sum();
                assert_eq!(out[3 * i + j], expected, "{dimension}: {i}, {j}"); // whole numbers: exact in any order
            }
        }
    }
}
