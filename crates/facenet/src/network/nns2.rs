//! NNS2, "tiny": a network for a phone on 140 rows of 116 pixels, of 4.3 M weights and 20 M multiply-adds.
//!
//! The paper gives these three figures and no layers (Schroff et al. 2015, §3.3), so **the layers are a design of
//! ours**, smaller than NNS1 in everything and with one full connection before the embedding. The paper does not say
//! either which of 140 and 116 is the height; a face is higher than wide.

use super::layer::Activation;
use super::table::{Block, Row, Table};

pub(super) fn table(normalised: bool) -> Table {
    use Block::{Concat, Convolution, LocalResponseNorm, MaxPool, Maxout};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 5, stride: 2, filters: 8 }),
        Row::new("pool1", MaxPool),
        Row::new("rnorm1", LocalResponseNorm),
        Row::new("conv2a", Convolution { kernel: 1, stride: 1, filters: 8 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 1, filters: 40 }),
        Row::new("rnorm2", LocalResponseNorm),
        Row::new("pool2", MaxPool),
        Row::new("conv3a", Convolution { kernel: 1, stride: 1, filters: 40 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 1, filters: 64 }),
        Row::new("pool3", MaxPool),
        Row::new("conv4a", Convolution { kernel: 1, stride: 1, filters: 64 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 1, filters: 80 }),
        Row::new("pool4", MaxPool),
        Row::new("concat", Concat),
        Row::new("fc1", Maxout { units: 1280, pieces: 2 }),
    ];
    Table {
        name: if normalised { "nns2-bn" } else { "nns2" },
        input: (140, 116),
        normalised,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use crate::network::Graph;

    #[test]
    fn its_size_and_cost_are_the_papers_within_their_rounding() {
        let graph = Graph::of(&super::table(false), 128);
        assert!((graph.weights() as f64 - 4.3e6).abs() <= 0.05e6, "{} weights", graph.weights());
        assert!(
            (graph.multiply_adds() as f64 - 20e6).abs() <= 0.5e6,
            "{} multiply-adds",
            graph.multiply_adds()
        );
        assert_eq!((graph.weights(), graph.multiply_adds()), (4_338_200, 19_949_472));
    }
}
