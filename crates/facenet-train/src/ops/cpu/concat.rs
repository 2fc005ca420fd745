//! The channels of several values one after the other.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::record::{Function, Input, record};

/// The inputs' channels one after the other, `[N, Cᵢ, H, W]` -> `[N, Σ Cᵢ, H, W]`.
pub(crate) fn concat(inputs: Vec<Tensor<4>>) -> Tensor<4> {
    match inputs.len() {
        1 => inputs.into_iter().next().expect("there is one"),
        // The branches of an inception module.
        2 => recorded::<2>(inputs),
        3 => recorded::<3>(inputs),
        4 => recorded::<4>(inputs),
        _ => Tensor::cat(inputs, 1),
    }
}

fn recorded<const N: usize>(inputs: Vec<Tensor<4>>) -> Tensor<4> {
    let inputs: Vec<Input> = inputs.into_iter().map(Input::of).collect();
    let inputs: [Input; N] = inputs.try_into().unwrap_or_else(|_| unreachable!("there are N inputs"));
    let values = inputs.each_ref().map(Input::values);
    let [images, _, height, width] = values[0].shape();
    let lens = values.each_ref().map(|value| value.as_slice().len() / images);
    let image_len: usize = lens.iter().sum();
    let mut output = vec![0.0; images * image_len];
    output.par_chunks_mut(image_len).enumerate().for_each(|(image, mut target)| {
        for (value, len) in values.iter().zip(lens) {
            let (part, rest) = target.split_at_mut(len);
            part.copy_from_slice(&value.as_slice()[image * len..][..len]);
            target = rest;
        }
    });
    record(inputs, output, [images, image_len / (height * width), height, width], |_| Concat { lens })
}

#[derive(Debug)]
struct Concat<const N: usize> {
    /// The values of one image in each input.
    lens: [usize; N],
}

impl<const N: usize> Function<N> for Concat<N> {
    fn backward(&self, gradient: &[f32], needed: [bool; N]) -> [Option<Vec<f32>>; N] {
        let image_len = self.lens.iter().sum();
        std::array::from_fn(|input| {
            let (start, len) = (self.lens[..input].iter().sum::<usize>(), self.lens[input]);
            needed[input].then(|| {
                let mut target = vec![0.0; gradient.len() / image_len * len];
                target
                    .par_chunks_mut(len)
                    .zip(gradient.par_chunks(image_len))
                    .for_each(|(target, gradient)| target.copy_from_slice(&gradient[start..start + len]));
                target
            })
        })
    }
}
