//! The network that trains: the graph of `facenet`, computed with Burn so that gradients come back.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use facenet::network::{Activation, Graph, Layer, Node};
use facenet::{Tensor as WeightTensor, Weights, WeightsError, node_tensors};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ops::{
    BatchStatistics, add_relu, batch_norm, convolution, l2_pool, local_response_norm, max_pool,
};

/// How much of a running mean or variance is replaced by that of a batch.
const MOMENTUM: f32 = 0.1;

/// A network whose weights can be learnt. They lie in ordinary memory, by name as in [`Weights`], and are lent to
/// the device step by step: the optimiser and checkpoints need no device.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainNetwork {
    graph: Graph,
    tensors: BTreeMap<String, WeightTensor>,
}

/// A batch that went through the network, with what is needed to go back.
pub struct Pass {
    /// Unit rows, `[batch, dimension]`.
    pub embeddings: Vec<f32>,
    output: Tensor<2>,
    leaves: Vec<(String, Tensor<1>)>,
    statistics: Vec<(String, BatchStatistics)>,
}

/// Inputs of the embedding layer that are left out at random while training (Srivastava et al. 2014). Which ones
/// depends on the image's seed alone, not on the images beside it: a batch in pieces loses the same ones.
#[derive(Debug, Clone, Copy)]
pub struct Dropout<'a> {
    /// The share of inputs that become zero, in `[0, 1)`; the others grow by `1 / (1 − share)`.
    pub share: f32,
    /// A seed for each image.
    pub seeds: &'a [u64],
}

/// The gradients of one step by the names of their weights.
pub type Gradients = BTreeMap<String, Vec<f32>>;

impl TrainNetwork {
    /// A network with weights drawn at random: convolutions for ReLU (He et al. 2015), the embedding layer by its
    /// number of inputs, so that embeddings start out spread over the sphere.
    pub fn new(graph: Graph, rng: &mut impl Rng) -> Self {
        let mut tensors = BTreeMap::new();
        for (name, shape) in graph.nodes().iter().flat_map(|node| node_tensors(&graph, node)) {
            let fan_in: usize = shape[1..].iter().product();
            let len = shape.iter().product();
            let values = match name.rsplit('.').next() {
                Some("weight") => {
                    let gain = if name.starts_with("embedding") { 1.0 } else { 2.0 };
                    let bound = (3.0 * gain / fan_in as f32).sqrt();
                    (0..len).map(|_| rng.random_range(-bound..bound)).collect()
                }
                Some("gamma" | "variance") => vec![1.0; len],
                Some("slope") => vec![0.25; len],
                _ => vec![0.0; len],
            };
            tensors.insert(name, WeightTensor { shape, values });
        }
        Self { graph, tensors }
    }

    /// A network that goes on from given weights.
    ///
    /// # Errors
    /// When they are not those of `graph`.
    pub fn from_weights(graph: Graph, tensors: BTreeMap<String, WeightTensor>) -> Result<Self, WeightsError> {
        let weights = Weights::new(tensors, &graph)?;
        Ok(Self { graph, tensors: weights.tensors().clone() })
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
        let device = Device::flex().autodiff();
        let input = self.graph.input();
        let batch = images.len() / input.len();
        let images = Tensor::<4>::from_data(
            TensorData::new(images, [batch, input.channels, input.height, input.width]),
            &device,
        );

        let mut pass = Recorder { network: self, device, leaves: Vec::new(), statistics: Vec::new() };
        let mut values = vec![images];
        let mut output = None;
        for node in self.graph.nodes() {
            if let Layer::Embed { .. } = node.layer {
                let input = values[node.inputs[0]].clone();
                output = Some(
                    pass.embed(node, dropout.map_or_else(|| input.clone(), |d| drop_out(input.clone(), d))),
                );
            } else {
                let inputs = node.inputs.iter().map(|&input| values[input].clone()).collect();
                values.push(pass.layer(node, inputs));
            }
        }
        let output = output.expect("a graph ends in its embedding layer");
        let embeddings = output.clone().into_data().try_into_vec().expect("embeddings are 32-bit floats");
        Pass { embeddings, output, leaves: pass.leaves, statistics: pass.statistics }
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

impl Pass {
    /// What the batch normalisations saw: of each, in the order of layers, its means, then its variances.
    pub(crate) fn statistics(&self) -> Vec<f32> {
        let of = |(_, s): &(String, BatchStatistics)| [s.mean.clone(), s.variance.clone()].concat();
        self.statistics.iter().flat_map(of).collect()
    }

    /// The gradients of all weights, given the loss's gradient at the embeddings, `[batch, dimension]`.
    pub fn backward(self, gradient: Vec<f32>) -> Gradients {
        let shape = self.output.dims();
        let gradient = Tensor::<2>::from_data(TensorData::new(gradient, shape), &self.output.device());
        // The gradient of Σ e·g at e is g: so the loss itself need not be known to Burn.
        let gradients = (self.output * gradient).sum().backward();
        let of = |leaf: &Tensor<1>| {
            let gradient = leaf.grad(&gradients).expect("every weight takes part in every embedding");
            gradient.into_data().try_into_vec().expect("gradients are 32-bit floats")
        };
        self.leaves.iter().map(|(name, leaf)| (name.clone(), of(leaf))).collect()
    }
}

/// Leaves out a share of each image's values.
fn drop_out(values: Tensor<4>, Dropout { share, seeds }: Dropout) -> Tensor<4> {
    let dims = values.dims();
    let kept = 1.0 / (1.0 - share);
    let mask: Vec<f32> = seeds
        .iter()
        .flat_map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(*seed);
            (0..dims[1..].iter().product()).map(move |_| if rng.random::<f32>() < share { 0.0 } else { kept })
        })
        .collect();
    let device = values.device();
    values * Tensor::<4>::from_data(TensorData::new(mask, dims), &device)
}

