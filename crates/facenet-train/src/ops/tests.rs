//! Each layer against its definition and against finite differences.

use burn::tensor::{Device, Tensor, TensorData};
use facenet::NORM_EPSILON;

use super::*;

/// Values that look random, in -1..1.
fn wave(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).sin()).collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex().autodiff())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Checks the gradient of `Σ output · weights` at some of the values of each input against finite differences.
fn check_gradients<const N: usize>(
    inputs: &[Vec<f32>; N],
    forward: impl Fn([Tensor<1>; N]) -> Tensor<4>,
    tolerance: f32,
) {
    let leaves = inputs.each_ref().map(|values| tensor(values, [values.len()]).require_grad());
    let output = forward(leaves.clone());
    let weights = wave(output.dims().iter().product(), 99);
    let shape = output.dims();
    let gradients = (output * tensor(&weights, shape)).sum().backward();

    let objective = |inputs: &[Vec<f32>; N]| -> f64 {
        let output = values(forward(inputs.each_ref().map(|v| tensor(v, [v.len()]))));
        output.iter().zip(&weights).map(|(o, w)| f64::from(*o) * f64::from(*w)).sum()
    };
    for which in 0..N {
        let found = values(leaves[which].grad(&gradients).unwrap());
        for at in (0..found.len()).step_by(found.len() / 23 + 1) {
            let shifted = |by: f32| {
                let mut inputs = inputs.clone();
                inputs[which][at] += by;
                objective(&inputs)
            };
            let step = 1e-2;
            let expected = ((shifted(step) - shifted(-step)) / f64::from(2.0 * step)) as f32;
            assert!(
                (found[at] - expected).abs() < tolerance * (1.0 + expected.abs()),
                "input {which}, value {at}: {} against {expected}",
                found[at]
            );
        }
    }
}

#[test]
fn a_convolution_equals_burns_own_and_so_do_its_gradients() {
    for (kernel, stride, edge, images) in
        [(3, 1, 5, 3), (1, 1, 4, 2), (5, 2, 7, 19), (3, 2, 6, 9), (1, 1, 17, 1)]
    {
        let (x, w) = (wave(images * 3 * edge * edge, 1), wave(4 * 3 * kernel * kernel, 2));
        let leaves = || {
            let x = tensor(&x, [images, 3, edge, edge]).require_grad();
            (x, tensor(&w, [4, 3, kernel, kernel]).require_grad())
        };
        let (ours, burns) = (leaves(), leaves());
        let our_output = convolution(ours.0.clone(), ours.1.clone(), stride);
        let options = burn::tensor::ops::ConvOptions::new([stride; 2], [kernel / 2; 2], [1; 2], 1);
        let burn_output = burn::tensor::module::conv2d(burns.0.clone(), burns.1.clone(), None, options);
        assert_eq!(our_output.dims(), burn_output.dims());

        let weights = tensor(&wave(our_output.dims().iter().product(), 3), our_output.dims());
        let ours_back = (our_output.clone() * weights.clone()).sum().backward();
        let burns_back = (burn_output.clone() * weights).sum().backward();
        for (ours, burns) in [
            (values(our_output), values(burn_output)),
            (values(ours.0.grad(&ours_back).unwrap()), values(burns.0.grad(&burns_back).unwrap())),
            (values(ours.1.grad(&ours_back).unwrap()), values(burns.1.grad(&burns_back).unwrap())),
        ] {
            assert_eq!(ours.len(), burns.len());
            for (a, b) in ours.iter().zip(&burns) {
                // Up to 19 · 16 products of values below one, summed in another order.
                assert!((a - b).abs() < 1e-4, "{a} against {b}, kernel {kernel}, stride {stride}");
            }
        }
    }
}

