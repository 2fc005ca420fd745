//! Pooling of 3×3 windows, padded by one.

/// The maximum of 3×3 windows of each map.
///
/// `source` holds maps of `height × width`; `out` as many with each side divided by `stride`, rounded up.
///
/// # Panics
/// When the two disagree on the number of maps.
pub fn max_pool(source: &[f32], height: usize, width: usize, stride: usize, out: &mut [f32]) {
    pool(source, height, width, stride, out, f32::NEG_INFINITY, |v| v, f32::max, |v| v);
}

/// The L2 norm of 3×3 windows of each map; shapes as in [`max_pool`].
///
/// # Panics
/// When the two disagree on the number of maps.
pub fn l2_pool(source: &[f32], height: usize, width: usize, stride: usize, out: &mut [f32]) {
    pool(source, height, width, stride, out, 0.0, |v| v * v, |a, b| a + b, f32::sqrt);
}

/// Folds windows in two passes, rows first: `after(fold(before(values)))`, with `nothing` outside the map.
#[expect(clippy::too_many_arguments, reason = "three small functions make the two kinds of pooling one")]
fn pool(
    source: &[f32],
    height: usize,
    width: usize,
    stride: usize,
    out: &mut [f32],
    nothing: f32,
    before: impl Fn(f32) -> f32,
    fold: impl Fn(f32, f32) -> f32,
    after: impl Fn(f32) -> f32,
) {
    let (output_height, output_width) = (height.div_ceil(stride), width.div_ceil(stride));
    assert_eq!(
        source.len() / (height * width),
        out.len() / (output_height * output_width),
        "maps in and out of a pooling layer"
    );
    // One row folded over three, with a value of nothing on either side.
    let mut folded = vec![nothing; width + 2];
    let outputs = out.chunks_exact_mut(output_height * output_width);
    for (map, out) in source.chunks_exact(height * width).zip(outputs) {
        for (oy, line) in out.chunks_exact_mut(output_width).enumerate() {
            let y = oy * stride;
            let row = |y: usize| &map[y * width..][..width];
            let inner = &mut folded[1..=width];
            inner.iter_mut().zip(row(y)).for_each(|(f, v)| *f = before(*v));
            for neighbour in [y.checked_sub(1), (y + 1 < height).then_some(y + 1)].into_iter().flatten() {
                inner.iter_mut().zip(row(neighbour)).for_each(|(f, v)| *f = fold(*f, before(*v)));
            }
            for (value, window) in line.iter_mut().zip(folded.windows(3).step_by(stride)) {
                *value = after(fold(fold(window[0], window[1]), window[2]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_at_the_border_see_only_the_map() {
        let map = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0];
        let mut out = [0.0; 9];
        max_pool(&map, 3, 3, 1, &mut out);
        assert_eq!(out, [-1.0, -1.0, -2.0, -1.0, -1.0, -2.0, -4.0, -4.0, -5.0]);

        let mut out = [0.0; 4];
        max_pool(&map, 3, 3, 2, &mut out);
        assert_eq!(out, [-1.0, -2.0, -4.0, -5.0]);
    }

    #[test]
    fn l2_pooling_gives_the_norm_of_the_window() {
        let mut out = [0.0; 8];
        l2_pool(&[3.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, -2.0], 2, 2, 1, &mut out);
        assert_eq!(out, [5.0, 5.0, 5.0, 5.0, 2.0, 2.0, 2.0, 2.0]);
    }
}
