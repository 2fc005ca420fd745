//! Models without training, for tests and for the comparison with other runtimes.

use std::collections::BTreeMap;

use facenet::network::{self, Graph};
use facenet::{Model, Tensor, Weights, node_tensors};
use facenet_core::Preprocessing;

/// A model whose weights differ everywhere and keep activations in a sane range, without a generator.
pub(crate) fn drawn(name: &str) -> Model {
    let table = network::table(name).expect("the network is known");
    let graph = Graph::of(&table, 128);
    let draw = |(seed, (name, shape)): (usize, (String, Vec<usize>))| {
        let fan_in: usize = shape[1..].iter().product();
        let wave = |i: usize| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).sin();
        let value = |i| match name.rsplit('.').next() {
            Some("weight") => wave(i) * (2.0 / fan_in as f32).sqrt(),
            Some("gamma" | "variance") => 1.0 + 0.3 * wave(i),
            Some("slope") => 0.25 + 0.1 * wave(i),
            _ => 0.1 * wave(i),
        };
        let values = (0..shape.iter().product()).map(value).collect();
        (name, Tensor { shape, values })
    };
    let tensors = graph.nodes().iter().flat_map(|node| node_tensors(&graph, node));
    let tensors: BTreeMap<_, _> = tensors.enumerate().map(draw).collect();
    let preprocessing = Preprocessing { version: 1, edge_px: table.input_edge() as u32, field: 0.875 };
    Model::new(
        name,
        128,
        preprocessing,
        Vec::new(),
        Weights::new(tensors, &graph).expect("the weights are the network's"),
    )
}
