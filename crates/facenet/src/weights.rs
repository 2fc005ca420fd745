//! Weights in memory: tensors by name, held against the network they belong to.

use std::collections::BTreeMap;

use half::f16;
use sha2::{Digest, Sha256};

use crate::network::{Activation, Graph, Grouping, Layer, Node};

/// Added to a variance before its root is taken in batch normalisation.
pub const NORM_EPSILON: f32 = 1e-5;

/// A tensor of 32-bit floats in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<f32>,
}

/// All weights of a network, complete, of the right shapes and finite: checked when made.
///
/// | layer | `NAME.weight` |
/// |---|---|
/// | convolution | `[filters, channels, k, k]`, depthwise `[channels, 1, k, k]` |
/// | global depthwise convolution | `[channels, 1, height, width]` |
/// | maxout | `[pieces · units, inputs]`, the pieces of unit `u` are the rows `pieces · u..pieces · (u + 1)` |
/// | embedding | `[dimension, inputs]` |
///
/// With each there is either `NAME.bias` or, where the layer is normalised over batches, `NAME.norm.gamma`, `.beta`,
/// `.mean` and `.variance`, all `[outputs]`; a normalisation that stands alone has those four only. A parametric
/// ReLU adds `NAME.slope` `[outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(BTreeMap<String, Tensor>);

/// Why tensors are not the weights of a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// A tensor is absent.
    #[error("tensor `{name}` {expected:?} is missing")]
    Missing {
        /// Its name.
        name: String,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor has another shape.
    #[error("tensor `{name}` has shape {found:?}, but the network expects {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor that the network does not have.
    #[error("tensor `{name}` does not belong to the network")]
    Unexpected {
        /// Its name.
        name: String,
    },
    /// A weight is infinite or not a number, or a variance negative.
    #[error("tensor `{name}` holds {value} at position {position}")]
    Invalid {
        /// Its name.
        name: String,
        /// Where the value lies.
        position: usize,
        /// What was found.
        value: f32,
    },
}

/// Names and shapes of the tensors of one node, in the order in which they are documented at [`Weights`].
pub fn node_tensors(graph: &Graph, node: &Node) -> Vec<(String, Vec<usize>)> {
    let (input, outputs) = (graph.shape(node.inputs[0]), node.output.channels);
    let named = |suffix: &str, shape: Vec<usize>| (format!("{}.{suffix}", node.name), shape);
    let norm = ["norm.gamma", "norm.beta", "norm.mean", "norm.variance"];
    let weighted = |shape: Vec<usize>, normalised: bool| {
        let others = if normalised { &norm[..] } else { &["bias"] };
        let rows = shape[0];
        let others = others.iter().map(|part| named(part, vec![rows]));
        std::iter::once(named("weight", shape)).chain(others).collect::<Vec<_>>()
    };
    match node.layer {
        Layer::Convolution { kernel, grouping, normalised, activation, .. } => {
            let channels = match grouping {
                Grouping::Full => input.channels,
                Grouping::Depthwise => 1,
            };
            let mut tensors = weighted(vec![outputs, channels, kernel, kernel], normalised);
            if activation == Activation::Prelu {
                tensors.push(named("slope", vec![outputs]));
            }
            tensors
        }
        Layer::GlobalDepthwise { normalised } => {
            weighted(vec![outputs, 1, input.height, input.width], normalised)
        }
        Layer::Norm => norm.map(|part| named(part, vec![outputs])).into(),
        Layer::Maxout { pieces } => weighted(vec![pieces * outputs, input.len()], false),
        Layer::Embed { normalised } => weighted(vec![outputs, input.len()], normalised),
        Layer::MaxPool { .. }
        | Layer::L2Pool { .. }
        | Layer::LocalResponseNorm
        | Layer::Concat
        | Layer::Add { .. }
        | Layer::AveragePool
        | Layer::Upsample => Vec::new(),
    }
}

