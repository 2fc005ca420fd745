//! Each layer of the CPU against its definition and against finite differences.

mod agreement;

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

/// A ReLU where `relu`.
fn rectifier(relu: bool) -> Rectifier {
    if relu { Rectifier::Relu } else { Rectifier::None }
}

/// What a depthwise convolution is, value by value.
fn naive_depthwise(
    x: &[f32],
    w: &[f32],
    [images, channels, height, width]: [usize; 4],
    kernel: usize,
    stride: usize,
) -> Vec<f64> {
    let mut out = Vec::new();
    for (map, oy, ox) in (0..images * channels).flat_map(|map| {
        (0..height.div_ceil(stride))
            .flat_map(move |oy| (0..width.div_ceil(stride)).map(move |ox| (map, oy, ox)))
    }) {
        let mut sum = 0.0;
        for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
            let (y, x_at) =
                ((oy * stride + ky).wrapping_sub(kernel / 2), (ox * stride + kx).wrapping_sub(kernel / 2));
            if y < height && x_at < width {
                let weight = w[(map % channels * kernel + ky) * kernel + kx];
                sum += f64::from(weight) * f64::from(x[(map * height + y) * width + x_at]);
            }
        }
        out.push(sum);
    }
    out
}

#[test]
fn a_depthwise_convolution_is_what_its_definition_says() {
    for (kernel, stride, height, width) in
        [(3, 1, 5, 4), (3, 2, 7, 6), (5, 2, 4, 9), (7, 3, 8, 8), (1, 2, 3, 3)]
    {
        let shape = [2, 3, height, width];
        let (x, w) = (wave(6 * height * width, 1), wave(3 * kernel * kernel, 2));
        let weight = tensor(&w, [3, 1, kernel, kernel]);
        let found = values(cpu::depthwise(tensor(&x, shape), weight, stride));
        let expected = naive_depthwise(&x, &w, shape, kernel, stride);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} against {expected}");
        }
        check_gradients(
            &[x, w],
            |[x, w]| cpu::depthwise(x.reshape(shape), w.reshape([3, 1, kernel, kernel]), stride),
            0.01,
        );
    }
}

/// Weight gradients are sums over images; those must not depend on who computes them.
#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let shape = [11, 6, 9, 7];
    let inputs =
        [wave(11 * 6 * 63, 1), wave(6 * 6 * 9, 2), wave(6 * 9, 3), vec![1.0; 6], vec![0.1; 6], vec![0.25; 6]];
    let gradients = || {
        let leaves = inputs.each_ref().map(|values| tensor(values, [values.len()]).require_grad());
        let [x, full, depthwise, gamma, beta, slope] = leaves.clone();
        let x = cpu::convolution(x.reshape(shape), full.reshape([6, 6, 3, 3]), 1);
        let x = cpu::depthwise(x, depthwise.reshape([6, 1, 3, 3]), 2);
        let x = cpu::batch_norm(x, gamma, beta, Rectifier::Prelu(slope)).0;
        let dims = x.dims();
        let gradients = (x * tensor(&wave(dims.iter().product(), 9), dims)).sum().backward();
        leaves.map(|leaf| values(leaf.grad(&gradients).unwrap()))
    };
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(gradients);
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn batch_norm_gives_each_channel_the_mean_and_deviation_it_learns() {
    let shape = [5, 3, 4, 4];
    let source = wave(240, 4);
    let (gamma, beta) = ([1.5, 0.5, 2.0], [0.1, -0.2, 0.3]);
    let (output, moments) =
        cpu::batch_norm(tensor(&source, shape), tensor(&gamma, [3]), tensor(&beta, [3]), Rectifier::None);
    let (output, means, variances) = (values(output), values(moments.mean), values(moments.variance));
    for channel in 0..3 {
        let of = |values: &[f32]| -> (f64, f64) {
            let picked: Vec<f64> =
                (0..240).filter(|i| i / 16 % 3 == channel).map(|i| f64::from(values[i])).collect();
            let mean = picked.iter().sum::<f64>() / 80.0;
            (mean, picked.iter().map(|v| (v - mean).powi(2)).sum::<f64>())
        };
        let (mean, squares) = of(&source);
        assert!((f64::from(means[channel]) - mean).abs() < 1e-6);
        assert!((f64::from(variances[channel]) - squares / 80.0).abs() < 1e-6);
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
            |[x, gamma, beta]| cpu::batch_norm(x.reshape([4, 3, 3, 3]), gamma, beta, rectifier(relu)).0,
            // A ReLU's corner may lie inside the difference.
            if relu { 0.15 } else { 0.01 },
        );
    }
    check_gradients(
        &[wave(4 * 3 * 9, 5), vec![1.2, 0.7, -0.9], vec![0.9, -0.8, 0.7], vec![0.8, 1.1, 0.9]],
        |[x, gamma, beta, slope]| {
            cpu::batch_norm(x.reshape([4, 3, 3, 3]), gamma, beta, Rectifier::Prelu(slope)).0
        },
        0.05,
    );
}

