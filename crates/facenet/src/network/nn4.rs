//! NN4: the paper's NN2 (Schroff et al. 2015, table 2) on 96×96 pixels, without 5×5 convolutions in the higher
//! layers.
//!
//! The paper does not say which layers those are. Leaving them out of 4e, 5a and 5b is the one cut from the top
//! that gives both of its figures for the family, 6.6 M weights and 285 M multiply-adds.

use super::layer::Activation;
use super::nn2::module;
use super::table::{Block, Pool, Row, Table};

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

#[cfg(test)]
mod tests {
    use crate::network::{Graph, assert_rows};

    #[test]
    fn weights_and_multiply_adds_are_the_papers() {
        let graph = Graph::of(&super::table(false), 128);
        assert_eq!(graph.weights(), 6_600_384);
        assert_eq!((graph.multiply_adds() as f64 / 1e5).round() / 10.0, 284.7);
    }

    /// The map is 3/7 of NN2's, so the multiply-adds of a row that both share are (3/7)² of the printed ones. Rows
    /// without 5×5 branches are counted by hand from table 2's other columns: weights and biases.
    #[test]
    fn every_row_is_that_of_table_2_at_three_sevenths_of_its_resolution() {
        let scaled = |millions: f64| (millions * 1e6 * 9.0 / 49.0, 1e6 * 9.0 / 49.0);
        assert_rows(
            &Graph::of(&super::table(false), 128),
            &[
                ("conv1", [48, 48, 64], (9e3, 1e3), scaled(119.0)),
                ("pool1", [24, 24, 64], (0.0, 0.0), (0.0, 0.0)),
                ("norm1", [24, 24, 64], (0.0, 0.0), (0.0, 0.0)),
                ("inception2", [24, 24, 192], (115e3, 1e3), scaled(360.0)),
                ("norm2", [24, 24, 192], (0.0, 0.0), (0.0, 0.0)),
                ("pool2", [12, 12, 192], (0.0, 0.0), (0.0, 0.0)),
                ("3a", [12, 12, 256], (164e3, 1e3), scaled(128.0)),
                ("3b", [12, 12, 320], (228e3, 1e3), scaled(179.0)),
                ("3c", [6, 6, 640], (398e3, 1e3), scaled(108.0)),
                ("4a", [6, 6, 640], (545e3, 1e3), scaled(107.0)),
                ("4b", [6, 6, 640], (595e3, 1e3), scaled(117.0)),
                ("4c", [6, 6, 640], (654e3, 1e3), scaled(128.0)),
                ("4d", [6, 6, 640], (722e3, 1e3), scaled(142.0)),
                ("4e", [3, 3, 896], (471_456.0, 0.0), (102_560.0 * 36.0 + 368_896.0 * 9.0, 0.0)),
                ("5a", [3, 3, 896], (1_295_424.0, 0.0), (1_295_424.0 * 9.0, 0.0)),
                ("5b", [3, 3, 896], (1_295_424.0, 0.0), (1_295_424.0 * 9.0, 0.0)),
                ("pool6", [1, 1, 896], (0.0, 0.0), (0.0, 0.0)),
                ("embedding", [1, 1, 128], (114_816.0, 0.0), (114_816.0, 0.0)),
            ],
        );
    }
}
