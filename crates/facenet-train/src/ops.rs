//! The layers of the network that trains, on every device.
//!
//! [`Body`] is the one place that chooses between the two implementations of each layer: `cpu`, which is fast on the
//! CPU, and `portable`, which runs everywhere. The tests hold them against each other.

mod cpu;
mod portable;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

/// Which implementation computes the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Backward passes of our own, for the CPU device alone.
    Cpu,
    /// Burn's tensor functions, for every device.
    Portable,
}

/// What becomes of the negative values of a layer.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for the length of a call")]
pub(crate) enum Rectifier {
    /// They stay.
    None,
    /// They become zero.
    Relu,
    /// They are multiplied by the learnt slope of their channel, `[channels]`.
    Prelu(Tensor<1>),
}

/// What a batch says about each channel, `[channels]`; no gradient passes through.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    /// The mean.
    pub(crate) mean: Tensor<1>,
    /// The mean of squared deviations from it.
    pub(crate) variance: Tensor<1>,
}

impl Body {
    /// The convolution of `source` with square kernels, without bias, padded by half the kernel.
    ///
    /// # Shapes
    /// `source` `[N, C, H, W]`, `weight` `[F, C, k, k]` -> `[N, F, H / stride, W / stride]`, rounded up.
    pub(crate) fn convolution(self, source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::convolution(source, weight, stride),
            Self::Portable => portable::convolution(source, weight, stride),
        }
    }

    /// As [`Body::convolution`], plus a bias for each filter, `[F]`, rectified.
    pub(crate) fn convolution_with_bias(
        self,
        source: Tensor<4>,
        weight: Tensor<4>,
        bias: Tensor<1>,
        stride: usize,
        rectifier: Rectifier,
    ) -> Tensor<4> {
        let relu = matches!(rectifier, Rectifier::Relu);
        let output = match self {
            Self::Cpu => cpu::convolution_with_bias(source, weight, bias, stride, relu),
            Self::Portable => portable::convolution_with_bias(source, weight, bias, stride, relu),
        };
        if let Rectifier::Prelu(slope) = rectifier { self.prelu(output, slope) } else { output }
    }

    /// The convolution of each channel with a square kernel of its own, without bias, padded by half the kernel.
    ///
    /// # Shapes
    /// `source` `[N, C, H, W]`, `weight` `[C, 1, k, k]` -> `[N, C, H / stride, W / stride]`, rounded up.
    pub(crate) fn depthwise(self, source: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::depthwise(source, weight, stride),
            Self::Portable => portable::depthwise(source, weight, stride),
        }
    }

    /// The sum over each channel's map, weighted by values of its own.
    ///
    /// # Shapes
    /// `source` `[N, C, H, W]`, `weight` `[C, 1, H, W]` -> `[N, C, 1, 1]`.
    pub(crate) fn global_depthwise(self, source: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::global_depthwise(source, weight),
            Self::Portable => portable::global_depthwise(source, weight),
        }
    }

    /// Normalises each channel by its mean and variance over the batch, scales and shifts it, and rectifies it
    /// (Ioffe & Szegedy 2015, algorithm 1).
    ///
    /// # Shapes
    /// `source` `[N, C, H, W]`, `gamma` and `beta` `[C]` -> `[N, C, H, W]`.
    pub(crate) fn batch_norm(
        self,
        source: Tensor<4>,
        gamma: Tensor<1>,
        beta: Tensor<1>,
        rectifier: Rectifier,
    ) -> (Tensor<4>, Moments) {
        match self {
            Self::Cpu => cpu::batch_norm(source, gamma, beta, rectifier),
            Self::Portable => portable::batch_norm(source, gamma, beta, rectifier),
        }
    }

    /// Multiplies negative values by the slope of their channel, `[C]` (He et al. 2015, eq. 1).
    pub(crate) fn prelu(self, source: Tensor<4>, slope: Tensor<1>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::prelu(source, slope),
            Self::Portable => portable::prelu(source, slope),
        }
    }

    /// The sum of two tensors of one shape; negative sums become zero if `relu`.
    pub(crate) fn add(self, left: Tensor<4>, right: Tensor<4>, relu: bool) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::add(left, right, relu),
            Self::Portable => portable::add(left, right, relu),
        }
    }

    /// The inputs' channels one after the other, `[N, Cᵢ, H, W]` -> `[N, Σ Cᵢ, H, W]`.
    pub(crate) fn concat(self, inputs: Vec<Tensor<4>>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::concat(inputs),
            Self::Portable => Tensor::cat(inputs, 1),
        }
    }

    /// The maximum of 3×3 windows, as [`facenet::kernels::max_pool`]. Of equal values the first, row by row, has the
    /// gradient on the CPU; on other devices one of them.
    pub(crate) fn max_pool(self, source: Tensor<4>, stride: usize) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::max_pool(source, stride),
            Self::Portable => portable::max_pool(source, stride),
        }
    }

    /// The L2 norm of 3×3 windows, as [`facenet::kernels::l2_pool`]; a window of zeros sends nothing back.
    pub(crate) fn l2_pool(self, source: Tensor<4>, stride: usize) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::l2_pool(source, stride),
            Self::Portable => portable::l2_pool(source, stride),
        }
    }

    /// Local response normalisation across channels, as [`facenet::kernels::local_response_norm`] of each image.
    pub(crate) fn local_response_norm(self, source: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::local_response_norm(source),
            Self::Portable => portable::local_response_norm(source),
        }
    }

    /// The mean over each map: `[N, C, H, W]` -> `[N, C, 1, 1]`.
    pub(crate) fn average_pool(self, source: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::average_pool(source),
            Self::Portable => portable::average_pool(source),
        }
    }

    /// Every value four times, in a square: `[N, C, H, W]` -> `[N, C, 2 H, 2 W]`.
    pub(crate) fn upsample(self, source: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Cpu => cpu::upsample(source),
            Self::Portable => portable::upsample(source),
        }
    }

    /// Each row of `source` times the transpose of `weight`, without bias.
    ///
    /// # Shapes
    /// `source` `[N, inputs]`, `weight` `[outputs, inputs]` -> `[N, outputs]`.
    pub(crate) fn connection(self, source: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Cpu => cpu::connection(source, weight),
            Self::Portable => portable::connection(source, weight),
        }
    }
}
