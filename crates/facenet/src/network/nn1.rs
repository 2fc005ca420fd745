//! NN1: the Zeiler & Fergus network with 1×1 convolutions between (Schroff et al. 2015, table 1) on 220×220 pixels.

use super::layer::Activation;
use super::table::{Block, Row, Table};

pub(super) fn table(normalised: bool) -> Table {
    use Block::{Concat, Convolution, LocalResponseNorm, MaxPool, Maxout};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 7, stride: 2, filters: 64 }),
        Row::new("pool1", MaxPool),
        Row::new("rnorm1", LocalResponseNorm),
        Row::new("conv2a", Convolution { kernel: 1, stride: 1, filters: 64 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 1, filters: 192 }),
        Row::new("rnorm2", LocalResponseNorm),
        Row::new("pool2", MaxPool),
        Row::new("conv3a", Convolution { kernel: 1, stride: 1, filters: 192 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 1, filters: 384 }),
        Row::new("pool3", MaxPool),
        Row::new("conv4a", Convolution { kernel: 1, stride: 1, filters: 384 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 1, filters: 256 }),
        Row::new("conv5a", Convolution { kernel: 1, stride: 1, filters: 256 }),
        Row::new("conv5", Convolution { kernel: 3, stride: 1, filters: 256 }),
        Row::new("conv6a", Convolution { kernel: 1, stride: 1, filters: 256 }),
        Row::new("conv6", Convolution { kernel: 3, stride: 1, filters: 256 }),
        Row::new("pool4", MaxPool),
        Row::new("concat", Concat),
        Row::new("fc1", Maxout { units: 32 * 128, pieces: 2 }),
        Row::new("fc2", Maxout { units: 32 * 128, pieces: 2 }),
    ];
    Table {
        name: if normalised { "nn1-bn" } else { "nn1" },
        input: (220, 220),
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
    fn the_totals_are_the_papers() {
        let graph = Graph::of(&super::table(false), 128);
        assert_eq!((graph.weights() as f64 / 1e5).round() / 10.0, 140.0);
        assert_eq!((graph.multiply_adds() as f64 / 1e6).round(), 1606.0);
    }

    #[test]
    fn every_row_is_the_papers_within_its_rounding() {
        assert_rows(
            &Graph::of(&super::table(false), 128),
            &[
                // name, output, parameters and multiply-adds, each with the unit of its rounding
                ("conv1", [110, 110, 64], (9e3, 1e3), (115e6, 1e6)),
                ("pool1", [55, 55, 64], (0.0, 0.0), (0.0, 0.0)),
                ("rnorm1", [55, 55, 64], (0.0, 0.0), (0.0, 0.0)),
                ("conv2a", [55, 55, 64], (4e3, 1e3), (13e6, 1e6)),
                ("conv2", [55, 55, 192], (111e3, 1e3), (335e6, 1e6)),
                ("rnorm2", [55, 55, 192], (0.0, 0.0), (0.0, 0.0)),
                ("pool2", [28, 28, 192], (0.0, 0.0), (0.0, 0.0)),
                ("conv3a", [28, 28, 192], (37e3, 1e3), (29e6, 1e6)),
                ("conv3", [28, 28, 384], (664e3, 1e3), (521e6, 1e6)),
                ("pool3", [14, 14, 384], (0.0, 0.0), (0.0, 0.0)),
                ("conv4a", [14, 14, 384], (148e3, 1e3), (29e6, 1e6)),
                ("conv4", [14, 14, 256], (885e3, 1e3), (173e6, 1e6)),
                ("conv5a", [14, 14, 256], (66e3, 1e3), (13e6, 1e6)),
                ("conv5", [14, 14, 256], (590e3, 1e3), (116e6, 1e6)),
                ("conv6a", [14, 14, 256], (66e3, 1e3), (13e6, 1e6)),
                ("conv6", [14, 14, 256], (590e3, 1e3), (116e6, 1e6)),
                ("pool4", [7, 7, 256], (0.0, 0.0), (0.0, 0.0)),
                ("concat", [7, 7, 256], (0.0, 0.0), (0.0, 0.0)),
                ("fc1", [1, 1, 32 * 128], (103e6, 1e6), (103e6, 1e6)),
                ("fc2", [1, 1, 32 * 128], (34e6, 1e6), (34e6, 1e6)),
                ("embedding", [1, 1, 128], (524e3, 1e3), (0.5e6, 0.1e6)),
            ],
        );
    }
}
