//! Depthwise convolution: each channel with a kernel of its own, without a detour over columns.

use burn::tensor::Tensor;
use facenet::kernels::wide;
use rayon::prelude::*;

use super::record::{Function, Input, Values, record};

/// The convolution of each channel of `source` with its own square kernel, padded by half of it.
///
/// # Shapes
/// `source` `[N, C, H, W]`, `weight` `[C, 1, k, k]` -> `[N, C, H / stride, W / stride]`, rounded up.
pub(crate) fn depthwise(source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let (source, weight) = (Input::of(source), Input::of(weight));
    let [images, channels, height, width] = source.values().shape();
    let kernel = weight.values().shape::<4>()[2];
    let geometry = Geometry { kernel, stride, height, width };
    let function = Depthwise { source: source.values(), weight: weight.values(), channels, geometry };
    let output = function.forward();
    let shape = [images, channels, geometry.out_height(), geometry.out_width()];
    record([source, weight], output, shape, |_| function)
}

#[derive(Debug)]
struct Depthwise {
    source: Values,
    weight: Values,
    channels: usize,
    geometry: Geometry,
}

#[derive(Debug, Clone, Copy)]
struct Geometry {
    kernel: usize,
    stride: usize,
    height: usize,
    width: usize,
}

/// A padded map whose columns are sorted by their remainder modulo the stride, row by row: what a tap of the kernel
/// reads for a whole row of outputs is then one run of values, whatever the stride.
struct Padded {
    values: Vec<f32>,
}

impl Geometry {
    fn out_height(self) -> usize {
        self.height.div_ceil(self.stride)
    }

    fn out_width(self) -> usize {
        self.width.div_ceil(self.stride)
    }

    fn area(self) -> usize {
        self.height * self.width
    }

    fn out_area(self) -> usize {
        self.out_height() * self.out_width()
    }

    fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// Values of one remainder in a padded row.
    fn phase_len(self) -> usize {
        (self.width + self.kernel - 1).div_ceil(self.stride)
    }

    fn row_len(self) -> usize {
        self.phase_len() * self.stride
    }

    fn padded(self) -> Padded {
        // An output row reads up to `kernel - stride` rows beyond those of its own stride.
        let rows = (self.out_height() - 1) * self.stride + self.kernel;
        Padded { values: vec![0.0; rows.max(self.height + self.kernel / 2) * self.row_len()] }
    }

    /// Where in a padded map the values of tap `(ky, kx)` for output row `oy` start.
    fn run(self, oy: usize, ky: usize, kx: usize) -> usize {
        (oy * self.stride + ky) * self.row_len() + kx % self.stride * self.phase_len() + kx / self.stride
    }

    /// Where value `x` of row `y` lies in a padded map.
    fn place(self, y: usize, x: usize) -> usize {
        let (pad, x) = (self.kernel / 2, x + self.kernel / 2);
        (y + pad) * self.row_len() + x % self.stride * self.phase_len() + x / self.stride
    }
}

impl Padded {
    /// Takes over a map; the border stays zero.
    #[inline(always)]
    fn fill(&mut self, map: &[f32], geometry: Geometry) {
        for (y, row) in map.chunks_exact(geometry.width).enumerate() {
            if geometry.stride == 1 {
                let start = geometry.place(y, 0);
                self.values[start..start + row.len()].copy_from_slice(row);
            } else {
                for (x, value) in row.iter().enumerate() {
                    self.values[geometry.place(y, x)] = *value;
                }
            }
        }
    }

    /// Gives the map without its border.
    #[inline(always)]
    fn read(&self, map: &mut [f32], geometry: Geometry) {
        for (y, row) in map.chunks_exact_mut(geometry.width).enumerate() {
            if geometry.stride == 1 {
                let start = geometry.place(y, 0);
                row.copy_from_slice(&self.values[start..start + geometry.width]);
            } else {
                for (x, value) in row.iter_mut().enumerate() {
                    *value = self.values[geometry.place(y, x)];
                }
            }
        }
    }
}

