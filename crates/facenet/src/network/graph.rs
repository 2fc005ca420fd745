//! A network as a graph of single layers.

use super::layer::{Activation, Grouping, Layer};
use super::pyramid::Pyramid;
use super::table::{Row, Table};

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

/// A network as single layers in an order in which they can be computed; the last one gives the embedding, or several
/// of them the maps of a detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    input: Shape,
    nodes: Vec<Node>,
    /// Whether convolutions have batch normalisation, and what follows them.
    pub(super) normalised: bool,
    pub(super) activation: Activation,
    /// Name of each row of the table, and the node that ends it.
    row_ends: Vec<(&'static str, usize)>,
    /// The values that the network is computed for.
    outputs: Vec<usize>,
}

impl Graph {
    /// Lowers `table` to layers, ending in an embedding of `dimension` coordinates.
    pub fn of(table: &Table, dimension: usize) -> Self {
        let mut graph = Self::empty(table);
        let value = graph.lower_rows(&table.rows);
        let embedding = Shape { channels: dimension, height: 1, width: 1 };
        let layer = Layer::Embed { normalised: table.embedding_normalised };
        let last = graph.push("embedding".into(), layer, vec![value], embedding);
        graph.row_ends.push(("embedding", last - 1));
        graph.outputs.push(last);
        graph
    }

    /// Lowers a detector to layers, for images of `height` × `width` pixels; its outputs are one map for each level of
    /// the pyramid, the finest first. The weights do not depend on the size.
    ///
    /// # Panics
    /// When a side is not a multiple of [`Pyramid::MULTIPLE`], or a level is no row of the table.
    pub fn of_pyramid(pyramid: &Pyramid, height: usize, width: usize) -> Self {
        let whole = |side: usize| side > 0 && side.is_multiple_of(Pyramid::MULTIPLE);
        assert!(whole(height) && whole(width), "{height} x {width} is no size for a pyramid");
        let mut graph = Self {
            input: Shape { channels: 3, height, width },
            normalised: true,
            activation: Activation::Relu,
            nodes: Vec::new(),
            row_ends: Vec::new(),
            outputs: Vec::new(),
        };
        graph.lower_rows(&pyramid.rows);
        graph.outputs = graph.lower_pyramid(pyramid);
        graph
    }

    /// A graph without layers, for the table's images.
    pub(super) fn empty(table: &Table) -> Self {
        Self {
            input: Shape { channels: 3, height: table.input.0, width: table.input.1 },
            normalised: table.normalised,
            activation: table.activation,
            nodes: Vec::new(),
            row_ends: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Says which values the network is computed for.
    pub(super) fn end_with(&mut self, outputs: Vec<usize>) {
        self.outputs = outputs;
    }

    /// Appends the layers of all rows, the first of which reads the image, and gives the number of the last value.
    pub(super) fn lower_rows(&mut self, rows: &[Row]) -> usize {
        let mut value = 0;
        for row in rows {
            value = self.lower(row.name, &row.block, value);
            self.end_row(row.name);
        }
        value
    }

    /// Counts the layers since the row before to the row of that name.
    pub(super) fn end_row(&mut self, name: &'static str) {
        self.row_ends.push((name, self.nodes.len() - 1));
    }

    /// The value that ends the row of that name.
    pub(super) fn row_value(&self, name: &str) -> Option<usize> {
        self.row_ends.iter().find(|(row, _)| *row == name).map(|(_, end)| end + 1)
    }

    /// The values that the network is computed for: the embedding before its L2 normalisation, or the maps of a detector.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
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
            | Layer::AveragePool
            | Layer::Upsample => 0,
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

    pub(super) fn row_nodes(&self, row: &str) -> &[Node] {
        let Some(at) = self.row_ends.iter().position(|(name, _)| *name == row) else { return &[] };
        let start = if at == 0 { 0 } else { self.row_ends[at - 1].1 + 1 };
        &self.nodes[start..=self.row_ends[at].1]
    }

    /// Appends a node and gives the number of its value.
    pub(super) fn push(&mut self, name: String, layer: Layer, inputs: Vec<usize>, output: Shape) -> usize {
        self.nodes.push(Node { name, layer, inputs, output });
        self.nodes.len()
    }
}
