//! NN3: NN2 on 160×160 pixels (Schroff et al. 2015, §3.3).

use super::layer::Activation;
use super::nn2;
use super::table::Table;

pub(super) fn table(normalised: bool) -> Table {
    let rows = nn2::rows();
    Table {
        name: if normalised { "nn3-bn" } else { "nn3" },
        input: (160, 160),
        normalised,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use crate::network::{Graph, Shape};

    #[test]
    fn it_has_the_weights_of_nn2_and_half_its_multiply_adds() {
        let graph = Graph::of(&super::table(false), 128);
        assert_eq!(graph.weights(), 7_448_256);
        assert_eq!((graph.multiply_adds() as f64 / 1e5).round() / 10.0, 814.6);
        let last_map = graph.rows().find(|(row, _)| *row == "5b");
        assert_eq!(last_map, Some(("5b", Shape { channels: 1024, height: 5, width: 5 })));
    }
}
