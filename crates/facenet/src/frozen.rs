//! A network that only embeds: batch normalisation folded into the weights before it, bias and activation applied
//! while a result is still in the cache, concatenation free, memory planned once.
//!
//! Values are stored channel by channel for a whole group of images, `[C, N, H, W]`: the branches of an inception
//! module then write straight into their part of its output, and small maps of several images make one product
//! that is wide enough to be fast.

mod channelwise;
mod convolution;
mod folded;
mod plan;

use std::sync::Mutex;

use facenet_core::{BoxError, Chip, Contract, Embedder, Embedding};
use rayon::prelude::*;

use crate::kernels::{Maps, Threads, Window, l2_pool, local_response_norm, max_pool};
use crate::model::Model;
use crate::network::{self, Graph, Grouping, Layer, Node, Shape};
use crate::preprocess::preprocess;
use crate::weights::Weights;
use channelwise::{global_depthwise, normalise};
use convolution::{connect, convolve, largest};
pub use folded::Folded;
use plan::{Home, Plan};

/// Images that one thread takes through the network at a time: enough for wide products on 3×3 maps, few enough
/// that the values stay in the cache.
const GROUP: usize = 8;

/// A frozen network with its contract: the [`Embedder`] of this crate.
pub struct FrozenNetwork {
    contract: Contract,
    graph: Graph,
    plan: Plan,
    /// One per node; none for nodes without weights.
    folded: Vec<Option<Folded>>,
    /// Memory of earlier calls, for later ones.
    arenas: Mutex<Vec<Arena>>,
}

#[derive(Default)]
struct Arena {
    slots: Vec<Vec<f32>>,
    columns: Vec<f32>,
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
        let folded = graph.nodes().iter().map(|node| Folded::of(node, weights)).collect();
        let plan = Plan::of(&graph);
        Self { contract, graph, plan, folded, arenas: Mutex::default() }
    }

    /// The raw outputs of the embedding layer, before they are scaled to unit length.
    ///
    /// # Shapes
    /// `images` `[N, 3, height, width]` as [`preprocess`] writes them → `[N, dimension]`.
    ///
    /// # Panics
    /// When `images` is no whole number of images.
    pub fn forward(&self, images: &[f32]) -> Vec<f32> {
        let (image_len, dimension) = (self.graph.input().len(), self.graph.dimension());
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
        let mut arena = self.arenas.lock().expect("no thread panics with the lock").pop().unwrap_or_default();
        let count = outputs.len() / self.graph.dimension();
        arena.slots.resize_with(self.plan.slots().len(), Vec::new);
        for (slot, len) in arena.slots.iter_mut().zip(self.plan.slots()) {
            slot.resize((len * count).max(slot.len()), 0.0);
        }
        self.write_input(images, count, &mut arena);
        for (index, node) in self.graph.nodes().iter().enumerate() {
            if node.layer != Layer::Concat {
                self.run(index, node, count, &mut arena, threads);
            }
        }
        // [dimension, N] -> [N, dimension]
        let Home { slot, offset } = self.plan.home(self.graph.nodes().len());
        for (i, output) in outputs.iter_mut().enumerate() {
            let (image, row) = (i / self.graph.dimension(), i % self.graph.dimension());
            *output = arena.slots[slot][(offset + row) * count + image];
        }
        self.arenas.lock().expect("no thread panics with the lock").push(arena);
    }

    /// `[N, 3, H, W]` -> `[3, N, H, W]`
    fn write_input(&self, images: &[f32], count: usize, arena: &mut Arena) {
        let area = self.graph.input().area();
        let slot = &mut arena.slots[self.plan.home(0).slot];
        for (i, map) in images.chunks_exact(area).enumerate() {
            let (image, channel) = (i / 3, i % 3);
            slot[(channel * count + image) * area..][..area].copy_from_slice(map);
        }
    }

    fn run(&self, index: usize, node: &Node, count: usize, arena: &mut Arena, threads: Threads) {
        let Home { slot, offset } = self.plan.home(index + 1);
        let mut target = std::mem::take(&mut arena.slots[slot]);
        let out = &mut target[offset * count..][..node.output.len() * count];
        let mut scratch = std::mem::take(&mut arena.columns);
        let input = |which: usize| {
            let value = node.inputs[which];
            let Home { slot, offset } = self.plan.home(value);
            &arena.slots[slot][offset * count..][..self.graph.shape(value).len() * count]
        };
        let shape = self.graph.shape(node.inputs[0]);
        let Shape { channels, height, width } = shape;
        let area = shape.area();
        let folded = || self.folded[index].as_ref().expect("a layer with weights has them folded");
        match node.layer {
            Layer::Convolution { kernel, stride, grouping: Grouping::Full, activation, .. } => {
                let maps = Maps { channels, height, width, channel_stride: count * area, image_stride: area };
                let window = Window { kernel, stride };
                convolve(input(0), maps, count, window, folded(), activation, out, &mut scratch, threads);
            }
            Layer::Convolution { kernel, stride, grouping: Grouping::Depthwise, activation, .. } => {
                let window = Window { kernel, stride };
                channelwise::convolve(input(0), (height, width), count, window, folded(), activation, out);
            }
            Layer::GlobalDepthwise { .. } => global_depthwise(input(0), area, count, folded(), out),
            Layer::Norm => normalise(input(0), area * count, folded(), out),
            Layer::MaxPool { stride } => max_pool(input(0), height, width, stride, out),
            Layer::L2Pool { stride } => l2_pool(input(0), height, width, stride, out),
            Layer::LocalResponseNorm => local_response_norm(input(0), channels, out),
            Layer::Add { relu } => {
                let least = if relu { 0.0 } else { f32::NEG_INFINITY };
                for ((sum, a), b) in out.iter_mut().zip(input(0)).zip(input(1)) {
                    *sum = (a + b).max(least);
                }
            }
            Layer::AveragePool => {
                for (mean, map) in out.iter_mut().zip(input(0).chunks_exact(area)) {
                    *mean = map.iter().sum::<f32>() / area as f32;
                }
            }
            Layer::Maxout { pieces } => {
                scratch.resize(scratch.len().max(pieces * out.len()), 0.0);
                let values = &mut scratch[..pieces * out.len()];
                connect(input(0), channels, area, count, folded(), values, threads);
                largest(values, pieces, count, out);
            }
            Layer::Embed { .. } => connect(input(0), channels, area, count, folded(), out, threads),
            Layer::Concat => unreachable!("concatenation is where its inputs are written"),
        }
        arena.columns = scratch;
        arena.slots[slot] = target;
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
        let input = self.graph.input();
        let mut images = vec![0.0; chips.len() * input.len()];
        images
            .par_chunks_mut(input.len())
            .zip(chips)
            .for_each(|(image, chip)| preprocess(chip, input, image));
        let outputs = self.forward(&images);
        outputs.chunks_exact(self.contract.dimension).map(|v| Ok(Embedding::normalize(v.to_vec())?)).collect()
    }
}

#[cfg(test)]
mod tests;
