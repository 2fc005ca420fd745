//! A network as a graph of single layers.

use super::layer::{Activation, Grouping, Layer};
use super::table::{Block, Inception, Pool, Table};

/// The shape of a value for one image: maps of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
}

impl Shape {
    /// Values of one map.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// Values of all channels.
    #[expect(clippy::len_without_is_empty, reason = "no layer gives a shape without values")]
    pub fn len(&self) -> usize {
        self.channels * self.area()
    }
}

/// A layer in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique name, under which the layer's weights are stored; it starts with the row's name.
    pub name: String,
    /// The layer.
    pub layer: Layer,
    /// The values it reads: 0 is the image, `i + 1` the output of node `i`.
    pub inputs: Vec<usize>,
    /// The shape of its output.
    pub output: Shape,
}

/// A network as single layers in an order in which they can be computed; the last one gives the embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    input: Shape,
    nodes: Vec<Node>,
    /// Whether convolutions have batch normalisation, and what follows them.
    normalised: bool,
    activation: Activation,
    /// Name of each row of the table, and the node that ends it.
    row_ends: Vec<(&'static str, usize)>,
}

impl Graph {
    /// Lowers `table` to layers, ending in an embedding of `dimension` coordinates.
    pub fn of(table: &Table, dimension: usize) -> Self {
        let mut graph = Self {
            input: Shape { channels: 3, height: table.input.0, width: table.input.1 },
            normalised: table.normalised,
            activation: table.activation,
            nodes: Vec::new(),
            row_ends: Vec::new(),
        };
        let mut value = 0;
        for row in &table.rows {
            value = graph.lower(row.name, &row.block, value);
            graph.row_ends.push((row.name, value - 1));
        }
        let embedding = Shape { channels: dimension, height: 1, width: 1 };
        let layer = Layer::Embed { normalised: table.embedding_normalised };
        let last = graph.push("embedding".into(), layer, vec![value], embedding);
        graph.row_ends.push(("embedding", last - 1));
        graph
    }

    /// The shape of the image.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The layers, each after those it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The shape of a value that a node reads.
    pub fn shape(&self, value: usize) -> Shape {
        if value == 0 { self.input } else { self.nodes[value - 1].output }
    }

