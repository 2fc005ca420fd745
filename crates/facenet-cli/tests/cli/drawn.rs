//! A model without training, and faces without people.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use facenet::network::{self, Graph};
use facenet::{Model, Tensor, Weights, node_tensors};
use facenet_core::{Distance, Preprocessing, Threshold};
use image::{Rgb, RgbImage};

/// The distances of the model's thresholds at the false accept rates 1e-3 and 1e-2: drawn people lie farther apart.
pub(crate) const STRICT: f32 = 0.1;
pub(crate) const LENIENT: f32 = 0.2;

/// A file with a model whose weights are drawn, made once for all tests.
pub(crate) fn model_file() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static FILE: OnceLock<std::path::PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
        let path = folder.path().join("drawn.safetensors");
        model().with_thresholds(thresholds()).save(&path).unwrap();
        path
    })
}

/// The model, not calibrated yet.
pub(crate) fn model() -> Model {
    let graph = Graph::of(&network::table("lite").unwrap(), 128);
    let preprocessing = Preprocessing { version: 1, edge_px: 64, field: 0.875 };
    Model::new("lite", 128, preprocessing, Vec::new(), Weights::new(tensors(&graph), &graph).unwrap())
}

fn thresholds() -> Vec<Threshold> {
    let threshold = |(distance, false_accept_rate)| Threshold {
        distance: Distance::new(distance).unwrap(),
        false_accept_rate,
        data: "drawn pairs".into(),
        interval: None,
    };
    [(STRICT, 1e-3), (LENIENT, 1e-2)].map(threshold).into()
}

/// Waves that no two tensors share.
fn tensors(graph: &Graph) -> BTreeMap<String, Tensor> {
    let names = graph.nodes().iter().flat_map(|node| node_tensors(graph, node));
    let draw = |(seed, (name, shape)): (usize, (String, Vec<usize>))| {
        let fan_in: usize = shape[1..].iter().product();
        let wave = |i: usize| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).sin();
        let value = |i| match name.rsplit('.').next() {
            Some("weight") => wave(i) * (2.0 / fan_in as f32).sqrt(),
            Some("gamma" | "variance") => 1.0,
            _ => 0.0,
        };
        let values = (0..shape.iter().product()).map(value).collect();
        (name, Tensor { shape, values })
    };
    names.enumerate().map(draw).collect()
}

/// The face of a person: four quarters of their own colours, so that a palette of 256 holds it. `take` changes a few
/// pixels, as another photo of the same person would.
pub(crate) fn face(person: u8, take: u8) -> RgbImage {
    let mut image = RgbImage::from_fn(128, 128, |x, y| {
        let quarter = (u8::from(x >= 64) + 2 * u8::from(y >= 64) + 1) * 61;
        let hue = |shift: u8| {
            quarter.wrapping_mul(person.wrapping_add(shift)).wrapping_add(person.wrapping_mul(97))
        };
        Rgb([hue(1), hue(2), hue(3)])
    });
    for i in 0..u32::from(take) {
        image.put_pixel(60 + i % 8, 60 + i / 8, Rgb([255, 255, 255]));
    }
    image
}
