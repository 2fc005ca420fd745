//! Layers for training on the CPU, each with a backward pass of its own.
//!
//! Burn records the graph and walks it backwards; the arithmetic here replaces Burn's on its CPU backend, which
//! converts layouts on one thread, has no convolution backward of its own and takes a dozen passes over memory for a
//! batch normalisation. Maps are `[N, C, H, W]`. Sums run in an order that does not depend on the number of threads,
//! so that the same seed gives the same weights.

mod batch_norm;
mod concat;
mod connection;
mod convolution;
mod depthwise;
mod elementwise;
mod pooling;
mod record;
mod upsample;

pub(super) use super::{Moments, Rectifier};
pub(super) use batch_norm::batch_norm;
pub(super) use concat::concat;
pub(super) use connection::connection;
pub(super) use convolution::{convolution, convolution_with_bias};
pub(super) use depthwise::{depthwise, global_depthwise};
pub(super) use elementwise::{add, local_response_norm, prelu};
pub(super) use pooling::{average_pool, l2_pool, max_pool};
pub(super) use upsample::upsample;
