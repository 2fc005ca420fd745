//! Networks as tables, in the words of the papers that publish them.

use super::layer::Activation;

/// A network as its publication prints it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The network's name.
    pub name: &'static str,
    /// Rows and columns of the input, in pixels; three channels.
    pub input: (usize, usize),
    /// Whether every convolution has a batch normalisation instead of a bias.
    pub normalised: bool,
    /// What follows every convolution that is not called linear.
    pub activation: Activation,
    /// Whether the embedding layer has a batch normalisation instead of a bias.
    pub embedding_normalised: bool,
    /// The layers, from the image to the last map of features. The embedding layer, a full connection to as many
    /// outputs as the embedding has dimensions, and the L2 normalisation follow by themselves.
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The row's name, unique in the table.
    pub name: &'static str,
    /// What the row is.
    pub block: Block,
}

/// What a row of a table can be. Windows are padded so that a side of the output is that of the input divided by
/// the stride, rounded up.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A convolution of `filters` square kernels.
    Convolution {
        /// Edge of the kernel.
        kernel: usize,
        /// Step between windows.
        stride: usize,
        /// Output channels.
        filters: usize,
    },
    /// A 1×1 convolution to `reduce` channels and a 3×3 convolution on it: the paper's `inception (2)`.
    ReducedConvolution {
        /// Channels between.
        reduce: usize,
        /// Output channels.
        filters: usize,
    },
    /// A convolution of every channel with a kernel of its own.
    DepthwiseConvolution {
        /// Edge of the kernel.
        kernel: usize,
        /// Step between windows.
        stride: usize,
    },
    /// Bottlenecks one after the other.
    Bottlenecks(Bottlenecks),
    /// Units of a residual network after the ResNet of ArcFace (Deng et al. 2019, "IR"): normalisation, 3×3
    /// convolution, 3×3 convolution without activation, and their sum with what the unit read. The first unit
    /// halves the map in its second convolution, and a 1×1 convolution adapts what it read.
    NormalisedResiduals {
        /// Channels between and out.
        filters: usize,
        /// How many units.
        units: usize,
    },
    /// A batch normalisation that stands alone.
    Norm,
    /// A full connection to units that are each the maximum of several values (the paper's `maxout`).
    Maxout {
        /// Units, which are the channels of the output.
        units: usize,
        /// Values that a unit is the maximum of (the paper's `p`).
        pieces: usize,
    },
    /// All values of the map in one vector, as they are (the paper's `concat`).
    Concat,
    /// A weight for every channel and position, summed over the map, without activation.
    GlobalDepthwise,
    /// The maximum of 3×3 windows, at stride 2.
    MaxPool,
    /// Local response normalisation over five neighbouring channels (the paper's `norm`).
    LocalResponseNorm,
    /// An inception module.
    Inception(Inception),
    /// Two 3×3 convolutions with a shortcut around them, summed before the second ReLU (He et al. 2015, fig. 2).
    Residual {
        /// Channels in, between and out.
        filters: usize,
    },
    /// The mean over the whole map.
    AveragePool,
}

/// An inception module (Szegedy et al. 2014, fig. 2b), a row of the FaceNet paper's table 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Inception {
    /// `#1x1`; none in the modules that halve the map.
    pub one: Option<usize>,
    /// `#3x3 reduce` and `#3x3`.
    pub three: (usize, usize),
    /// `#5x5 reduce` and `#5x5`; left out in the higher layers of NN4.
    pub five: Option<(usize, usize)>,
    /// The pooling branch: its kind, and the filters of the 1×1 convolution after it. Without it the pooled
    /// channels pass as they are.
    pub pool: (Pool, Option<usize>),
    /// 1, or 2 in the modules that halve the map: the 3×3, 5×5 and pooling windows step by it, the reductions
    /// before them do not.
    pub stride: usize,
}

/// Bottlenecks (Sandler et al. 2018, as in Chen et al. 2018, table 1): a 1×1 convolution to more channels, a 3×3
/// depthwise convolution, and a 1×1 convolution without activation, which is added to what the bottleneck read
/// where the shapes are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Bottlenecks {
    /// How many times as many channels there are between (`t`).
    pub expansion: usize,
    /// Output channels (`c`).
    pub filters: usize,
    /// How many bottlenecks (`n`).
    pub units: usize,
    /// Step of the depthwise convolution of the first of them (`s`).
    pub stride: usize,
}

/// How an inception module pools its 3×3 windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// By the maximum.
    Max,
    /// By the L2 norm.
    L2,
}

impl Table {
    /// The edge of the square chip that the network sees the middle of: the larger side of its input, in pixels.
    pub fn input_edge(&self) -> usize {
        self.input.0.max(self.input.1)
    }
}

impl Row {
    /// A row of a table.
    pub fn new(name: &'static str, block: Block) -> Self {
        Self { name, block }
    }
}
