//! Sums, rectifiers with a learnt slope, and local response normalisation.

use burn::tensor::Tensor;
use facenet::kernels::LocalResponse;
use rayon::prelude::*;

use super::record::{Function, Input, Values, record};

/// Values that one thread takes at a time.
const BLOCK: usize = 1 << 15;

/// The sum of two tensors of one shape; negative sums become zero if `relu`.
pub(crate) fn add(left: Tensor<4>, right: Tensor<4>, relu: bool) -> Tensor<4> {
    let inputs = [Input::of(left), Input::of(right)];
    let [left, right] = inputs.each_ref().map(Input::values);
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let mut output = vec![0.0; left.as_slice().len()];
    output
        .par_chunks_mut(BLOCK)
        .zip(left.as_slice().par_chunks(BLOCK))
        .zip(right.as_slice().par_chunks(BLOCK))
        .for_each(|((output, left), right)| {
            for ((y, a), b) in output.iter_mut().zip(left).zip(right) {
                *y = (a + b).max(floor);
            }
        });
    record(inputs, output, left.shape::<4>(), |output| Add { rectified: relu.then_some(output) })
}

#[derive(Debug)]
struct Add {
    /// The output, if negative sums became zero in it.
    rectified: Option<Values>,
}

impl Function<2> for Add {
    fn backward(&self, gradient: &[f32], needed: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let passed = match &self.rectified {
            Some(output) => where_positive(gradient, output.as_slice()),
            None => gradient.to_vec(),
        };
        match needed {
            [true, true] => [Some(passed.clone()), Some(passed)],
            [left, right] => [left.then(|| passed.clone()), right.then_some(passed)],
        }
    }
}

/// The gradients whose outputs are positive; the others become zero.
pub(super) fn where_positive(gradient: &[f32], output: &[f32]) -> Vec<f32> {
    let mut passed = vec![0.0; gradient.len()];
    passed.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).zip(output.par_chunks(BLOCK)).for_each(
        |((passed, gradient), output)| {
            for ((p, g), y) in passed.iter_mut().zip(gradient).zip(output) {
                *p = if *y > 0.0 { *g } else { 0.0 };
            }
        },
    );
    passed
}

/// Multiplies negative values by the slope of their channel (He et al. 2015, eq. 1).
///
/// # Shapes
/// `source` `[N, C, H, W]`, `slope` `[C]`.
pub(crate) fn prelu(source: Tensor<4>, slope: Tensor<1>) -> Tensor<4> {
    let inputs = [Input::of(source), Input::of(slope)];
    let [source, slope] = inputs.each_ref().map(Input::values);
    let shape: [usize; 4] = source.shape();
    let function = Prelu { source, slope, area: shape[2] * shape[3] };
    let output = function.by_map(function.source.as_slice(), |x, _, slope| x.max(0.0) + slope * x.min(0.0));
    record(inputs, output, shape, |_| function)
}

#[derive(Debug)]
struct Prelu {
    source: Values,
    slope: Values,
    area: usize,
}

impl Prelu {
    /// `f(source, value, slope)` of each value.
    fn by_map(&self, values: &[f32], f: impl Fn(f32, f32, f32) -> f32 + Sync) -> Vec<f32> {
        let slopes = self.slope.as_slice();
        let mut output = vec![0.0; values.len()];
        output
            .par_chunks_mut(self.area)
            .zip(self.source.as_slice().par_chunks(self.area))
            .zip(values.par_chunks(self.area))
            .enumerate()
            .for_each(|(map, ((output, source), values))| {
                let slope = slopes[map % slopes.len()];
                for ((y, x), v) in output.iter_mut().zip(source).zip(values) {
                    *y = f(*x, *v, slope);
                }
            });
        output
    }

    /// `Σ g · min(x, 0)` of a channel.
    fn slope_gradient(&self, gradient: &[f32], c: usize) -> f32 {
        let maps = self.source.as_slice().chunks_exact(self.area).zip(gradient.chunks_exact(self.area));
        let of_map = |(source, gradient): (&[f32], &[f32])| {
            f64::from(source.iter().zip(gradient).map(|(x, g)| g * x.min(0.0)).sum::<f32>())
        };
        maps.skip(c).step_by(self.slope.as_slice().len()).map(of_map).sum::<f64>() as f32
    }
}

