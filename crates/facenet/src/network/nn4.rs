//! NN4: the paper's NN2 (Schroff et al. 2015, table 2) on 96×96 pixels, without 5×5 convolutions in the higher
//! layers.
//!
//! The paper does not say which layers those are. Leaving them out of 4e, 5a and 5b is the one cut from the top
//! that gives both of its figures for the family, 6.6 M weights and 285 M multiply-adds.

use super::layer::Activation;
use super::table::{Block, Inception, Pool, Row, Table};

pub(super) fn table(normalised: bool) -> Table {
    use Block::{AveragePool, Convolution, LocalResponseNorm, MaxPool, ReducedConvolution};
    use Pool::{L2, Max};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 7, stride: 2, filters: 64 }),
        Row::new("pool1", MaxPool),
        Row::new("norm1", LocalResponseNorm),
        Row::new("inception2", ReducedConvolution { reduce: 64, filters: 192 }),
        Row::new("norm2", LocalResponseNorm),
        Row::new("pool2", MaxPool),
        //           1x1       3x3 reduce, 3x3  5x5 reduce, 5x5  pool, projection  stride
        module("3a", Some(64), (96, 128), Some((16, 32)), (Max, Some(32)), 1),
        module("3b", Some(64), (96, 128), Some((32, 64)), (L2, Some(64)), 1),
        module("3c", None, (128, 256), Some((32, 64)), (Max, None), 2),
        module("4a", Some(256), (96, 192), Some((32, 64)), (L2, Some(128)), 1),
        module("4b", Some(224), (112, 224), Some((32, 64)), (L2, Some(128)), 1),
        module("4c", Some(192), (128, 256), Some((32, 64)), (L2, Some(128)), 1),
        module("4d", Some(160), (144, 288), Some((32, 64)), (L2, Some(128)), 1),
        module("4e", None, (160, 256), None, (Max, None), 2),
        module("5a", Some(384), (192, 384), None, (L2, Some(128)), 1),
        module("5b", Some(384), (192, 384), None, (Max, Some(128)), 1),
        Row::new("pool6", AveragePool),
    ];
    Table {
        name: if normalised { "nn4-bn" } else { "nn4" },
        input: (96, 96),
        normalised,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    }
}

fn module(
    name: &'static str,
    one: Option<usize>,
    three: (usize, usize),
    five: Option<(usize, usize)>,
    pool: (Pool, Option<usize>),
    stride: usize,
) -> Row {
    Row::new(name, Block::Inception(Inception { one, three, five, pool, stride }))
}

#[cfg(test)]
mod tests {
    use crate::network::{Graph, Shape};

    #[test]
    fn weights_and_multiply_adds_are_the_papers() {
        let graph = Graph::of(&super::table(false), 128);
        assert_eq!(graph.weights(), 6_600_384);
        assert_eq!((graph.multiply_adds() as f64 / 1e5).round() / 10.0, 284.7);
    }

    #[test]
    fn every_row_has_the_papers_output_size_at_three_sevenths_of_its_resolution() {
        let graph = Graph::of(&super::table(false), 128);
        let shapes: Vec<(&str, usize, usize)> =
            graph.rows().map(|(name, Shape { channels, height, .. })| (name, channels, height)).collect();
        assert_eq!(
            shapes,
            [
                ("conv1", 64, 48),
                ("pool1", 64, 24),
                ("norm1", 64, 24),
                ("inception2", 192, 24),
                ("norm2", 192, 24),
                ("pool2", 192, 12),
                ("3a", 256, 12),
                ("3b", 320, 12),
                ("3c", 640, 6),
                ("4a", 640, 6),
                ("4b", 640, 6),
                ("4c", 640, 6),
                ("4d", 640, 6),
                ("4e", 896, 3),
                ("5a", 896, 3),
                ("5b", 896, 3),
                ("pool6", 896, 1),
                ("embedding", 128, 1),
            ]
        );
    }

    /// The weights of rows whose 5×5 branch is the paper's: its column of parameters, rounded as printed.
    #[test]
    fn rows_shared_with_table_2_have_its_parameters() {
        let graph = Graph::of(&super::table(false), 128);
        for (row, thousands) in [
            ("conv1", 9),
            ("inception2", 115),
            ("3a", 164),
            ("3b", 228),
            ("3c", 398),
            ("4a", 545),
            ("4b", 595),
            ("4c", 654),
            ("4d", 722),
        ] {
            let weights = graph.row_weights(row) as f64 / 1e3;
            assert!(
                (weights - f64::from(thousands)).abs() <= 1.0,
                "{row}: {weights} K, printed {thousands} K"
            );
        }
    }
}
