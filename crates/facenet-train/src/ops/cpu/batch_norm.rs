//! Batch normalisation over a training batch, with the rectifier that follows it.

use burn::tensor::{Device, Tensor, TensorData};
use facenet::NORM_EPSILON;
use facenet::kernels::wide;
use rayon::prelude::*;

use super::record::{Function, Input, Values, record};
use super::{Moments, Rectifier};

/// Normalises each channel by its mean and variance over the batch, scales and shifts it, and rectifies it
/// (Ioffe & Szegedy 2015, algorithm 1).
///
/// # Shapes
/// `source` `[N, C, H, W]`, `gamma` and `beta` `[C]` -> `[N, C, H, W]`.
pub(crate) fn batch_norm(
    source: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    rectifier: Rectifier,
) -> (Tensor<4>, Moments) {
    let inputs = [Input::of(source), Input::of(gamma), Input::of(beta)];
    let [source, gamma, beta] = inputs.each_ref().map(Input::values);
    let shape: [usize; 4] = source.shape();
    let channels = shape[1];
    let area = shape[2] * shape[3];
    let count = (shape[0] * area) as f64;

    let sums: Vec<(f64, f64)> =
        (0..channels).into_par_iter().map(|c| sums(source.as_slice(), c, channels, area)).collect();
    let mean: Vec<f32> = sums.iter().map(|(mean, _)| *mean as f32).collect();
    let variance: Vec<f32> = sums.iter().map(|(_, squares)| (squares / count) as f32).collect();
    let inverse: Vec<f32> = variance.iter().map(|v| (v + NORM_EPSILON).sqrt().recip()).collect();
    let scale: Vec<f32> = gamma.as_slice().iter().zip(&inverse).map(|(g, i)| g * i).collect();
    let shift: Vec<f32> =
        beta.as_slice().iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
    let on_device =
        |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [channels]), &Device::flex());
    let moments = Moments { mean: on_device(mean.clone()), variance: on_device(variance) };

    let mut function = BatchNorm { source, area, mean, inverse, scale, shift, slope: Vec::new() };
    let output = match rectifier {
        Rectifier::Prelu(slope) => {
            let slope = Input::of(slope);
            function.slope = slope.values().as_slice().to_vec();
            let [source, gamma, beta] = inputs;
            let output = function.forward();
            record([source, gamma, beta, slope], output, shape, |_| function)
        }
        Rectifier::None | Rectifier::Relu => {
            let slope = if matches!(rectifier, Rectifier::Relu) { 0.0 } else { 1.0 };
            function.slope = vec![slope; channels];
            let output = function.forward();
            record(inputs, output, shape, |_| function)
        }
    };
    (output, moments)
}

/// The mean of channel `c` and the sum of squared deviations from it, in two passes over the cached channel.
fn sums(source: &[f32], c: usize, channels: usize, area: usize) -> (f64, f64) {
    let maps = || source.chunks_exact(area).skip(c).step_by(channels);
    let (sum, count) =
        maps().fold((0.0, 0), |(sum, count), map| (sum + f64::from(sum_of(map, |v| v)), count + area));
    let mean = sum / count as f64;
    let squares = maps().map(|map| f64::from(sum_of(map, |v| (v - mean as f32) * (v - mean as f32)))).sum();
    (mean, squares)
}

/// The sum of a function over values, in sixteen lanes so that it is computed in registers.
fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    wide(
        #[inline(always)]
        || {
            let (chunks, rest) = values.as_chunks::<16>();
            let mut lanes = [0.0f32; 16];
            for chunk in chunks {
                lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += f(*v));
            }
            lanes.iter().sum::<f32>() + rest.iter().map(|v| f(*v)).sum::<f32>()
        },
    )
}

#[derive(Debug)]
struct BatchNorm {
    source: Values,
    area: usize,
    mean: Vec<f32>,
    /// `1 / sqrt(variance + ε)`
    inverse: Vec<f32>,
    /// The layer as one line: `y = scale · x + shift`.
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// What a negative result is multiplied by: 0 for a ReLU, 1 without rectifier.
    slope: Vec<f32>,
}

/// What a channel's gradient sums to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// `Σ g`, the gradient of the shift.
    plain: f32,
    /// `Σ g · x̂`, the gradient of the scale.
    weighted: f32,
    /// `Σ g · min(y, 0)`, the gradient of the slope.
    negative: f32,
}

/// The constants of a channel.
#[derive(Debug, Clone, Copy)]
struct Channel {
    mean: f32,
    inverse: f32,
    scale: f32,
    shift: f32,
    slope: f32,
}

impl Channel {
    #[inline(always)]
    fn line(self, x: f32) -> f32 {
        x * self.scale + self.shift
    }

    /// The part of an output gradient that passes the rectifier.
    #[inline(always)]
    fn passed(self, gradient: f32, y: f32) -> f32 {
        if y > 0.0 { gradient } else { gradient * self.slope }
    }
}

