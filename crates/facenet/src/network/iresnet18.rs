//! IResNet-18: the lightest residual network of ArcFace (Deng et al. 2019, §3.1) on 112×112 pixels.
//!
//! Units of normalisation, convolution, normalisation, PReLU, convolution, normalisation; the first map keeps the
//! resolution of the image; the last map is normalised and connected in full to the embedding, which is normalised too.

use super::layer::Activation;
use super::table::{Block, Row, Table};

pub(super) fn table() -> Table {
    use Block::{Convolution, Norm, NormalisedResiduals};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 3, stride: 1, filters: 64 }),
        Row::new("stage1", NormalisedResiduals { filters: 64, units: 2 }),
        Row::new("stage2", NormalisedResiduals { filters: 128, units: 2 }),
        Row::new("stage3", NormalisedResiduals { filters: 256, units: 2 }),
        Row::new("stage4", NormalisedResiduals { filters: 512, units: 2 }),
        Row::new("norm5", Norm),
    ];
    Table {
        name: "iresnet18",
        input: (112, 112),
        normalised: true,
        activation: Activation::Prelu,
        embedding_normalised: true,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use crate::network::{Graph, assert_rows};
    use crate::weights::node_tensors;

    #[test]
    fn it_has_the_parameters_of_the_published_network_at_512_dimensions() {
        let graph = Graph::of(&super::table(), 512);
        assert_eq!((graph.weights(), graph.multiply_adds()), (24_008_384, 2_609_954_816));
        let tensors = graph.nodes().iter().flat_map(|node| node_tensors(&graph, node));
        let learnt = tensors.filter(|(name, _)| !name.ends_with("mean") && !name.ends_with("variance"));
        let parameters: usize = learnt.map(|(_, shape)| shape.iter().product::<usize>()).sum();
        // The reference implementation has a bias more a dimension, which its normalisation takes away again.
        assert_eq!(parameters + 512, 24_025_600);
    }

    /// A stage from `input` channels counted by hand: its first 3×3 convolution sees the map before it is halved, the
    /// three others and the 1×1 convolution give the halved one.
    #[test]
    fn every_row_has_the_size_and_cost_that_its_units_mean() {
        let stage = |input: usize, filters: usize, edge: usize| {
            let first = 9 * input * filters;
            let others = 3 * 9 * filters * filters + input * filters;
            let exact = |number: usize| (number as f64, 0.0);
            (exact(first + others), exact((4 * first + others) * edge * edge))
        };
        let [one, two, three, four] =
            [stage(64, 64, 56), stage(64, 128, 28), stage(128, 256, 14), stage(256, 512, 7)];
        assert_rows(
            &Graph::of(&super::table(), 128),
            &[
                ("conv1", [112, 112, 64], (1_728.0, 0.0), (21_676_032.0, 0.0)),
                ("stage1", [56, 56, 64], one.0, one.1),
                ("stage2", [28, 28, 128], two.0, two.1),
                ("stage3", [14, 14, 256], three.0, three.1),
                ("stage4", [7, 7, 512], four.0, four.1),
                ("norm5", [7, 7, 512], (0.0, 0.0), (0.0, 0.0)),
                ("embedding", [1, 1, 128], (3_211_264.0, 0.0), (3_211_264.0, 0.0)),
            ],
        );
    }
}
