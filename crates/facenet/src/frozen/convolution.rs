//! Convolutions and full connections of a frozen network.

use super::folded::{Finish, Folded};
use crate::kernels::{Maps, Matrix, Threads, Window, columns, multiply};

/// Columns that are laid out at a time: bounds the memory of a layer and keeps its columns near the cache.
const COLUMN_VALUES: usize = 1 << 18;
/// Fewer columns than this make the repacking of the weights in each product show.
const MIN_COLUMNS: usize = 256;

/// A convolution with bias and activation: `[C, N, H, W]` -> `[filters, N, H', W']`.
#[expect(
    clippy::too_many_arguments,
    reason = "the plain facts of a convolution; a struct would be used once"
)]
pub(super) fn convolve(
    source: &[f32],
    maps: Maps,
    images: usize,
    window: Window,
    folded: &Folded,
    finish: Finish,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
    threads: Threads,
) {
    let (filters, depth) = (folded.bias.len(), window.depth(maps.channels));
    let (height, width) = (window.output_side(maps.height), window.output_side(maps.width));
    let (rows, positions) = (images * height, images * height * width);
    let weight = Matrix::new(&folded.weight, filters, depth, depth);
    let pointwise = window.kernel == 1 && window.stride == 1;

    let step = (COLUMN_VALUES / depth).max(MIN_COLUMNS).div_ceil(width);
    for start in (0..rows).step_by(step) {
        let end = (start + step).min(rows);
        let (first, count) = (start * width, (end - start) * width);
        let right = if pointwise {
            Matrix::new(&source[first..], maps.channels, count, maps.channel_stride)
        } else {
            if scratch.len() < depth * count {
                scratch.resize(depth * count, 0.0);
            }
            columns(source, maps, window, start..end, scratch);
            Matrix::new(scratch, depth, count, count)
        };
        multiply(weight, right, &mut out[first..], positions, 0.0, threads);
        for (channel, line) in out.chunks_exact_mut(positions).enumerate() {
            folded.finish(finish, channel, &mut line[first..first + count]);
        }
    }
}

/// The full connection of `[C, N, area]`, flattened to `C · area` inputs, with bias: `[outputs, N]`.
pub(super) fn connect(
    source: &[f32],
    channels: usize,
    area: usize,
    images: usize,
    folded: &Folded,
    out: &mut [f32],
    threads: Threads,
) {
    let mut flat = vec![0.0; channels * area * images];
    for (channel, maps) in source.chunks_exact(images * area).enumerate() {
        for (image, map) in maps.chunks_exact(area).enumerate() {
            for (position, value) in map.iter().enumerate() {
                flat[(channel * area + position) * images + image] = *value;
            }
        }
    }
    let (outputs, inputs) = (folded.bias.len(), channels * area);
    let weight = Matrix::new(&folded.weight, outputs, inputs, inputs);
    multiply(weight, Matrix::new(&flat, inputs, images, images), out, images, 0.0, threads);
    for (line, bias) in out.chunks_exact_mut(images).zip(&folded.bias) {
        line.iter_mut().for_each(|v| *v += bias);
    }
}

/// The largest of the pieces of each unit: `[units · pieces, N]` -> `[units, N]`.
pub(super) fn largest(values: &[f32], pieces: usize, images: usize, out: &mut [f32]) {
    for (unit, values) in out.chunks_exact_mut(images).zip(values.chunks_exact(pieces * images)) {
        let (first, others) = values.split_at(images);
        unit.copy_from_slice(first);
        for piece in others.chunks_exact(images) {
            unit.iter_mut().zip(piece).for_each(|(largest, value)| *largest = largest.max(*value));
        }
    }
}
