use image::Rgb;
use proptest::prelude::*;

use super::*;

fn square(x: f32, y: f32, edge: f32) -> BoundingBox {
    BoundingBox { x, y, width: edge, height: edge }
}

fn cut(image: &RgbImage, bounds: BoundingBox, edge_px: u32) -> Chip {
    cut_chip(image, &bounds, edge_px).unwrap()
}

/// Every pixel differs from its neighbours, smoothly.
fn waves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave =
            |phase: f32| (127.0 + 120.0 * (x as f32 * 0.31 + y as f32 * 0.17 + phase).sin()).round() as u8;
        Rgb([wave(0.0), wave(1.0), wave(2.0)])
    })
}

/// The definition of a chip, slowly: triangle filter in f64 over an image whose borders repeat for ever.
fn oracle(image: &RgbImage, bounds: &BoundingBox, edge_px: u32) -> Vec<f64> {
    let edge = f64::from(bounds.width.max(bounds.height));
    let left = f64::from(bounds.x) + (f64::from(bounds.width) - edge) / 2.0;
    let top = f64::from(bounds.y) + (f64::from(bounds.height) - edge) / 2.0;
    let scale = edge / f64::from(edge_px);
    let radius = scale.max(1.0);
    // Whole pixels and their weights, for one axis.
    let taps = |start: f64, index: u32| {
        let centre = start + (f64::from(index) + 0.5) * scale;
        let pixels = (centre - radius).floor() as i64..(centre + radius).ceil() as i64;
        let taps: Vec<(i64, f64)> =
            pixels.map(|p| (p, (1.0 - (p as f64 + 0.5 - centre).abs() / radius).max(0.0))).collect();
        let sum: f64 = taps.iter().map(|tap| tap.1).sum();
        taps.into_iter().map(move |(pixel, weight)| (pixel, weight / sum)).collect::<Vec<_>>()
    };
    let mut values = Vec::new();
    for y in 0..edge_px {
        for x in 0..edge_px {
            let mut sums = [0.0; 3];
            for &(v, down) in &taps(top, y) {
                for &(u, across) in &taps(left, x) {
                    let u = u.clamp(0, i64::from(image.width()) - 1) as u32;
                    let v = v.clamp(0, i64::from(image.height()) - 1) as u32;
                    let pixel = image.get_pixel(u, v).0;
                    sums.iter_mut().zip(pixel).for_each(|(s, p)| *s += down * across * f64::from(p));
                }
            }
            values.extend(sums);
        }
    }
    values
}

/// 1.2 of 255: rounding to bytes after each of the two passes, with weights of about 15 bits.
#[track_caller]
fn assert_is_oracle(image: &RgbImage, bounds: BoundingBox, edge_px: u32) {
    let chip = cut(image, bounds, edge_px);
    let expected = oracle(image, &bounds, edge_px);
    let worst = chip
        .image()
        .as_raw()
        .iter()
        .zip(&expected)
        .map(|(&found, &expected)| (f64::from(found) - expected).abs())
        .fold(0.0, f64::max);
    assert!(worst < 1.2, "{bounds:?} to {edge_px} pixels differs by {worst}");
}

#[test]
fn a_chip_is_what_the_definition_says() {
    let image = waves(60, 50);
    for (bounds, edge_px) in [
        (square(20.0, 10.0, 24.0), 24),  // a copy
        (square(20.0, 10.0, 24.0), 12),  // half
        (square(10.3, 9.7, 32.4), 17),   // fractions
        (square(20.25, 15.5, 7.3), 20),  // enlarged
        (square(0.0, 0.0, 50.0), 13),    // up to the border
        (square(-9.4, 20.0, 40.0), 16),  // beyond the left
        (square(30.0, -8.0, 30.5), 40),  // beyond the top
        (square(35.2, 33.3, 29.0), 10),  // beyond right and bottom
        (square(-10.0, -15.0, 80.0), 9), // beyond all
        (square(10.0, 10.0, 1.0), 5),    // the smallest box
        (BoundingBox { x: 20.0, y: 5.0, width: 10.5, height: 31.0 }, 11),
        (BoundingBox { x: 2.0, y: 5.0, width: 50.0, height: 9.0 }, 11),
    ] {
        assert_is_oracle(&image, bounds, edge_px);
    }
}

#[test]
fn a_box_of_whole_pixels_at_its_own_size_is_copied() {
    let image = waves(20, 20);
    let chip = cut(&image, square(3.0, 5.0, 12.0), 12);
    let expected = image::imageops::crop_imm(&image, 3, 5, 12, 12).to_image();
    assert_eq!(chip.image(), &expected);
}

#[test]
fn a_shift_of_half_a_pixel_moves_an_edge_by_half_a_pixel() {
    // Black up to column 16, white from there.
    let image = RgbImage::from_fn(32, 32, |x, _| Rgb([if x < 16 { 0 } else { 255 }; 3]));
    let row = |x: f32| -> Vec<u8> {
        (3..6).map(|column| cut(&image, square(x, 12.0, 8.0), 8).image().get_pixel(column, 4).0[0]).collect()
    };
    assert_eq!(row(12.0), [0, 255, 255]);
    assert_eq!(row(11.5), [0, 128, 255]);
    assert_eq!(row(11.75), [0, 191, 255]);
    assert_eq!(row(11.0), [0, 0, 255]);
}

