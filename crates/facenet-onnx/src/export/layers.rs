//! The layers of a graph in ONNX's operators.

use facenet::network::{Activation, Graph, Grouping, Layer, Node, Shape};
use facenet::{Folded, Weights};

use super::INPUT;
use super::nodes::{Attribute, Nodes};

/// A value as it is named in the file.
pub(super) struct Value {
    pub(super) name: String,
    /// Sizes after the batch.
    pub(super) sizes: Vec<usize>,
}

/// Writes all layers, and gives the values: the image, then what each node gives.
pub(super) fn write_layers(graph: &Graph, weights: &Weights, nodes: &mut Nodes) -> Vec<Value> {
    let Shape { channels, height, width } = graph.input();
    let mut values = vec![Value { name: INPUT.into(), sizes: vec![channels, height, width] }];
    for node in graph.nodes() {
        let inputs: Vec<&str> = node.inputs.iter().map(|&value| values[value].name.as_str()).collect();
        let writer = Writer { node, input: graph.shape(node.inputs[0]), nodes };
        let name = writer.write(&inputs, Folded::of(node, weights).as_ref());
        let Shape { channels, height, width } = node.output;
        let connected = matches!(node.layer, Layer::Maxout { .. } | Layer::Embed { .. });
        let sizes = if connected { vec![channels] } else { vec![channels, height, width] };
        values.push(Value { name, sizes });
    }
    values
}

/// Writes one layer.
struct Writer<'a> {
    node: &'a Node,
    input: Shape,
    nodes: &'a mut Nodes,
}

