//! The layers of a frozen network, and the memory they run in.

use std::sync::{Arc, Mutex};

use super::channelwise::{self, global_depthwise, normalise};
use super::convolution::{connect, convolve, largest};
use super::folded::Folded;
use super::plan::{Home, Plan};
use crate::kernels::{Maps, Threads, Window, l2_pool, local_response_norm, max_pool, upsample};
use crate::network::{Graph, Grouping, Layer, Node, Shape};
use crate::weights::Weights;

/// The weights of each node with their normalisation folded in; none for nodes without weights. Bodies of several sizes
/// share them.
pub(crate) type FoldedWeights = Arc<Vec<Option<Folded>>>;

/// Folds the weights of all nodes.
pub(crate) fn fold(graph: &Graph, weights: &Weights) -> FoldedWeights {
    Arc::new(graph.nodes().iter().map(|node| Folded::of(node, weights)).collect())
}

/// A graph that can be computed.
pub(crate) struct Body {
    graph: Graph,
    plan: Plan,
    folded: FoldedWeights,
    /// Memory of earlier calls, for later ones.
    arenas: Mutex<Vec<Arena>>,
}

#[derive(Default)]
struct Arena {
    slots: Vec<Vec<f32>>,
    columns: Vec<f32>,
}

/// What a body has computed of some images.
pub(crate) struct Outputs<'a> {
    body: &'a Body,
    arena: &'a Arena,
    count: usize,
}

impl Outputs<'_> {
    /// An output of the graph, `[C, N, H, W]`.
    pub(crate) fn output(&self, which: usize) -> &[f32] {
        let value = self.body.graph.outputs()[which];
        let Home { slot, offset } = self.body.plan.home(value);
        let len = self.body.graph.shape(value).len() * self.count;
        &self.arena.slots[slot][offset * self.count..][..len]
    }
}

impl Body {
    pub(crate) fn new(graph: Graph, folded: FoldedWeights) -> Self {
        let plan = Plan::of(&graph);
        Self { graph, plan, folded, arenas: Mutex::default() }
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Computes the outputs of `images`, `[N, 3, H, W]`, and lends them to `read`.
    pub(crate) fn through<T>(&self, images: &[f32], threads: Threads, read: impl FnOnce(&Outputs) -> T) -> T {
        let mut arena = self.arenas.lock().expect("no thread panics with the lock").pop().unwrap_or_default();
        let count = images.len() / self.graph.input().len();
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
        let result = read(&Outputs { body: self, arena: &arena, count });
        self.arenas.lock().expect("no thread panics with the lock").push(arena);
        result
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
            Layer::Upsample => upsample(input(0), width, out),
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
