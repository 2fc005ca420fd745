use facenet_core::{Embedder, Point};
use image::Rgb;
use proptest::prelude::*;

use super::super::{ChipCutter, ChipError, cut_chip};
use super::*;
use crate::{AlignedCrop, FaceEngine, FrozenNetwork, Model, Shipped};

/// Every pixel differs from its neighbours, smoothly.
fn waves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave =
            |phase: f32| (127.0 + 120.0 * (x as f32 * 0.31 + y as f32 * 0.17 + phase).sin()).round() as u8;
        Rgb([wave(0.0), wave(1.0), wave(2.0)])
    })
}

fn square(x: f32, y: f32, edge: f32, angle: f32) -> TurnedSquare {
    TurnedSquare { centre: Point { x, y }, edge, angle }
}

fn cut(image: &RgbImage, square: TurnedSquare, edge_px: u32) -> RgbImage {
    ChipCutter::new().cut_turned(image, &square, edge_px).unwrap().image().clone()
}

fn farthest(a: &RgbImage, b: &RgbImage) -> u8 {
    a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// The definition, slowly: every pixel of a wide area, in f64.
fn oracle(image: &RgbImage, square: &TurnedSquare, edge_px: u32) -> Vec<f64> {
    let scale = f64::from(square.edge) / f64::from(edge_px);
    let radius = scale.max(1.0);
    let (sin, cos) = f64::from(square.angle).sin_cos();
    let mut values = Vec::new();
    for index in 0..edge_px * edge_px {
        let step = |index: u32| (f64::from(index) + 0.5 - f64::from(edge_px) / 2.0) * scale;
        let (across, down) = (step(index % edge_px), step(index / edge_px));
        let x = f64::from(square.centre.x) + across * cos - down * sin;
        let y = f64::from(square.centre.y) + across * sin + down * cos;
        let (mut sums, mut weights) = ([0.0; 3], 0.0);
        let reach = (2.0 * radius).ceil() as i64;
        for v in y as i64 - reach..=y as i64 + reach {
            for u in x as i64 - reach..=x as i64 + reach {
                let (dx, dy) = (u as f64 + 0.5 - x, v as f64 + 0.5 - y);
                let triangle = |at: f64| (1.0 - at.abs() / radius).max(0.0);
                let weight = triangle(dx * cos + dy * sin) * triangle(dy * cos - dx * sin);
                let u = u.clamp(0, i64::from(image.width()) - 1) as u32;
                let v = v.clamp(0, i64::from(image.height()) - 1) as u32;
                let pixel = image.get_pixel(u, v).0;
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += weight * f64::from(value));
                weights += weight;
            }
        }
        values.extend(sums.map(|sum| sum / weights));
    }
    values
}

#[track_caller]
fn assert_is_oracle(image: &RgbImage, square: TurnedSquare, edge_px: u32) {
    let chip = cut(image, square, edge_px);
    let worst = chip
        .iter()
        .zip(oracle(image, &square, edge_px))
        .fold(0.0, |worst: f64, (&found, expected)| worst.max((f64::from(found) - expected).abs()));
    // Half a step of rounding, and the sums' own in 32 bits.
    assert!(worst < 0.52, "{square:?} to {edge_px} pixels differs by {worst}");
}

#[test]
fn a_turned_chip_is_what_the_definition_says() {
    let image = waves(60, 50);
    for (square, edge_px) in [
        (square(30.0, 25.0, 24.0, 0.3), 24),
        (square(30.2, 24.9, 33.3, -0.8), 9),
        (square(30.0, 25.0, 10.0, 2.5), 25), // enlarged, nearly upside down
        (square(5.0, 20.0, 30.0, 0.6), 12),  // beyond the left
        (square(50.0, 45.0, 40.0, -1.2), 15), // beyond right and bottom
        (square(30.0, 25.0, 90.0, 0.5), 11), // beyond all
        (square(30.0, 25.0, 24.0, 1e-7), 12), // as good as upright
        (square(30.0, 25.0, 24.0, std::f32::consts::FRAC_PI_2), 12),
        (square(30.0, 25.0, 1.0, 0.4), 3),
    ] {
        assert_is_oracle(&image, square, edge_px);
    }
}

