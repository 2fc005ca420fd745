//! Convolution windows laid out as columns of a matrix, and back.
//!
//! A convolution is then one matrix product: weights `[filters, channels · k · k]` times columns
//! `[channels · k · k, positions]`.

use std::ops::Range;

/// A set of maps inside a slice: where the map of a channel and an image starts.
#[derive(Debug, Clone, Copy)]
pub struct Maps {
    /// Channels.
    pub channels: usize,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// From a channel of an image to the next channel.
    pub channel_stride: usize,
    /// From an image to the next.
    pub image_stride: usize,
}

/// How a window moves over a map; padded by half the kernel, with zeros.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Height and width of the window.
    pub kernel: usize,
    /// Step between windows.
    pub stride: usize,
}

impl Window {
    /// The length of the output along a side of `side`: `side / stride`, rounded up.
    pub fn output_side(&self, side: usize) -> usize {
        side.div_ceil(self.stride)
    }

    /// Rows of the column matrix.
    pub fn depth(&self, channels: usize) -> usize {
        channels * self.kernel * self.kernel
    }

    /// The outputs along a row whose input at kernel offset `k` lies inside a side of `side`, and the input of the
    /// first of them.
    fn inside(&self, side: usize, k: usize) -> (Range<usize>, usize) {
        let pad = self.kernel / 2;
        let first = pad.saturating_sub(k).div_ceil(self.stride);
        // The last output `o` with `o · stride + k - pad <= side - 1`.
        let end = (side + pad).checked_sub(k + 1).map_or(0, |last| last / self.stride + 1);
        let end = end.min(self.output_side(side));
        if first >= end { (0..0, 0) } else { (first..end, first * self.stride + k - pad) }
    }
}

/// Writes the windows of output rows `rows` as columns, `[channels · k · k, rows · output width]`.
///
/// Output rows are counted through all images: row `r` is row `r % height` of image `r / height`.
///
/// # Panics
/// When a slice is too short.
pub fn columns(source: &[f32], maps: Maps, window: Window, rows: Range<usize>, out: &mut [f32]) {
    let width = window.output_side(maps.width);
    for_each_segment(maps, window, rows, |at, from, inside| {
        let line = &mut out[at..at + width];
        line[..inside.start].fill(0.0);
        line[inside.end..].fill(0.0);
        let target = &mut line[inside];
        if window.stride == 1 {
            target.copy_from_slice(&source[from..from + target.len()]);
        } else {
            for (value, from) in target.iter_mut().zip((from..).step_by(window.stride)) {
                *value = source[from];
            }
        }
    });
}

/// Adds columns, as [`columns`] writes them, back to the places that they were read from: its transpose.
///
/// # Panics
/// When a slice is too short.
pub fn spread_columns(source: &[f32], maps: Maps, window: Window, rows: Range<usize>, out: &mut [f32]) {
    for_each_segment(maps, window, rows, |at, to, inside| {
        let line = &source[at + inside.start..at + inside.end];
        if window.stride == 1 {
            for (sum, value) in out[to..to + line.len()].iter_mut().zip(line) {
                *sum += value;
            }
        } else {
            for (value, to) in line.iter().zip((to..).step_by(window.stride)) {
                out[to] += value;
            }
        }
    });
}

/// Calls `segment(at, map, inside)` for each output row of each row of the column matrix: where it starts in the
/// matrix, where its first value inside the map lies, and which of its outputs are inside.
fn for_each_segment(
    maps: Maps,
    window: Window,
    rows: Range<usize>,
    mut segment: impl FnMut(usize, usize, Range<usize>),
) {
    let Window { kernel, stride } = window;
    let (height, width) = (window.output_side(maps.height), window.output_side(maps.width));
    let pad = kernel / 2;
    let mut at = 0;
    for channel in 0..maps.channels {
        for ky in 0..kernel {
            for kx in 0..kernel {
                let (inside, first) = window.inside(maps.width, kx);
                for row in rows.clone() {
                    let (image, y) = (row / height, (row % height) * stride + ky);
                    if (pad..maps.height + pad).contains(&y) {
                        let map = channel * maps.channel_stride + image * maps.image_stride;
                        segment(at, map + (y - pad) * maps.width + first, inside.clone());
                    } else {
                        segment(at, 0, 0..0);
                    }
                    at += width;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a column matrix is, value by value.
    fn naive(source: &[f32], maps: Maps, window: Window, rows: Range<usize>) -> Vec<f32> {
        let (k, pad) = (window.kernel as isize, (window.kernel / 2) as isize);
        let (height, width) = (window.output_side(maps.height), window.output_side(maps.width));
        let mut out = Vec::new();
        for channel in 0..maps.channels {
            for (ky, kx) in (0..k).flat_map(|ky| (0..k).map(move |kx| (ky, kx))) {
                for (row, ox) in rows.clone().flat_map(|row| (0..width).map(move |ox| (row, ox))) {
                    let y = ((row % height) * window.stride) as isize + ky - pad;
                    let x = (ox * window.stride) as isize + kx - pad;
                    let inside = |v: isize, side: usize| (0..side as isize).contains(&v);
                    let map = channel * maps.channel_stride + row / height * maps.image_stride;
                    out.push(if inside(y, maps.height) && inside(x, maps.width) {
                        source[map + y as usize * maps.width + x as usize]
                    } else {
                        0.0
                    });
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn columns_equal_the_naive_ones_and_spreading_is_their_transpose(
            kernel in prop::sample::select(vec![1usize, 3, 5, 7]),
            stride in 1usize..3,
            (height, width) in (1usize..9, 1usize..9),
            (channels, images) in (1usize..3, 1usize..4),
            by_channel in any::<bool>(),
        ) {
            let window = Window { kernel, stride };
            let area = height * width;
            let (channel_stride, image_stride) =
                if by_channel { (images * area, area) } else { (area, channels * area) };
            let maps = Maps { channels, height, width, channel_stride, image_stride };
            let source: Vec<f32> = (0..channels * images * area).map(|i| (i as f32 * 0.37).sin()).collect();
            let all = images * window.output_side(height);
            let rows = all / 3..all;

            let mut found = vec![f32::NAN; window.depth(channels) * rows.len() * window.output_side(width)];
            columns(&source, maps, window, rows.clone(), &mut found);
            prop_assert_eq!(&found, &naive(&source, maps, window, rows.clone()));

            // <columns(x), y> = <x, spread(y)>
            let other: Vec<f32> = (0..found.len()).map(|i| (i as f32 * 0.71).cos()).collect();
            let mut spread = vec![0.0; source.len()];
            spread_columns(&other, maps, window, rows, &mut spread);
            let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
            prop_assert!((dot(&found, &other) - dot(&source, &spread)).abs() < 1e-3);
        }
    }
}
