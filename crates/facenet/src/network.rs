//! The networks, each a table that can be held against its publication, and the graph of layers it means.
//!
//! A [`Table`] is data. [`Graph::of`] lowers it to single layers; the frozen network that embeds, the
//! differentiable network that trains and the counts of weights and multiply-adds are all read off that one
//! graph, so they cannot disagree.

mod graph;
mod iresnet18;
mod layer;
mod lite;
mod lowering;
mod mobilefacenet;
mod nn1;
mod nn2;
mod nn3;
mod nn4;
mod nns1;
mod nns2;
mod pyramid;
mod refiner;
mod table;

pub use graph::{Graph, Node, Shape};
pub use layer::{Activation, Grouping, Layer};
pub use pyramid::{Pyramid, UnknownPyramid, pyramid};
pub use refiner::{UnknownRefiner, refiner};
pub use table::{Block, Bottlenecks, Inception, Pool, Row, Table};

/// The table of a network by its name.
///
/// The paper's networks have a variant of the same layers with batch normalisation, whose names end in `-bn`.
///
/// # Errors
/// When there is no network of that name; the error lists those there are.
pub fn table(name: &str) -> Result<Table, UnknownNetwork> {
    let (plain, normalised) = name.strip_suffix("-bn").map_or((name, false), |plain| (plain, true));
    Ok(match plain {
        "nn1" => nn1::table(normalised),
        "nn2" => nn2::table(normalised),
        "nn3" => nn3::table(normalised),
        "nn4" => nn4::table(normalised),
        "nns1" => nns1::table(normalised),
        "nns2" => nns2::table(normalised),
        "lite" if !normalised => lite::table("lite", 64, false),
        "lite-neck" if !normalised => lite::table("lite-neck", 64, true),
        "lite-neck-96" if !normalised => lite::table("lite-neck-96", 96, true),
        "mobilefacenet" if !normalised => mobilefacenet::table(),
        "iresnet18" if !normalised => iresnet18::table(),
        _ => return Err(UnknownNetwork { name: name.into() }),
    })
}

/// The names that [`table`] knows: ours, the paper's in its order, and later ones.
pub const NAMES: [&str; 17] = [
    "lite",
    "lite-neck",
    "lite-neck-96",
    "nn1",
    "nn1-bn",
    "nn2",
    "nn2-bn",
    "nn3",
    "nn3-bn",
    "nn4",
    "nn4-bn",
    "nns1",
    "nns1-bn",
    "nns2",
    "nns2-bn",
    "mobilefacenet",
    "iresnet18",
];

/// A name that is no network's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no network is named `{name}`; there are {}", NAMES.map(|n| format!("`{n}`")).join(", "))]
pub struct UnknownNetwork {
    /// The name that was asked for.
    pub name: String,
}

/// A figure as it is published, and the unit of its rounding.
#[cfg(test)]
type Published = (f64, f64);

/// Holds every row of a network against its publication: name, `[height, width, channels]` of the output, parameters
/// and multiply-adds. The paper's tables count biases in both, as its rounding shows: 3a has 163,328 weights and 368
/// biases, printed as 164K. Most figures are rounded, a few cut off (4a: 545,536 as 545K), so all are within a unit of
/// the last digit.
#[cfg(test)]
fn assert_rows(graph: &Graph, published: &[(&str, [usize; 3], Published, Published)]) {
    let names: Vec<&str> = graph.rows().map(|(row, _)| row).collect();
    assert_eq!(names, published.iter().map(|(row, ..)| *row).collect::<Vec<_>>());
    for ((row, shape), (_, output, parameters, multiply_adds)) in graph.rows().zip(published) {
        assert_eq!([shape.height, shape.width, shape.channels], *output, "{row}");
        let nodes = graph.row_nodes(row).iter();
        let biases = nodes.flat_map(|node| {
            let tensors = crate::weights::node_tensors(graph, node).into_iter();
            let biases = tensors.filter(|(name, _)| name.ends_with(".bias"));
            biases.map(|(_, sizes)| (sizes[0], sizes[0] * node.output.area()))
        });
        let (in_parameters, in_multiply_adds) =
            biases.fold((0, 0), |sum, bias| (sum.0 + bias.0, sum.1 + bias.1));
        for (what, found, (expected, unit)) in [
            ("parameters", graph.row_weights(row) + in_parameters, parameters),
            ("multiply-adds", graph.row_multiply_adds(row) + in_multiply_adds, multiply_adds),
        ] {
            assert!((found as f64 - expected).abs() <= *unit, "{row}: {found} {what}, published {expected}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_table_of_that_name() {
        for name in NAMES {
            assert_eq!(table(name).unwrap().name, name);
        }
        for unknown in ["nn9", "", "-bn", "lite-bn"] {
            let error = table(unknown).unwrap_err().to_string();
            let expected = format!(
                "no network is named `{unknown}`; there are `lite`, `lite-neck`, `lite-neck-96`, `nn1`, `nn1-bn`, "
            );
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn batch_normalisation_changes_neither_weights_nor_multiply_adds() {
        for name in NAMES {
            let Some(plain) = name.strip_suffix("-bn") else { continue };
            let graphs = [name, plain].map(|name| Graph::of(&table(name).unwrap(), 128));
            assert_eq!(graphs[0].weights(), graphs[1].weights());
            assert_eq!(graphs[0].multiply_adds(), graphs[1].multiply_adds());
        }
    }

    #[test]
    fn an_embedding_has_the_dimensions_that_are_asked_for() {
        for name in NAMES {
            let table = table(name).unwrap();
            let [small, large] = [64, 512].map(|dimension| Graph::of(&table, dimension));
            assert_eq!((small.dimension(), large.dimension()), (64, 512));
            let inputs = small.shape(small.nodes().last().unwrap().inputs[0]).len();
            assert_eq!(large.weights() - small.weights(), inputs * (512 - 64), "{name}");
        }
    }
}