#[test]
fn a_square_that_is_hardly_turned_gives_the_chip_of_its_box() {
    let image = waves(200, 200);
    for (edge, edge_px) in [(64.0, 64), (100.0, 40), (30.5, 64)] {
        let upright = cut(&image, square(90.3, 101.6, edge, 0.0), edge_px);
        let hardly = cut(&image, square(90.3, 101.6, edge, 1e-5), edge_px);
        // Two roundings to bytes against one.
        assert!(farthest(&upright, &hardly) <= 1, "{edge} to {edge_px}");
    }
}

#[test]
fn a_quarter_turn_moves_pixels_and_does_not_mix_them() {
    let image = waves(40, 40);
    let turned = cut(&image, square(20.0, 20.0, 16.0, std::f32::consts::FRAC_PI_2), 16);
    let upright = image::imageops::crop_imm(&image, 12, 12, 16, 16).to_image();
    // The square's upper edge runs downwards, so what was at the right comes to the top.
    let expected = image::imageops::rotate270(&upright);
    assert!(farthest(&turned, &expected) <= 1);
}

#[test]
fn a_checkerboard_of_single_pixels_turns_grey_when_it_is_turned_and_reduced() {
    let image = RgbImage::from_fn(300, 300, |x, y| Rgb([if (x + y) % 2 == 0 { 0 } else { 255 }; 3]));
    let chip = cut(&image, square(150.3, 149.6, 190.0, 0.35), 24);
    let (least, most) = (chip.iter().min().unwrap(), chip.iter().max().unwrap());
    assert!(*least >= 125 && *most <= 130, "{least} to {most}");
}

#[test]
fn squares_that_give_no_chip_are_errors() {
    let image = waves(20, 20);
    let cut = |square| ChipCutter::new().cut_turned(&image, &square, 8);
    for wrong in
        [square(f32::NAN, 5.0, 8.0, 0.1), square(5.0, 5.0, 0.9, 0.1), square(5.0, 5.0, 8.0, f32::NAN)]
    {
        assert!(matches!(cut(wrong), Err(ChipError::NotASquare { .. })), "{wrong:?}");
    }
    for outside in [square(-40.0, 5.0, 8.0, 0.1), square(10.0, 10.0, 50.0, 0.1), square(1e9, 0.0, 1e30, 0.1)]
    {
        assert!(matches!(cut(outside), Err(ChipError::SquareOutside { .. })), "{outside:?}");
    }
    let edge = ChipCutter::new().cut_turned(&image, &square(10.0, 10.0, 8.0, 0.1), 0);
    assert_eq!(edge, Err(ChipError::Edge { edge_px: 0 }));
    assert!(ChipCutter::new().cut_turned(&RgbImage::new(0, 0), &square(0.0, 0.0, 8.0, 0.1), 8).is_err());
}

/// A face without a person, with shading, eyes and a mouth: `(x, y)` in pixels of the template.
fn drawn_face(x: f32, y: f32) -> Rgb<u8> {
    let blob =
        |cx: f32, cy: f32, rx: f32, ry: f32| (-((x - cx) / rx).powi(2) - ((y - cy) / ry).powi(2)).exp();
    let dark = blob(38.3, 51.7, 7.0, 4.0)
        + blob(73.5, 51.5, 7.0, 4.0)
        + 0.6 * blob(56.0, 92.0, 16.0, 3.5)
        + 0.3 * blob(56.0, 68.0, 4.0, 12.0);
    let skin = blob(56.0, 60.0, 60.0, 80.0) * (0.8 + 0.2 * (x * 0.05).sin());
    let value = |tint: f32| (255.0 * tint * skin * (1.0 - 0.8 * dark.min(1.0))).round() as u8;
    Rgb([value(0.95), value(0.75), value(0.6)])
}