impl Function<2> for Prelu {
    fn backward(&self, gradient: &[f32], needed: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let channels = self.slope.as_slice().len();
        [
            needed[0].then(|| self.by_map(gradient, |x, g, slope| if x > 0.0 { g } else { g * slope })),
            needed[1]
                .then(|| (0..channels).into_par_iter().map(|c| self.slope_gradient(gradient, c)).collect()),
        ]
    }
}

/// Local response normalisation across channels, as
/// [`facenet::kernels::local_response_norm`] of each image.
pub(crate) fn local_response_norm(source: Tensor<4>) -> Tensor<4> {
    let input = Input::of(source);
    let source = input.values();
    let shape: [usize; 4] = source.shape();
    let image = shape[1] * shape[2] * shape[3];
    let mut output = vec![0.0; source.as_slice().len()];
    output.par_chunks_mut(image).zip(source.as_slice().par_chunks(image)).for_each(|(output, source)| {
        facenet::kernels::local_response_norm(source, shape[1], output);
    });
    record([input], output, shape, |_| ResponseNorm { source, shape })
}

#[derive(Debug)]
struct ResponseNorm {
    source: Values,
    shape: [usize; 4],
}

impl ResponseNorm {
    /// With `s = 1 + w · Σ x²` over the neighbours and `y = x · s^(-3/4)`:
    /// `dx_j = g_j · s_j^(-3/4) − 3/2 · w · x_j · Σ_i g_i · x_i · s_i^(-7/4)` over those i whose window holds j,
    /// which are the neighbours of j.
    fn backward_image(&self, source: &[f32], gradient: &[f32], target: &mut [f32]) {
        let (channels, positions) = (self.shape[1], self.shape[2] * self.shape[3]);
        let line = |c: usize| c * positions..(c + 1) * positions;
        // Per value: s^(-3/4), and g · x · s^(-7/4).
        let (mut powers, mut shares) = (vec![0.0; source.len()], vec![0.0; source.len()]);
        for c in 0..channels {
            let mut sums = vec![0.0; positions];
            for n in LocalResponse::neighbours(c, channels) {
                sums.iter_mut().zip(&source[line(n)]).for_each(|(sum, x)| *sum += x * x);
            }
            let at = line(c);
            let lines = powers[at.clone()].iter_mut().zip(&mut shares[at.clone()]).zip(&sums);
            for (((power, share), sum), (x, g)) in lines.zip(source[at.clone()].iter().zip(&gradient[at])) {
                let s = 1.0 + LocalResponse::WEIGHT * sum;
                let root = s.sqrt();
                *power = 1.0 / (root * root.sqrt());
                *share = g * x * *power / s;
            }
        }
        for c in 0..channels {
            let mut sums = vec![0.0; positions];
            for n in LocalResponse::neighbours(c, channels) {
                sums.iter_mut().zip(&shares[line(n)]).for_each(|(sum, share)| *sum += share);
            }
            let at = line(c);
            let lines = target[at.clone()].iter_mut().zip(&source[at.clone()]).zip(&gradient[at.clone()]);
            for (((dx, x), g), (power, sum)) in lines.zip(powers[at].iter().zip(&sums)) {
                *dx = g * power - 1.5 * LocalResponse::WEIGHT * x * sum;
            }
        }
    }
}

impl Function<1> for ResponseNorm {
    fn backward(&self, gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let image = self.shape[1] * self.shape[2] * self.shape[3];
        let mut target = vec![0.0; gradient.len()];
        target
            .par_chunks_mut(image)
            .zip(gradient.par_chunks(image))
            .zip(self.source.as_slice().par_chunks(image))
            .for_each(|((target, gradient), source)| self.backward_image(source, gradient, target));
        [Some(target)]
    }
}
