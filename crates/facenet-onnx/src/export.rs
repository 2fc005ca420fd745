//! Our networks as ONNX files, for everybody else.
//!
//! Only operators that every runtime has are written: where ONNX has one for a layer that is rare (`LRN`, `LpPool`),
//! the layer is written with common ones instead. Normalisations are folded into the weights.

mod document;
#[cfg(test)]
pub(crate) mod drawn;
mod layers;
mod nodes;

use facenet::network::{self, Graph, Pyramid, Shape};
use facenet::{DetectorModel, Model, Weights};
use rten_onnx::onnx::Dimension;

use self::document::{document, fixed, named};
use self::layers::write_layers;
use self::nodes::Nodes;

/// The opset of the files, which ONNX Runtime knows since 1.12 (2022).
pub const OPSET: i64 = 17;

/// The name of a file's input: `[batch, 3, height, width]`, as [`facenet::preprocess`] writes it.
pub const INPUT: &str = "image";

/// The name of an embedder's output: `[batch, dimension]`, of unit length.
pub const EMBEDDING: &str = "embedding";

/// The names of a detector's outputs: `[batch, 15, height / stride, width / stride]` for each of [`Pyramid::STRIDES`].
pub const PLACES: [&str; 3] = ["places8", "places16", "places32"];
/// The name of the output of a detector's second look.
pub const LOOK: &str = "look";

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
    let table = network::table(&contract.network).expect("a model's network is known");
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

/// Writes the first look of a detector as an ONNX file that takes images of any height and width that are multiples of 32, with its
/// manifest and how to read its outputs in the file's properties (`facenet.manifest`, `facenet.decoding`).
///
/// # Examples
/// ```
/// let file = facenet_onnx::export_detector(&facenet::DetectorModel::shipped()?);
/// let file = facenet_onnx::OnnxFile::check(file, "detector.onnx")?;
/// assert_eq!(file.outputs()[2].to_string(), "`places32` [any, 15, any, any]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export_detector(model: &DetectorModel) -> Vec<u8> {
    let facts = model.facts();
    let table = network::pyramid(&facts.network).expect("a model's network is known");
    // The layers do not depend on the size.
    let graph = Graph::of_pyramid(&table, Pyramid::MULTIPLE, Pyramid::MULTIPLE);
    let mut nodes = Nodes::default();
    let values = write_layers(&graph, model.weights(), &mut nodes);
    let outputs =
        PLACES.iter().zip(Pyramid::STRIDES).zip(graph.outputs()).map(|((&name, stride), &value)| {
            nodes.identity(&values[value].name, name);
            let sides = [format!("height/{stride}"), format!("width/{stride}")];
            let [rows, columns] = sides.map(|side| named(&side));
            (name, [fixed(&[Pyramid::OUTPUTS]), vec![rows, columns]].concat())
        });
    let outputs: Vec<_> = outputs.collect();
    let input = [fixed(&[graph.input().channels]), vec![named("height"), named("width")]].concat();
    let properties = [
        ("facenet.manifest", crate::Manifest::of_our_detector(facts).to_toml()),
        ("facenet.decoding", DECODING.to_owned()),
    ];
    document(&facts.network, &input, &outputs, nodes, &properties)
}

/// Writes the second look of a detector as an ONNX file that takes squares of 64 pixels, any number at once, with how to cut
/// them out and how to read its output in the file's properties (`facenet.decoding`); none of a detector that looks once.
///
/// # Examples
/// ```
/// let file = facenet_onnx::export_refiner(&facenet::DetectorModel::shipped()?).ok_or("it looks twice")?;
/// let file = facenet_onnx::OnnxFile::check(file, "refiner.onnx")?;
/// assert_eq!(file.outputs()[0].to_string(), "`look` [any, 15]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn export_refiner(model: &DetectorModel) -> Option<Vec<u8>> {
    let (facts, weights) = (model.facts().refiner.as_ref()?, model.refiner()?);
    let table = network::refiner(&facts.network).expect("a model's network is known");
    let graph = Graph::of_refiner(&table, Pyramid::OUTPUTS);
    let output = Output { name: LOOK.into(), value: graph.outputs()[0], finish: Finish::Raw };
    Some(export_graph(
        &facts.network,
        &graph,
        weights,
        &[output],
        &[("facenet.decoding", LOOKING.to_owned())],
    ))
}

const LOOKING: &str = "\
Input: (value - 127.5) / 128 for bytes, channels red, green, blue, [batch, 3, 64, 64]: of each face that the first look \
finds the square around the middle of its box, whose edge E is 1.2 times the root of the box's area, shrunk without aliasing \
and grey (127) beyond the image. Value 0 is the logit of the score; what counts is the geometric mean of both looks' scores. \
Values 1 and 2, times E, are the way from the middle of the square to the middle of the box; its width and height are \
E / 1.2 exp(v) with v the values 3 and 4, clamped to -0.7 and 0.7. Values 5 to 14, times E, are the way from the middle of the \
square to the eyes, the nose and the corners of the mouth, x and y in turn, left in the picture first.";

const DECODING: &str = "\
Input: (value - 127.5) / 128 for bytes, channels red, green, blue, [batch, 3, height, width]; height and width are \
multiples of 32. The output of stride s has 15 values at each place; the place in column i and row j stands for the point \
x = (i + 0.5) s, y = (j + 0.5) s of the input. Value 0 is the logit of the score. Values 1 and 2, times s, are the way \
from the place to the middle of the box; its width and height are 3 s exp(v) with v the values 3 and 4, clamped to -4 \
and 4. Values 5 to 14, times s, are the way from the place to the eyes, the nose and the corners of the mouth, x and y in \
turn, left in the picture first. Of two boxes whose intersection over union is above 0.4, the one with the lower score is left out.";

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
    let shape = |output: &Output| -> Vec<Dimension> { fixed(&values[output.value].sizes) };
    let shapes: Vec<_> = outputs.iter().map(|output| (output.name.as_str(), shape(output))).collect();
    let Shape { channels, height, width } = graph.input();
    document(name, &fixed(&[channels, height, width]), &shapes, nodes, properties)
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
