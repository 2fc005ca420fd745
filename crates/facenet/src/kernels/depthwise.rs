//! Depthwise convolution: every map with a kernel of its own.
//!
//! A map is laid out with its border of zeros, so that a tap of the kernel is the whole map moved by a constant, and
//! rows can be summed as one long line, short as they are on late maps. For a stride the map is laid out in as many
//! planes as there are remainders of rows and columns, and within a plane every tap is again a constant.

use super::{Window, wide};

/// Taps that are summed in one pass over a map.
const TAPS: usize = 9;

/// A depthwise convolution of maps of one size, with the memory for one of them.
#[derive(Debug)]
pub struct Depthwise {
    width: usize,
    window: Window,
    output_width: usize,
    /// Rows and columns of a plane.
    plane: (usize, usize),
    /// `[stride, stride, rows, columns]`
    planes: Vec<f32>,
    /// Of rows as long as a plane's.
    sums: Vec<f32>,
    areas: (usize, usize),
}

impl Depthwise {
    /// Prepares for maps of `height × width` values; they are padded with zeros by half the kernel.
    pub fn new((height, width): (usize, usize), window: Window) -> Self {
        let Window { kernel, stride } = window;
        let (output_height, output_width) = (window.output_side(height), window.output_side(width));
        let plane = [height, width].map(|side| (side + 2 * (kernel / 2)).div_ceil(stride));
        Self {
            width,
            window,
            output_width,
            plane: (plane[0], plane[1]),
            planes: vec![0.0; stride * stride * plane[0] * plane[1]],
            sums: vec![0.0; (output_height.max(1) - 1) * plane[1] + output_width],
            areas: (height * width, output_height * output_width),
        }
    }

    /// Convolves each map of `source` with `kernel`, `[k, k]`.
    ///
    /// # Panics
    /// When `source` and `out` disagree on the number of maps, or the kernel is of another size.
    pub fn convolve(&mut self, source: &[f32], kernel: &[f32], out: &mut [f32]) {
        let (area, output_area) = self.areas;
        assert_eq!(
            source.len() / area,
            out.len() / output_area,
            "maps in and out of a depthwise convolution"
        );
        assert_eq!(kernel.len(), self.window.kernel * self.window.kernel, "values of a kernel");
        let taps = self.taps(kernel);
        for (map, out) in source.chunks_exact(area).zip(out.chunks_exact_mut(output_area)) {
            self.lay_out(map);
            self.sums.fill(0.0);
            for nine in &taps {
                wide(|| add_taps(&self.planes, nine, &mut self.sums));
            }
            for (line, sums) in out.chunks_exact_mut(self.output_width).zip(self.sums.chunks(self.plane.1)) {
                line.copy_from_slice(&sums[..self.output_width]);
            }
        }
    }

    /// Where each tap starts to read, and its weight; filled up with weights of zero.
    fn taps(&self, kernel: &[f32]) -> Vec<[(usize, f32); TAPS]> {
        let Window { kernel: k, stride } = self.window;
        let (rows, columns) = self.plane;
        let tap = |(i, weight): (usize, &f32)| {
            let (ky, kx) = (i / k, i % k);
            let plane = (ky % stride) * stride + kx % stride;
            (plane * rows * columns + (ky / stride) * columns + kx / stride, *weight)
        };
        let all: Vec<_> = kernel.iter().enumerate().map(tap).collect();
        let fill = |some: &[(usize, f32)]| std::array::from_fn(|i| some.get(i).copied().unwrap_or((0, 0.0)));
        all.chunks(TAPS).map(fill).collect()
    }

    /// Writes a map into the planes; their borders stay zero.
    fn lay_out(&mut self, map: &[f32]) {
        let Window { kernel, stride } = self.window;
        let ((rows, columns), pad) = (self.plane, kernel / 2);
        for (y, line) in map.chunks_exact(self.width).enumerate() {
            for remainder in 0..stride {
                // The first column of the map that lies in this plane, counted with the border.
                let first = (pad..).find(|x| x % stride == remainder).expect("one of `stride` columns");
                let plane = ((y + pad) % stride) * stride + remainder;
                let at = (plane * rows + (y + pad) / stride) * columns + first / stride;
                if stride == 1 {
                    self.planes[at..at + line.len()].copy_from_slice(line);
                } else if first - pad < line.len() {
                    let values = line[first - pad..].iter().step_by(stride);
                    self.planes[at..].iter_mut().zip(values).for_each(|(place, value)| *place = *value);
                }
            }
        }
    }
}

/// `sums[i] += Σ weight · planes[start + i]`
#[inline(always)]
fn add_taps(planes: &[f32], taps: &[(usize, f32); TAPS], sums: &mut [f32]) {
    let len = sums.len();
    let [a, b, c, d, e, f, g, h, i] = taps.map(|(start, _)| &planes[start..][..len]);
    let w = taps.map(|(_, weight)| weight);
    for x in 0..len {
        let upper = w[0] * a[x] + w[1] * b[x] + w[2] * c[x];
        let middle = w[3] * d[x] + w[4] * e[x] + w[5] * f[x];
        let lower = w[6] * g[x] + w[7] * h[x] + w[8] * i[x];
        sums[x] += upper + middle + lower;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(map: &[f32], (height, width): (usize, usize), window: Window, kernel: &[f32]) -> Vec<f64> {
        let Window { kernel: k, stride } = window;
        let mut out = Vec::new();
        for oy in 0..height.div_ceil(stride) {
            for ox in 0..width.div_ceil(stride) {
                let mut sum = 0.0;
                for (ky, kx) in (0..k).flat_map(|ky| (0..k).map(move |kx| (ky, kx))) {
                    let (y, x) =
                        ((oy * stride + ky).checked_sub(k / 2), (ox * stride + kx).checked_sub(k / 2));
                    if let (Some(y), Some(x)) = (y, x)
                        && y < height
                        && x < width
                    {
                        sum += f64::from(kernel[ky * k + kx]) * f64::from(map[y * width + x]);
                    }
                }
                out.push(sum);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn it_equals_the_naive_sum_on_maps_of_all_sizes(
            k in prop::sample::select(vec![1usize, 3, 5, 7]),
            stride in 1usize..4,
            (height, width) in (1usize..12, 1usize..12),
            maps in 0usize..3,
        ) {
            let (window, size) = (Window { kernel: k, stride }, (height, width));
            let source: Vec<f32> = (0..maps * height * width).map(|i| (i as f32 * 0.37).sin()).collect();
            let kernel: Vec<f32> = (0..k * k).map(|i| (i as f32 * 0.71).cos()).collect();
            let mut found = vec![f32::NAN; maps * height.div_ceil(stride) * width.div_ceil(stride)];
            Depthwise::new(size, window).convolve(&source, &kernel, &mut found);
            let expected = source.chunks_exact(height * width).flat_map(|map| naive(map, size, window, &kernel));
            for (found, expected) in found.iter().zip(expected) {
                // Sums of up to 49 products below one.
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    #[should_panic(expected = "maps in and out")]
    fn another_number_of_maps_is_a_mistake_of_the_caller() {
        Depthwise::new((2, 2), Window { kernel: 3, stride: 1 }).convolve(&[0.0; 8], &[0.0; 9], &mut [0.0; 4]);
    }
}
