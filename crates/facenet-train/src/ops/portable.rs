//! The layers in Burn's own tensor functions, for every device.
//!
//! Values keep the precision they come in, and weights follow it; statistics, norms and what becomes of sums of squares
//! are computed in 32 bits.

use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{FloatDType, Tensor};
use facenet::NORM_EPSILON;
use facenet::kernels::LocalResponse;

use super::{Moments, Rectifier};

/// The smallest sum of squares whose root is differentiated: at zero a norm has no direction.
const SMALLEST_SQUARE: f32 = 1e-30;

fn like<const D: usize, const E: usize>(weight: Tensor<D>, source: &Tensor<E>) -> Tensor<D> {
    weight.cast(FloatDType::from(source.dtype()))
}

fn single<const D: usize>(source: Tensor<D>) -> Tensor<D> {
    source.cast(FloatDType::F32)
}

/// A value for each channel, to be combined with maps.
fn by_channel(values: Tensor<1>) -> Tensor<4> {
    let [channels] = values.dims();
    values.reshape([1, channels, 1, 1])
}

/// The convolution, with a bias if given; every group of channels by itself.
fn convolve(
    source: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    groups: usize,
) -> Tensor<4> {
    let pad = weight.dims()[2] / 2;
    let options = ConvOptions::new([stride; 2], [pad; 2], [1; 2], groups);
    let (weight, bias) = (like(weight, &source), bias.map(|bias| like(bias, &source)));
    conv2d(source, weight, bias, options)
}

pub(super) fn convolution(source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    convolve(source, weight, None, stride, 1)
}

pub(super) fn convolution_with_bias(
    source: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    rectified: bool,
) -> Tensor<4> {
    let output = convolve(source, weight, Some(bias), stride, 1);
    if rectified { relu(output) } else { output }
}

pub(super) fn depthwise(source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let channels = source.dims()[1];
    convolve(source, weight, None, stride, channels)
}

pub(super) fn global_depthwise(source: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let dtype = FloatDType::from(source.dtype());
    let [channels, _, height, width] = weight.dims();
    let weight = weight.reshape([1, channels, height, width]);
    // [N, C, H, W] -> [N, C, 1, 1]
    (single(source) * weight).sum_dim(3).sum_dim(2).cast(dtype)
}

pub(super) fn batch_norm(
    source: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    rectifier: Rectifier,
) -> (Tensor<4>, Moments) {
    let dtype = FloatDType::from(source.dtype());
    let normalised = batch_norm_train(single(source), gamma, beta, f64::from(NORM_EPSILON));
    let output = match rectifier {
        Rectifier::None => normalised.output,
        Rectifier::Relu => relu(normalised.output),
        Rectifier::Prelu(slope) => prelu(normalised.output, slope),
    };
    let moments = Moments { mean: normalised.mean, variance: normalised.variance };
    (output.cast(dtype), moments)
}

pub(super) fn prelu(source: Tensor<4>, slope: Tensor<1>) -> Tensor<4> {
    let slope = like(by_channel(slope), &source);
    relu(source.clone()) - relu(-source) * slope
}

pub(super) fn add(left: Tensor<4>, right: Tensor<4>, rectified: bool) -> Tensor<4> {
    if rectified { relu(left + right) } else { left + right }
}

pub(super) fn max_pool(source: Tensor<4>, stride: usize) -> Tensor<4> {
    let options = MaxPoolOptions { stride: [stride; 2], padding: [(1, 1); 2], ..MaxPoolOptions::new([3; 2]) };
    max_pool2d(source, options)
}

pub(super) fn l2_pool(source: Tensor<4>, stride: usize) -> Tensor<4> {
    let dtype = FloatDType::from(source.dtype());
    let source = single(source);
    let options = AvgPoolOptions { stride: [stride; 2], padding: [(1, 1); 2], ..AvgPoolOptions::new([3; 2]) };
    let squares = avg_pool2d(source.clone() * source, options).mul_scalar(9.0);
    squares.clamp_min(SMALLEST_SQUARE).sqrt().cast(dtype)
}

pub(super) fn average_pool(source: Tensor<4>) -> Tensor<4> {
    let dtype = FloatDType::from(source.dtype());
    single(source).mean_dim(3).mean_dim(2).cast(dtype)
}

pub(super) fn upsample(source: Tensor<4>) -> Tensor<4> {
    let [images, channels, height, width] = source.dims();
    // [N, C, H, W] -> [N, C, H, 2, W, 2]
    let squares = source
        .reshape([images, channels, height, 1, width, 1])
        .expand([images, channels, height, 2, width, 2]);
    squares.reshape([images, channels, 2 * height, 2 * width])
}

pub(super) fn local_response_norm(source: Tensor<4>) -> Tensor<4> {
    const WINDOW: usize = 2 * LocalResponse::REACH + 1;
    let dtype = FloatDType::from(source.dtype());
    let source = single(source);
    let [images, channels, height, width] = source.dims();
    // The mean over a window of channels, padded by zeros: channels become the rows of one map.
    let reach = LocalResponse::REACH;
    let options = AvgPoolOptions {
        stride: [1; 2],
        padding: [(reach, reach), (0, 0)],
        ..AvgPoolOptions::new([WINDOW, 1])
    };
    let squares = (source.clone() * source.clone()).reshape([images, 1, channels, height * width]);
    let sums = avg_pool2d(squares, options).mul_scalar(WINDOW as f32);
    let scale =
        sums.mul_scalar(LocalResponse::WEIGHT).add_scalar(1.0).reshape([images, channels, height, width]);
    // s^(3/4)
    let root = scale.sqrt();
    (source / (root.clone() * root.sqrt())).cast(dtype)
}

/// In the precision of the source; the product is accumulated as the device does.
pub(super) fn connection(source: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let weight = like(weight, &source);
    source.matmul(weight.transpose())
}