    /// The coordinates of an embedding.
    pub fn dimension(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.output.channels)
    }

    /// The rows of the table and the embedding layer, with the shapes of their outputs.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, Shape)> {
        self.row_ends.iter().map(|&(name, end)| (name, self.nodes[end].output))
    }

    /// The number of weights of a node, without biases, norms and slopes; zero for layers that have none.
    pub fn node_weights(&self, node: &Node) -> usize {
        let (input, outputs) = (self.shape(node.inputs[0]), node.output.channels);
        match node.layer {
            Layer::Convolution { kernel, grouping: Grouping::Full, .. } => {
                kernel * kernel * input.channels * outputs
            }
            Layer::Convolution { kernel, grouping: Grouping::Depthwise, .. } => kernel * kernel * outputs,
            Layer::GlobalDepthwise { .. } => input.len(),
            Layer::Maxout { pieces } => input.len() * pieces * outputs,
            Layer::Embed { .. } => input.len() * outputs,
            Layer::Norm
            | Layer::MaxPool { .. }
            | Layer::L2Pool { .. }
            | Layer::LocalResponseNorm
            | Layer::Concat
            | Layer::Add { .. }
            | Layer::AveragePool => 0,
        }
    }

    /// The multiply-adds of a node for one image: of convolutions and full connections.
    pub fn node_multiply_adds(&self, node: &Node) -> usize {
        self.node_weights(node) * node.output.area()
    }

    /// All weights without biases and norms.
    pub fn weights(&self) -> usize {
        self.nodes.iter().map(|node| self.node_weights(node)).sum()
    }

    /// All multiply-adds of convolutions and full connections for one image.
    pub fn multiply_adds(&self) -> usize {
        self.nodes.iter().map(|node| self.node_multiply_adds(node)).sum()
    }

    /// The weights of the row of that name; zero when there is none.
    pub fn row_weights(&self, row: &str) -> usize {
        self.row_nodes(row).iter().map(|node| self.node_weights(node)).sum()
    }

    /// The multiply-adds of the row of that name for one image; zero when there is none.
    pub fn row_multiply_adds(&self, row: &str) -> usize {
        self.row_nodes(row).iter().map(|node| self.node_multiply_adds(node)).sum()
    }

    fn row_nodes(&self, row: &str) -> &[Node] {
        let Some(at) = self.row_ends.iter().position(|(name, _)| *name == row) else { return &[] };
        let start = if at == 0 { 0 } else { self.row_ends[at - 1].1 + 1 };
        &self.nodes[start..=self.row_ends[at].1]
    }

    /// Appends a node and gives the number of its value.
    fn push(&mut self, name: String, layer: Layer, inputs: Vec<usize>, output: Shape) -> usize {
        self.nodes.push(Node { name, layer, inputs, output });
        self.nodes.len()
    }

    fn lower(&mut self, row: &str, block: &Block, input: usize) -> usize {
        match *block {
            Block::Convolution { kernel, stride, filters } => {
                self.convolution(row.into(), input, kernel, stride, filters)
            }
            Block::ReducedConvolution { reduce, filters } => {
                let reduced = self.convolution(format!("{row}.reduce"), input, 1, 1, reduce);
                self.convolution(format!("{row}.3x3"), reduced, 3, 1, filters)
            }
            Block::MaxPool => self.pool(row.into(), Pool::Max, input, 2),
            Block::LocalResponseNorm => {
                self.push(row.into(), Layer::LocalResponseNorm, vec![input], self.shape(input))
            }
            Block::Inception(ref module) => self.inception(row, module, input),
            Block::Residual { filters } => {
                let first = self.convolution(format!("{row}.first"), input, 3, 1, filters);
                let second = self.linear(format!("{row}.second"), first, 3, 1, filters);
                let sum = Layer::Add { relu: true };
                self.push(format!("{row}.sum"), sum, vec![second, input], self.shape(input))
            }
            Block::AveragePool => {
                let output = Shape { height: 1, width: 1, ..self.shape(input) };
                self.push(row.into(), Layer::AveragePool, vec![input], output)
            }
        }
    }

    /// A convolution with the activation of the table.
    fn convolution(
        &mut self,
        name: String,
        input: usize,
        kernel: usize,
        stride: usize,
        filters: usize,
    ) -> usize {
        let layer = self.convolution_layer(kernel, stride, Grouping::Full, self.activation);
        self.push(name, layer, vec![input], self.strided(input, stride, filters))
    }

    /// A convolution without activation.
    fn linear(&mut self, name: String, input: usize, kernel: usize, stride: usize, filters: usize) -> usize {
        let layer = self.convolution_layer(kernel, stride, Grouping::Full, Activation::None);
        self.push(name, layer, vec![input], self.strided(input, stride, filters))
    }

    fn convolution_layer(
        &self,
        kernel: usize,
        stride: usize,
        grouping: Grouping,
        activation: Activation,
    ) -> Layer {
        Layer::Convolution { kernel, stride, grouping, normalised: self.normalised, activation }
    }

    /// The shape of windows over a value that step by `stride`.
    fn strided(&self, value: usize, stride: usize, channels: usize) -> Shape {
        let Shape { height, width, .. } = self.shape(value);
        Shape { channels, height: height.div_ceil(stride), width: width.div_ceil(stride) }
    }

    fn pool(&mut self, name: String, pool: Pool, input: usize, stride: usize) -> usize {
        let layer = match pool {
            Pool::Max => Layer::MaxPool { stride },
            Pool::L2 => Layer::L2Pool { stride },
        };
        self.push(name, layer, vec![input], self.strided(input, stride, self.shape(input).channels))
    }

    fn inception(&mut self, row: &str, module: &Inception, input: usize) -> usize {
        let mut branches = Vec::new();
        if let Some(filters) = module.one {
            branches.push(self.convolution(format!("{row}.1x1"), input, 1, 1, filters));
        }
        for (kernel, branch) in [(3, Some(module.three)), (5, module.five)] {
            let Some((reduce, filters)) = branch else { continue };
            let name = format!("{row}.{kernel}x{kernel}");
            let reduced = self.convolution(format!("{name}.reduce"), input, 1, 1, reduce);
            branches.push(self.convolution(name, reduced, kernel, module.stride, filters));
        }
        let (pool, projection) = module.pool;
        let pooled = self.pool(format!("{row}.pool"), pool, input, module.stride);
        branches.push(match projection {
            Some(filters) => self.convolution(format!("{row}.projection"), pooled, 1, 1, filters),
            None => pooled,
        });
        let channels = branches.iter().map(|&branch| self.shape(branch).channels).sum();
        let output = self.strided(input, module.stride, channels);
        self.push(format!("{row}.concat"), Layer::Concat, branches, output)
    }
}
