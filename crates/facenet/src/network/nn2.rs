//! NN2: the inception network of the paper (Schroff et al. 2015, table 2) on 224×224 pixels.

use super::layer::Activation;
use super::table::{Block, Inception, Pool, Row, Table};

pub(super) fn table(normalised: bool) -> Table {
    let rows = rows();
    Table {
        name: if normalised { "nn2-bn" } else { "nn2" },
        input: (224, 224),
        normalised,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    }
}

/// The rows of table 2, which NN3 shares.
pub(super) fn rows() -> Vec<Row> {
    use Block::{AveragePool, Convolution, LocalResponseNorm, MaxPool, ReducedConvolution};
    use Pool::{L2, Max};

    vec![
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
        module("4e", None, (160, 256), Some((64, 128)), (Max, None), 2),
        module("5a", Some(384), (192, 384), Some((48, 128)), (L2, Some(128)), 1),
        module("5b", Some(384), (192, 384), Some((48, 128)), (Max, Some(128)), 1),
        Row::new("pool6", AveragePool),
    ]
}

pub(super) fn module(
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
    use crate::network::{Graph, assert_rows};

    #[test]
    fn the_totals_are_the_papers() {
        let graph = Graph::of(&super::table(false), 128);
        assert_eq!(graph.weights(), 7_448_256);
        assert_eq!((graph.multiply_adds() as f64 / 1e5).round() / 10.0, 1596.5);
    }

    #[test]
    fn every_row_is_the_papers_within_its_rounding() {
        assert_rows(
            &Graph::of(&super::table(false), 128),
            &[
                ("conv1", [112, 112, 64], (9e3, 1e3), (119e6, 1e6)),
                ("pool1", [56, 56, 64], (0.0, 0.0), (0.0, 0.0)),
                ("norm1", [56, 56, 64], (0.0, 0.0), (0.0, 0.0)),
                ("inception2", [56, 56, 192], (115e3, 1e3), (360e6, 1e6)),
                ("norm2", [56, 56, 192], (0.0, 0.0), (0.0, 0.0)),
                ("pool2", [28, 28, 192], (0.0, 0.0), (0.0, 0.0)),
                ("3a", [28, 28, 256], (164e3, 1e3), (128e6, 1e6)),
                ("3b", [28, 28, 320], (228e3, 1e3), (179e6, 1e6)),
                ("3c", [14, 14, 640], (398e3, 1e3), (108e6, 1e6)),
                ("4a", [14, 14, 640], (545e3, 1e3), (107e6, 1e6)),
                ("4b", [14, 14, 640], (595e3, 1e3), (117e6, 1e6)),
                ("4c", [14, 14, 640], (654e3, 1e3), (128e6, 1e6)),
                ("4d", [14, 14, 640], (722e3, 1e3), (142e6, 1e6)),
                ("4e", [7, 7, 1024], (717e3, 1e3), (56e6, 1e6)),
                ("5a", [7, 7, 1024], (1.6e6, 0.1e6), (78e6, 1e6)),
                ("5b", [7, 7, 1024], (1.6e6, 0.1e6), (78e6, 1e6)),
                ("pool6", [1, 1, 1024], (0.0, 0.0), (0.0, 0.0)),
                ("embedding", [1, 1, 128], (131e3, 1e3), (0.1e6, 0.1e6)),
            ],
        );
    }
}
