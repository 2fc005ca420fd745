//! MobileFaceNet (Chen et al. 2018, table 1) on 112×112 pixels: bottlenecks with depthwise convolutions, and a weight
//! for every position of the last map instead of its mean.
//!
//! The embedding layer, a linear 1×1 convolution on a 1×1 map in the paper, is the full connection it equals, with
//! batch normalisation as every layer there.

use super::layer::Activation;
use super::table::{Block, Bottlenecks, Row, Table};

pub(super) fn table() -> Table {
    use Block::{Convolution, DepthwiseConvolution, GlobalDepthwise};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 3, stride: 2, filters: 64 }),
        Row::new("depthwise1", DepthwiseConvolution { kernel: 3, stride: 1 }),
        //                        t   c   n  s
        bottlenecks("bottleneck2", 2, 64, 5, 2),
        bottlenecks("bottleneck3", 4, 128, 1, 2),
        bottlenecks("bottleneck4", 2, 128, 6, 1),
        bottlenecks("bottleneck5", 4, 128, 1, 2),
        bottlenecks("bottleneck6", 2, 128, 2, 1),
        Row::new("conv7", Convolution { kernel: 1, stride: 1, filters: 512 }),
        Row::new("gdconv", GlobalDepthwise),
    ];
    Table {
        name: "mobilefacenet",
        input: (112, 112),
        normalised: true,
        activation: Activation::Prelu,
        embedding_normalised: true,
        rows,
    }
}

fn bottlenecks(name: &'static str, expansion: usize, filters: usize, units: usize, stride: usize) -> Row {
    Row::new(name, Block::Bottlenecks(Bottlenecks { expansion, filters, units, stride }))
}

#[cfg(test)]
mod tests {
    use crate::network::{Graph, Shape};
    use crate::weights::node_tensors;

    #[test]
    fn parameters_and_multiply_adds_are_the_published_ones() {
        let graph = Graph::of(&super::table(), 128);
        let tensors = graph.nodes().iter().flat_map(|node| node_tensors(&graph, node));
        let learnt = tensors.filter(|(name, _)| name.ends_with("gamma") || name.ends_with("beta"));
        let norms: usize = learnt.map(|(_, shape)| shape[0]).sum();
        // 0.99 M with the scales and shifts of the normalisations, without the slopes of the PReLUs.
        assert_eq!((graph.weights(), graph.weights() + norms), (976_000, 995_584));
        assert_eq!((graph.multiply_adds() as f64 / 1e6).round(), 221.0);
    }

    /// Each line of table 1 gives the input of its operator, which is the output of the row before.
    #[test]
    fn every_row_has_the_published_output() {
        let graph = Graph::of(&super::table(), 128);
        let found: Vec<_> = graph
            .rows()
            .map(|(row, Shape { channels, height, width })| (row, [height, width, channels]))
            .collect();
        let expected = [
            ("conv1", [56, 56, 64]),
            ("depthwise1", [56, 56, 64]),
            ("bottleneck2", [28, 28, 64]),
            ("bottleneck3", [14, 14, 128]),
            ("bottleneck4", [14, 14, 128]),
            ("bottleneck5", [7, 7, 128]),
            ("bottleneck6", [7, 7, 128]),
            ("conv7", [7, 7, 512]),
            ("gdconv", [1, 1, 512]),
            ("embedding", [1, 1, 128]),
        ];
        assert_eq!(found, expected);
    }
}