impl BatchNorm {
    fn channels(&self) -> usize {
        self.mean.len()
    }

    fn image(&self) -> usize {
        self.channels() * self.area
    }

    fn channel(&self, c: usize) -> Channel {
        Channel {
            mean: self.mean[c],
            inverse: self.inverse[c],
            scale: self.scale[c],
            shift: self.shift[c],
            slope: self.slope[c],
        }
    }

    fn forward(&self) -> Vec<f32> {
        let source = self.source.as_slice();
        let mut output = vec![0.0; source.len()];
        output.par_chunks_mut(self.image()).zip(source.par_chunks(self.image())).for_each(
            |(output, source)| {
                let maps = output.chunks_exact_mut(self.area).zip(source.chunks_exact(self.area));
                for (c, (output, source)) in maps.enumerate() {
                    let channel = self.channel(c);
                    wide(
                        #[inline(always)]
                        || {
                            for (out, x) in output.iter_mut().zip(source) {
                                let y = channel.line(*x);
                                *out = y.max(0.0) + channel.slope * y.min(0.0);
                            }
                        },
                    );
                }
            },
        );
        output
    }

    fn gradient_sums(&self, gradient: &[f32], c: usize) -> Sums {
        let channel = self.channel(c);
        let maps = self.source.as_slice().chunks_exact(self.area).zip(gradient.chunks_exact(self.area));
        let mut totals = [0.0f64; 3];
        for (source, gradient) in maps.skip(c).step_by(self.channels()) {
            let sums = wide(
                #[inline(always)]
                || map_sums(channel, source, gradient),
            );
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(sum));
        }
        let [plain, weighted, negative] = totals.map(|total| total as f32);
        Sums { plain, weighted: weighted * channel.inverse, negative }
    }

    fn source_gradient(&self, gradient: &[f32], sums: &[Sums]) -> Vec<f32> {
        let source = self.source.as_slice();
        let count = (source.len() / self.channels()) as f32;
        let mut target = vec![0.0; source.len()];
        let images = target
            .par_chunks_mut(self.image())
            .zip(source.par_chunks(self.image()))
            .zip(gradient.par_chunks(self.image()));
        images.for_each(|((target, source), gradient)| {
            let maps = target.chunks_exact_mut(self.area).zip(source.chunks_exact(self.area));
            for (c, ((target, source), gradient)) in maps.zip(gradient.chunks_exact(self.area)).enumerate() {
                // dx = scale · (g − mean(g) − x̂ · mean(g · x̂)), with x̂ = (x − mean) · inverse.
                let channel = self.channel(c);
                let plain = sums[c].plain / count;
                let weighted = sums[c].weighted / count * channel.inverse;
                wide(
                    #[inline(always)]
                    || {
                        for ((dx, x), g) in target.iter_mut().zip(source).zip(gradient) {
                            let g = channel.passed(*g, channel.line(*x));
                            *dx = channel.scale * (g - plain - (x - channel.mean) * weighted);
                        }
                    },
                );
            }
        });
        target
    }

    /// The gradients at source, scale, shift and slope.
    fn gradients(&self, gradient: &[f32], source_needed: bool) -> [Option<Vec<f32>>; 4] {
        let sums: Vec<Sums> =
            (0..self.channels()).into_par_iter().map(|c| self.gradient_sums(gradient, c)).collect();
        let source_gradient = source_needed.then(|| self.source_gradient(gradient, &sums));
        let each = |part: fn(&Sums) -> f32| Some(sums.iter().map(part).collect());
        [source_gradient, each(|s| s.weighted), each(|s| s.plain), each(|s| s.negative)]
    }
}

#[inline(always)]
fn map_sums(channel: Channel, source: &[f32], gradient: &[f32]) -> [f32; 3] {
    let mut lanes = [[0.0f32; 16]; 3];
    let ((xs, x_rest), (gs, g_rest)) = (source.as_chunks::<16>(), gradient.as_chunks::<16>());
    let mut add = |lane: usize, x: f32, g: f32| {
        let y = channel.line(x);
        let passed = channel.passed(g, y);
        lanes[0][lane] += passed;
        lanes[1][lane] += passed * (x - channel.mean);
        lanes[2][lane] += g * y.min(0.0);
    };
    for (xs, gs) in xs.iter().zip(gs) {
        for lane in 0..16 {
            add(lane, xs[lane], gs[lane]);
        }
    }
    for (lane, (x, g)) in x_rest.iter().zip(g_rest).enumerate() {
        add(lane, *x, *g);
    }
    lanes.map(|lanes| lanes.iter().sum())
}

impl Function<3> for BatchNorm {
    fn backward(&self, gradient: &[f32], needed: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let [source, gamma, beta, _] = self.gradients(gradient, needed[0]);
        [source, gamma, beta]
    }
}

impl Function<4> for BatchNorm {
    fn backward(&self, gradient: &[f32], needed: [bool; 4]) -> [Option<Vec<f32>>; 4] {
        self.gradients(gradient, needed[0])
    }
}
