//! Pooling of 3×3 windows, and of whole maps.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::record::{Function, Input, Values, record};

/// The maximum of 3×3 windows, as [`facenet::kernels::max_pool`].
pub(crate) fn max_pool(source: Tensor<4>, stride: usize) -> Tensor<4> {
    pool(source, stride, facenet::kernels::max_pool, max_backward)
}

/// The L2 norm of 3×3 windows, as [`facenet::kernels::l2_pool`].
pub(crate) fn l2_pool(source: Tensor<4>, stride: usize) -> Tensor<4> {
    pool(source, stride, facenet::kernels::l2_pool, l2_backward)
}

/// Adds to `target` what a window that pooled `values` to `pooled` sends back to them for `gradient`.
type BackwardWindow = fn(values: &Window, pooled: f32, gradient: f32, target: &mut [f32]);

/// The values of a window inside its map, and where they lie.
struct Window<'a> {
    map: &'a [f32],
    width: usize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
}

impl Window<'_> {
    fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.clone().flat_map(move |y| self.columns.clone().map(move |x| y * self.width + x))
    }
}

/// All goes to the first of the largest values, row by row.
fn max_backward(window: &Window, pooled: f32, gradient: f32, target: &mut [f32]) {
    if let Some(at) = window.positions().find(|&at| window.map[at] == pooled) {
        target[at] += gradient;
    }
}

/// `d‖x‖ / dx = x / ‖x‖`, and zero where the norm is: there it has no direction.
fn l2_backward(window: &Window, pooled: f32, gradient: f32, target: &mut [f32]) {
    if pooled > 0.0 {
        let share = gradient / pooled;
        window.positions().for_each(|at| target[at] += window.map[at] * share);
    }
}

fn pool(
    source: Tensor<4>,
    stride: usize,
    forward: fn(&[f32], usize, usize, usize, &mut [f32]),
    backward: BackwardWindow,
) -> Tensor<4> {
    let input = Input::of(source);
    let source = input.values();
    let [images, channels, height, width] = source.shape();
    let shape = [images, channels, height.div_ceil(stride), width.div_ceil(stride)];
    let mut output = vec![0.0; shape.iter().product()];
    output
        .par_chunks_mut(shape[1..].iter().product())
        .zip(source.as_slice().par_chunks(channels * height * width))
        .for_each(|(output, source)| forward(source, height, width, stride, output));
    record([input], output, shape, |pooled| Pooling { source, pooled, height, width, stride, backward })
}

#[derive(Debug)]
struct Pooling {
    source: Values,
    pooled: Values,
    height: usize,
    width: usize,
    stride: usize,
    backward: BackwardWindow,
}

impl Pooling {
    fn backward_map(&self, map: &[f32], pooled: &[f32], gradient: &[f32], target: &mut [f32]) {
        let columns = self.width.div_ceil(self.stride);
        let around = |o: usize, side| (o * self.stride).saturating_sub(1)..(o * self.stride + 2).min(side);
        for (at, (pooled, gradient)) in pooled.iter().zip(gradient).enumerate() {
            let rows = around(at / columns, self.height);
            let columns = around(at % columns, self.width);
            let window = Window { map, width: self.width, rows, columns };
            (self.backward)(&window, *pooled, *gradient, target);
        }
    }
}

impl Function<1> for Pooling {
    fn backward(&self, gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let source = self.source.as_slice();
        let area = self.height * self.width;
        let pooled_area = self.height.div_ceil(self.stride) * self.width.div_ceil(self.stride);
        let mut target = vec![0.0; source.len()];
        target
            .par_chunks_mut(area)
            .zip(source.par_chunks(area))
            .zip(self.pooled.as_slice().par_chunks(pooled_area).zip(gradient.par_chunks(pooled_area)))
            .for_each(|((target, map), (pooled, gradient))| self.backward_map(map, pooled, gradient, target));
        [Some(target)]
    }
}

/// The mean over each map: `[N, C, H, W]` -> `[N, C, 1, 1]`.
pub(crate) fn average_pool(source: Tensor<4>) -> Tensor<4> {
    let input = Input::of(source);
    let source = input.values();
    let [images, channels, height, width] = source.shape();
    let area = height * width;
    let mean = |map: &[f32]| map.iter().sum::<f32>() / area as f32;
    let output = source.as_slice().par_chunks(area).with_min_len(64).map(mean).collect();
    record([input], output, [images, channels, 1, 1], |_| AveragePool { area })
}

#[derive(Debug)]
struct AveragePool {
    area: usize,
}

impl Function<1> for AveragePool {
    fn backward(&self, gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let share = 1.0 / self.area as f32;
        [Some(
            gradient.iter().flat_map(|gradient| std::iter::repeat_n(gradient * share, self.area)).collect(),
        )]
    }
}
