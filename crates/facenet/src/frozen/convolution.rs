//! Convolutions and the full connection of a frozen network.

use crate::kernels::{Maps, Matrix, Threads, Window, columns, multiply};
use crate::network::{Layer, Node};
use crate::weights::{NORM_EPSILON, Weights};

/// Columns that are laid out at a time: bounds the memory of a layer and keeps its columns near the cache.
const COLUMN_VALUES: usize = 1 << 18;
/// Fewer columns than this make the repacking of the weights in each product show.
const MIN_COLUMNS: usize = 256;

/// Weights with their normalisation folded in.
pub(super) struct Folded {
    /// `[outputs, inputs per output]`
    weight: Vec<f32>,
    /// `[outputs]`
    bias: Vec<f32>,
}

impl Folded {
    /// The folded weights of `node`; none for layers that have none.
    pub(super) fn of(node: &Node, weights: &Weights) -> Option<Self> {
        let values = |suffix: &str| weights.values(&format!("{}.{suffix}", node.name));
        match node.layer {
            Layer::Embed => Some(Self { weight: values("weight").to_vec(), bias: values("bias").to_vec() }),
            Layer::Convolution { .. } => {
                let (gamma, beta) = (values("norm.gamma"), values("norm.beta"));
                let (mean, variance) = (values("norm.mean"), values("norm.variance"));
                let scale: Vec<f32> =
                    gamma.iter().zip(variance).map(|(g, v)| g / (v + NORM_EPSILON).sqrt()).collect();
                let per_output = values("weight").len() / scale.len();
                let filters = values("weight").chunks_exact(per_output);
                let weight = filters.zip(&scale).flat_map(|(f, s)| f.iter().map(move |w| w * s)).collect();
                let bias = (0..scale.len()).map(|i| beta[i] - mean[i] * scale[i]).collect();
                Some(Self { weight, bias })
            }
            _ => None,
        }
    }
}

/// A convolution with bias and, if `relu`, ReLU: `[C, N, E, E]` -> `[filters, N, E', E']`.
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
    relu: bool,
    out: &mut [f32],
    scratch: &mut Vec<f32>,
    threads: Threads,
) {
    let (filters, depth) = (folded.bias.len(), window.depth(maps.channels));
    let width = window.output_edge(maps.edge);
    let (rows, positions) = (images * width, images * width * width);
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
        for (line, bias) in out.chunks_exact_mut(positions).zip(&folded.bias) {
            let line = &mut line[first..first + count];
            if relu {
                line.iter_mut().for_each(|v| *v = (*v + bias).max(0.0));
            } else {
                line.iter_mut().for_each(|v| *v += bias);
            }
        }
    }
}

/// The full connection of `[C, N, area]`, flattened to `C · area` inputs: `[outputs, N]`.
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
