//! The network that trains: the graph of `facenet`, computed with Burn so that gradients come back.

mod dropout;
mod initial;
mod walk;

use std::collections::BTreeMap;

use burn::tensor::{FloatDType, Tensor, TensorData, Transaction};
use facenet::network::Graph;
use facenet::{Tensor as WeightTensor, Weights, WeightsError, node_tensors};
use rand::Rng;

use crate::device::ComputeDevice;
use crate::ops::Moments;
pub use dropout::Dropout;
use walk::{Purpose, Walk};

/// How much of a running mean or variance is replaced by that of a batch.
const MOMENTUM: f32 = 0.1;

/// A network whose weights can be learnt. They lie in ordinary memory, by name as in [`Weights`], and are lent to
/// the device step by step: the optimiser and checkpoints need no device. A GPU pays for that with one transfer of
/// the weights to it and one of the gradients back in each step.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainNetwork {
    graph: Graph,
    tensors: BTreeMap<String, WeightTensor>,
    device: ComputeDevice,
}

/// A batch that went through the network, with what is needed to go back.
pub struct Pass {
    /// Unit rows, `[batch, dimension]`.
    pub embeddings: Vec<f32>,
    recorded: Recorded,
}

/// A batch that went through a network of several outputs, with what is needed to go back.
pub(crate) struct MapsPass {
    /// The outputs of the graph, each `[batch, channels, height, width]`.
    pub(crate) maps: Vec<Vec<f32>>,
    recorded: Recorded,
}

/// What the way back needs.
struct Recorded {
    outputs: Vec<Tensor<4>>,
    leaves: Vec<(String, Tensor<1>)>,
    statistics: Statistics,
}

/// What each batch normalisation saw of a pass, by the name of its layer.
pub(crate) type Statistics = Vec<(String, BatchStatistics)>;

/// What a batch says about each channel of a layer, `[channels]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchStatistics {
    /// The mean.
    pub(crate) mean: Vec<f32>,
    /// The variance without bias: divided by the number of values less one.
    pub(crate) variance: Vec<f32>,
}

/// The gradients of one step by the names of their weights.
pub type Gradients = BTreeMap<String, Vec<f32>>;

impl TrainNetwork {
    /// A network with weights drawn at random, that computes on the CPU.
    ///
    /// Convolutions are drawn for the rectifier they feed (He et al. 2015, eq. 10 and 15), full connections by their
    /// number of inputs, so that embeddings start out spread over the sphere. Slopes start at 0.25 (§2.1 there),
    /// scales and variances of norms at one, everything else at zero (Ioffe & Szegedy 2015).
    pub fn new(graph: Graph, rng: &mut impl Rng) -> Self {
        let mut tensors = BTreeMap::new();
        for node in graph.nodes() {
            for (name, shape) in node_tensors(&graph, node) {
                let values = initial::values(&node.layer, &name, &shape, rng);
                tensors.insert(name, WeightTensor { shape, values });
            }
        }
        Self { graph, tensors, device: ComputeDevice::cpu() }
    }

    /// A network that goes on from given weights, on the CPU.
    ///
    /// # Errors
    /// When they are not those of `graph`.
    pub fn from_weights(graph: Graph, tensors: BTreeMap<String, WeightTensor>) -> Result<Self, WeightsError> {
        let weights = Weights::new(tensors, &graph)?;
        Ok(Self { graph, tensors: weights.tensors().clone(), device: ComputeDevice::cpu() })
    }

    /// The network, computing on another device from now on.
    #[must_use]
    pub fn on(self, device: ComputeDevice) -> Self {
        Self { device, ..self }
    }

    /// Where it computes.
    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// The layers.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The tensors by name, with the running means and variances.
    pub fn tensors(&self) -> &BTreeMap<String, WeightTensor> {
        &self.tensors
    }

    /// The weights as they are now, for a model file or a frozen network.
    ///
    /// # Errors
    /// When a weight has become infinite or not a number.
    pub fn weights(&self) -> Result<Weights, WeightsError> {
        Weights::new(self.tensors.clone(), &self.graph)
    }