impl Depthwise {
    fn forward(&self) -> Vec<f32> {
        let g = self.geometry;
        let source = self.source.as_slice();
        let mut output = vec![0.0; source.len() / g.area() * g.out_area()];
        output
            .par_chunks_mut(self.channels * g.out_area())
            .zip(source.par_chunks(self.channels * g.area()))
            .for_each(|(output, source)| {
                let mut padded = g.padded();
                let maps = output.chunks_exact_mut(g.out_area()).zip(source.chunks_exact(g.area()));
                for ((output, source), kernel) in maps.zip(self.weight.as_slice().chunks_exact(g.taps())) {
                    wide(
                        #[inline(always)]
                        || {
                            padded.fill(source, g);
                            forward_map(&padded, kernel, g, output);
                        },
                    );
                }
            });
        output
    }

    /// The source gradient of one image if `target` is given, and its share of the kernels' gradients.
    fn backward_image(
        &self,
        source: &[f32],
        gradient: &[f32],
        share: &mut [f32],
        target: Option<&mut [f32]>,
    ) {
        let g = self.geometry;
        let (mut padded, mut spread) = (g.padded(), g.padded());
        let mut targets = target.map(|target| target.chunks_exact_mut(g.area()));
        let maps = source.chunks_exact(g.area()).zip(gradient.chunks_exact(g.out_area()));
        let kernels = self.weight.as_slice().chunks_exact(g.taps()).zip(share.chunks_exact_mut(g.taps()));
        for ((source, gradient), (kernel, share)) in maps.zip(kernels) {
            let target = targets.as_mut().and_then(Iterator::next);
            wide(
                #[inline(always)]
                || {
                    padded.fill(source, g);
                    kernel_gradient(&padded, gradient, g, share);
                    if let Some(target) = target {
                        spread.values.fill(0.0);
                        spread_map(&mut spread, kernel, gradient, g);
                        spread.read(target, g);
                    }
                },
            );
        }
    }
}

#[inline(always)]
fn forward_map(padded: &Padded, kernel: &[f32], g: Geometry, output: &mut [f32]) {
    let width = g.out_width();
    for (oy, line) in output.chunks_exact_mut(width).enumerate() {
        if let Ok(kernel) = <&[f32; 9]>::try_from(kernel) {
            // All taps at once: the line is written once instead of nine times.
            let run: [&[f32]; 9] =
                std::array::from_fn(|tap| &padded.values[g.run(oy, tap / 3, tap % 3)..][..width]);
            for (x, y) in line.iter_mut().enumerate() {
                let mut sum = 0.0;
                for tap in 0..9 {
                    sum += kernel[tap] * run[tap][x];
                }
                *y = sum;
            }
        } else {
            line.fill(0.0);
            for (tap, weight) in kernel.iter().enumerate() {
                let run = &padded.values[g.run(oy, tap / g.kernel, tap % g.kernel)..][..width];
                line.iter_mut().zip(run).for_each(|(y, x)| *y += weight * x);
            }
        }
    }
}

/// Adds `gradient` times the kernel to where the outputs were read from.
#[inline(always)]
fn spread_map(target: &mut Padded, kernel: &[f32], gradient: &[f32], g: Geometry) {
    let width = g.out_width();
    for (oy, line) in gradient.chunks_exact(width).enumerate() {
        for (tap, weight) in kernel.iter().enumerate() {
            let run = &mut target.values[g.run(oy, tap / g.kernel, tap % g.kernel)..][..width];
            run.iter_mut().zip(line).for_each(|(x, y)| *x += weight * y);
        }
    }
}

/// Writes `Σ gradient · source` for each tap.
#[inline(always)]
fn kernel_gradient(padded: &Padded, gradient: &[f32], g: Geometry, share: &mut [f32]) {
    let width = g.out_width();
    for (tap, share) in share.iter_mut().enumerate() {
        // Sixteen sums side by side, so that they are computed in registers.
        let mut lanes = [0.0f32; 16];
        for (oy, line) in gradient.chunks_exact(width).enumerate() {
            let run = &padded.values[g.run(oy, tap / g.kernel, tap % g.kernel)..][..width];
            let ((ys, y_rest), (xs, x_rest)) = (line.as_chunks::<16>(), run.as_chunks::<16>());
            for (ys, xs) in ys.iter().zip(xs) {
                for lane in 0..16 {
                    lanes[lane] += ys[lane] * xs[lane];
                }
            }
            for (lane, (y, x)) in lanes.iter_mut().zip(y_rest.iter().zip(x_rest)) {
                *lane += y * x;
            }
        }
        *share = lanes.iter().sum();
    }
}

