//! Offline mining: hard triplets from a random part of the data set, embedded with the latest checkpoint
//! (Schroff et al. 2015, §3.2: "every n steps, using the most recent network checkpoint and computing the
//! argmin and argmax on a subset of the data").
//!
//! [`Subset::draw`] → the images are embedded by whoever has the network → [`OfflinePool::mine`] →
//! [`OfflinePool::batch`]. Each is a function of its arguments alone, so a resumed run goes on with the same
//! triplets.

mod pool;
mod subset;

use serde::{Deserialize, Serialize};

use crate::{MinerConfig, NegativeRule, PositiveRule};

pub use pool::OfflinePool;
pub use subset::Subset;

/// What offline triplets are mined from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfflineConfig {
    /// Images of a subset, at least 1; a data set with fewer gives all that it may.
    pub images: usize,
    /// The most images of one person in it, at least 2: more of them look for the hardest positive among
    /// more, and leave room for fewer people.
    pub faces: usize,
    /// How triplets are mined from it.
    pub triplets: MinerConfig,
}

impl Default for OfflineConfig {
    /// 10,000 images with at most 20 of a person, and the argmax and argmin of the paper with its margin. The
    /// paper names no size; the products of 10,000 embeddings of 128 numbers are 25.6 GFLOP, less than
    /// embedding the images takes by far.
    fn default() -> Self {
        let triplets = MinerConfig {
            rule: NegativeRule::Hardest,
            positives: PositiveRule::Hardest,
            ..MinerConfig::default()
        };
        Self { images: 10_000, faces: 20, triplets }
    }
}
