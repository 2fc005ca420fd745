//! The networks, each a table that can be held against its publication, and the graph of layers it means.
//!
//! A [`Table`] is data. [`Graph::of`] lowers it to single layers; the frozen network that embeds, the
//! differentiable network that trains and the counts of weights and multiply-adds are all read off that one
//! graph, so they cannot disagree.

mod graph;
mod layer;
mod lite;
mod nn4;
mod table;

pub use graph::{Graph, Node, Shape};
pub use layer::{Activation, Grouping, Layer};
pub use table::{Block, Inception, Pool, Row, Table};

/// The table of a network by its name.
///
/// # Errors
/// When there is no network of that name; the error lists those there are.
pub fn table(name: &str) -> Result<Table, UnknownNetwork> {
    match name {
        "lite" => Ok(lite::table()),
        "nn4" => Ok(nn4::table(false)),
        "nn4-bn" => Ok(nn4::table(true)),
        _ => Err(UnknownNetwork { name: name.into() }),
    }
}

/// The names that [`table`] knows.
pub const NAMES: [&str; 3] = ["lite", "nn4", "nn4-bn"];

/// A name that is no network's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no network is named `{name}`; there are {}", NAMES.map(|n| format!("`{n}`")).join(", "))]
pub struct UnknownNetwork {
    /// The name that was asked for.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_table_of_that_name() {
        for name in NAMES {
            assert_eq!(table(name).unwrap().name, name);
        }
        assert_eq!(
            table("nn9").unwrap_err().to_string(),
            "no network is named `nn9`; there are `lite`, `nn4`, `nn4-bn`"
        );
    }
}