impl Function<2> for Depthwise {
    fn backward(&self, gradient: &[f32], [source_needed, weight_needed]: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let g = self.geometry;
        let source = self.source.as_slice();
        let (image, out_image) = (self.channels * g.area(), self.channels * g.out_area());
        let mut source_gradient = vec![0.0; if source_needed { source.len() } else { 0 }];
        let mut targets: Vec<Option<&mut [f32]>> = source_gradient.chunks_mut(image).map(Some).collect();
        targets.resize_with(source.len() / image, || None);
        // One share an image, summed in the order of the images.
        let mut shares = vec![0.0; targets.len() * self.channels * g.taps()];
        targets
            .into_par_iter()
            .zip(source.par_chunks(image))
            .zip(gradient.par_chunks(out_image))
            .zip(shares.par_chunks_mut(self.channels * g.taps()))
            .for_each(|(((target, source), gradient), share)| {
                self.backward_image(source, gradient, share, target);
            });
        let weight_gradient = weight_needed.then(|| {
            let mut sums = vec![0.0; self.channels * g.taps()];
            for share in shares.chunks_exact(sums.len()) {
                sums.iter_mut().zip(share).for_each(|(sum, value)| *sum += value);
            }
            sums
        });
        [source_needed.then_some(source_gradient), weight_gradient]
    }
}

/// The sum over each channel's map, weighted by values of its own: a depthwise convolution over the whole map.
///
/// # Shapes
/// `source` `[N, C, H, W]`, `weight` `[C, 1, H, W]` -> `[N, C, 1, 1]`.
pub(crate) fn global_depthwise(source: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let (source, weight) = (Input::of(source), Input::of(weight));
    let [images, channels, height, width] = source.values().shape();
    let function = GlobalDepthwise { source: source.values(), weight: weight.values(), area: height * width };
    let output = function.forward();
    record([source, weight], output, [images, channels, 1, 1], |_| function)
}

#[derive(Debug)]
struct GlobalDepthwise {
    source: Values,
    weight: Values,
    area: usize,
}

impl GlobalDepthwise {
    fn forward(&self) -> Vec<f32> {
        let weight = self.weight.as_slice();
        self.source
            .as_slice()
            .par_chunks(weight.len())
            .flat_map_iter(|image| {
                let maps = image.chunks_exact(self.area).zip(weight.chunks_exact(self.area));
                maps.map(|(map, weight)| map.iter().zip(weight).map(|(x, w)| x * w).sum::<f32>())
            })
            .collect()
    }
}

impl Function<2> for GlobalDepthwise {
    fn backward(&self, gradient: &[f32], needed: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let (source, weight) = (self.source.as_slice(), self.weight.as_slice());
        let channels = weight.len() / self.area;
        let source_gradient = needed[0].then(|| {
            let mut target = vec![0.0; source.len()];
            target.par_chunks_mut(weight.len()).zip(gradient.par_chunks(channels)).for_each(
                |(target, gradient)| {
                    let maps = target.chunks_exact_mut(self.area).zip(weight.chunks_exact(self.area));
                    for ((target, weight), gradient) in maps.zip(gradient) {
                        target.iter_mut().zip(weight).for_each(|(x, w)| *x = gradient * w);
                    }
                },
            );
            target
        });
        let weight_gradient = needed[1].then(|| {
            let mut sums = vec![0.0; weight.len()];
            sums.par_chunks_mut(self.area).enumerate().for_each(|(c, sum)| {
                let maps = source.chunks_exact(self.area).skip(c).step_by(channels);
                for (map, gradient) in maps.zip(gradient.iter().skip(c).step_by(channels)) {
                    sum.iter_mut().zip(map).for_each(|(sum, x)| *sum += gradient * x);
                }
            });
            sums
        });
        [source_gradient, weight_gradient]
    }
}
