//! From the rows of a table to single layers.

use super::graph::{Graph, Shape};
use super::layer::{Activation, Grouping, Layer};
use super::table::{Block, Bottlenecks, Inception, Pool};

impl Graph {
    /// Appends the layers of a row that reads `input`, and gives the number of the row's value.
    pub(super) fn lower(&mut self, row: &str, block: &Block, input: usize) -> usize {
        match *block {
            Block::Convolution { kernel, stride, filters } => {
                self.convolution(row.into(), input, kernel, stride, filters)
            }
            Block::ReducedConvolution { reduce, filters } => {
                let reduced = self.convolution(format!("{row}.reduce"), input, 1, 1, reduce);
                self.convolution(format!("{row}.3x3"), reduced, 3, 1, filters)
            }
            Block::DepthwiseConvolution { kernel, stride } => {
                self.depthwise(row.into(), input, kernel, stride, self.activation)
            }
            Block::Bottlenecks(ref bottlenecks) => self.bottlenecks(row, bottlenecks, input),
            Block::NormalisedResiduals { filters, units } => self.residuals(row, filters, units, input),
            Block::Norm => self.push(row.into(), Layer::Norm, vec![input], self.shape(input)),
            Block::Maxout { units, pieces } => {
                let output = Shape { channels: units, height: 1, width: 1 };
                self.push(row.into(), Layer::Maxout { pieces }, vec![input], output)
            }
            Block::Concat => self.push(row.into(), Layer::Concat, vec![input], self.shape(input)),
            Block::GlobalDepthwise => {
                let output = Shape { height: 1, width: 1, ..self.shape(input) };
                let layer = Layer::GlobalDepthwise { normalised: self.normalised };
                self.push(row.into(), layer, vec![input], output)
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
    pub(super) fn convolution(
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
    pub(super) fn linear(
        &mut self,
        name: String,
        input: usize,
        kernel: usize,
        stride: usize,
        filters: usize,
    ) -> usize {
        let layer = self.convolution_layer(kernel, stride, Grouping::Full, Activation::None);
        self.push(name, layer, vec![input], self.strided(input, stride, filters))
    }

    fn depthwise(
        &mut self,
        name: String,
        input: usize,
        kernel: usize,
        stride: usize,
        activation: Activation,
    ) -> usize {
        let layer = self.convolution_layer(kernel, stride, Grouping::Depthwise, activation);
        self.push(name, layer, vec![input], self.strided(input, stride, self.shape(input).channels))
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

    fn bottlenecks(&mut self, row: &str, bottlenecks: &Bottlenecks, mut input: usize) -> usize {
        let Bottlenecks { expansion, filters, units, stride } = *bottlenecks;
        for unit in 1..=units {
            let (name, stride) = (format!("{row}.{unit}"), if unit == 1 { stride } else { 1 });
            let channels = self.shape(input).channels;
            let wide = self.convolution(format!("{name}.expand"), input, 1, 1, expansion * channels);
            let seen = self.depthwise(format!("{name}.depthwise"), wide, 3, stride, self.activation);
            let narrow = self.linear(format!("{name}.project"), seen, 1, 1, filters);
            input = if self.shape(narrow) == self.shape(input) {
                let sum = Layer::Add { relu: false };
                self.push(format!("{name}.sum"), sum, vec![narrow, input], self.shape(input))
            } else {
                narrow
            };
        }
        input
    }

    fn residuals(&mut self, row: &str, filters: usize, units: usize, mut input: usize) -> usize {
        for unit in 1..=units {
            let (name, stride) = (format!("{row}.{unit}"), if unit == 1 { 2 } else { 1 });
            let normalised = self.push(format!("{name}.input"), Layer::Norm, vec![input], self.shape(input));
            let first = self.convolution(format!("{name}.first"), normalised, 3, 1, filters);
            let second = self.linear(format!("{name}.second"), first, 3, stride, filters);
            let shortcut = match unit {
                1 => self.linear(format!("{name}.shortcut"), input, 1, stride, filters),
                _ => input,
            };
            let sum = Layer::Add { relu: false };
            input = self.push(format!("{name}.sum"), sum, vec![second, shortcut], self.shape(second));
        }
        input
    }
}
