//! Doubling both sides of a map.

use burn::tensor::Tensor;
use facenet::kernels;
use rayon::prelude::*;

use super::record::{Function, Input, record};

/// Every value four times, in a square: `[N, C, H, W]` -> `[N, C, 2 H, 2 W]`.
pub(crate) fn upsample(source: Tensor<4>) -> Tensor<4> {
    let input = Input::of(source);
    let values = input.values();
    let [images, channels, height, width] = values.shape();
    let source = values.as_slice();
    let mut output = vec![0.0; 4 * source.len()];
    output
        .par_chunks_mut(4 * height * width)
        .zip(source.par_chunks(height * width))
        .for_each(|(output, source)| kernels::upsample(source, width, output));
    record([input], output, [images, channels, 2 * height, 2 * width], |_| Upsample { height, width })
}

#[derive(Debug)]
struct Upsample {
    height: usize,
    width: usize,
}

impl Function<1> for Upsample {
    fn backward(&self, gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let area = self.height * self.width;
        let mut target = vec![0.0; gradient.len() / 4];
        target
            .par_chunks_mut(area)
            .zip(gradient.par_chunks(4 * area))
            .for_each(|(target, gradient)| kernels::gather_upsampled(gradient, self.width, target));
        [Some(target)]
    }
}