#[test]
fn batch_norm_gives_each_channel_the_mean_and_deviation_it_learns() {
    let shape = [5, 3, 4, 4];
    let source = wave(240, 4);
    let (gamma, beta) = ([1.5, 0.5, 2.0], [0.1, -0.2, 0.3]);
    let (output, statistics) =
        batch_norm(tensor(&source, shape), tensor(&gamma, [3]), tensor(&beta, [3]), false);
    let output = values(output);
    for channel in 0..3 {
        let of = |values: &[f32]| -> (f64, f64) {
            let picked: Vec<f64> =
                (0..240).filter(|i| i / 16 % 3 == channel).map(|i| f64::from(values[i])).collect();
            let mean = picked.iter().sum::<f64>() / 80.0;
            (mean, picked.iter().map(|v| (v - mean).powi(2)).sum::<f64>())
        };
        let (mean, squares) = of(&source);
        assert!((f64::from(statistics.mean[channel]) - mean).abs() < 1e-6);
        assert!((f64::from(statistics.variance[channel]) - squares / 79.0).abs() < 1e-6);
        let (mean, squares) = of(&output);
        assert!((mean - f64::from(beta[channel])).abs() < 1e-5);
        let shrink = 1.0 / (1.0 + f64::from(NORM_EPSILON) / (of(&source).1 / 80.0));
        assert!(((squares / 80.0) - f64::from(gamma[channel]).powi(2) * shrink).abs() < 1e-4);
    }
}

#[test]
fn batch_norm_has_the_gradients_of_finite_differences() {
    for relu in [false, true] {
        check_gradients(
            &[wave(4 * 3 * 9, 5), vec![1.2, 0.7, -0.9], vec![0.9, -0.8, 0.7]],
            |[x, gamma, beta]| batch_norm(x.reshape([4, 3, 3, 3]), gamma, beta, relu).0,
            // A ReLU's corner may lie inside the difference.
            if relu { 0.15 } else { 0.01 },
        );
    }
}

#[test]
fn pooling_and_response_norm_have_the_gradients_of_finite_differences() {
    // Values a whole step apart, so that no difference changes which of them is largest.
    let apart = [(0..2 * 3 * 25).map(|i| ((i * 37) % 150) as f32 / 10.0 - 7.4).collect()];
    for stride in [1, 2] {
        check_gradients(&apart, |[x]| max_pool(x.reshape([2, 3, 5, 5]), stride), 0.01);
        check_gradients(&[wave(2 * 3 * 25, 6)], |[x]| l2_pool(x.reshape([2, 3, 5, 5]), stride), 0.02);
    }
    let large: Vec<f32> = wave(2 * 7 * 4, 7).iter().map(|v| v * 100.0).collect();
    check_gradients(&[large], |[x]| local_response_norm(x.reshape([2, 7, 2, 2])), 0.02);
}

#[test]
fn an_l2_pool_of_zeros_sends_nothing_back() {
    let x = tensor(&[0.0; 9], [1, 1, 3, 3]).require_grad();
    let gradients = l2_pool(x.clone(), 1).sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [0.0; 9]);
}

#[test]
fn the_sum_of_a_residual_block_passes_gradients_where_it_is_positive() {
    let (a, b) =
        (tensor(&[1.0, -3.0, 2.0, 0.5], [1, 1, 2, 2]), tensor(&[1.0, 1.0, -1.0, -0.5], [1, 1, 2, 2]));
    let (a, b) = (a.require_grad(), b.require_grad());
    let sum = add_relu(a.clone(), b.clone());
    assert_eq!(values(sum.clone()), [2.0, 0.0, 1.0, 0.0]);
    let gradients = (sum * tensor(&[5.0, 6.0, 7.0, 8.0], [1, 1, 2, 2])).sum().backward();
    assert_eq!(values(a.grad(&gradients).unwrap()), [5.0, 0.0, 7.0, 0.0]);
    assert_eq!(values(b.grad(&gradients).unwrap()), [5.0, 0.0, 7.0, 0.0]);
}
