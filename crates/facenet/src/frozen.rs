//! A network that only embeds: batch normalisation folded into the weights before it, bias and activation applied
//! while a result is still in the cache, concatenation free, memory planned once.
//!
//! Values are stored channel by channel for a whole group of images, `[C, N, H, W]`: the branches of an inception
//! module then write straight into their part of its output, and small maps of several images make one product
//! that is wide enough to be fast.

mod body;
mod channelwise;
mod convolution;
mod folded;
mod plan;

use facenet_core::{BoxError, Chip, Contract, Embedder, Embedding};
use rayon::prelude::*;

use crate::kernels::Threads;
use crate::model::Model;
use crate::network::{self, Graph};
use crate::preprocess::preprocess;
use crate::weights::Weights;
pub(crate) use body::{Body, FoldedWeights, fold};
pub use folded::Folded;

/// Images that one thread takes through the network at a time: enough for wide products on 3×3 maps, few enough
/// that the values stay in the cache.
const GROUP: usize = 8;

/// A frozen network with its contract: the [`Embedder`] of this crate.
pub struct FrozenNetwork {
    contract: Contract,
    body: Body,
}

/// A chip of another size than the network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chip has an edge of {found} pixels, but the network takes {expected}")]
pub struct WrongEdge {
    /// The chip's edge.
    pub found: u32,
    /// The network's input edge.
    pub expected: u32,
}

impl FrozenNetwork {
    /// Freezes a model.
    pub fn new(model: &Model) -> Self {
        let contract = model.contract().clone();
        let table = network::table(&contract.network).expect("a model's network is known");
        let graph = Graph::of(&table, contract.dimension);
        Self::of(graph, model.weights(), contract)
    }

    fn of(graph: Graph, weights: &Weights, contract: Contract) -> Self {
        let folded = fold(&graph, weights);
        Self { contract, body: Body::new(graph, folded) }
    }

    /// The raw outputs of the embedding layer, before they are scaled to unit length.
    ///
    /// # Shapes
    /// `images` `[N, 3, height, width]` as [`preprocess`] writes them → `[N, dimension]`.
    ///
    /// # Panics
    /// When `images` is no whole number of images.
    pub fn forward(&self, images: &[f32]) -> Vec<f32> {
        let graph = self.body.graph();
        let (image_len, dimension) = (graph.input().len(), graph.dimension());
        assert_eq!(images.len() % image_len, 0, "whole images of {image_len} values");
        let count = images.len() / image_len;
        let group = count.div_ceil(rayon::current_num_threads()).clamp(1, GROUP);
        let threads = if count <= group { Threads::All } else { Threads::One };

        let mut outputs = vec![0.0; count * dimension];
        images
            .par_chunks(group * image_len)
            .zip(outputs.par_chunks_mut(group * dimension))
            .for_each(|(images, outputs)| self.forward_group(images, outputs, threads));
        outputs
    }

    fn forward_group(&self, images: &[f32], outputs: &mut [f32], threads: Threads) {
        let dimension = self.body.graph().dimension();
        let count = outputs.len() / dimension;
        self.body.through(images, threads, |values| {
            // [dimension, N] -> [N, dimension]
            let values = values.output(0);
            for (i, output) in outputs.iter_mut().enumerate() {
                *output = values[i % dimension * count + i / dimension];
            }
        });
    }
}

impl Embedder for FrozenNetwork {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError> {
        let edge = self.contract.preprocessing.edge_px;
        if let Some(chip) = chips.iter().find(|chip| chip.edge() != edge) {
            return Err(Box::new(WrongEdge { found: chip.edge(), expected: edge }));
        }
        let input = self.body.graph().input();
        let mut images = vec![0.0; chips.len() * input.len()];
        images
            .par_chunks_mut(input.len())
            .zip(chips)
            .for_each(|(image, chip)| preprocess(chip, input, image));
        let mut outputs = self.forward(&images);
        if self.contract.mirrored {
            images.par_chunks_mut(input.width).for_each(<[f32]>::reverse);
            add_directions(&mut outputs, &self.forward(&images), self.contract.dimension);
        }
        outputs.chunks_exact(self.contract.dimension).map(|v| Ok(Embedding::normalize(v.to_vec())?)).collect()
    }
}

/// Turns each row of `sum`, `[N, dimension]`, into the sum of its direction and that of the same row of `others`. A row
/// without a direction stays one that `Embedding::normalize` refuses.
fn add_directions(sum: &mut [f32], others: &[f32], dimension: usize) {
    let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() as f32;
    for (row, other) in sum.chunks_exact_mut(dimension).zip(others.chunks_exact(dimension)) {
        let norms = (norm(row), norm(other));
        row.iter_mut().zip(other).for_each(|(value, other)| *value = *value / norms.0 + other / norms.1);
    }
}

#[cfg(test)]
mod tests;
