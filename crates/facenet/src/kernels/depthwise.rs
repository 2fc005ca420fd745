//! Depthwise convolution: every map with a kernel of its own.

use super::Window;

/// Convolves each of `source`'s maps, of `height × width` values, with `kernel`, `[k, k]`; padded with zeros by
/// half the kernel.
///
/// # Panics
/// When `source` and `out` disagree on the number of maps.
pub fn depthwise(
    source: &[f32],
    (height, width): (usize, usize),
    window: Window,
    kernel: &[f32],
    out: &mut [f32],
) {
    let (output_height, output_width) = (window.output_side(height), window.output_side(width));
    let (area, output_area) = (height * width, output_height * output_width);
    assert_eq!(source.len() / area, out.len() / output_area, "maps in and out of a depthwise convolution");
    let Window { kernel: k, stride } = window;
    out.fill(0.0);
    for (map, out) in source.chunks_exact(area).zip(out.chunks_exact_mut(output_area)) {
        for (ky, kx) in (0..k).flat_map(|ky| (0..k).map(move |kx| (ky, kx))) {
            let weight = kernel[ky * k + kx];
            let (rows, first_row) = window.inside(height, ky);
            let (columns, first_column) = window.inside(width, kx);
            for (row, y) in rows.zip((first_row..).step_by(stride)) {
                let line = &mut out[row * output_width..][columns.clone()];
                let from = map[y * width + first_column..].iter().step_by(stride);
                line.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
}
