//! The single layers that networks are made of.

/// A single layer. Convolutions are padded by half the kernel with zeros, 3×3 pools by one; a side of the output is
/// that of the input divided by the stride, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A convolution, then its batch normalisation if `normalised`, else its bias, then its activation.
    Convolution {
        /// Edge of the kernel.
        kernel: usize,
        /// Step between windows.
        stride: usize,
        /// Which input channels an output channel sees.
        grouping: Grouping,
        /// Whether a batch normalisation follows, which then stands for the bias.
        normalised: bool,
        /// What follows.
        activation: Activation,
    },
    /// A weight for every channel and position, summed over the map: each channel becomes one value (the linear
    /// GDConv of MobileFaceNet, Chen et al. 2018), then batch normalisation or bias.
    GlobalDepthwise {
        /// Whether a batch normalisation follows, which then stands for the bias.
        normalised: bool,
    },
    /// A batch normalisation that stands alone, per channel.
    Norm,
    /// The maximum of 3×3 windows.
    MaxPool {
        /// Step between windows.
        stride: usize,
    },
    /// The L2 norm of 3×3 windows.
    L2Pool {
        /// Step between windows.
        stride: usize,
    },
    /// Local response normalisation across channels.
    LocalResponseNorm,
    /// The inputs' channels one after the other.
    Concat,
    /// The sum of two inputs.
    Add {
        /// Whether negative sums become zero.
        relu: bool,
    },
    /// The mean over the map.
    AveragePool,
    /// Every value four times, in a square: both sides of the map double.
    Upsample,
    /// A full connection of all values, with bias, to `pieces` values a unit, of which the largest is the unit's
    /// (Goodfellow et al. 2013). With one piece it is a plain full connection.
    Maxout {
        /// Values that a unit is the maximum of.
        pieces: usize,
    },
    /// A full connection of all values: the embedding before its L2 normalisation.
    Embed {
        /// Whether a batch normalisation follows, which then stands for the bias.
        normalised: bool,
    },
}

/// Which input channels an output channel of a convolution sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// All of them.
    Full,
    /// Its own; there are as many outputs as inputs.
    Depthwise,
}

/// What follows a convolution, value by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// Negative values become zero.
    Relu,
    /// Negative values are multiplied by a slope that is learnt, one a channel (He et al. 2015); it starts at 0.25.
    Prelu,
}
