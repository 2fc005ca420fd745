//! Our networks as ONNX files, for everybody else.
//!
//! Only operators that every runtime has are written: where ONNX has one for a layer that is rare (`LRN`, `LpPool`),
//! the layer is written with common ones instead. Normalisations are folded into the weights.

mod document;
#[cfg(test)]
pub(crate) mod drawn;
mod layers;
mod nodes;

use facenet::network::Graph;
use facenet::{Model, Weights};

use self::document::document;
use self::layers::write_layers;
use self::nodes::Nodes;

/// The opset of the files, which ONNX Runtime knows since 1.12 (2022).
pub const OPSET: i64 = 17;

/// The name of a file's input: `[batch, 3, height, width]`, as [`facenet::preprocess`] writes it.
pub const INPUT: &str = "image";

/// The name of an embedder's output: `[batch, dimension]`, of unit length.
pub const EMBEDDING: &str = "embedding";

/// A value of a graph that a file gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// The value: 0 is the image, `i + 1` the output of node `i`.
    pub value: usize,
    /// What happens to it last.
    pub finish: Finish,
}

/// What happens to a value before it is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Nothing: `[batch, channels, height, width]`, of a full connection `[batch, channels]`.
    Raw,
    /// Every image's values are scaled to unit length.
    UnitLength,
}

/// Writes a model as an ONNX file whose output is the embedding of unit length, with its contract and its
/// preprocessing in the file's properties (`facenet.contract`, `facenet.manifest`, `facenet.preprocessing`).
///
/// # Examples
/// ```
/// let file = facenet_onnx::export(&facenet::Model::shipped(facenet::Shipped::Small)?);
/// assert_eq!(facenet_onnx::OnnxFile::check(file, "lite.onnx")?.outputs()[0].name, "embedding");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export(model: &Model) -> Vec<u8> {
    let contract = model.contract();
    let table = facenet::network::table(&contract.network).expect("a model's network is known");
    let graph = Graph::of(&table, contract.dimension);
    let last = graph.nodes().len();
    let output = Output { name: EMBEDDING.into(), value: last, finish: Finish::UnitLength };
    let contract_json = serde_json::to_string(contract).expect("a contract is plain data");
    let properties = [
        ("facenet.contract", contract_json),
        ("facenet.manifest", crate::Manifest::of_ours(contract, &graph).to_toml()),
        ("facenet.preprocessing", preprocessing_text(contract, &graph)),
    ];
    export_graph(&contract.network, &graph, model.weights(), &[output], &properties)
}

/// Writes any of our graphs as an ONNX file of that name, with `outputs` in their order.
///
/// # Panics
/// When `weights` are those of another graph, or an output's value is not in the graph.
pub fn export_graph(
    name: &str,
    graph: &Graph,
    weights: &Weights,
    outputs: &[Output],
    properties: &[(&str, String)],
) -> Vec<u8> {
    let mut nodes = Nodes::default();
    let values = write_layers(graph, weights, &mut nodes);
    for output in outputs {
        match output.finish {
            Finish::Raw => nodes.identity(&values[output.value].name, &output.name),
            Finish::UnitLength => nodes.unit_length(&values[output.value].name, &output.name),
        }
    }
    let shapes: Vec<_> =
        outputs.iter().map(|output| (output.name.as_str(), values[output.value].sizes.clone())).collect();
    document(name, graph.input(), &shapes, nodes, properties)
}

fn preprocessing_text(contract: &facenet_core::Contract, graph: &Graph) -> String {
    let (input, part) = (graph.input(), contract.preprocessing.field);
    format!(
        "The middle {part} of the edge of a face crop that is aligned to the usual 112-pixel template with a margin \
         of 8 pixels (so at 128 pixels the middle {:.0}), resized to {} x {} pixels with an anti-aliasing triangle \
         filter; then (value - 127.5) / 128 for bytes, channels in the order red, green, blue, planes [batch, 3, \
         height, width]. Distance is the squared Euclidean distance of two outputs.",
        part * 128.0,
        input.width,
        input.height
    )
}

#[cfg(test)]
mod tests;
