//! The weights of a layer with its normalisation folded in.

use crate::kernels::wide;
use crate::network::{Activation, Layer, Node};
use crate::weights::{NORM_EPSILON, Weights};

/// The weights of a layer with its normalisation folded in: what a network needs that only embeds.
pub struct Folded {
    /// `[outputs, inputs per output]`; of a normalisation that stands alone its scales, `[channels]`.
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
    /// `[outputs]`, empty without a parametric ReLU.
    pub slope: Vec<f32>,
}

/// What is done to the sums of a convolution while they are in the cache.
pub(super) type Finish = Activation;

impl Folded {
    /// The folded weights of `node`; none for layers that have none.
    ///
    /// # Panics
    /// When `weights` are those of another network.
    pub fn of(node: &Node, weights: &Weights) -> Option<Self> {
        let values = |suffix: &str| weights.values(&format!("{}.{suffix}", node.name));
        let (normalised, activation) = match node.layer {
            Layer::Convolution { normalised, activation, .. } => (normalised, activation),
            Layer::GlobalDepthwise { normalised } | Layer::Embed { normalised } => {
                (normalised, Activation::None)
            }
            Layer::Maxout { .. } => (false, Activation::None),
            Layer::Norm => {
                let (weight, bias) = scale_and_shift(values);
                return Some(Self { weight, bias, slope: Vec::new() });
            }
            _ => return None,
        };
        let slope = if activation == Activation::Prelu { values("slope").to_vec() } else { Vec::new() };
        if !normalised {
            return Some(Self { weight: values("weight").to_vec(), bias: values("bias").to_vec(), slope });
        }
        let (scale, bias) = scale_and_shift(values);
        let per_output = values("weight").len() / scale.len();
        let filters = values("weight").chunks_exact(per_output);
        let weight = filters.zip(&scale).flat_map(|(f, s)| f.iter().map(move |w| w * s)).collect();
        Some(Self { weight, bias, slope })
    }

    /// Adds the bias of `channel` to its sums and applies the activation.
    pub(super) fn finish(&self, finish: Finish, channel: usize, sums: &mut [f32]) {
        let bias = self.bias[channel];
        wide(|| match finish {
            Activation::None => sums.iter_mut().for_each(|v| *v += bias),
            Activation::Relu => sums.iter_mut().for_each(|v| *v = (*v + bias).max(0.0)),
            Activation::Prelu => {
                let slope = self.slope[channel];
                sums.iter_mut().for_each(|v| {
                    let sum = *v + bias;
                    *v = sum.max(0.0) + slope * sum.min(0.0);
                });
            }
        });
    }
}

/// Batch normalisation as `scale · x + shift`.
fn scale_and_shift<'a>(values: impl Fn(&str) -> &'a [f32]) -> (Vec<f32>, Vec<f32>) {
    let (gamma, beta) = (values("norm.gamma"), values("norm.beta"));
    let (mean, variance) = (values("norm.mean"), values("norm.variance"));
    let scale: Vec<f32> = gamma.iter().zip(variance).map(|(g, v)| g / (v + NORM_EPSILON).sqrt()).collect();
    let shift = (0..scale.len()).map(|i| beta[i] - mean[i] * scale[i]).collect();
    (scale, shift)
}
