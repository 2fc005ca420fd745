//! A network as a graph of single layers.

use super::table::{Block, Inception, Pool, Table};

/// The shape of a value for one image: a square map of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Height and width.
    pub edge: usize,
}

/// A single layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A convolution with its normalisation, and a ReLU if `relu`; padded by half the kernel.
    Convolution {
        /// Edge of the kernel.
        kernel: usize,
        /// Step between windows.
        stride: usize,
        /// Whether negative outputs become zero.
        relu: bool,
    },
    /// The maximum of 3×3 windows, padded by one.
    MaxPool {
        /// Step between windows.
        stride: usize,
    },
    /// The L2 norm of 3×3 windows, padded by one with zeros.
    L2Pool {
        /// Step between windows.
        stride: usize,
    },
    /// Local response normalisation across channels.
    LocalResponseNorm,
    /// The inputs' channels one after the other.
    Concat,
    /// The sum of two inputs, negative sums become zero.
    AddRelu,
    /// The mean over the map.
    AveragePool,
    /// A full connection of all values of the map, with bias: the embedding before its L2 normalisation.
    Embed,
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
    /// Name of each row of the table, and the node that ends it.
    row_ends: Vec<(&'static str, usize)>,
}

impl Graph {
    /// Lowers `table` to layers, ending in an embedding of `dimension` coordinates.
    pub fn of(table: &Table, dimension: usize) -> Self {
        let mut graph = Self {
            input: Shape { channels: 3, edge: table.input_edge },
            nodes: Vec::new(),
            row_ends: Vec::new(),
        };
        let mut value = 0;
        for row in &table.rows {
            value = graph.lower(row.name, &row.block, value);
            graph.row_ends.push((row.name, value - 1));
        }
        let embedding = Shape { channels: dimension, edge: 1 };
        let last = graph.push("embedding".into(), Layer::Embed, vec![value], embedding);
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

    /// The weights of a node: `[outputs, inputs per output]` and so their number, without biases and norms; zero
    /// for layers that have none.
    pub fn node_weights(&self, node: &Node) -> usize {
        let input = self.shape(node.inputs[0]);
        match node.layer {
            Layer::Convolution { kernel, .. } => kernel * kernel * input.channels * node.output.channels,
            Layer::Embed => input.channels * input.edge * input.edge * node.output.channels,
            _ => 0,
        }
    }

    /// The multiply-adds of a node for one image.
    pub fn node_multiply_adds(&self, node: &Node) -> usize {
        self.node_weights(node) * node.output.edge * node.output.edge
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
                self.convolution(row.into(), input, kernel, stride, filters, true)
            }
            Block::ReducedConvolution { reduce, filters } => {
                let reduced = self.convolution(format!("{row}.reduce"), input, 1, 1, reduce, true);
                self.convolution(format!("{row}.3x3"), reduced, 3, 1, filters, true)
            }
            Block::MaxPool => self.pool(row.into(), Pool::Max, input, 2),
            Block::LocalResponseNorm => {
                self.push(row.into(), Layer::LocalResponseNorm, vec![input], self.shape(input))
            }
            Block::Inception(ref module) => self.inception(row, module, input),
            Block::Residual { filters } => {
                let first = self.convolution(format!("{row}.first"), input, 3, 1, filters, true);
                let second = self.convolution(format!("{row}.second"), first, 3, 1, filters, false);
                self.push(format!("{row}.sum"), Layer::AddRelu, vec![second, input], self.shape(input))
            }
            Block::AveragePool => {
                let output = Shape { edge: 1, ..self.shape(input) };
                self.push(row.into(), Layer::AveragePool, vec![input], output)
            }
        }
    }

    fn convolution(
        &mut self,
        name: String,
        input: usize,
        kernel: usize,
        stride: usize,
        filters: usize,
        relu: bool,
    ) -> usize {
        let output = Shape { channels: filters, edge: self.shape(input).edge.div_ceil(stride) };
        self.push(name, Layer::Convolution { kernel, stride, relu }, vec![input], output)
    }

    fn pool(&mut self, name: String, pool: Pool, input: usize, stride: usize) -> usize {
        let Shape { channels, edge } = self.shape(input);
        let layer = match pool {
            Pool::Max => Layer::MaxPool { stride },
            Pool::L2 => Layer::L2Pool { stride },
        };
        self.push(name, layer, vec![input], Shape { channels, edge: edge.div_ceil(stride) })
    }

    fn inception(&mut self, row: &str, module: &Inception, input: usize) -> usize {
        let mut branches = Vec::new();
        if let Some(filters) = module.one {
            branches.push(self.convolution(format!("{row}.1x1"), input, 1, 1, filters, true));
        }
        for (kernel, branch) in [(3, Some(module.three)), (5, module.five)] {
            let Some((reduce, filters)) = branch else { continue };
            let name = format!("{row}.{kernel}x{kernel}");
            let reduced = self.convolution(format!("{name}.reduce"), input, 1, 1, reduce, true);
            branches.push(self.convolution(name, reduced, kernel, module.stride, filters, true));
        }
        let (pool, projection) = module.pool;
        let pooled = self.pool(format!("{row}.pool"), pool, input, module.stride);
        branches.push(match projection {
            Some(filters) => self.convolution(format!("{row}.projection"), pooled, 1, 1, filters, true),
            None => pooled,
        });
        let channels = branches.iter().map(|&branch| self.shape(branch).channels).sum();
        let output = Shape { channels, edge: self.shape(input).edge.div_ceil(module.stride) };
        self.push(format!("{row}.concat"), Layer::Concat, branches, output)
    }
}
