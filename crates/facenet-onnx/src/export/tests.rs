use std::path::Path;

use facenet::network::{self, Graph};
use facenet::{
    DetectorModel, FaceDetector, FrozenNetwork, Limits, Look, Model, Search, Shipped, Tensor, Weights,
    node_tensors, read_image,
};
use facenet_core::{Detector, Embedding, Face};
use rten_onnx::onnx::ModelProto;

use super::*;
use crate::detector::resized;
use crate::export::drawn::drawn;
use crate::file::{OnnxFile, Size};
use crate::imported::Imported;
use crate::manifest::Manifest;
use crate::session::{Session, Share};

fn images(graph: &Graph, count: usize) -> Tensor {
    let input = graph.input();
    let values = (0..count * input.len()).map(|i| ((i * 31) as f32 * 0.013).sin()).collect();
    Tensor { shape: vec![count, input.channels, input.height, input.width], values }
}

fn graph_of(model: &Model) -> Graph {
    Graph::of(&network::table(&model.contract().network).unwrap(), model.contract().dimension)
}

/// The largest difference between the frozen network's embeddings of two images and the exported file's.
fn difference(model: &Model) -> f32 {
    let images = images(&graph_of(model), 2);
    let expected = FrozenNetwork::new(model).forward(&images.values);
    let file = OnnxFile::check(export(model), &model.contract().network).unwrap();
    let found = Session::pure(&file).unwrap().run(&images, Share::AllThreads).unwrap();
    assert_eq!(found[0].shape, [2, 128]);
    let expected = expected.chunks_exact(128).map(|row| Embedding::normalize(row.to_vec()).unwrap());
    let expected: Vec<f32> = expected.flat_map(|embedding| embedding.as_slice().to_vec()).collect();
    assert!(expected.iter().any(|value| value.abs() > 0.05), "the embedding says something");
    expected.iter().zip(&found[0].values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_shipped_models_give_the_same_embeddings_from_their_files() {
    for which in Shipped::ALL {
        assert!(difference(&Model::shipped(which).unwrap()) < 1e-4, "{which}");
    }
}

/// One of each family: the largest, `nn1`, and `nn2` and `nn3`, which have no layer that these lack, are left out.
#[test]
fn every_kind_of_network_gives_the_same_embeddings_from_its_file() {
    for name in ["lite", "nn4", "nn4-bn", "nns1", "nns2", "nns2-bn", "mobilefacenet", "iresnet18"] {
        let found = difference(&drawn(name));
        assert!(found < 1e-4, "{name}: {found}");
    }
}

/// `nn1` alone has maxout, and 140 M weights: a network of its own with that layer is quicker.
#[test]
fn maxout_and_a_raw_output_of_several_are_written() {
    use facenet::network::{Activation, Block, Row, Table};
    let rows = vec![
        Row::new("conv1", Block::Convolution { kernel: 3, stride: 2, filters: 4 }),
        Row::new("fc1", Block::Maxout { units: 6, pieces: 2 }),
        Row::new("fc2", Block::Maxout { units: 5, pieces: 1 }),
    ];
    let table = Table {
        name: "drawn",
        input: (8, 8),
        normalised: false,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    };
    let graph = Graph::of(&table, 3);
    let weights = |name: &str, shape: &[usize]| {
        let seed = name.len();
        let values = (0..shape.iter().product()).map(|i: usize| ((i * 7 + seed) as f32 * 0.61).sin());
        Tensor { shape: shape.to_vec(), values: values.collect() }
    };
    let tensors = graph.nodes().iter().flat_map(|node| node_tensors(&graph, node));
    let tensors = tensors.map(|(name, shape)| (name.clone(), weights(&name, &shape))).collect();
    let weights = Weights::new(tensors, &graph).unwrap();

    let outputs = [("maps", 1), ("units", 2), ("numbers", 4)];
    let outputs = outputs.map(|(name, value)| Output { name: name.into(), value, finish: Finish::Raw });
    let file = export_graph("drawn", &graph, &weights, &outputs, &[]);
    let file = OnnxFile::check(file, "drawn").unwrap();
    let batch = Some(vec![Size::Any, Size::Fixed(4), Size::Fixed(4), Size::Fixed(4)]);
    assert_eq!(file.outputs()[0].sizes, batch);
    let image = images(&graph, 1);
    let found = Session::pure(&file).unwrap().run(&image, Share::OneThread).unwrap();

    // The units by hand from the maps that the same run gave.
    let (weight, bias) = (weights.values("fc1.weight"), weights.values("fc1.bias"));
    let piece = |row: usize| {
        let inputs = weight[row * 64..][..64].iter().zip(&found[0].values);
        bias[row] + inputs.map(|(w, x)| w * x).sum::<f32>()
    };
    assert_eq!((found[1].shape.as_slice(), found[2].shape.as_slice()), (&[1, 6][..], &[1, 3][..]));
    for (unit, value) in found[1].values.iter().enumerate() {
        assert!((value - piece(2 * unit).max(piece(2 * unit + 1))).abs() < 1e-4, "unit {unit}");
    }
}

/// The portrait at three sizes, one of which is padded; faces that count for next to nothing are compared too.
#[test]
fn the_shipped_detector_finds_the_same_faces_from_its_file() {
    const SCORE: f32 = 0.01;
    let model = DetectorModel::shipped().unwrap().without_refiner();
    let portrait = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/eileen-collins-1.jpg");
    let portrait = read_image(&portrait, &Limits::default()).unwrap();
    let search = Search { score: SCORE, enlarge_up_to_px: 0, turns: false, ..Search::default() };
    let ours = FaceDetector::new(&model).with_search(search).unwrap();
    let file = OnnxFile::check(export_detector(&model), "detector.onnx").unwrap();
    let mut manifest = Manifest::parse(file.property("facenet.manifest").unwrap(), "detector.onnx").unwrap();
    // Which boxes are left out for others differs, so of the file's nearly all are kept.
    let output = manifest.detector.as_mut().unwrap();
    (output.score, output.overlap) = (SCORE, 0.999);
    let theirs = Imported::new(manifest, vec![file]).unwrap().detector().unwrap();

    for (width, height) in [(96, 128), (256, 256), (320, 224)] {
        let photo = resized(&portrait, width, height);
        let (expected, found) = (ours.detect(&photo).unwrap(), theirs.detect(&photo).unwrap());
        assert!(expected[0].score > 0.5, "{width} x {height}: {}", expected[0].score);
        let is_same = |a: &Face, b: &Face| {
            let edges = |face: &Face| [face.bounds.x, face.bounds.y, face.bounds.width, face.bounds.height];
            let points = |face: &Face| face.landmarks.unwrap().map(|point| [point.x, point.y]);
            let values = |face: &Face| [&edges(face)[..], points(face).as_flattened()].concat();
            let off = values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            (a.score - b.score).abs() < 1e-4 && off < 1e-2
        };
        for face in &expected {
            assert!(found.iter().any(|other| is_same(face, other)), "{width} x {height}: {face:?}");
        }
    }
}

#[test]
fn the_second_look_of_the_shipped_detector_is_the_same_from_its_file() {
    let model = DetectorModel::shipped().unwrap();
    let portrait = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/eileen-collins-1.jpg");
    let photo = resized(&read_image(&portrait, &Limits::default()).unwrap(), 192, 256);
    let search = Search { score: 0.5, enlarge_up_to_px: 0, turns: false, ..Search::default() };
    let found = |model: &DetectorModel| {
        FaceDetector::new(model).with_search(search).unwrap().detect(&photo).unwrap().remove(0)
    };
    let (first, expected) = (found(&model.clone().without_refiner()), found(&model));

    let file = OnnxFile::check(export_refiner(&model).unwrap(), "refiner.onnx").unwrap();
    assert!(file.property("facenet.decoding").unwrap().contains("geometric mean"));
    let look = Look::at(&first.bounds);
    // Twice, since any number goes through at once.
    let pixels = look.pixels(&photo).repeat(2);
    let tensor = Tensor { values: pixels, shape: vec![2, 3, Look::EDGE_PX, Look::EDGE_PX] };
    let outputs = Session::pure(&file).unwrap().run(&tensor, Share::AllThreads).unwrap();
    for row in outputs[0].values.as_chunks::<15>().0 {
        let score = (first.score / (1.0 + (-row[0]).exp())).sqrt();
        let bounds = look.bounds([row[1], row[2], row[3], row[4]]);
        let eye = look.point([row[5], row[6]]);
        let (known, known_eye) = (expected.bounds, expected.landmarks.unwrap()[0]);
        assert!((score - expected.score).abs() < 1e-4, "{score} against {}", expected.score);
        for (a, b) in
            [(bounds.x, known.x), (bounds.width, known.width), (eye.x, known_eye.x), (eye.y, known_eye.y)]
        {
            assert!((a - b).abs() < 1e-2, "{bounds:?}, {eye:?} against {expected:?}");
        }
    }
    assert_eq!(export_refiner(&model.without_refiner()), None);
}

#[test]
fn a_file_of_a_detector_says_how_to_read_it() {
    let file = export_detector(&DetectorModel::shipped().unwrap());
    let file = OnnxFile::check(file, "detector.onnx").unwrap();
    assert_eq!(file.inputs()[0].to_string(), "`image` [any, 3, any, any]");
    let outputs: Vec<String> = file.outputs().iter().map(ToString::to_string).collect();
    let expected = PLACES.map(|name| format!("`{name}` [any, 15, any, any]"));
    assert_eq!(outputs, expected);
    assert!(file.property("facenet.decoding").unwrap().contains("logit of the score"));
}

#[test]
fn a_file_says_what_it_is_and_how_to_use_it() {
    let model = Model::shipped(Shipped::Small).unwrap();
    let bytes = export(&model);
    let parsed = ModelProto::parse_buf(&bytes).unwrap();
    assert_eq!((parsed.ir_version, parsed.opset_import[0].version), (Some(8), Some(17)));
    let file = OnnxFile::check(bytes, "lite").unwrap();
    let contract: facenet_core::Contract =
        serde_json::from_str(file.property("facenet.contract").unwrap()).unwrap();
    assert_eq!(contract, *model.contract());
    let text = file.property("facenet.preprocessing").unwrap();
    assert!(text.contains("resized to 64 x 64 pixels") && text.contains("red, green, blue"), "{text}");
    assert_eq!(file.inputs()[0].to_string(), "`image` [any, 3, 64, 64]");
    assert_eq!(file.outputs()[0].to_string(), "`embedding` [any, 128]");
}
