//! What is done to the pixels of a chip, in place and in bytes.

use facenet_core::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Red, green and blue in the brightness that people see (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// A change of colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colour {
    /// Added, as a share of the full range.
    pub(crate) brightness: f32,
    /// What the difference from the mean is multiplied with.
    pub(crate) contrast: f32,
    /// What the difference from grey is multiplied with; 0 takes all colour away.
    pub(crate) saturation: f32,
}

impl Colour {
    pub(crate) const UNCHANGED: Self = Self { brightness: 0.0, contrast: 1.0, saturation: 1.0 };
}

/// A rectangle of one colour; it lies within the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patch {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    pub colour: [u8; 3],
}

impl Patch {
    /// Up to `largest` of the area of a chip of `edge_px`, up to twice as wide as high or the other way
    /// round.
    pub(super) fn draw(largest: f32, edge_px: u32, rng: &mut ChaCha8Rng) -> Self {
        let edge = edge_px as f32;
        let area = largest * rng.random_range(0.1..=1.0f32) * edge * edge;
        let aspect = 2f32.powf(rng.random_range(-1.0..=1.0));
        // Rounded down, so that the area is kept.
        let side = |length: f32| (length as u32).min(edge_px);
        let (width, height) = (side((area * aspect).sqrt()), side((area / aspect).sqrt()));
        Self {
            left: rng.random_range(0..=edge_px - width),
            top: rng.random_range(0..=edge_px - height),
            width,
            height,
            colour: rng.random(),
        }
    }
}

/// Left becomes right.
pub(super) fn flip(image: &mut RgbImage) {
    let stride = image.width() as usize * 3;
    for row in image.chunks_exact_mut(stride) {
        row.as_chunks_mut::<3>().0.reverse();
    }
}

/// Averages each pixel with its neighbours, weighted 1 2 1 along both axes (a standard deviation of 0.7
/// pixels); the border repeats.
pub(crate) fn blur(image: &mut RgbImage) {
    let stride = image.width() as usize * 3;
    let average = |a: u8, b: u8, c: u8| ((u16::from(a) + 2 * u16::from(b) + u16::from(c) + 2) / 4) as u8;

    let mut padded = vec![0; stride + 6];
    for row in image.chunks_exact_mut(stride) {
        padded[3..stride + 3].copy_from_slice(row);
        padded[..3].copy_from_slice(&row[..3]);
        padded[stride + 3..].copy_from_slice(&row[stride - 3..]);
        for (i, out) in row.iter_mut().enumerate() {
            *out = average(padded[i], padded[i + 3], padded[i + 6]);
        }
    }

    let source = image.to_vec();
    let rows: Vec<&[u8]> = source.chunks_exact(stride).collect();
    for (y, out) in image.chunks_exact_mut(stride).enumerate() {
        let (above, here, below) = (rows[y.saturating_sub(1)], rows[y], rows[(y + 1).min(rows.len() - 1)]);
        for (((out, &a), &b), &c) in out.iter_mut().zip(above).zip(here).zip(below) {
            *out = average(a, b, c);
        }
    }
}

/// Changes saturation, contrast around the mean luma, then brightness, in one step; values are cut off at 0
/// and 255.
pub(crate) fn recolour(image: &mut RgbImage, colour: Colour) {
    let luma =
        |p: &[u8; 3]| LUMA[0] * f32::from(p[0]) + LUMA[1] * f32::from(p[1]) + LUMA[2] * f32::from(p[2]);
    let (pixels, _) = image.as_chunks_mut::<3>();
    let mean = pixels.iter().map(luma).sum::<f32>() / pixels.len() as f32;

    // (luma + saturation (value - luma) - mean) contrast + mean + brightness, sorted by what a pixel brings
    // along.
    let of_value = colour.saturation * colour.contrast;
    let of_luma = (1.0 - colour.saturation) * colour.contrast;
    // The half rounds, since the sum is cut to a byte.
    let constant = mean * (1.0 - colour.contrast) + colour.brightness * 255.0 + 0.5;
    for pixel in pixels {
        let grey = of_luma * luma(pixel) + constant;
        for value in pixel {
            *value = (of_value * f32::from(*value) + grey) as u8;
        }
    }
}

