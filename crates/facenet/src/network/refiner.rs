//! The detector's second network: looks again at one face, closely.

use super::graph::{Graph, Shape};
use super::layer::{Activation, Layer};
use super::table::{Block, Row, Table};

/// A name that is no refiner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no refiner's network is named `{name}`; there is `lite-refiner`")]
pub struct UnknownRefiner {
    /// The name that was asked for.
    pub name: String,
}

/// A refiner's network by its name; `lite-refiner` is the only one so far. It ends in a full connection to as many values as
/// a place of a [`Pyramid`](super::Pyramid) has, of the same meanings.
///
/// # Errors
/// When there is no network of that name.
pub fn refiner(name: &str) -> Result<Table, UnknownRefiner> {
    if name == "lite-refiner" { Ok(lite()) } else { Err(UnknownRefiner { name: name.into() }) }
}

/// As wide as the pyramid leaves room for: together they have less than half a million parameters.
fn lite() -> Table {
    use Block::{Convolution, Residual};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 3, stride: 2, filters: 16 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 2, filters: 24 }),
        Row::new("residual2", Residual { filters: 24 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 2, filters: 44 }),
        Row::new("residual3", Residual { filters: 44 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 2, filters: 52 }),
        Row::new("residual4", Residual { filters: 52 }),
    ];
    Table {
        name: "lite-refiner",
        input: (64, 64),
        normalised: true,
        activation: Activation::Relu,
        embedding_normalised: false,
        rows,
    }
}

impl Graph {
    /// Lowers a refiner to layers.
    pub fn of_refiner(table: &Table, outputs: usize) -> Self {
        let mut graph = Self::empty(table);
        let features = graph.lower_rows(&table.rows);
        let output = Shape { channels: outputs, height: 1, width: 1 };
        // Of one piece, a maxout is a full connection.
        let last = graph.push("output".into(), Layer::Maxout { pieces: 1 }, vec![features], output);
        graph.end_row("output");
        graph.end_with(vec![last]);
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Pyramid, pyramid};

    #[test]
    fn both_networks_of_a_detector_are_below_half_a_million_parameters() {
        let graph = Graph::of_refiner(&refiner("lite-refiner").unwrap(), Pyramid::OUTPUTS);
        assert_eq!((graph.weights(), graph.multiply_adds()), (140_352, 7_940_544));
        let first = Graph::of_pyramid(&pyramid("lite-pyramid").unwrap(), 32, 32);
        assert!(first.weights() + graph.weights() < 492_000);
    }

    #[test]
    fn a_name_that_is_no_refiners_is_told() {
        let error = refiner("lite").unwrap_err().to_string();
        assert_eq!(error, "no refiner's network is named `lite`; there is `lite-refiner`");
    }
}
