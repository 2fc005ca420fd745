//! Convolution as matrix products over columns.

use burn::tensor::Tensor;
use facenet::kernels::{Maps, Matrix, Threads, Window, columns, multiply, spread_columns};
use rayon::prelude::*;

use super::elementwise::where_positive;
use super::record::{Function, Input, Values, record};

/// A batch is cut into this many parts, whatever the number of threads: weight gradients are summed part by part,
/// always in the same order.
const PARTS: usize = 8;
/// Fewer positions than this in a product make the repacking of the weights show, so images share one.
const POSITIONS: usize = 256;

/// The convolution of `source` with `weight`, without bias, padded by half the kernel.
///
/// # Shapes
/// `source` `[N, C, H, W]`, `weight` `[F, C, k, k]` -> `[N, F, H / stride, W / stride]`, rounded up.
pub(crate) fn convolution(source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let (source, weight) = (Input::of(source), Input::of(weight));
    let function = Convolution::new(source.values(), weight.values(), stride);
    let output = function.forward(|_| ());
    let shape = function.output_shape();
    record([source, weight], output, shape, |_| function)
}

/// As [`convolution`], plus a bias for each filter; negative results become zero if `relu`.
///
/// # Shapes
/// `bias` `[F]`; others as for [`convolution`].
pub(crate) fn convolution_with_bias(
    source: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    relu: bool,
) -> Tensor<4> {
    let (source, weight, bias) = (Input::of(source), Input::of(weight), Input::of(bias));
    let convolution = Convolution::new(source.values(), weight.values(), stride);
    let (area, biases, floor) =
        (convolution.area(), bias.values(), if relu { 0.0 } else { f32::NEG_INFINITY });
    // Right after its product an image is still in the cache.
    let output = convolution.forward(|image| {
        for (map, bias) in image.chunks_exact_mut(area).zip(biases.as_slice()) {
            map.iter_mut().for_each(|v| *v = (*v + bias).max(floor));
        }
    });
    let shape = convolution.output_shape();
    record([source, weight, bias], output, shape, |output| Biased {
        convolution,
        rectified: relu.then_some(output),
    })
}

/// A convolution with a bias.
#[derive(Debug)]
struct Biased {
    convolution: Convolution,
    /// The output, if negative values became zero in it.
    rectified: Option<Values>,
}

impl Function<3> for Biased {
    fn backward(&self, gradient: &[f32], [source, weight, bias]: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let passed = self.rectified.as_ref().map(|output| where_positive(gradient, output.as_slice()));
        let gradient = passed.as_deref().unwrap_or(gradient);
        let (area, filters) = (self.convolution.area(), self.convolution.filters);
        let bias_gradient = bias.then(|| {
            let of_filter = |filter: usize| {
                let maps = gradient.chunks_exact(area).skip(filter).step_by(filters);
                maps.map(|map| f64::from(map.iter().sum::<f32>())).sum::<f64>() as f32
            };
            (0..filters).into_par_iter().map(of_filter).collect()
        });
        let [source_gradient, weight_gradient] = self.convolution.backward(gradient, [source, weight]);
        [source_gradient, weight_gradient, bias_gradient]
    }
}

#[derive(Debug)]
struct Convolution {
    source: Values,
    weight: Values,
    window: Window,
    images: usize,
    channels: usize,
    filters: usize,
    height: usize,
    width: usize,
    output_height: usize,
    output_width: usize,
}

/// Some images of a batch that share a product.
struct Tile {
    /// The first image, counted from the start of the part.
    first: usize,
    images: usize,
}

impl Convolution {
    fn new(source: Values, weight: Values, stride: usize) -> Self {
        let [images, channels, height, width] = source.shape();
        let [filters, _, kernel, _] = weight.shape();
        let window = Window { kernel, stride };
        let (output_height, output_width) = (window.output_side(height), window.output_side(width));
        Self { source, weight, window, images, channels, filters, height, width, output_height, output_width }
    }

    fn depth(&self) -> usize {
        self.window.depth(self.channels)
    }

    fn area(&self) -> usize {
        self.output_height * self.output_width
    }

    fn source_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn output_len(&self) -> usize {
        self.filters * self.area()
    }

    fn part(&self) -> usize {
        self.images.div_ceil(PARTS).max(1)
    }

    fn maps(&self) -> Maps {
        let area = self.height * self.width;
        Maps {
            channels: self.channels,
            height: self.height,
            width: self.width,
            channel_stride: area,
            image_stride: self.source_len(),
        }
    }

    /// A single image whose columns are its own maps.
    fn is_pointwise(&self, tile: &Tile) -> bool {
        self.window.kernel == 1 && self.window.stride == 1 && tile.images == 1
    }

    fn tiles(&self, images: usize) -> impl Iterator<Item = Tile> + use<> {
        let step = (POSITIONS / self.area()).max(1);
        (0..images).step_by(step).map(move |first| Tile { first, images: step.min(images - first) })
    }

