//! The matrix product, behind checked bounds.

/// A matrix laid over a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

/// How many threads one product may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling one.
    One,
    /// Those of the current pool.
    All,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows follow each other, each `row_stride` after the one before.
    ///
    /// # Panics
    /// When `data` is too short.
    pub fn new(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        check(data.len(), rows, columns, row_stride);
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

fn check(len: usize, rows: usize, columns: usize, row_stride: usize) {
    let needed = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * row_stride + columns };
    assert!(columns <= row_stride || rows <= 1, "rows of {columns} overlap at a stride of {row_stride}");
    assert!(
        needed <= len,
        "a {rows} x {columns} matrix at stride {row_stride} needs {needed} values, found {len}"
    );
}

/// `out = left · right + keep · out`, where `out` is `[left.rows, right.columns]` with rows `row_stride` apart.
///
/// The result does not depend on the number of threads: each element is summed by one of them.
///
/// # Panics
/// When the inner dimensions differ or `out` is too short.
pub fn multiply(
    left: Matrix,
    right: Matrix,
    out: &mut [f32],
    row_stride: usize,
    keep: f32,
    threads: Threads,
) {
    assert_eq!(left.columns, right.rows, "inner dimensions of a matrix product");
    check(out.len(), left.rows, right.columns, row_stride);
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    let signed =
        |stride: usize| isize::try_from(stride).expect("strides are bounded by the length of a slice");
    #[expect(unsafe_code, reason = "the fastest matrix product on stable Rust has a pointer interface")]
    // SAFETY: `Matrix::new` and the checks above bound the last element that each operand reaches by the length
    // of its slice; `out` is borrowed mutably, so it overlaps neither operand; its rows do not overlap each other.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            signed(row_stride),
            keep != 0.0,
            left.data.as_ptr(),
            signed(left.column_stride),
            signed(left.row_stride),
            right.data.as_ptr(),
            signed(right.column_stride),
            signed(right.row_stride),
            keep,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The scalar twin: what a product is, in f64.
    fn naive(left: Matrix, right: Matrix, out: &[f32], row_stride: usize, keep: f32) -> Vec<f32> {
        let mut result = out.to_vec();
        for row in 0..left.rows {
            for column in 0..right.columns {
                let sum: f64 = (0..left.columns)
                    .map(|k| {
                        let l = left.data[row * left.row_stride + k * left.column_stride];
                        let r = right.data[k * right.row_stride + column * right.column_stride];
                        f64::from(l) * f64::from(r)
                    })
                    .sum();
                let at = row * row_stride + column;
                result[at] = (sum + f64::from(keep * out[at])) as f32;
            }
        }
        result
    }

    proptest! {
        #[test]
        fn products_equal_the_scalar_twin_in_all_orientations(
            (m, n, k) in (1usize..20, 1usize..40, 1usize..30),
            (left_t, right_t, gap, keep, all) in (any::<bool>(), any::<bool>(), 0usize..3, 0u8..2, any::<bool>()),
            seed in any::<u32>(),
        ) {
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16) as f32 / 65536.0 - 0.5;
            let data: Vec<f32> = (0..4000).map(value).collect();
            let side = |rows, columns, transposed: bool| {
                if transposed {
                    Matrix::new(&data, columns, rows, rows + gap).transposed()
                } else {
                    Matrix::new(&data, rows, columns, columns + gap)
                }
            };
            let (left, right) = (side(m, k, left_t), side(k, n, right_t));
            let mut out: Vec<f32> = (0..m * (n + gap)).map(|i| value(i + 7)).collect();
            let expected = naive(left, right, &out, n + gap, f32::from(keep));
            multiply(left, right, &mut out, n + gap, f32::from(keep), if all { Threads::All } else { Threads::One });
            for (found, expected) in out.iter().zip(&expected) {
                // 30 terms below 0.25 each: rounding stays below 30 · 0.25 · 2⁻²³.
                prop_assert!((found - expected).abs() < 1e-5, "{found} against {expected}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "needs 6 values, found 5")]
    fn a_slice_that_is_too_short_is_refused() {
        Matrix::new(&[0.0; 5], 2, 3, 3);
    }
}
