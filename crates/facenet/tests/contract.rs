//! What the shipped models make of the example photos never changes: from decoding to the embedding.
//!
//! The numbers in `fixtures/embeddings.json` were written by this test with `FACENET_RECORD=1`, which is for a new model or
//! a new version of the preprocessing only. An exported file is held against the same network where that is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use facenet::{DetectorModel, FaceDetector, FaceEngine, FrozenNetwork, Limits, Model, Shipped, read_image};

/// By model and photo, the embedding of its most confident face.
type Recorded = BTreeMap<String, BTreeMap<String, Vec<f32>>>;

const PHOTOS: [&str; 4] =
    ["barack-obama-1.jpg", "barack-obama-2.jpg", "eileen-collins-1.jpg", "joe-biden-1.jpg"];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn embedded(which: Shipped) -> BTreeMap<String, Vec<f32>> {
    let network = FrozenNetwork::new(&Model::shipped(which).unwrap());
    let detector = FaceDetector::new(&DetectorModel::shipped().unwrap());
    let engine = FaceEngine::new(Box::new(detector), Box::new(network));
    let embed = |photo: &str| {
        let image = read_image(&at("../../examples/photos").join(photo), &Limits::default()).unwrap();
        let faces = engine.embed_faces(&image).unwrap();
        (photo.to_owned(), faces[0].1.as_slice().to_vec())
    };
    PHOTOS.into_iter().map(embed).collect()
}

#[test]
fn the_shipped_models_give_the_embeddings_that_they_gave() {
    let found: Recorded =
        Shipped::ALL.into_iter().map(|which| (which.name().to_owned(), embedded(which))).collect();
    let file = at("tests/fixtures/embeddings.json");
    if std::env::var_os("FACENET_RECORD").is_some() {
        std::fs::write(&file, serde_json::to_string(&found).unwrap() + "\n").unwrap();
    }
    let recorded: Recorded = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    for (model, photos) in &recorded {
        for (photo, expected) in photos {
            let differences = found[model][photo].iter().zip(expected).map(|(a, b)| (a - b).abs());
            let largest = differences.fold(0.0, f32::max);
            assert!(largest < 1e-4, "{model}, {photo}: off by {largest}");
        }
    }
}