impl Weights {
    /// Checks that `tensors` are the weights of `graph`.
    ///
    /// # Errors
    /// On the first tensor that is missing, of another shape, not the network's, or not finite.
    pub fn new(tensors: BTreeMap<String, Tensor>, graph: &Graph) -> Result<Self, WeightsError> {
        let mut known = 0;
        for (name, expected) in graph.nodes().iter().flat_map(|node| node_tensors(graph, node)) {
            let Some(tensor) = tensors.get(&name) else {
                return Err(WeightsError::Missing { name, expected });
            };
            if tensor.shape != expected || tensor.values.len() != expected.iter().product::<usize>() {
                return Err(WeightsError::Shape { name, found: tensor.shape.clone(), expected });
            }
            let lowest = if name.ends_with(".variance") { 0.0 } else { f32::MIN };
            if let Some(position) = tensor.values.iter().position(|v| !(lowest..=f32::MAX).contains(v)) {
                return Err(WeightsError::Invalid { name, position, value: tensor.values[position] });
            }
            known += 1;
        }
        if known < tensors.len() {
            let ours: Vec<_> = graph.nodes().iter().flat_map(|node| node_tensors(graph, node)).collect();
            let stranger = tensors.keys().find(|name| ours.iter().all(|(known, _)| known != *name));
            let name = stranger.expect("more tensors than the network has").clone();
            return Err(WeightsError::Unexpected { name });
        }
        Ok(Self(tensors))
    }

    /// The same weights, those that multiply rounded to half precision; one that is too large for that stays.
    pub(crate) fn halved(mut self) -> Self {
        let multiply = self.0.iter_mut().filter(|(name, _)| name.ends_with(".weight"));
        for value in multiply.flat_map(|(_, tensor)| &mut tensor.values) {
            let rounded = f16::from_f32(*value).to_f32();
            *value = if rounded.is_finite() { rounded } else { *value };
        }
        self
    }

    /// The values of a tensor of the network.
    ///
    /// # Panics
    /// When the network has no such tensor.
    pub fn values(&self, name: &str) -> &[f32] {
        &self.0[name].values
    }

    /// The tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.0
    }

    /// SHA-256 over names, shapes and values, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, tensor) in &self.0 {
            hash.update(name.as_bytes());
            hash.update([0]);
            for size in &tensor.shape {
                hash.update((*size as u64).to_le_bytes());
            }
            for value in &tensor.values {
                hash.update(value.to_le_bytes());
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::network;

    /// Weights that differ everywhere and keep activations in a sane range, without a generator.
    pub(crate) fn drawn(graph: &Graph) -> BTreeMap<String, Tensor> {
        let names = graph.nodes().iter().flat_map(|node| node_tensors(graph, node));
        names
            .enumerate()
            .map(|(seed, (name, shape))| {
                let fan_in: usize = shape[1..].iter().product();
                let wave = |i: usize| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).sin();
                let values = (0..shape.iter().product()).map(|i| match name.rsplit('.').next() {
                    Some("weight") => wave(i) * (2.0 / fan_in as f32).sqrt(),
                    Some("gamma" | "variance") => 1.0 + 0.3 * wave(i),
                    Some("slope") => 0.25 + 0.1 * wave(i),
                    _ => 0.1 * wave(i),
                });
                let values = values.collect();
                (name, Tensor { shape, values })
            })
            .collect()
    }

    fn lite() -> Graph {
        Graph::of(&network::table("lite").unwrap(), 128)
    }

    #[test]
    fn tensors_that_are_missing_strange_misshapen_or_not_finite_are_named() {
        let graph = lite();
        let message = |change: fn(&mut BTreeMap<String, Tensor>)| {
            let mut tensors = drawn(&graph);
            change(&mut tensors);
            Weights::new(tensors, &graph).unwrap_err().to_string()
        };
        assert_eq!(
            message(|t| drop(t.remove("conv3.norm.beta"))),
            "tensor `conv3.norm.beta` [128] is missing"
        );
        assert_eq!(
            message(|t| t.get_mut("embedding.weight").unwrap().shape = vec![64, 6144]),
            "tensor `embedding.weight` has shape [64, 6144], but the network expects [128, 3072]"
        );
        assert_eq!(
            message(|t| drop(t.insert("conv9.weight".into(), Tensor { shape: vec![0], values: vec![] }))),
            "tensor `conv9.weight` does not belong to the network"
        );
        assert_eq!(
            message(|t| t.get_mut("conv1.weight").unwrap().values[5] = f32::NAN),
            "tensor `conv1.weight` holds NaN at position 5"
        );
        assert_eq!(
            message(|t| t.get_mut("conv1.norm.variance").unwrap().values[0] = -1.0),
            "tensor `conv1.norm.variance` holds -1 at position 0"
        );
    }

    #[test]
    fn the_digest_changes_with_any_value() {
        let graph = lite();
        let first = Weights::new(drawn(&graph), &graph).unwrap();
        let mut tensors = drawn(&graph);
        tensors.get_mut("embedding.bias").unwrap().values[127] += 1e-3;
        let second = Weights::new(tensors, &graph).unwrap();
        assert_eq!(first.digest().len(), 64);
        assert_ne!(first.digest(), second.digest());
        assert_eq!(first.digest(), first.clone().digest());
    }
}