/// Lays `patch` over the image.
pub(super) fn cover(image: &mut RgbImage, patch: Patch) {
    let stride = image.width() as usize * 3;
    let (top, height) = (patch.top as usize, patch.height as usize);
    let (left, width) = (patch.left as usize * 3, patch.width as usize * 3);
    for row in image.chunks_exact_mut(stride).skip(top).take(height) {
        row[left..left + width].as_chunks_mut::<3>().0.fill(patch.colour);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn row(values: &[[u8; 3]]) -> RgbImage {
        RgbImage::from_raw(values.len() as u32, 1, values.concat()).unwrap()
    }

    #[test]
    fn a_flip_turns_rows_round_and_keeps_pixels() {
        let mut image = RgbImage::from_raw(2, 2, (0..12).collect()).unwrap();
        flip(&mut image);
        assert_eq!(image.as_raw(), &[3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
    }

    #[test]
    fn a_blur_spreads_a_point_by_its_weights_and_keeps_flat_areas_also_at_the_border() {
        let mut point = RgbImage::new(3, 3);
        point.get_pixel_mut(1, 1).0 = [160, 0, 0];
        blur(&mut point);
        let red: Vec<u8> = point.pixels().map(|p| p.0[0]).collect();
        assert_eq!(red, [10, 20, 10, 20, 40, 20, 10, 20, 10]);

        let mut flat = RgbImage::from_raw(5, 5, vec![77; 75]).unwrap();
        blur(&mut flat);
        assert!(flat.iter().all(|&v| v == 77));
        let mut one = row(&[[1, 2, 3]]);
        blur(&mut one);
        assert_eq!(one, row(&[[1, 2, 3]]));
    }

    #[test]
    fn brightness_adds_contrast_spreads_around_the_mean_and_both_stop_at_the_ends() {
        let greys = row(&[[100; 3], [140; 3]]); // mean 120
        let with = |colour| {
            let mut image = greys.clone();
            recolour(&mut image, colour);
            [image.get_pixel(0, 0).0[0], image.get_pixel(1, 0).0[0]]
        };
        let unchanged = Colour::UNCHANGED;
        assert_eq!(with(unchanged), [100, 140]);
        assert_eq!(with(Colour { brightness: 0.2, ..unchanged }), [151, 191]);
        assert_eq!(with(Colour { brightness: -0.5, ..unchanged }), [0, 13]);
        assert_eq!(with(Colour { brightness: 0.5, ..unchanged }), [228, 255]);
        assert_eq!(with(Colour { contrast: 1.5, ..unchanged }), [90, 150]);
        assert_eq!(with(Colour { contrast: 0.0, ..unchanged }), [120, 120]);
    }

    #[test]
    fn without_saturation_all_channels_are_the_luma() {
        let mut image = row(&[[200, 100, 50], [0, 0, 255]]);
        recolour(&mut image, Colour { saturation: 0.0, ..Colour::UNCHANGED });
        // 0.299 200 + 0.587 100 + 0.114 50 = 124.2; 0.114 255 = 29.07
        assert_eq!(image, row(&[[124; 3], [29; 3]]));
    }

    #[test]
    fn a_patch_covers_its_rectangle_and_nothing_else() {
        let mut image = RgbImage::new(4, 3);
        cover(&mut image, Patch { left: 1, top: 1, width: 3, height: 1, colour: [1, 2, 3] });
        for (x, y, pixel) in image.enumerate_pixels() {
            assert_eq!(pixel.0, if y == 1 && x > 0 { [1, 2, 3] } else { [0; 3] }, "{x} {y}");
        }
    }

    proptest! {
        #[test]
        fn a_patch_lies_within_the_chip_and_covers_at_most_its_share(
            largest in 0.0f32..=1.0,
            edge_px in 1u32..100,
            seed: u64,
        ) {
            let patch = Patch::draw(largest, edge_px, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert!(patch.left + patch.width <= edge_px && patch.top + patch.height <= edge_px);
            let area = (patch.width * patch.height) as f32;
            prop_assert!(area <= largest * (edge_px * edge_px) as f32 * 1.001);
        }

        #[test]
        fn an_unchanged_colour_changes_nothing(values in prop::collection::vec(any::<[u8; 3]>(), 1..50)) {
            let mut image = row(&values);
            recolour(&mut image, Colour::UNCHANGED);
            prop_assert_eq!(image, row(&values));
        }
    }
}
