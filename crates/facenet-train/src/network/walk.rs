//! One way of a batch through the graph.

use burn::tensor::activation::relu;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use facenet::Tensor as WeightTensor;
use facenet::network::{Activation, Graph, Grouping, Layer, Node};

use super::{Dropout, TrainNetwork};
use crate::device::Precision;
use crate::ops::{Body, Moments, Rectifier};

/// Whether gradients will be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Yes: the graph is recorded.
    Learn,
    /// No: nothing is kept.
    Embed,
}

/// A batch on its way, and what it leaves behind.
pub(super) struct Walk<'a> {
    network: &'a TrainNetwork,
    device: Device,
    body: Body,
    purpose: Purpose,
    /// The outputs of the graph: the unit rows, `[batch, dimension, 1, 1]`, or the maps of a detector.
    pub(super) outputs: Vec<Tensor<4>>,
    /// The weights by name, flat.
    pub(super) leaves: Vec<(String, Tensor<1>)>,
    /// By norm: how many values a channel had, and their moments.
    pub(super) moments: Vec<(String, usize, Moments)>,
}

impl<'a> Walk<'a> {
    /// Takes `images` through all layers of `network`.
    pub(super) fn through(
        network: &'a TrainNetwork,
        images: Vec<f32>,
        dropout: Option<Dropout>,
        purpose: Purpose,
    ) -> Self {
        let device = network.device.autodiff();
        let input = network.graph.input();
        let batch = images.len() / input.len();
        let shape = [batch, input.channels, input.height, input.width];
        let images = Tensor::<4>::from_data(TensorData::new(images, shape), &device);
        let images = match network.device.config().precision {
            Precision::F32 => images,
            Precision::Bf16 => images.cast(FloatDType::BF16),
        };
        let mut walk = Self {
            network,
            body: network.device.body(),
            purpose,
            outputs: Vec::new(),
            device,
            leaves: Vec::new(),
            moments: Vec::new(),
        };
        let nodes = network.graph.nodes();
        let last_use = last_uses(&network.graph);
        let mut values = vec![Some(images)];
        for (index, node) in nodes.iter().enumerate() {
            let inputs = node.inputs.iter().map(|&input| {
                let value = &mut values[input];
                let value = if last_use[input] == index { value.take() } else { value.clone() };
                value.expect("a value lives until its last use")
            });
            let mut inputs: Vec<Tensor<4>> = inputs.collect();
            if let Layer::Embed { normalised } = node.layer {
                let input = inputs.remove(0);
                let input = if let Some(dropout) = dropout { dropout.of(input) } else { input };
                values.push(Some(walk.embed(node, input, normalised)));
            } else {
                let value = walk.layer(node, inputs);
                values.push(Some(value));
            }
        }
        let outputs = network.graph.outputs().iter();
        walk.outputs = outputs.map(|&output| values[output].clone().expect("outputs are kept")).collect();
        walk
    }

    /// A weight as a leaf of Burn's graph, flat; and its shape.
    fn leaf(&mut self, node: &Node, suffix: &str) -> (Tensor<1>, Vec<usize>) {
        let name = format!("{}.{suffix}", node.name);
        let WeightTensor { shape, values } = &self.network.tensors[&name];
        let data = TensorData::new(values.clone(), [values.len()]);
        let leaf = Tensor::<1>::from_data(data, &self.device);
        if self.purpose == Purpose::Embed {
            return (leaf, shape.clone());
        }
        let leaf = leaf.require_grad();
        self.leaves.push((name, leaf.clone()));
        (leaf, shape.clone())
    }

    fn vector(&mut self, node: &Node, suffix: &str) -> Tensor<1> {
        self.leaf(node, suffix).0
    }

    fn kernel(&mut self, node: &Node) -> Tensor<4> {
        let (weight, shape) = self.leaf(node, "weight");
        weight.reshape(<[usize; 4]>::try_from(shape).expect("kernels have four sizes"))
    }

