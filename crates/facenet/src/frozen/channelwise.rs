//! Layers of a frozen network that look at one channel at a time.

use super::folded::{Finish, Folded};
use crate::kernels::{Depthwise, Window};

/// A depthwise convolution with bias and activation: `[C, N, H, W]` -> `[C, N, H', W']`.
pub(super) fn convolve(
    source: &[f32],
    (height, width): (usize, usize),
    images: usize,
    window: Window,
    folded: &Folded,
    finish: Finish,
    out: &mut [f32],
) {
    let mut depthwise = Depthwise::new((height, width), window);
    let kernels = folded.weight.chunks_exact(window.kernel * window.kernel);
    let maps = source.chunks_exact(height * width * images);
    let lines = out.chunks_exact_mut(window.output_side(height) * window.output_side(width) * images);
    for (channel, ((maps, kernel), line)) in maps.zip(kernels).zip(lines).enumerate() {
        depthwise.convolve(maps, kernel, line);
        folded.finish(finish, channel, line);
    }
}

/// The sum of each map with a weight a position, and bias: `[C, N, area]` -> `[C, N]`.
pub(super) fn global_depthwise(source: &[f32], area: usize, images: usize, folded: &Folded, out: &mut [f32]) {
    for (i, (map, sum)) in source.chunks_exact(area).zip(out).enumerate() {
        let channel = i / images;
        let kernel = &folded.weight[channel * area..][..area];
        *sum = folded.bias[channel] + kernel.iter().zip(map).map(|(w, v)| w * v).sum::<f32>();
    }
}

/// A scale and a shift for each channel of `positions` values. They cannot be folded into the convolution behind: it
/// pads with zeros, which are not scaled and shifted.
pub(super) fn normalise(source: &[f32], positions: usize, folded: &Folded, out: &mut [f32]) {
    let lines = out.chunks_exact_mut(positions).zip(source.chunks_exact(positions));
    for ((line, values), (scale, shift)) in lines.zip(folded.weight.iter().zip(&folded.bias)) {
        line.iter_mut().zip(values).for_each(|(y, x)| *y = scale * x + shift);
    }
}
