use std::path::Path;

use super::*;
use crate::decode::{Limits, read_image};
use crate::weights::tests::drawn;
use crate::weights::{Tensor, Weights};

/// A public-domain portrait of the examples: one face.
fn portrait() -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/eileen-collins-1.jpg");
    read_image(&path, &Limits::default()).unwrap()
}

/// A model of drawn weights, all of whose places give the score of `logit` and a box of three strides.
fn constant(logit: f32) -> DetectorModel {
    let table = pyramid("lite-pyramid").unwrap();
    let graph = Graph::of_pyramid(&table, 32, 32);
    let mut tensors = drawn(&graph);
    for stride in Pyramid::STRIDES {
        let mut fill = |name: &str, values: Vec<f32>| {
            let shape = tensors[&format!("head{stride}.output.{name}")].shape.clone();
            tensors.insert(format!("head{stride}.output.{name}"), Tensor { shape, values });
        };
        fill("weight", vec![0.0; 15 * 40]);
        fill("bias", std::iter::once(logit).chain([0.0; 14]).collect());
    }
    DetectorModel::new("lite-pyramid", 0.5, Weights::new(tensors, &graph).unwrap())
}

/// The same with a second look that always gives the score of `logit` and the box and landmarks of `values`.
fn looking_again(model: DetectorModel, logit: f32, values: [f32; 14]) -> DetectorModel {
    let graph = Graph::of_refiner(&crate::network::refiner("lite-refiner").unwrap(), Pyramid::OUTPUTS);
    let mut tensors = drawn(&graph);
    let mut fill = |name: &str, values: Vec<f32>| {
        let shape = tensors[name].shape.clone();
        tensors.insert(name.into(), Tensor { shape, values });
    };
    fill("output.weight", vec![0.0; 15 * 52 * 16]);
    fill("output.bias", std::iter::once(logit).chain(values).collect());
    model.with_refiner("lite-refiner", Weights::new(tensors, &graph).unwrap())
}

#[test]
fn the_shipped_detector_is_whole_and_small() {
    let model = DetectorModel::shipped().unwrap();
    let both = [Some(model.weights()), model.refiner()].into_iter().flatten();
    let values: usize = both.flat_map(|look| look.tensors().values()).map(|tensor| tensor.values.len()).sum();
    assert!(values < 500_000, "{values} parameters");
    assert!(model.to_bytes().unwrap().len() <= 3 << 20);
}

#[test]
fn a_portrait_has_one_face_with_its_landmarks_in_order() {
    let photo = portrait();
    let faces = FaceDetector::shipped().unwrap().detect(&photo).unwrap();
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert!(is_upright(&faces[0]) && faces[0].score >= SURE);
    let [left_eye, right_eye, nose, left_mouth, right_mouth] = faces[0].landmarks.unwrap();
    assert!(left_eye.x < nose.x && nose.x < right_eye.x && left_mouth.x < right_mouth.x);
    assert!(left_eye.y < nose.y && nose.y < left_mouth.y);
}

#[test]
fn a_turned_portrait_gives_the_same_face_where_it_lies() {
    let photo = portrait();
    let detector = FaceDetector::shipped().unwrap();
    let upright = detector.detect(&photo).unwrap().remove(0);
    for turn in Turn::ALL {
        // To turn back by `turn` what lies turned the other way.
        let (turned, back) = match turn {
            Turn::Quarter => (Turn::ThreeQuarters.of(&photo), turn),
            Turn::Half => (Turn::Half.of(&photo), turn),
            Turn::ThreeQuarters => (Turn::Quarter.of(&photo), turn),
        };
        let expected = back.back(&upright, turned.width(), turned.height());
        let found = detector.detect(&turned).unwrap().remove(0);
        let overlap = found.bounds.intersection_over_union(&expected.bounds);
        assert!(overlap > 0.9, "{turn:?}: {found:?} against {expected:?}");
        let side = expected.bounds.width.hypot(expected.bounds.height);
        for (found, expected) in found.landmarks.unwrap().iter().zip(expected.landmarks.unwrap()) {
            let off = (found.x - expected.x).hypot(found.y - expected.y);
            assert!(off < 0.1 * side, "{turn:?}: {off} pixels of {side}");
        }
    }
}

#[test]
fn photos_without_pixels_of_one_and_strips_do_no_harm() {
    for model in [DetectorModel::shipped().unwrap(), constant(3.0)] {
        let detector = FaceDetector::new(&model);
        for (width, height) in [(0, 0), (0, 7), (1, 1), (1, 3000), (20, 1000), (3000, 2), (33, 31)] {
            let faces = detector.detect(&RgbImage::new(width, height)).unwrap();
            assert!(faces.iter().all(|face| face.bounds.x.is_finite() && face.score <= 1.0));
        }
    }
}

#[test]
fn a_panorama_is_searched_in_tiles_to_its_ends() {
    // Three faces far apart in a picture of 9,000 × 700 pixels.
    let face = image::imageops::thumbnail(&portrait(), 160, 200);
    let mut panorama = RgbImage::from_pixel(9_000, 700, [90, 110, 130].into());
    let places = [20, 4_321, 8_800];
    for left in places {
        image::imageops::replace(&mut panorama, &face, left, 300);
    }
    let search = Search { finest_px: 9_000, ..Search::default() };
    let detector = FaceDetector::shipped().unwrap().with_search(search).unwrap();
    let mut found: Vec<f32> =
        detector.detect(&panorama).unwrap().iter().map(|face| face.bounds.centre().x).collect();
    found.sort_by(f32::total_cmp);
    assert_eq!(found.len(), 3, "{found:?}");
    for (found, left) in found.iter().zip(places) {
        assert!((left as f32..left as f32 + 160.0).contains(found), "{found} for {left}");
    }
}

