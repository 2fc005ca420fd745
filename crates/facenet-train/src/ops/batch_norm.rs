//! Batch normalisation over a training batch, with the ReLU that follows it.

use burn::tensor::Tensor;
use facenet::NORM_EPSILON;
use rayon::prelude::*;

use super::record::{Function, Input, Values, record};

/// What a batch says about each channel, `[channels]`.
pub(crate) struct BatchStatistics {
    /// The mean.
    pub(crate) mean: Vec<f32>,
    /// The variance without bias: divided by the number of values less one.
    pub(crate) variance: Vec<f32>,
}

/// Normalises each channel by its mean and variance over the batch, scales and shifts it; negative results become
/// zero if `relu` (Ioffe & Szegedy 2015, algorithm 1).
///
/// # Shapes
/// `source` `[N, C, E, E]`, `gamma` and `beta` `[C]` -> `[N, C, E, E]`.
pub(crate) fn batch_norm(
    source: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    relu: bool,
) -> (Tensor<4>, BatchStatistics) {
    let inputs = [Input::of(source), Input::of(gamma), Input::of(beta)];
    let [source, gamma, beta] = inputs.each_ref().map(Input::values);
    let shape: [usize; 4] = source.shape();
    let channels = shape[1];
    let area = shape[2] * shape[3];
    let count = (shape[0] * area) as f64;

    let moments: Vec<(f64, f64)> =
        (0..channels).into_par_iter().map(|c| moments(source.as_slice(), c, channels, area)).collect();
    let mean: Vec<f32> = moments.iter().map(|(mean, _)| *mean as f32).collect();
    let inverse: Vec<f32> =
        moments.iter().map(|(_, squares)| ((squares / count) as f32 + NORM_EPSILON).sqrt().recip()).collect();
    let statistics = BatchStatistics {
        mean: mean.clone(),
        variance: moments.iter().map(|(_, squares)| (squares / (count - 1.0).max(1.0)) as f32).collect(),
    };
    let scale: Vec<f32> = gamma.as_slice().iter().zip(&inverse).map(|(g, i)| g * i).collect();
    let shift: Vec<f32> =
        beta.as_slice().iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();

    let function = BatchNorm { source, channels, area, mean, inverse, scale, shift, relu };
    let output = function.forward();
    (record(inputs, function, output, shape), statistics)
}

/// The mean of channel `c` and the sum of squared deviations from it, in two passes over the cached channel.
fn moments(source: &[f32], c: usize, channels: usize, area: usize) -> (f64, f64) {
    let maps = || source.chunks_exact(area).skip(c).step_by(channels);
    let (sum, count) =
        maps().fold((0.0, 0), |(sum, count), map| (sum + f64::from(sum_of(map, |v| v)), count + area));
    let mean = sum / count as f64;
    let squares = maps().map(|map| f64::from(sum_of(map, |v| (v - mean as f32) * (v - mean as f32)))).sum();
    (mean, squares)
}

/// The sum of a function over values, in sixteen lanes so that it is computed in registers.
fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut lanes = [0.0f32; 16];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += f(*v));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|v| f(*v)).sum::<f32>()
}

#[derive(Debug)]
struct BatchNorm {
    source: Values,
    channels: usize,
    area: usize,
    mean: Vec<f32>,
    /// `1 / sqrt(variance + ε)`
    inverse: Vec<f32>,
    /// The layer as one line: `y = scale · x + shift`.
    scale: Vec<f32>,
    shift: Vec<f32>,
    relu: bool,
}

impl BatchNorm {
    fn forward(&self) -> Vec<f32> {
        let source = self.source.as_slice();
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let mut output = vec![0.0; source.len()];
        let image = self.channels * self.area;
        output.par_chunks_mut(image).zip(source.par_chunks(image)).for_each(|(output, source)| {
            let maps = output.chunks_exact_mut(self.area).zip(source.chunks_exact(self.area));
            for ((output, source), (scale, shift)) in maps.zip(self.scale.iter().zip(&self.shift)) {
                output.iter_mut().zip(source).for_each(|(y, x)| *y = (x * scale + shift).max(floor));
            }
        });
        output
    }

    /// The part of an output gradient that the ReLU lets through.
    fn passed(&self, c: usize) -> impl Fn(f32, f32) -> f32 + use<> {
        let (scale, shift, relu) = (self.scale[c], self.shift[c], self.relu);
        move |gradient, x| if relu && x * scale + shift <= 0.0 { 0.0 } else { gradient }
    }

    /// The sums of the gradient at the normalised values of channel `c`, plain and times those values.
    fn gradient_sums(&self, gradient: &[f32], c: usize) -> (f32, f32) {
        let passed = self.passed(c);
        let (mean, inverse) = (self.mean[c], self.inverse[c]);
        let maps = self.source.as_slice().chunks_exact(self.area).zip(gradient.chunks_exact(self.area));
        let (mut plain, mut weighted) = (0.0f64, 0.0f64);
        for (source, gradient) in maps.skip(c).step_by(self.channels) {
            let (sources, source_rest) = source.as_chunks::<16>();
            let (gradients, gradient_rest) = gradient.as_chunks::<16>();
            let (mut p, mut w) = ([0.0f32; 16], [0.0f32; 16]);
            for (xs, gs) in sources.iter().zip(gradients) {
                for lane in 0..16 {
                    let g = passed(gs[lane], xs[lane]);
                    p[lane] += g;
                    w[lane] += g * (xs[lane] - mean);
                }
            }
            for (x, g) in source_rest.iter().zip(gradient_rest) {
                let g = passed(*g, *x);
                p[0] += g;
                w[0] += g * (x - mean);
            }
            plain += f64::from(p.iter().sum::<f32>());
            weighted += f64::from(w.iter().sum::<f32>());
        }
        (plain as f32, (weighted as f32) * inverse)
    }
}

impl Function<3> for BatchNorm {
    fn backward(&self, gradient: &[f32], needed: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let sums: Vec<(f32, f32)> =
            (0..self.channels).into_par_iter().map(|c| self.gradient_sums(gradient, c)).collect();
        let source = self.source.as_slice();
        let count = (source.len() / self.channels) as f32;
        let image = self.channels * self.area;

        let source_gradient = needed[0].then(|| {
            let mut target = vec![0.0; source.len()];
            let images =
                target.par_chunks_mut(image).zip(source.par_chunks(image)).zip(gradient.par_chunks(image));
            images.for_each(|((target, source), gradient)| {
                let maps = target.chunks_exact_mut(self.area).zip(source.chunks_exact(self.area));
                for (c, ((target, source), gradient)) in
                    maps.zip(gradient.chunks_exact(self.area)).enumerate()
                {
                    // dx = scale · (g − mean(g) − x̂ · mean(g · x̂)), with x̂ = (x − mean) · inverse.
                    let (plain, weighted) = (sums[c].0 / count, sums[c].1 / count);
                    let (passed, mean, inverse, scale) =
                        (self.passed(c), self.mean[c], self.inverse[c], self.scale[c]);
                    for ((dx, x), g) in target.iter_mut().zip(source).zip(gradient) {
                        *dx = scale * (passed(*g, *x) - plain - (x - mean) * inverse * weighted);
                    }
                }
            });
            target
        });
        let gamma_gradient = needed[1].then(|| sums.iter().map(|(_, weighted)| *weighted).collect());
        let beta_gradient = needed[2].then(|| sums.iter().map(|(plain, _)| *plain).collect());
        [source_gradient, gamma_gradient, beta_gradient]
    }
}