#[test]
fn a_prelu_sends_back_the_slope_of_negative_values_and_learns_from_them() {
    let x = tensor(&[2.0, -3.0, -1.0, 4.0], [1, 2, 1, 2]).require_grad();
    let slope = tensor(&[0.25, 0.5], [2]).require_grad();
    let y = cpu::prelu(x.clone(), slope.clone());
    assert_eq!(values(y.clone()), [2.0, -0.75, -0.5, 4.0]);
    let gradients = (y * tensor(&[10.0, 20.0, 30.0, 40.0], [1, 2, 1, 2])).sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [10.0, 5.0, 15.0, 40.0]);
    assert_eq!(values(slope.grad(&gradients).unwrap()), [-60.0, -30.0]);
}

#[test]
fn a_bias_and_a_connection_have_the_gradients_of_finite_differences() {
    check_gradients(
        &[wave(2 * 3 * 20, 6), wave(4 * 3 * 9, 7), vec![0.3, -0.4, 0.0, 2.0]],
        |[x, w, b]| cpu::convolution_with_bias(x.reshape([2, 3, 4, 5]), w.reshape([4, 3, 3, 3]), b, 1, false),
        0.01,
    );
    check_gradients(
        &[wave(3 * 20, 8), wave(4 * 20, 9)],
        |[x, w]| cpu::connection(x.reshape([3, 20]), w.reshape([4, 20])).reshape([3, 4, 1, 1]),
        0.01,
    );
    check_gradients(
        &[wave(3 * 2 * 12, 8), wave(2 * 12, 9)],
        |[x, w]| cpu::global_depthwise(x.reshape([3, 2, 3, 4]), w.reshape([2, 1, 3, 4])),
        0.01,
    );
}

#[test]
fn pooling_and_response_norm_have_the_gradients_of_finite_differences() {
    // Values a whole step apart, so that no difference changes which of them is largest.
    let apart = [(0..2 * 3 * 25).map(|i| ((i * 37) % 150) as f32 / 10.0 - 7.4).collect()];
    for stride in [1, 2] {
        check_gradients(&apart, |[x]| cpu::max_pool(x.reshape([2, 3, 5, 5]), stride), 0.01);
        check_gradients(&[wave(2 * 3 * 25, 6)], |[x]| cpu::l2_pool(x.reshape([2, 3, 5, 5]), stride), 0.02);
    }
    let large: Vec<f32> = wave(2 * 7 * 4, 7).iter().map(|v| v * 100.0).collect();
    check_gradients(&[large], |[x]| cpu::local_response_norm(x.reshape([2, 7, 2, 2])), 0.02);
}

#[test]
fn an_upsampling_sends_back_the_sum_of_four_and_has_the_gradients_of_finite_differences() {
    let x = tensor(&[1.0, 2.0], [1, 1, 1, 2]).require_grad();
    let y = cpu::upsample(x.clone());
    assert_eq!(values(y.clone()), [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
    let weights: Vec<f32> = (0..8).map(|v| v as f32).collect();
    let gradients = (y * tensor(&weights, [1, 1, 2, 4])).sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [10.0, 18.0]);
    check_gradients(&[wave(2 * 3 * 12, 6)], |[x]| cpu::upsample(x.reshape([2, 3, 3, 4])), 0.01);
}

#[test]
fn an_l2_pool_of_zeros_sends_nothing_back() {
    let x = tensor(&[0.0; 9], [1, 1, 3, 3]).require_grad();
    let gradients = cpu::l2_pool(x.clone(), 1).sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [0.0; 9]);
}

#[test]
fn the_sum_of_a_residual_block_passes_gradients_where_it_is_positive() {
    let (a, b) =
        (tensor(&[1.0, -3.0, 2.0, 0.5], [1, 1, 2, 2]), tensor(&[1.0, 1.0, -1.0, -0.5], [1, 1, 2, 2]));
    let (a, b) = (a.require_grad(), b.require_grad());
    let sum = cpu::add(a.clone(), b.clone(), true);
    assert_eq!(values(sum.clone()), [2.0, 0.0, 1.0, 0.0]);
    let gradients = (sum * tensor(&[5.0, 6.0, 7.0, 8.0], [1, 1, 2, 2])).sum().backward();
    assert_eq!(values(a.grad(&gradients).unwrap()), [5.0, 0.0, 7.0, 0.0]);
    assert_eq!(values(b.grad(&gradients).unwrap()), [5.0, 0.0, 7.0, 0.0]);
}