impl Writer<'_> {
    fn write(mut self, inputs: &[&str], folded: Option<&Folded>) -> String {
        let folded = || folded.expect("a layer with weights has them folded");
        let x = inputs[0];
        match self.node.layer {
            Layer::Convolution { kernel, stride, grouping, activation, .. } => {
                let groups = match grouping {
                    Grouping::Full => 1,
                    Grouping::Depthwise => self.input.channels,
                };
                let window = [(kernel, stride, kernel / 2); 2];
                self.convolution(x, folded(), window, groups, activation)
            }
            Layer::GlobalDepthwise { .. } => {
                let window = [(self.input.height, 1, 0), (self.input.width, 1, 0)];
                self.convolution(x, folded(), window, self.input.channels, Activation::None)
            }
            Layer::Norm => {
                let dims = [self.input.channels, 1, 1];
                let scale = self.floats("scale", &dims, &folded().weight);
                let shift = self.floats("shift", &dims, &folded().bias);
                let scaled = self.step("Mul", &[x, &scale], "scaled", &[]);
                self.last("Add", &[&scaled, &shift], &[])
            }
            Layer::MaxPool { stride } => self.last("MaxPool", &[x], &pool(3, stride, 1)),
            Layer::L2Pool { stride } => self.l2_pool(x, stride),
            Layer::LocalResponseNorm => self.local_response_norm(x),
            Layer::Concat => self.last("Concat", inputs, &[Attribute::Int("axis", 1)]),
            Layer::Add { relu: false } => self.last("Add", inputs, &[]),
            Layer::Add { relu: true } => {
                let sum = self.step("Add", inputs, "sum", &[]);
                self.last("Relu", &[&sum], &[])
            }
            // By its defaults, the nearest value of a half-pixel grid: at twice the size, each value four times.
            Layer::Upsample => {
                let scales = self.floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
                self.last("Resize", &[x, "", &scales], &[])
            }
            Layer::AveragePool => self.last("GlobalAveragePool", &[x], &[]),
            Layer::Maxout { pieces: 1 } | Layer::Embed { .. } => self.connection(x, folded(), "out"),
            Layer::Maxout { pieces } => {
                let values = self.connection(x, folded(), "pieces");
                let sizes = [-1, self.node.output.channels as i64, pieces as i64];
                let shape = self.nodes.shape(&format!("{}.shape", self.node.name), &sizes);
                let apart = self.step("Reshape", &[&values, &shape], "units", &[]);
                self.last(
                    "ReduceMax",
                    &[&apart],
                    &[Attribute::Ints("axes", vec![2]), Attribute::Int("keepdims", 0)],
                )
            }
        }
    }

    /// A convolution with `(kernel, stride, padding)` of rows and columns, its bias and what follows.
    fn convolution(
        &mut self,
        x: &str,
        folded: &Folded,
        [rows, columns]: [(usize, usize, usize); 2],
        groups: usize,
        activation: Activation,
    ) -> String {
        let (outputs, channels) = (folded.bias.len(), self.input.channels / groups);
        let weight = self.floats("weight", &[outputs, channels, rows.0, columns.0], &folded.weight);
        let bias = self.floats("bias", &[outputs], &folded.bias);
        let attributes = [
            Attribute::Ints("kernel_shape", vec![rows.0, columns.0]),
            Attribute::Ints("strides", vec![rows.1, columns.1]),
            Attribute::Ints("pads", vec![rows.2, columns.2, rows.2, columns.2]),
            Attribute::Int("group", groups as i64),
        ];
        let inputs = [x, &weight, &bias];
        match activation {
            Activation::None => self.last("Conv", &inputs, &attributes),
            Activation::Relu => {
                let sums = self.step("Conv", &inputs, "sums", &attributes);
                self.last("Relu", &[&sums], &[])
            }
            Activation::Prelu => {
                let sums = self.step("Conv", &inputs, "sums", &attributes);
                let slope = self.floats("slope", &[outputs, 1, 1], &folded.slope);
                self.last("PRelu", &[&sums, &slope], &[])
            }
        }
    }

    /// A full connection of all values of an image.
    fn connection(&mut self, x: &str, folded: &Folded, output: &str) -> String {
        let weight = self.floats("weight", &[folded.bias.len(), self.input.len()], &folded.weight);
        let bias = self.floats("bias", &[folded.bias.len()], &folded.bias);
        let flat = self.step("Flatten", &[x], "flat", &[Attribute::Int("axis", 1)]);
        self.step("Gemm", &[&flat, &weight, &bias], output, &[Attribute::Int("transB", 1)])
    }

    /// √(Σ x²) over windows, as the mean of the squares times their number: the border counts as zeros.
    fn l2_pool(&mut self, x: &str, stride: usize) -> String {
        let squares = self.step("Mul", &[x, x], "squares", &[]);
        let [kernel, strides, pads] = pool(3, stride, 1);
        let counted = [kernel, strides, pads, Attribute::Int("count_include_pad", 1)];
        let mean = self.step("AveragePool", &[&squares], "mean", &counted);
        let count = self.floats("count", &[1], &[9.0]);
        let sum = self.step("Mul", &[&mean, &count], "sum", &[]);
        self.last("Sqrt", &[&sum], &[])
    }

    /// `x / (1 + α · mean of x² over five channels)^(3/4)`; the mean is a pool over channels laid out as rows.
    fn local_response_norm(&mut self, x: &str) -> String {
        let Shape { channels, height, width } = self.input;
        let name = &self.node.name;
        let rows =
            self.nodes.shape(&format!("{name}.rows"), &[-1, 1, channels as i64, (height * width) as i64]);
        let maps =
            self.nodes.shape(&format!("{name}.maps"), &[-1, channels as i64, height as i64, width as i64]);
        let reach = facenet::kernels::LocalResponse::REACH;
        let window = 2 * reach + 1;
        let alpha = facenet::kernels::LocalResponse::WEIGHT * window as f32;
        let alpha = self.floats("alpha", &[1], &[alpha]);
        let one = self.floats("one", &[1], &[1.0]);
        let power = self.floats("power", &[1], &[0.75]);

        let squares = self.step("Mul", &[x, x], "squares", &[]);
        let squares = self.step("Reshape", &[&squares, &rows], "squares_in_rows", &[]);
        let mean = self.step(
            "AveragePool",
            &[&squares],
            "mean",
            &[
                Attribute::Ints("kernel_shape", vec![window, 1]),
                Attribute::Ints("strides", vec![1, 1]),
                Attribute::Ints("pads", vec![reach, 0, reach, 0]),
                Attribute::Int("count_include_pad", 1),
            ],
        );
        let scaled = self.step("Mul", &[&mean, &alpha], "scaled", &[]);
        let base = self.step("Add", &[&scaled, &one], "base", &[]);
        let divisor = self.step("Pow", &[&base, &power], "divisor_in_rows", &[]);
        let divisor = self.step("Reshape", &[&divisor, &maps], "divisor", &[]);
        self.last("Div", &[x, &divisor], &[])
    }

    fn floats(&mut self, what: &str, dims: &[usize], values: &[f32]) -> String {
        self.nodes.floats(&format!("{}.{what}", self.node.name), dims, values)
    }

    /// A step on the way to the layer's value.
    fn step(&mut self, operator: &str, inputs: &[&str], what: &str, attributes: &[Attribute]) -> String {
        self.nodes.push(operator, inputs, &format!("{}.{what}", self.node.name), attributes)
    }

    /// The step that gives the layer's value.
    fn last(&mut self, operator: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        self.step(operator, inputs, "out", attributes)
    }
}

fn pool(edge: usize, stride: usize, pad: usize) -> [Attribute; 3] {
    [
        Attribute::Ints("kernel_shape", vec![edge; 2]),
        Attribute::Ints("strides", vec![stride; 2]),
        Attribute::Ints("pads", vec![pad; 4]),
    ]
}
