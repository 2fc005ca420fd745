//! Lite: a small residual network of ours on 64×64 pixels, made to be trained on two CPU cores.
//!
//! Plain 3×3 convolutions, because depthwise ones spend their time on memory instead of arithmetic; the map is
//! reduced to 16×16 before any residual block, because narrow channels on wide maps are slow to multiply; the
//! channels double as the map halves, so each stage costs about the same; and the last map is connected in full
//! instead of averaged, because an aligned face has its parts always in the same place.
//!
//! `lite-neck` is the same with a batch normalisation between the embedding layer and the sphere (the "neck" of ArcFace's
//! output, Deng et al. 2019, §3.1): a coordinate that differs little between faces then counts as much as any other, and
//! the network learns in a third of the steps. `lite-neck-96` sees 96×96 pixels; but for the embedding layer its weights are
//! of the same shapes, so that it can start from what `lite-neck` has learnt.

use super::layer::Activation;
use super::table::{Block, Row, Table};

/// The table for an input of this edge in pixels, a multiple of 16.
pub(super) fn table(name: &'static str, edge: usize, neck: bool) -> Table {
    use Block::{Convolution, Residual};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 5, stride: 2, filters: 32 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 2, filters: 64 }),
        Row::new("residual2", Residual { filters: 64 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 2, filters: 128 }),
        Row::new("residual3", Residual { filters: 128 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 2, filters: 192 }),
        Row::new("residual4", Residual { filters: 192 }),
    ];
    Table {
        name,
        input: (edge, edge),
        normalised: true,
        activation: Activation::Relu,
        embedding_normalised: neck,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use crate::network::Graph;

    #[test]
    fn it_stays_small() {
        for (name, weights, multiply_adds) in [
            ("lite", 1_741_152, 64_192_512),
            ("lite-neck", 1_741_152, 64_192_512),
            ("lite-neck-96", 2_232_672, 144_433_152),
        ] {
            let graph = Graph::of(&crate::network::table(name).unwrap(), 128);
            assert_eq!((graph.weights(), graph.multiply_adds()), (weights, multiply_adds), "{name}");
        }
    }
}
