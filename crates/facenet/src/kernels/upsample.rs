//! Doubling both sides of a map, and the way back of its gradient.

/// Writes every value of each map four times, in a square.
///
/// `source` holds maps of rows of `width`; `out` as many of twice the sides.
///
/// # Panics
/// When `out` does not hold four values for each of `source`, or `source` is no whole number of rows.
pub fn upsample(source: &[f32], width: usize, out: &mut [f32]) {
    assert_eq!(source.len() * 4, out.len(), "values in and out of an upsampling");
    assert!(source.len().is_multiple_of(width), "whole rows of {width} values");
    // A row becomes two rows of twice its length, whichever map it belongs to.
    for (row, rows) in source.chunks_exact(width).zip(out.chunks_exact_mut(4 * width)) {
        let (first, second) = rows.split_at_mut(2 * width);
        for (pair, value) in first.as_chunks_mut::<2>().0.iter_mut().zip(row) {
            *pair = [*value; 2];
        }
        second.copy_from_slice(first);
    }
}

/// The transpose of [`upsample`]: each value of `out` is the sum of the four that it was written to.
///
/// # Panics
/// As [`upsample`], whose `source` is `out` here.
pub fn gather_upsampled(gradient: &[f32], width: usize, out: &mut [f32]) {
    assert_eq!(out.len() * 4, gradient.len(), "values in and out of an upsampling");
    assert!(out.len().is_multiple_of(width), "whole rows of {width} values");
    for (row, rows) in out.chunks_exact_mut(width).zip(gradient.chunks_exact(4 * width)) {
        let (first, second) = rows.split_at(2 * width);
        let pairs = first.as_chunks::<2>().0.iter().zip(second.as_chunks::<2>().0);
        for (value, ([a, b], [c, d])) in row.iter_mut().zip(pairs) {
            *value = (a + b) + (c + d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_becomes_a_square_of_four_and_maps_stay_apart() {
        // Two maps of 1 × 2.
        let mut out = [0.0; 16];
        upsample(&[1.0, 2.0, 3.0, 4.0], 2, &mut out);
        assert_eq!(out, [1., 1., 2., 2., 1., 1., 2., 2., 3., 3., 4., 4., 3., 3., 4., 4.]);
    }

    #[test]
    fn gathering_sums_the_four_places_of_a_value() {
        let gradient: Vec<f32> = (0..16).map(|v| v as f32).collect();
        let mut out = [0.0; 4];
        gather_upsampled(&gradient, 2, &mut out);
        assert_eq!(out, [10.0, 18.0, 42.0, 50.0]); // 0 + 1 + 4 + 5, …
    }
}
