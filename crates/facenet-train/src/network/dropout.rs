//! Dropout before the embedding layer.

use burn::tensor::{FloatDType, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Inputs of the embedding layer that are left out at random while training (Srivastava et al. 2014). Which ones
/// depends on the image's seed alone, not on the images beside it: a batch in pieces loses the same ones.
#[derive(Debug, Clone, Copy)]
pub struct Dropout<'a> {
    /// The share of inputs that become zero, in `[0, 1)`; the others grow by `1 / (1 − share)`.
    pub share: f32,
    /// A seed for each image.
    pub seeds: &'a [u64],
}

impl Dropout<'_> {
    /// Leaves out a share of each image's values.
    pub(super) fn of(self, values: Tensor<4>) -> Tensor<4> {
        let dims = values.dims();
        let kept = 1.0 / (1.0 - self.share);
        let mask: Vec<f32> = self
            .seeds
            .iter()
            .flat_map(|seed| {
                let mut rng = ChaCha8Rng::seed_from_u64(*seed);
                let drawn = move |_| if rng.random::<f32>() < self.share { 0.0 } else { kept };
                (0..dims[1..].iter().product()).map(drawn)
            })
            .collect();
        let mask = Tensor::<4>::from_data(TensorData::new(mask, dims), &values.device());
        let precision = FloatDType::from(values.dtype());
        values * mask.cast(precision)
    }
}