/// A pass on its way through the graph.
struct Recorder<'a> {
    network: &'a TrainNetwork,
    device: Device,
    leaves: Vec<(String, Tensor<1>)>,
    statistics: Vec<(String, BatchStatistics)>,
}

impl Recorder<'_> {
    /// A weight as a leaf of Burn's graph, flat; and its shape.
    fn leaf(&mut self, node: &Node, suffix: &str) -> (Tensor<1>, Vec<usize>) {
        let name = format!("{}.{suffix}", node.name);
        let WeightTensor { shape, values } = &self.network.tensors[&name];
        let data = TensorData::new(values.clone(), [values.len()]);
        let leaf = Tensor::<1>::from_data(data, &self.device).require_grad();
        self.leaves.push((name, leaf.clone()));
        (leaf, shape.clone())
    }

    fn layer(&mut self, node: &Node, mut inputs: Vec<Tensor<4>>) -> Tensor<4> {
        match node.layer {
            Layer::Convolution { stride, activation, .. } => {
                let (weight, shape) = self.leaf(node, "weight");
                let shape: [usize; 4] = shape.try_into().expect("convolutions have four sizes");
                let (gamma, _) = self.leaf(node, "norm.gamma");
                let (beta, _) = self.leaf(node, "norm.beta");
                let convolved = convolution(inputs.remove(0), weight.reshape(shape), stride);
                let (output, statistics) = batch_norm(convolved, gamma, beta, activation == Activation::Relu);
                self.statistics.push((node.name.clone(), statistics));
                output
            }
            Layer::MaxPool { stride } => max_pool(inputs.remove(0), stride),
            Layer::L2Pool { stride } => l2_pool(inputs.remove(0), stride),
            Layer::LocalResponseNorm => local_response_norm(inputs.remove(0)),
            Layer::Add { .. } => add_relu(inputs.remove(0), inputs.remove(0)),
            Layer::Concat => Tensor::cat(inputs, 1),
            Layer::AveragePool => inputs.remove(0).mean_dim(3).mean_dim(2),
            Layer::Embed { .. } => unreachable!("the embedding layer has an output of its own shape"),
            Layer::GlobalDepthwise { .. } | Layer::Norm | Layer::Maxout { .. } => {
                unreachable!("only networks that can be trained are accepted")
            }
        }
    }

    /// The full connection and the L2 normalisation: `[batch, C, H, W]` -> unit rows `[batch, dimension]`.
    fn embed(&mut self, node: &Node, input: Tensor<4>) -> Tensor<2> {
        let (weight, shape) = self.leaf(node, "weight");
        let (bias, _) = self.leaf(node, "bias");
        let (outputs, inputs) = (shape[0], shape[1]);
        let batch = input.dims()[0];
        let weight: Tensor<2> = weight.reshape([outputs, inputs]);
        let output = input.reshape([batch, inputs]).matmul(weight.transpose()) + bias.reshape([1, outputs]);
        // The smallest square that keeps a zero vector from dividing by zero.
        let norm = (output.clone() * output.clone()).sum_dim(1).add_scalar(1e-12).sqrt();
        output / norm
    }
}

#[cfg(test)]
mod tests;