#[test]
fn only_faces_from_the_score_on_are_given_most_confident_first_and_apart() {
    let photo = RgbImage::new(100, 60);
    let score = 1.0 / (1.0 + (-1.0f32).exp());
    let with = |least: f32| {
        let search = Search { score: least, ..Search::default() };
        FaceDetector::new(&constant(1.0)).with_search(search).unwrap().detect(&photo).unwrap()
    };
    let faces = with(score - 0.01);
    assert!(faces.len() > 10);
    assert!(faces.is_sorted_by(|a, b| a.score >= b.score));
    for (i, face) in faces.iter().enumerate() {
        assert!((face.score - score).abs() < 1e-5);
        let near = |other: &Face| other.bounds.intersection_over_union(&face.bounds) > OVERLAP;
        assert!(!faces[i + 1..].iter().any(near));
    }
    assert_eq!(with(score + 0.01), []);
}

#[test]
fn a_second_look_moves_boxes_and_landmarks_and_its_score_counts_as_much() {
    let photo = RgbImage::new(100, 60);
    let search = Search { score: 0.4, ..Search::default() };
    let faces =
        |model: &DetectorModel| FaceDetector::new(model).with_search(search).unwrap().detect(&photo).unwrap();
    let first = faces(&constant(0.0));
    let still = looking_again(constant(0.0), 0.0, [0.0; 14]);
    assert_eq!(faces(&still).len(), first.len(), "both looks say one half");
    // To the right by a tenth of the look, half as wide, and all landmarks in the look's right upper corner.
    let mut values = [0.5, -0.5].repeat(7);
    values[..4].copy_from_slice(&[0.1, 0.0, 0.5f32.ln(), 0.0]);
    let moved = faces(&looking_again(constant(0.0), 0.0, values.try_into().unwrap()));
    for face in &moved {
        // Square faces, so that the side is the height that stayed.
        let (side, centre) = (face.bounds.height, face.bounds.centre());
        assert!((face.bounds.width - 0.5 * side).abs() < 1e-3 && (face.score - 0.5).abs() < 1e-6, "{face:?}");
        let [eye, ..] = face.landmarks.unwrap();
        assert!((eye.x - (centre.x + 0.4 * 1.2 * side)).abs() < 0.01 * side, "{face:?}");
        assert!((eye.y - (centre.y - 0.5 * 1.2 * side)).abs() < 0.01 * side, "{face:?}");
    }
    assert!(!moved.is_empty());
    assert_eq!(
        faces(&looking_again(constant(0.0), -4.0, [0.0; 14])),
        [],
        "what the second look denies is no face"
    );
}

#[test]
fn what_the_first_look_is_unsure_of_is_looked_at_again() {
    let photo = RgbImage::new(100, 60);
    // 0.27, which with a second look of 0.98 makes 0.51.
    let faces = |model: DetectorModel| FaceDetector::new(&model).detect(&photo).unwrap();
    assert_eq!(faces(constant(-1.0)), []);
    assert!(!faces(looking_again(constant(-1.0), 4.0, [0.0; 14])).is_empty());
}

#[test]
fn a_photo_gives_the_same_faces_on_any_number_of_threads() {
    let photo = portrait();
    let detector = FaceDetector::shipped().unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| detector.detect(&photo).unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn settings_out_of_range_are_named() {
    let message = |search: Search| {
        FaceDetector::new(&constant(0.0)).with_search(search).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(message(Search::default()), Ok(()));
    for score in [0.0, 1.0, f32::NAN] {
        let found = message(Search { score, ..Search::default() });
        assert_eq!(found, Err(format!("`score` is {score}, but expected a number between 0 and 1")));
    }
    let found = message(Search { finest_px: 0, ..Search::default() });
    assert_eq!(found, Err("`finest_px` is 0, but expected at least 1".into()));
}

#[test]
fn a_saved_detector_is_loaded_as_it_was_and_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.safetensors");
    for model in [constant(0.5), looking_again(constant(0.5), 1.0, [0.0; 14])] {
        model.save(&path).unwrap();
        assert_eq!(DetectorModel::load(&path).unwrap(), model);
    }
    let model = looking_again(constant(0.5), 1.0, [0.0; 14]).with_score(0.25);

    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = model.to_bytes().unwrap();
        change(&mut bytes);
        DetectorModel::from_bytes(&bytes, "d").unwrap_err().to_string()
    };
    let exchange = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    };
    assert!(refusal(&|bytes| bytes.truncate(99)).starts_with("`d` is no detector of this program"));
    assert!(refusal(&exchange("facenet.detector", "facenet.detectix")).contains("it holds nothing under"));
    assert!(refusal(&exchange("lite-pyramid\\\"", "lite-pyramix\\\"")).contains("cannot use the detector"));
    assert!(refusal(&exchange("conv4.weight", "conv4.height")).contains("do not fit the network"));
    assert!(refusal(&exchange("lite-refiner\\\"", "lite-refinex\\\"")).contains("cannot use the detector"));
    assert!(
        refusal(&exchange("refiner.conv4.weight", "refiner.conv4.height")).contains("do not fit the network")
    );
    assert!(refusal(&exchange("refiner\\\":", "refinex\\\":")).contains("unknown field `refinex`"));
    assert!(refusal(&exchange("0.25", "1.25")).contains("score 1.25, expected a number between 0 and 1"));
    assert!(refusal(&|bytes| *bytes.last_mut().unwrap() ^= 1).contains("the file was altered"));
    let error = DetectorModel::load(Path::new("no/d")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the detector `no/d`");
}
