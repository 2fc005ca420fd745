use facenet_core::BoundingBox;
use image::{Rgb, imageops};

use super::*;
use crate::TEMPLATE;

/// A face without a person: skin with pores, eyes, nose and mouth; `scale` pixels of the photo a pixel of the template,
/// the template's corner at (60, 60).
fn photo(scale: f32) -> RgbImage {
    let edge = (112.0 * scale) as u32 + 120;
    RgbImage::from_fn(edge, edge, |px, py| {
        let (x, y) = ((px as f32 - 59.5) / scale, (py as f32 - 59.5) / scale);
        let blob =
            |cx: f32, cy: f32, rx: f32, ry: f32| (-((x - cx) / rx).powi(2) - ((y - cy) / ry).powi(2)).exp();
        let dark =
            blob(38.3, 51.7, 7.0, 4.0) + blob(73.5, 51.5, 7.0, 4.0) + 0.6 * blob(56.0, 92.0, 16.0, 3.5);
        let pores = 0.12 * (x * 2.1).sin() * (y * 2.3).sin();
        let value = |tint: f32| (255.0 * tint * (0.75 + pores) * (1.0 - 0.8 * dark.min(1.0))) as u8;
        Rgb([value(0.95), value(0.8), value(0.7)])
    })
}

fn face(scale: f32) -> Face {
    let at = |p: Point| Point { x: p.x * scale + 60.0, y: p.y * scale + 60.0 };
    let bounds = BoundingBox { x: 60.0, y: 60.0, width: 112.0 * scale, height: 112.0 * scale };
    Face { bounds, landmarks: Some(TEMPLATE.map(at)), score: 1.0 }
}

fn quality(image: &RgbImage, face: &Face) -> Quality {
    Quality::of(image, face).unwrap()
}

#[test]
fn a_sharp_frontal_bright_face_has_no_faults() {
    let good = quality(&photo(2.0), &face(2.0));
    assert!(good.value > 0.7, "{good:?}");
    assert_eq!(good.reasons, []);
}

#[test]
fn each_fault_is_named_and_lowers_the_value() {
    let (image, whole) = (photo(2.0), face(2.0));
    let good = quality(&image, &whole).value;
    let changed = |change: &dyn Fn(u8) -> u8| {
        let mut image = image.clone();
        image.iter_mut().for_each(|value| *value = change(*value));
        image
    };
    let mut aside = whole.clone();
    aside.landmarks.as_mut().unwrap()[2].x += 55.0;
    // The photo ends 30 template pixels to the right of the template's left edge.
    let border = imageops::crop_imm(&image, 150, 0, image.width() - 150, image.height()).to_image();
    let mut beyond = whole.clone();
    beyond.bounds.x -= 150.0;
    beyond.landmarks.as_mut().unwrap().iter_mut().for_each(|point| point.x -= 150.0);
    for (found, reason) in [
        (quality(&imageops::blur(&image, 5.0), &whole), Reason::Blurred),
        (quality(&changed(&|value| value / 8), &whole), Reason::Underexposed),
        (quality(&changed(&|value| value.saturating_mul(3)), &whole), Reason::Overexposed),
        (quality(&image, &aside), Reason::TurnedAway),
        (quality(&border, &beyond), Reason::CutOff),
        (quality(&photo(0.2), &face(0.2)), Reason::TooSmall),
    ] {
        assert!(found.value < 0.5 * good, "{reason:?}: {found:?}, good {good}");
        assert!(found.reasons.contains(&reason), "{reason:?}: {found:?}");
    }
}

#[test]
fn the_more_a_face_is_blurred_the_worse_it_is() {
    let values =
        [0.5, 1.5, 3.0, 6.0].map(|sigma| quality(&imageops::blur(&photo(2.0), sigma), &face(2.0)).value);
    assert!(values.is_sorted_by(|a, b| a > b), "{values:?}");
}

#[test]
fn a_face_without_landmarks_is_not_called_turned_away() {
    let mut aside = face(2.0);
    aside.landmarks = None;
    assert!(!quality(&photo(2.0), &aside).reasons.contains(&Reason::TurnedAway));
}

#[test]
fn a_face_of_one_colour_has_no_quality_and_one_outside_is_an_error() {
    let grey = RgbImage::from_pixel(344, 344, Rgb([128; 3]));
    assert_eq!(quality(&grey, &face(2.0)).value, 0.0);
    assert!(Quality::of(&RgbImage::new(20, 20), &face(2.0)).is_err());
}

#[test]
fn the_worst_reason_comes_first_and_values_multiply() {
    use Reason::*;
    let parts = [
        (TooSmall, 0.49),
        (Blurred, 0.1),
        (TurnedAway, 0.5),
        (Underexposed, 1.0),
        (Overexposed, 1.0),
        (CutOff, 1.0),
    ];
    let quality = Quality::from_parts(parts);
    assert_eq!(quality.reasons, [Blurred, TooSmall]); // 0.5 is not below a half
    assert!((quality.value - 0.0245).abs() < 1e-6);
    assert_eq!(serde_json::to_string(&quality.reasons).unwrap(), r#"["blurred","too-small"]"#);
}
