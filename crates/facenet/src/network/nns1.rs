//! NNS1, "mini": a network for a phone on 165×165 pixels, of 26 M weights and 220 M multiply-adds.
//!
//! The paper gives these three figures and no layers (Schroff et al. 2015, §3.3), so **the layers are a design of
//! ours**. So many weights at so few multiply-adds can only lie in full connections: it is NN1, narrower, with as many
//! pooling layers and two convolutions less.

use super::layer::Activation;
use super::table::{Block, Row, Table};

pub(super) fn table(normalised: bool) -> Table {
    use Block::{Concat, Convolution, LocalResponseNorm, MaxPool, Maxout};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 7, stride: 2, filters: 32 }),
        Row::new("pool1", MaxPool),
        Row::new("rnorm1", LocalResponseNorm),
        Row::new("conv2a", Convolution { kernel: 1, stride: 1, filters: 32 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 1, filters: 64 }),
        Row::new("rnorm2", LocalResponseNorm),
        Row::new("pool2", MaxPool),
        Row::new("conv3a", Convolution { kernel: 1, stride: 1, filters: 64 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 1, filters: 256 }),
        Row::new("pool3", MaxPool),
        Row::new("conv4a", Convolution { kernel: 1, stride: 1, filters: 256 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 1, filters: 192 }),
        Row::new("pool4", MaxPool),
        Row::new("concat", Concat),
        Row::new("fc1", Maxout { units: 1536, pieces: 2 }),
        Row::new("fc2", Maxout { units: 1280, pieces: 2 }),
    ];
    Table {
        name: if normalised { "nns1-bn" } else { "nns1" },
        input: (165, 165),
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
        assert!((graph.weights() as f64 - 26e6).abs() <= 0.5e6, "{} weights", graph.weights());
        assert!(
            (graph.multiply_adds() as f64 - 220e6).abs() <= 0.5e6,
            "{} multiply-adds",
            graph.multiply_adds()
        );
        assert_eq!((graph.weights(), graph.multiply_adds()), (26_013_280, 220_346_720));
    }
}