    /// The values of all tensors by name, to be changed by the optimiser.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = (&str, &mut [f32])> {
        self.tensors.iter_mut().map(|(name, tensor)| (name.as_str(), tensor.values.as_mut_slice()))
    }

    /// The values of a tensor.
    pub(crate) fn values_mut(&mut self, name: &str) -> &mut [f32] {
        &mut self.tensors.get_mut(name).expect("the tensor is the network's").values
    }

    /// Embeds a batch, with batch normalisation over that batch, and keeps what the way back needs.
    ///
    /// # Shapes
    /// `images` `[batch, 3, height, width]`, at least two images; as many seeds in `dropout`, if any.
    pub fn forward(&self, images: Vec<f32>, dropout: Option<Dropout>) -> Pass {
        let MapsPass { mut maps, recorded } = self.forward_maps(images, dropout);
        Pass { embeddings: maps.remove(0), recorded }
    }

    /// Takes a batch through a network of any outputs, as [`TrainNetwork::forward`] does.
    pub(crate) fn forward_maps(&self, images: Vec<f32>, dropout: Option<Dropout>) -> MapsPass {
        let Walk { outputs, leaves, moments, .. } = Walk::through(self, images, dropout, Purpose::Learn);
        let maps = outputs.iter().map(|output| vector(output.clone().cast(FloatDType::F32).into_data()));
        MapsPass {
            maps: maps.collect(),
            recorded: Recorded { outputs, leaves, statistics: read_statistics(moments) },
        }
    }

    /// The embeddings that [`TrainNetwork::forward`] gives, without a way back: what a layer computes is dropped as
    /// soon as no later one reads it.
    pub fn embed(&self, images: Vec<f32>, dropout: Option<Dropout>) -> Vec<f32> {
        let mut outputs = Walk::through(self, images, dropout, Purpose::Embed).outputs;
        vector(outputs.remove(0).into_data())
    }

    /// How many values [`Pass::statistics`] gives.
    pub(crate) fn statistics_len(&self) -> usize {
        let running = |(name, _): &(&String, &WeightTensor)| is_running(name);
        self.tensors.iter().filter(running).map(|(_, tensor)| tensor.values.len()).sum()
    }

    /// Takes over the statistics of a step into the running ones that the frozen network uses: those of a pass, or
    /// their means over several.
    pub(crate) fn absorb_statistics(&mut self, statistics: &[f32]) {
        let mut rest = statistics;
        let names: Vec<String> = self.graph.nodes().iter().flat_map(|node| running(&node.name)).collect();
        for name in names.iter().filter(|name| self.tensors.contains_key(*name)).collect::<Vec<_>>() {
            let values = self.values_mut(name);
            let (batch, others) = rest.split_at(values.len());
            values.iter_mut().zip(batch).for_each(|(r, b)| *r += MOMENTUM * (b - *r));
            rest = others;
        }
    }

    /// A gradient of zero for every weight that is learnt.
    pub(crate) fn zero_gradients(&self) -> Gradients {
        let learnt = self.tensors.iter().filter(|(name, _)| !is_running(name));
        learnt.map(|(name, tensor)| (name.clone(), vec![0.0; tensor.values.len()])).collect()
    }
}

/// The names of a node's running mean and variance, should it have them.
fn running(node: &str) -> [String; 2] {
    ["mean", "variance"].map(|part| format!("{node}.norm.{part}"))
}

/// Whether a tensor follows the batches instead of being learnt.
fn is_running(name: &str) -> bool {
    name.ends_with(".norm.mean") || name.ends_with(".norm.variance")
}

/// Brings the statistics of all norms from the device at once.
fn read_statistics(moments: Vec<(String, usize, Moments)>) -> Statistics {
    let mut names = Vec::new();
    let mut transaction = Transaction::default();
    for (name, count, Moments { mean, variance }) in moments {
        names.push((name, count as f32));
        transaction = transaction.register(mean).register(variance);
    }
    let mut values = transaction.execute().into_iter().map(vector);
    let mut next = || values.next().expect("two tensors a norm");
    names
        .into_iter()
        .map(|(name, count)| {
            let (mean, mut variance) = (next(), next());
            variance.iter_mut().for_each(|v| *v *= count / (count - 1.0).max(1.0));
            (name, BatchStatistics { mean, variance })
        })
        .collect()
}

fn vector(data: TensorData) -> Vec<f32> {
    data.try_into_vec().expect("embeddings, gradients and statistics are 32-bit floats")
}

impl Pass {
    /// What the batch normalisations saw: of each, in the order of layers, its means, then its variances.
    pub(crate) fn statistics(&self) -> Vec<f32> {
        self.recorded.statistics()
    }

    /// The gradients of all weights, given the loss's gradient at the embeddings, `[batch, dimension]`.
    pub fn backward(self, gradient: Vec<f32>) -> Gradients {
        self.recorded.backward(vec![gradient])
    }
}

impl MapsPass {
    /// As [`Pass::statistics`].
    pub(crate) fn statistics(&self) -> Vec<f32> {
        self.recorded.statistics()
    }

    /// The gradients of all weights, given the loss's gradient at each of the maps.
    pub(crate) fn backward(self, gradients: Vec<Vec<f32>>) -> Gradients {
        self.recorded.backward(gradients)
    }
}

impl Recorded {
    fn statistics(&self) -> Vec<f32> {
        let of = |(_, s): &(String, BatchStatistics)| [s.mean.clone(), s.variance.clone()].concat();
        self.statistics.iter().flat_map(of).collect()
    }

    fn backward(self, gradients: Vec<Vec<f32>>) -> Gradients {
        // The gradient of Σ e·g at e is g: so the loss itself need not be known to Burn.
        let sums = self.outputs.into_iter().zip(gradients).map(|(output, gradient)| {
            let gradient = Tensor::<4>::from_data(TensorData::new(gradient, output.dims()), &output.device());
            (output.cast(FloatDType::F32) * gradient).sum()
        });
        let gradients = sums.reduce(|sum, next| sum + next).expect("a graph has outputs").backward();
        let mut transaction = Transaction::default();
        for (_, leaf) in &self.leaves {
            let gradient = leaf.grad(&gradients).expect("every weight takes part in every output");
            transaction = transaction.register(gradient);
        }
        drop(gradients);
        let values = transaction.execute().into_iter().map(vector);
        self.leaves.into_iter().map(|(name, _)| name).zip(values).collect()
    }
}

#[cfg(test)]
mod tests;
