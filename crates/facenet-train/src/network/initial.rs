//! What weights start from.

use facenet::network::{Activation, Layer};
use rand::{Rng, RngExt};

/// The slope that a PReLU starts from (He et al. 2015, §2.1).
pub(super) const SLOPE: f32 = 0.25;

/// The first values of a tensor of `layer`, drawn from `rng` if they are weights.
pub(super) fn values(layer: &Layer, name: &str, shape: &[usize], rng: &mut impl Rng) -> Vec<f32> {
    let len = shape.iter().product();
    match name.rsplit('.').next() {
        Some("weight") => {
            let fan_in: usize = shape[1..].iter().product();
            // Uniform values of variance `gain / fan_in`.
            let bound = (3.0 * gain(layer) / fan_in as f32).sqrt();
            (0..len).map(|_| rng.random_range(-bound..bound)).collect()
        }
        Some("gamma" | "variance") => vec![1.0; len],
        Some("slope") => vec![SLOPE; len],
        _ => vec![0.0; len],
    }
}

/// What keeps the variance of values the same from layer to layer (He et al. 2015, eq. 10 and 15).
///
/// A convolution without rectifier is normalised after it, so that its gain does not show; it is drawn as for a ReLU,
/// as in the residual networks of the same authors. Full connections and weighted means have nothing after them.
fn gain(layer: &Layer) -> f32 {
    match layer {
        Layer::Convolution { activation: Activation::Prelu, .. } => 2.0 / (1.0 + SLOPE * SLOPE),
        Layer::Maxout { .. } | Layer::GlobalDepthwise { .. } | Layer::Embed { .. } => 1.0,
        _ => 2.0,
    }
}
