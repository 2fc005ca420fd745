//! What is measured of a face's pixels.

use facenet_core::RgbImage;

/// Standard deviation of the blur that fine detail is told by, in pixels of the standard crop.
const SIGMA: f32 = 1.5;
/// Beyond it the blur weighs nothing.
const RADIUS: usize = 5;
/// Pixels in a row that the blur weighs.
const TAPS: usize = 2 * RADIUS + 1;
/// Grey values up to here count as black, of 255.
const BLACK: f32 = 30.0;
/// Grey values from here on count as white, of 255.
const WHITE: f32 = 245.0;
/// A face without contrast has no detail either: this keeps noise from being taken for it.
const LEAST_CONTRAST: f32 = 5.0;

/// What the middle of a face looks like: an eighth of the edge is left out on each side, since hair and background
/// say nothing of the face.
pub(super) struct Measures {
    /// The part of the contrast that is in fine detail, in `[0, 1]`; 0.1 is a blurred face, 0.25 a sharp one.
    pub(super) detail: f32,
    /// The share of nearly black pixels.
    pub(super) dark: f32,
    /// The share of white pixels.
    pub(super) white: f32,
}

impl Measures {
    /// Measures a square image.
    pub(super) fn of(face: &RgbImage) -> Self {
        let edge = face.width() as usize;
        let grey: Vec<f32> = face.pixels().map(|pixel| luma(pixel.0)).collect();
        let blurred = blurred(&grey, edge);
        let margin = edge / 8;
        let middle =
            || (margin..edge - margin).flat_map(|y| (margin..edge - margin).map(move |x| y * edge + x));
        let count = middle().count() as f32;
        let share =
            |counts: &dyn Fn(f32) -> bool| middle().filter(|&at| counts(grey[at])).count() as f32 / count;
        let contrast = deviation(middle().map(|at| grey[at]));
        let fine = deviation(middle().map(|at| grey[at] - blurred[at]));
        Self {
            detail: fine / (contrast + LEAST_CONTRAST),
            dark: share(&|value| value < BLACK),
            white: share(&|value| value > WHITE),
        }
    }
}

/// Brightness as ITU-R BT.601 weighs it, in `[0, 255]`.
fn luma([r, g, b]: [u8; 3]) -> f32 {
    0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
}

fn deviation(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let (count, sum) = values.clone().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let mean = sum / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt()
}

/// A Gaussian blur; border pixels repeat.
fn blurred(grey: &[f32], edge: usize) -> Vec<f32> {
    let weights: [f32; TAPS] =
        std::array::from_fn(|tap| (-(tap as f32 - RADIUS as f32).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f32 = weights.iter().sum();
    let within = |at: usize| at.saturating_sub(RADIUS).min(edge - 1);
    let mut across = Vec::with_capacity(grey.len());
    for row in grey.chunks_exact(edge) {
        let padded: Vec<f32> = (0..edge + 2 * RADIUS).map(|at| row[within(at)]).collect();
        across.extend(weighed(&weights, sum, edge, |tap| &padded[tap..]));
    }
    let row = |at: usize| &across[within(at) * edge..];
    (0..edge).flat_map(|y| weighed(&weights, sum, edge, |tap| row(y + tap))).collect()
}

/// The weighed mean of as many rows as there are weights, pixel by pixel: whole rows at a time, since the compiler makes
/// vectors of that.
fn weighed<'a>(weights: &[f32; TAPS], sum: f32, edge: usize, row: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    let mut out = vec![0.0; edge];
    for (tap, weight) in weights.iter().enumerate() {
        for (out, value) in out.iter_mut().zip(row(tap)) {
            *out += weight * value;
        }
    }
    out.iter_mut().for_each(|value| *value /= sum);
    out
}
