use facenet_core::Detector;
use proptest::prelude::*;

use super::*;

const INPUT: Preprocessing = Preprocessing { version: 1, edge_px: 64, field: 0.875 };

/// A crop with different values everywhere.
pub(crate) fn drawn(width: u32, height: u32) -> RgbImage {
    let value =
        |x: u32, y: u32| [(x * 255 / width) as u8, (y * 255 / height) as u8, ((x * 3) ^ (y * 5)) as u8];
    let bytes = (0..height).flat_map(|y| (0..width).flat_map(move |x| value(x, y))).collect();
    RgbImage::from_raw(width, height, bytes).unwrap()
}

fn chip(config: AugmentConfig, image: &RgbImage, seed: u64) -> Chip {
    Augment::new(config, INPUT).unwrap().chip(&mut ChipCutter::new(), image, seed).unwrap()
}

fn mean(chip: &Chip, channel: usize) -> f32 {
    let values = chip.image().pixels().map(|p| f32::from(p.0[channel]));
    values.sum::<f32>() / (chip.edge() * chip.edge()) as f32
}

#[test]
fn no_augmentation_is_what_is_seen_in_use_whatever_the_seed() {
    for edge in [112, 128, 131, 250] {
        let image = drawn(edge, edge);
        let face = facenet::AlignedCrop::new(INPUT.field).unwrap().detect(&image).unwrap().remove(0);
        let expected = facenet::cut_chip(&image, &face.bounds, 64).unwrap();
        for seed in 0..5 {
            assert_eq!(chip(AugmentConfig::NONE, &image, seed), expected);
        }
    }
}

#[test]
fn of_a_crop_that_is_not_square_the_middle_square_counts() {
    let image = drawn(160, 128);
    let middle = BoundingBox { x: 24.0, y: 8.0, width: 112.0, height: 112.0 };
    assert_eq!(chip(AugmentConfig::NONE, &image, 0), facenet::cut_chip(&image, &middle, 64).unwrap());
}

#[test]
fn the_same_seed_gives_the_same_chip_and_another_seed_another() {
    let image = drawn(128, 128);
    let config = AugmentConfig::default();
    assert_eq!(chip(config, &image, 3), chip(config, &image, 3));
    assert_ne!(chip(config, &image, 3), chip(config, &image, 4));
}

#[test]
fn a_chip_does_not_depend_on_the_ones_cut_before() {
    let (image, other) = (drawn(128, 128), drawn(50, 90));
    let augment = Augment::new(AugmentConfig::default(), INPUT).unwrap();
    let mut used = ChipCutter::new();
    for seed in 0..40 {
        augment.chip(&mut used, &other, seed + 100).unwrap();
        assert_eq!(
            augment.chip(&mut used, &image, seed).unwrap(),
            chip(AugmentConfig::default(), &image, seed)
        );
    }
}

#[test]
fn each_setting_alone_changes_what_it_names() {
    let image = drawn(128, 128);
    let plain = chip(AugmentConfig::NONE, &image, 0);
    let alone = |set: fn(&mut AugmentConfig)| {
        let mut config = AugmentConfig::NONE;
        set(&mut config);
        chip(config, &image, 2)
    };

    let flipped = alone(|c| c.flip = 1.0);
    assert_eq!(flipped.image().get_pixel(0, 5), plain.image().get_pixel(63, 5));
    let grey = alone(|c| c.grey = 1.0);
    assert!(grey.image().pixels().all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2]));
    let contrast = |c: &Chip| {
        c.image()
            .rows()
            .flat_map(|r| {
                r.clone().zip(r.skip(1)).map(|(a, b)| u64::from(a.0[2].abs_diff(b.0[2]))).collect::<Vec<_>>()
            })
            .sum::<u64>()
    };
    let small = alone(|c| (c.low_resolution, c.lowest_resolution) = (1.0, 0.2));
    for softer in [small, alone(|c| c.blur = 1.0)] {
        assert!(contrast(&softer) < contrast(&plain) * 9 / 10);
        assert!((mean(&softer, 2) - mean(&plain, 2)).abs() < 3.0);
    }
    let covered = alone(|c| (c.erase, c.erase_area) = (1.0, 0.3));
    let changed = covered.image().pixels().zip(plain.image().pixels()).filter(|(a, b)| a != b).count();
    assert!((1..=64 * 64 * 3 / 10).contains(&changed), "{changed}");
    for changed in [
        alone(|c| c.scale = 0.1),
        alone(|c| c.shift = 0.1),
        alone(|c| c.brightness = 0.1),
        alone(|c| c.contrast = 0.1),
        alone(|c| c.saturation = 0.1),
    ] {
        assert_ne!(changed, plain);
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let error = |set: fn(&mut AugmentConfig)| {
        let mut config = AugmentConfig::default();
        set(&mut config);
        Augment::new(config, INPUT).unwrap_err().to_string()
    };
    assert_eq!(error(|c| c.flip = 1.5), "`flip` is 1.5, but expected a number from 0 to 1");
    assert_eq!(error(|c| c.scale = -0.5), "`scale` is -0.5, but expected a number from 0 to 0.5");
    assert_eq!(
        error(|c| c.lowest_resolution = 0.0),
        "`lowest_resolution` is 0, but expected a number above 0 and up to 1"
    );
    assert_eq!(error(|c| c.erase = f64::NAN), "`erase` is NaN, but expected a number from 0 to 1");
    for (field, edge_px) in [(0.2, 64), (1.1, 64), (f32::NAN, 64), (1.0, 0), (1.0, 5000)] {
        assert!(Augment::none(Preprocessing { version: 1, edge_px, field }).is_err(), "{field} {edge_px}");
    }
}

#[test]
fn a_misspelt_setting_is_refused_and_a_missing_one_is_the_default() {
    assert_eq!(serde_json::from_str::<AugmentConfig>("{}").unwrap(), AugmentConfig::default());
    assert!(serde_json::from_str::<AugmentConfig>(r#"{"flipp": 0.5}"#).is_err());
}

proptest! {
    #[test]
    fn the_part_that_is_seen_stays_inside_the_crop(
        (width, height) in (16u32..300, 16u32..300),
        field in 0.25f32..=1.0,
        (scale, shift) in (0.0f32..=0.5, 0.0f32..=0.5),
        seed: u64,
    ) {
        let config = AugmentConfig { scale, shift, ..AugmentConfig::NONE };
        let augment = Augment::new(config, Preprocessing { field, ..INPUT }).unwrap();
        let recipe = Recipe::draw(&config, 64, &mut ChaCha8Rng::seed_from_u64(seed));
        let b = augment.bounds((width, height), &recipe);
        prop_assert!(b.width >= 1.0 && b.width == b.height);
        prop_assert!(b.x >= -1e-3 && b.x + b.width <= width as f32 + 1e-3);
        prop_assert!(b.y >= -1e-3 && b.y + b.height <= height as f32 + 1e-3);
    }

    #[test]
    fn every_image_of_the_least_size_or_more_gives_a_chip(
        (width, height) in (16u32..40, 16u32..40),
        edge_px in 1u32..80,
        field in 0.25f32..=1.0,
        seed: u64,
    ) {
        let config = AugmentConfig {
            scale: 0.5, shift: 0.5, low_resolution: 0.5, lowest_resolution: 0.01, blur: 0.5, erase: 0.5,
            ..AugmentConfig::default()
        };
        let augment = Augment::new(config, Preprocessing { version: 1, edge_px, field }).unwrap();
        let chip = augment.chip(&mut ChipCutter::new(), &drawn(width, height), seed).unwrap();
        prop_assert_eq!(chip.edge(), edge_px);
    }
}
