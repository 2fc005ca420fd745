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

use crate::range::{OutOfRange, within};
use crate::{LossConfig, MinerConfig, NegativeRule, PositiveRule};

pub use pool::OfflinePool;
pub use subset::Subset;

/// What offline triplets are mined from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfflineConfig {
    /// Steps between minings, at least 1; until the first one, all batches are mined online.
    pub every: u64,
    /// The share of batches that are made of offline triplets, above 0, up to 1: all of them.
    pub share: f64,
    /// Triplets of such a batch, at least 1.
    pub batch: usize,
    /// Images of a subset, at least 1; a data set with fewer gives all that it may.
    pub images: usize,
    /// The most images of one person in it, at least 2: more of them look for the hardest positive among
    /// more, and leave room for fewer people.
    pub faces: usize,
    /// How triplets are mined from it; the margin is also that of the loss on them.
    pub triplets: MinerConfig,
}

impl OfflineConfig {
    /// Checks that the settings are in their ranges.
    ///
    /// # Errors
    /// On the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let Self { every, share, batch, images, faces, triplets } = *self;
        within(every > 0, "every", &every, "at least 1")?;
        within(share > 0.0 && share <= 1.0, "share", &share, "a number above 0, up to 1")?;
        within(batch > 0, "batch", &batch, "at least 1")?;
        within(images > 0, "images", &images, "at least 1")?;
        within(faces >= 2, "faces", &faces, "at least 2")?;
        LossConfig::Triplet(triplets).check()
    }
}

impl Default for OfflineConfig {
    /// Every 500 steps, for half of the batches, of up to 255 faces. 10,000 images with at most 20 of a person, and the argmax and argmin of the paper with its margin. The
    /// paper names no size; the products of 10,000 embeddings of 128 numbers are 25.6 GFLOP, less than
    /// embedding the images takes by far.
    fn default() -> Self {
        let triplets = MinerConfig {
            rule: NegativeRule::Hardest,
            positives: PositiveRule::Hardest,
            ..MinerConfig::default()
        };
        Self { every: 500, share: 0.5, batch: 85, images: 10_000, faces: 20, triplets }
    }
}