    fn weight(&self) -> Matrix<'_> {
        Matrix::new(self.weight.as_slice(), self.filters, self.depth(), self.depth())
    }

    fn output_shape(&self) -> [usize; 4] {
        [self.images, self.filters, self.output_height, self.output_width]
    }

    /// The convolution; `finish` is called for each image when it is ready.
    fn forward(&self, finish: impl Fn(&mut [f32]) + Sync) -> Vec<f32> {
        let mut output = vec![0.0; self.images * self.output_len()];
        output
            .par_chunks_mut(self.part() * self.output_len())
            .zip(self.source.as_slice().par_chunks(self.part() * self.source_len()))
            .for_each(|(output, source)| self.forward_part(source, output, &finish));
        output
    }

    fn forward_part(&self, source: &[f32], output: &mut [f32], finish: impl Fn(&mut [f32])) {
        let (mut scratch, mut products) = (Vec::new(), Vec::new());
        for tile in self.tiles(source.len() / self.source_len()) {
            let positions = tile.images * self.area();
            let right = self.columns(source, &tile, &mut scratch);
            let target = &mut output[tile.first * self.output_len()..][..tile.images * self.output_len()];
            if tile.images == 1 {
                multiply(self.weight(), right, target, positions, 0.0, Threads::One);
                finish(target);
            } else {
                products.resize(self.filters * positions, 0.0);
                multiply(self.weight(), right, &mut products, positions, 0.0, Threads::One);
                for (image, maps) in target.chunks_exact_mut(self.output_len()).enumerate() {
                    for (map, line) in
                        maps.chunks_exact_mut(self.area()).zip(products.chunks_exact(positions))
                    {
                        map.copy_from_slice(&line[image * self.area()..][..self.area()]);
                    }
                    finish(maps);
                }
            }
        }
    }

    /// The columns of a tile, `[C · k · k, images · E' · E']`.
    fn columns<'a>(&self, source: &'a [f32], tile: &Tile, scratch: &'a mut Vec<f32>) -> Matrix<'a> {
        let positions = tile.images * self.area();
        if self.is_pointwise(tile) {
            let image = &source[tile.first * self.source_len()..][..self.source_len()];
            return Matrix::new(image, self.channels, positions, positions);
        }
        scratch.resize(self.depth() * positions, 0.0);
        let rows = tile.first * self.output_height..(tile.first + tile.images) * self.output_height;
        columns(source, self.maps(), self.window, rows, scratch);
        Matrix::new(scratch, self.depth(), positions, positions)
    }

    /// Adds a part's share of the weight gradient to `weight_gradient`, and writes the source gradient if wanted.
    fn backward_part(
        &self,
        source: &[f32],
        gradient: &[f32],
        weight_gradient: Option<&mut Vec<f32>>,
        source_gradient: Option<&mut [f32]>,
    ) {
        let mut weight_gradient = weight_gradient;
        let mut source_gradient = source_gradient;
        let (mut scratch, mut gathered) = (Vec::new(), Vec::new());
        for tile in self.tiles(source.len() / self.source_len()) {
            let positions = tile.images * self.area();
            let images = &gradient[tile.first * self.output_len()..][..tile.images * self.output_len()];
            let gradient = if tile.images == 1 {
                Matrix::new(images, self.filters, positions, positions)
            } else {
                self.gather(images, positions, &mut gathered);
                Matrix::new(&gathered, self.filters, positions, positions)
            };
            if let Some(sum) = weight_gradient.as_deref_mut() {
                let columns = self.columns(source, &tile, &mut scratch);
                multiply(gradient, columns.transposed(), sum, self.depth(), 1.0, Threads::One);
            }
            if let Some(target) = source_gradient.as_deref_mut() {
                let left = self.weight().transposed();
                if self.is_pointwise(&tile) {
                    let image = &mut target[tile.first * self.source_len()..][..self.source_len()];
                    multiply(left, gradient, image, positions, 0.0, Threads::One);
                } else {
                    scratch.resize(self.depth() * positions, 0.0);
                    multiply(left, gradient, &mut scratch, positions, 0.0, Threads::One);
                    let rows =
                        tile.first * self.output_height..(tile.first + tile.images) * self.output_height;
                    spread_columns(&scratch, self.maps(), self.window, rows, target);
                }
            }
        }
    }

    /// `[images, F, area]` -> `[F, images · area]`
    fn gather(&self, images: &[f32], positions: usize, gathered: &mut Vec<f32>) {
        gathered.resize(self.filters * positions, 0.0);
        for (image, maps) in images.chunks_exact(self.output_len()).enumerate() {
            for (line, map) in gathered.chunks_exact_mut(positions).zip(maps.chunks_exact(self.area())) {
                line[image * self.area()..][..self.area()].copy_from_slice(map);
            }
        }
    }
}

impl Function<2> for Convolution {
    fn backward(&self, gradient: &[f32], [source_needed, weight_needed]: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let source = self.source.as_slice();
        let (source_part, output_part) = (self.part() * self.source_len(), self.part() * self.output_len());
        let mut source_gradient = vec![0.0; if source_needed { source.len() } else { 0 }];
        let mut targets: Vec<Option<&mut [f32]>> =
            source_gradient.chunks_mut(source_part).map(Some).collect();
        targets.resize_with(source.len().div_ceil(source_part), || None);

        let shares: Vec<Option<Vec<f32>>> = targets
            .into_par_iter()
            .zip(source.par_chunks(source_part))
            .zip(gradient.par_chunks(output_part))
            .map(|((target, source), gradient)| {
                let mut share = weight_needed.then(|| vec![0.0; self.filters * self.depth()]);
                self.backward_part(source, gradient, share.as_mut(), target);
                share
            })
            .collect();
        let weight_gradient = shares.into_iter().flatten().reduce(|mut sum, share| {
            sum.iter_mut().zip(&share).for_each(|(sum, value)| *sum += value);
            sum
        });
        [source_needed.then_some(source_gradient), weight_gradient]
    }
}