#[test]
fn a_checkerboard_of_single_pixels_turns_grey_when_it_is_reduced() {
    let image = RgbImage::from_fn(300, 300, |x, y| Rgb([if (x + y) % 2 == 0 { 0 } else { 255 }; 3]));
    let chip = cut(&image, square(10.3, 20.6, 257.0), 24);
    let (least, most) = (chip.image().iter().min().unwrap(), chip.image().iter().max().unwrap());
    assert!((126..=129).contains(least) && (126..=129).contains(most), "{least} to {most}");
}

#[test]
fn outside_the_image_its_border_pixels_repeat() {
    let image = waves(16, 16);
    let chip = cut(&image, square(-6.0, -4.0, 16.0), 16);
    let at = |x: i64, y: i64| image.get_pixel(x.max(0) as u32, y.max(0) as u32);
    for (x, y, pixel) in chip.image().enumerate_pixels() {
        assert_eq!(pixel, at(i64::from(x) - 6, i64::from(y) - 4), "{x}, {y}");
    }
}

#[test]
fn a_box_that_is_not_square_grows_around_its_centre() {
    let image = waves(60, 60);
    let tall = BoundingBox { x: 20.0, y: 10.0, width: 20.0, height: 30.0 };
    assert_eq!(cut(&image, tall, 15), cut(&image, square(15.0, 10.0, 30.0), 15));
    let wide = BoundingBox { x: 10.0, y: 20.0, width: 30.0, height: 20.0 };
    assert_eq!(cut(&image, wide, 15), cut(&image, square(10.0, 15.0, 30.0), 15));
}

#[test]
fn a_box_that_is_none_is_an_error() {
    let image = waves(20, 20);
    for bounds in [
        square(f32::NAN, 0.0, 8.0),
        square(0.0, f32::INFINITY, 8.0),
        square(0.0, 0.0, f32::INFINITY),
        square(0.0, 0.0, 0.0),
        square(0.0, 0.0, -8.0),
        square(0.0, 0.0, 0.99),
        BoundingBox { x: 0.0, y: 0.0, width: 8.0, height: 0.0 },
    ] {
        assert!(matches!(cut_chip(&image, &bounds, 8), Err(ChipError::NotABox { .. })), "{bounds:?}");
    }
    assert_eq!(
        cut_chip(&image, &square(1.0, 2.0, 0.0), 8).unwrap_err().to_string(),
        "a box of 0 x 0 pixels at (1, 2) cannot be cut out: expected finite numbers and at least one pixel"
    );
}

#[test]
fn a_box_of_which_less_than_a_quarter_lies_inside_is_an_error() {
    let image = waves(20, 20);
    assert!(cut_chip(&image, &square(-4.0, -4.0, 8.0), 8).is_ok()); // exactly a quarter
    assert!(cut_chip(&image, &square(-10.0, -10.0, 40.0), 8).is_ok()); // all around the image
    for outside in [
        square(-4.01, -4.0, 8.0),
        square(16.0, 16.01, 8.0),
        square(20.0, 0.0, 8.0),
        square(-100.0, 5.0, 8.0),
        square(-10.0, -10.0, 41.0),
        square(-1e38, -1e38, f32::MAX),
    ] {
        let error = cut_chip(&image, &outside, 8).unwrap_err();
        assert!(matches!(error, ChipError::Outside { width: 20, height: 20, .. }), "{outside:?}: {error}");
    }
    assert!(cut_chip(&RgbImage::new(0, 0), &square(0.0, 0.0, 8.0), 8).is_err());
}

#[test]
fn an_edge_is_at_least_one_pixel_and_at_most_the_limit() {
    let image = waves(20, 20);
    assert_eq!(cut(&image, square(0.0, 0.0, 20.0), 1).edge(), 1);
    assert_eq!(cut(&image, square(9.0, 9.0, 1.0), MAX_CHIP_EDGE_PX).edge(), 4096);
    for edge_px in [0, 4097, u32::MAX] {
        assert_eq!(cut_chip(&image, &square(0.0, 0.0, 20.0), edge_px), Err(ChipError::Edge { edge_px }));
    }
}

#[test]
fn a_cutter_gives_what_a_fresh_one_gives() {
    let image = waves(128, 128);
    let mut cutter = ChipCutter::new();
    for step in 0..40 {
        let (shift, edge_px) = (step as f32 * 1.7 - 20.0, [64, 96, 13][step % 3]);
        let bounds = square(shift, 10.0 - shift / 2.0, 90.0 + shift);
        assert_eq!(cutter.cut(&image, &bounds, edge_px), cut_chip(&image, &bounds, edge_px));
    }
}

proptest! {
    #[test]
    fn a_chip_of_one_colour_is_of_that_colour(
        colour in any::<[u8; 3]>(),
        (x, y) in (-15.0f32..25.0, -15.0f32..25.0),
        edge in 1.0f32..50.0,
        edge_px in 1u32..40,
    ) {
        let image = RgbImage::from_pixel(40, 30, Rgb(colour));
        if let Ok(chip) = cut_chip(&image, &square(x, y, edge), edge_px) {
            prop_assert!(chip.image().pixels().all(|pixel| pixel.0 == colour));
        }
    }

    #[test]
    fn any_box_gives_what_the_definition_says_or_an_error(
        (x, y) in (-20.0f32..40.0, -20.0f32..40.0),
        (width, height) in (0.0f32..60.0, 0.0f32..60.0),
        edge_px in 1u32..24,
    ) {
        let image = waves(40, 30);
        let bounds = BoundingBox { x, y, width, height };
        if cut_chip(&image, &bounds, edge_px).is_ok() {
            assert_is_oracle(&image, bounds, edge_px);
        }
    }
}