    fn layer(&mut self, node: &Node, mut inputs: Vec<Tensor<4>>) -> Tensor<4> {
        let body = self.body;
        if node.layer == Layer::Concat {
            return body.concat(inputs);
        }
        let input = inputs.remove(0);
        match node.layer {
            Layer::Convolution { stride, grouping, normalised, activation, .. } => {
                self.convolution(node, input, (stride, grouping), normalised, activation)
            }
            Layer::GlobalDepthwise { normalised } => {
                let summed = body.global_depthwise(input, self.kernel(node));
                if normalised { self.norm(node, summed, Rectifier::None) } else { self.bias(node, summed) }
            }
            Layer::Norm => self.norm(node, input, Rectifier::None),
            Layer::MaxPool { stride } => body.max_pool(input, stride),
            Layer::L2Pool { stride } => body.l2_pool(input, stride),
            Layer::LocalResponseNorm => body.local_response_norm(input),
            Layer::Add { relu } => body.add(input, inputs.remove(0), relu),
            Layer::AveragePool => body.average_pool(input),
            Layer::Upsample => body.upsample(input),
            Layer::Maxout { pieces } => {
                let connected = self.connection(node, input);
                let connected = self.bias(node, connected);
                let [batch, rows, ..] = connected.dims();
                // The pieces of a unit lie side by side: [batch, units · pieces] -> [batch, units]
                let largest = connected.reshape([batch, rows / pieces, pieces]).max_dim(2);
                largest.reshape([batch, rows / pieces, 1, 1])
            }
            Layer::Concat | Layer::Embed { .. } => unreachable!("both are dealt with before"),
        }
    }

    fn convolution(
        &mut self,
        node: &Node,
        input: Tensor<4>,
        (stride, grouping): (usize, Grouping),
        normalised: bool,
        activation: Activation,
    ) -> Tensor<4> {
        let weight = self.kernel(node);
        let rectifier = match activation {
            Activation::None => Rectifier::None,
            Activation::Relu => Rectifier::Relu,
            Activation::Prelu => Rectifier::Prelu(self.vector(node, "slope")),
        };
        let convolved = match (grouping, normalised) {
            (Grouping::Full, false) => {
                let bias = self.vector(node, "bias");
                return self.body.convolution_with_bias(input, weight, bias, stride, rectifier);
            }
            (Grouping::Full, true) => self.body.convolution(input, weight, stride),
            (Grouping::Depthwise, _) => self.body.depthwise(input, weight, stride),
        };
        if normalised {
            return self.norm(node, convolved, rectifier);
        }
        let biased = self.bias(node, convolved);
        match rectifier {
            Rectifier::None => biased,
            Rectifier::Relu => relu(biased),
            Rectifier::Prelu(slope) => self.body.prelu(biased, slope),
        }
    }

    /// The batch normalisation that belongs to `node`.
    fn norm(&mut self, node: &Node, value: Tensor<4>, rectifier: Rectifier) -> Tensor<4> {
        let (gamma, beta) = (self.vector(node, "norm.gamma"), self.vector(node, "norm.beta"));
        let [images, _, height, width] = value.dims();
        let (output, moments) = self.body.batch_norm(value, gamma, beta, rectifier);
        self.moments.push((node.name.clone(), images * height * width, moments));
        output
    }

    /// The bias that belongs to `node`.
    fn bias(&mut self, node: &Node, value: Tensor<4>) -> Tensor<4> {
        let bias = self.vector(node, "bias");
        let [channels] = bias.dims();
        let precision = FloatDType::from(value.dtype());
        value + bias.reshape([1, channels, 1, 1]).cast(precision)
    }

    /// The full connection that belongs to `node`: `[batch, C, H, W]` -> `[batch, outputs, 1, 1]`.
    fn connection(&mut self, node: &Node, input: Tensor<4>) -> Tensor<4> {
        let (weight, shape) = self.leaf(node, "weight");
        let (outputs, inputs) = (shape[0], shape[1]);
        let batch = input.dims()[0];
        let connected =
            self.body.connection(input.reshape([batch, inputs]), weight.reshape([outputs, inputs]));
        connected.reshape([batch, outputs, 1, 1])
    }

    /// The full connection and the L2 normalisation: `[batch, C, H, W]` -> unit rows `[batch, dimension, 1, 1]`.
    fn embed(&mut self, node: &Node, input: Tensor<4>, normalised: bool) -> Tensor<4> {
        let connected = self.connection(node, input).cast(FloatDType::F32);
        let output =
            if normalised { self.norm(node, connected, Rectifier::None) } else { self.bias(node, connected) };
        // The smallest square that keeps a zero vector from dividing by zero.
        let norm = (output.clone() * output.clone()).sum_dim(1).add_scalar(1e-12).sqrt();
        output / norm
    }
}

/// By value: the node that reads it last; none reads an output last.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![0; graph.nodes().len() + 1];
    for (index, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|&input| last[input] = index);
    }
    graph.outputs().iter().for_each(|&output| last[output] = usize::MAX);
    last
}
