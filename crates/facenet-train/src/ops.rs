//! Layers for training on the CPU, each with a backward pass of its own.
//!
//! Burn records the graph and walks it backwards; the arithmetic here replaces Burn's on its CPU backend, which
//! converts layouts on one thread, has no convolution backward of its own and takes a dozen passes over memory for a
//! batch normalisation. Maps are `[N, C, E, E]`. Sums run in an order that does not depend on the number of threads,
//! so that the same seed gives the same weights.

mod batch_norm;
mod convolution;
mod elementwise;
mod pooling;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use batch_norm::{BatchStatistics, batch_norm};
pub(crate) use convolution::convolution;
pub(crate) use elementwise::{add_relu, local_response_norm};
pub(crate) use pooling::{l2_pool, max_pool};