/// A photo of that face, turned and of another size, and its landmarks there.
fn photo_of_drawn_face(scale: f32, angle: f32) -> (RgbImage, [Point; 5]) {
    let (sin, cos) = angle.sin_cos();
    let (middle, edge) = (56.0 * scale + 120.0, (112.0 * scale + 240.0) as u32);
    let image = RgbImage::from_fn(edge, edge, |x, y| {
        let (dx, dy) = ((x as f32 + 0.5 - middle) / scale, (y as f32 + 0.5 - middle) / scale);
        drawn_face(56.0 + dx * cos + dy * sin, 56.0 - dx * sin + dy * cos)
    });
    let landmarks = crate::TEMPLATE.map(|Point { x, y }| {
        let (dx, dy) = ((x - 56.0) * scale, (y - 56.0) * scale);
        Point { x: middle + dx * cos - dy * sin, y: middle + dx * sin + dy * cos }
    });
    (image, landmarks)
}

#[test]
fn a_chip_of_a_photo_is_that_of_a_training_crop_of_the_same_face() {
    let network = FrozenNetwork::new(&Model::shipped(Shipped::Small).unwrap());
    let preprocessing = network.contract().preprocessing;
    // 128 pixels: the template and 8 around it, drawn and not cut.
    let crop = RgbImage::from_fn(128, 128, |x, y| drawn_face(x as f32 - 7.5, y as f32 - 7.5));
    let aligned =
        FaceEngine::new(Box::new(AlignedCrop::new(preprocessing.field).unwrap()), Box::new(network));
    let (_, expected) = aligned.chips(&crop).unwrap().remove(0);
    for (scale, angle) in [(1.0, 0.2), (2.5, -0.4), (6.0, 0.05), (3.0, 3.0)] {
        let (photo, landmarks) = photo_of_drawn_face(scale, angle);
        let square = TurnedSquare::of_landmarks(&landmarks, preprocessing.field).unwrap();
        let chip = ChipCutter::new().cut_turned(&photo, &square, preprocessing.edge_px).unwrap();
        let embeddings = aligned.embed(&[expected.clone(), chip.clone()]).unwrap();
        let distance = embeddings[0].distance(&embeddings[1]).value();
        // Two people lie around 1.9 apart; 8 of 255 at the edges of eyes, which sharper pixels draw sharper.
        assert!(distance < 0.02, "scale {scale}, angle {angle}: {distance}");
        assert!(farthest(chip.image(), expected.image()) <= 8, "scale {scale}, angle {angle}");
    }
}

proptest! {
    #[test]
    fn any_turned_square_gives_what_the_definition_says_or_an_error(
        (x, y) in (-10.0f32..50.0, -10.0f32..40.0),
        edge in 0.5f32..60.0,
        angle in -4.0f32..4.0,
        edge_px in 1u32..12,
    ) {
        let image = waves(40, 30);
        let square = square(x, y, edge, angle);
        if ChipCutter::new().cut_turned(&image, &square, edge_px).is_ok() {
            assert_is_oracle(&image, square, edge_px);
        }
    }

    #[test]
    fn a_turned_chip_of_one_colour_is_of_that_colour(
        colour in any::<[u8; 3]>(),
        (x, y) in (-5.0f32..45.0, -5.0f32..35.0),
        edge in 1.0f32..50.0,
        angle in -4.0f32..4.0,
        edge_px in 1u32..20,
    ) {
        let image = RgbImage::from_pixel(40, 30, Rgb(colour));
        if let Ok(chip) = ChipCutter::new().cut_turned(&image, &square(x, y, edge, angle), edge_px) {
            prop_assert!(chip.image().pixels().all(|pixel| pixel.0 == colour));
        }
    }
}

#[test]
fn an_upright_square_is_cut_as_its_box() {
    let image = waves(60, 50);
    let bounds = facenet_core::BoundingBox { x: 10.0, y: 12.0, width: 20.0, height: 20.0 };
    assert_eq!(
        cut(&image, square(20.0, 22.0, 20.0, 0.0), 16),
        *cut_chip(&image, &bounds, 16).unwrap().image()
    );
}
