use std::path::PathBuf;

use facenet_core::Point;

use super::*;
use crate::detector::drawn;

fn scenery(config: SceneConfig) -> Scenery {
    Scenery { config, edge_px: 96, batch: 4, seed: 7 }
}

fn photos(count: usize) -> (tempfile::TempDir, Photos) {
    let folder = tempfile::tempdir().unwrap();
    let labels: PathBuf = drawn::photos(folder.path(), "train", count);
    let photos = Photos::open(&labels, 64).unwrap();
    (folder, photos)
}

#[test]
fn a_scene_is_a_function_of_its_seed_and_number() {
    let (_folder, photos) = photos(3);
    let scenery = scenery(SceneConfig::default());
    let batch = scenery.batch(&photos, 5);
    assert_eq!(batch, scenery.batch(&photos, 5));
    assert_ne!(batch, scenery.batch(&photos, 6));
    assert_ne!(batch, Scenery { seed: 8, ..scenery }.batch(&photos, 5));
    assert!(batch.iter().all(|scene| scene.image.dimensions() == (96, 96)));
}

#[test]
fn every_photo_leads_a_scene_once_a_round() {
    for count in [1, 2, 7, 12, 100] {
        for round in 0..3 {
            let mut leaders: Vec<usize> =
                (round * count..(round + 1) * count).map(|number| leader(count, 9, number)).collect();
            leaders.sort_unstable();
            assert_eq!(leaders, (0..count as usize).collect::<Vec<_>>(), "{count} photos, round {round}");
        }
    }
}

#[test]
fn faces_lie_in_the_scene_and_those_that_are_cut_or_tiny_are_not_learnt() {
    let (_folder, photos) = photos(4);
    let scenery = scenery(SceneConfig { mosaic: 1.0, ..SceneConfig::default() });
    let faces: Vec<LabelledFace> =
        (0..20).flat_map(|step| scenery.batch(&photos, step)).flat_map(|scene| scene.faces).collect();
    let learnt = faces.iter().filter(|face| !face.ignored);
    assert!(learnt.clone().count() > 40, "{} faces", learnt.count());
    for face in &faces {
        let BoundingBox { x, y, width, height } = face.bounds;
        assert!(x >= 0.0 && y >= 0.0 && x + width <= 96.01 && y + height <= 96.01, "{face:?}");
        assert!(face.ignored || height >= LEAST_PX);
    }
}

#[test]
fn a_face_that_is_cut_in_half_is_ignored_and_loses_its_landmarks() {
    let bounds = BoundingBox { x: 10.0, y: 10.0, width: 20.0, height: 20.0 };
    let face = LabelledFace { bounds, landmarks: Some([Point { x: 15.0, y: 15.0 }; 5]), ignored: false };
    let area = Area { left: 0, top: 0, width: 40, height: 40 };
    let at = |x: f32| Pose::new((20.0, 20.0), 1.0, 0.0, false, (x, 20.0));
    let whole = shown(&face, &at(20.0), area).unwrap();
    assert_eq!((whole.bounds, whole.ignored, whole.landmarks), (bounds, false, face.landmarks));
    let half = shown(&face, &at(0.0), area).unwrap();
    assert_eq!((half.bounds.x, half.bounds.width, half.ignored), (0.0, 10.0, true));
    assert_eq!(half.landmarks, None);
    assert_eq!(shown(&face, &at(-10.0), area), None);
}

#[test]
fn without_augmentation_a_scene_shows_the_face_where_its_box_says() {
    let (_folder, photos) = photos(1);
    let still = SceneConfig {
        mosaic: 0.0,
        whole: 0.0,
        turn: 0.0,
        turn_far: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        saturation: 0.0,
        grey: 0.0,
        blur: 0.0,
        jpeg: 0.0,
        smallest_px: 30.0,
        largest: 0.6,
        ..SceneConfig::default()
    };
    for scene in (0..5).flat_map(|step| scenery(still).batch(&photos, step)) {
        let centre = scene.faces[0].bounds.centre();
        let pixel = scene.image.get_pixel(centre.x as u32, centre.y as u32).0;
        // The nose, red as nothing else is.
        assert!(pixel[0] > 150 && pixel[1] < 90, "{pixel:?} at {centre:?}");
        let [left_eye, right_eye, ..] = scene.faces[0].landmarks.unwrap();
        assert!(left_eye.x < right_eye.x);
        let eye = scene.image.get_pixel(left_eye.x as u32, left_eye.y as u32).0;
        assert!(eye.iter().all(|value| *value < 90), "{eye:?} at {left_eye:?}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let check = |config: SceneConfig| config.check().map_err(|error| error.to_string());
    assert_eq!(check(SceneConfig::default()), Ok(()));
    let wrong = check(SceneConfig { mosaic: 1.5, ..SceneConfig::default() });
    assert_eq!(wrong, Err("`mosaic` is 1.5, but expected a number from 0 to 1".into()));
    let wrong = check(SceneConfig { largest: f32::NAN, ..SceneConfig::default() });
    assert_eq!(wrong, Err("`largest` is NaN, but expected a number above 0, up to 1".into()));
}
