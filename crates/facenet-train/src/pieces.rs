//! How a batch that is too large for memory goes through the network in pieces, without changing its gradient.
//!
//! All pieces are embedded first, the loss is taken on all embeddings at once, and its gradient there is sent back
//! piece by piece. A piece whose activations were given up goes forward a second time. Without batch normalisation the
//! result is the gradient of the batch in one piece, since every image then has its embedding to itself. Batch
//! normalisation ties images together: so its statistics are taken over groups of a size that the settings fix
//! (`network.norm_group`; "ghost batch normalisation", Hoffer et al. 2017), pieces are exactly these groups, and neither
//! the memory nor the number of processes changes what a group is. The running statistics take the mean over the
//! groups. Dropout draws from a seed of each image ([`Dropout`](crate::Dropout)), so also the second time the same.

use facenet::network::{Graph, Layer, Node};
use facenet::node_tensors;

/// A batch cut into pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    batch: usize,
    count: usize,
}

impl Pieces {
    /// Pieces of at most `size` images, as equal as can be.
    pub(crate) fn of(batch: usize, size: usize) -> Self {
        Self { batch, count: batch.div_ceil(size.max(1)).max(1) }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The rows of a piece: every `count`-th, because neighbours in a batch are of one person, and the statistics of a
    /// piece should be those of many.
    pub(crate) fn rows(&self, piece: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        (piece..self.batch).step_by(self.count)
    }

    /// Puts the rows of a piece, `[rows, width]`, to their places in a whole batch.
    pub(crate) fn scatter(&self, piece: usize, part: &[f32], width: usize, whole: &mut [f32]) {
        for (row, values) in self.rows(piece).zip(part.chunks_exact(width)) {
            whole[row * width..][..width].copy_from_slice(values);
        }
    }

    /// The rows of a piece out of a whole batch, `[rows, width]`.
    pub(crate) fn gather(&self, piece: usize, whole: &[f32], width: usize) -> Vec<f32> {
        self.rows(piece).flat_map(|row| &whole[row * width..][..width]).copied().collect()
    }
}

/// What a training step of a network takes in memory, in bytes: estimates that err on the large side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepMemory {
    /// Weights, their copy on the device, gradients and their sum, the optimiser's state.
    pub fixed: u64,
    /// The activations of one image that are kept for the way back.
    pub image: u64,
    /// The chip of one image, waiting.
    pub chip: u64,
}

impl StepMemory {
    /// The estimate for a network, with `states` values of the optimiser's for each weight.
    pub fn of(graph: &Graph, states: usize) -> Self {
        let weights = graph.weights() as u64;
        // A normalised convolution keeps what goes into the normalisation beside what comes out.
        let kept = |node: &Node| {
            let maps = if matches!(
                node.layer,
                Layer::Convolution { .. } | Layer::GlobalDepthwise { .. } | Layer::Norm
            ) {
                2
            } else {
                1
            };
            (maps * node.output.len()) as u64
        };
        let activations: u64 = graph.nodes().iter().map(kept).sum();
        let input = graph.input().len() as u64;
        Self {
            fixed: 4 * weights * (4 + states as u64),
            image: 4 * (activations + input) * 5 / 4,
            chip: input,
        }
    }

    /// How many images' activations fit into `limit` bytes beside the rest, for batches of `batch` chips of which
    /// `waiting` are prepared ahead.
    pub(crate) fn images_within(&self, limit: u64, batch: usize, waiting: usize) -> usize {
        let chips = self.chip * batch as u64 * (waiting as u64 + 1);
        (limit.saturating_sub(self.fixed + chips) / self.image) as usize
    }
}

/// Whether a network has batch normalisation, which ties the images of a pass together.
pub(crate) fn is_normalised(graph: &Graph) -> bool {
    let mut tensors = graph.nodes().iter().flat_map(|node| node_tensors(graph, node));
    tensors.any(|(name, _)| name.ends_with(".norm.mean"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_of_nearly_one_size_and_neighbours_lie_in_different_ones() {
        let pieces = Pieces::of(7, 3);
        let rows: Vec<Vec<usize>> = (0..pieces.count()).map(|piece| pieces.rows(piece).collect()).collect();
        assert_eq!(rows, [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert_eq!(Pieces::of(4, 4).count(), 1);
        assert_eq!(Pieces::of(0, 4).count(), 1);
    }

    proptest! {
        #[test]
        fn what_was_gathered_is_scattered_to_where_it_was(batch in 1usize..60, size in 1usize..20) {
            let whole: Vec<f32> = (0..batch * 3).map(|v| v as f32).collect();
            let pieces = Pieces::of(batch, size);
            let mut back = vec![-1.0; whole.len()];
            for piece in 0..pieces.count() {
                let part = pieces.gather(piece, &whole, 3);
                prop_assert!(!part.is_empty() && part.len() <= 3 * size);
                pieces.scatter(piece, &part, 3, &mut back);
            }
            prop_assert_eq!(back, whole);
        }
    }
}
