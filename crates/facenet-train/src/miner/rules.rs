//! What makes a triplet worth learning from.

use serde::{Deserialize, Serialize};

/// Which positives an anchor is paired with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositiveRule {
    /// Every other face of the person: all anchor-positive pairs, as the paper does (§3.2: "more stable and
    /// converged slightly faster").
    All,
    /// The farthest one alone, of equals the first; an anchor without another face of its person has no pair.
    /// With [`NegativeRule::Hardest`] this is batch-hard (Hermans et al. 2017, eq. 5).
    Hardest,
}

/// How the negative of an anchor-positive pair is chosen. Of equally far negatives the first in the batch is
/// the nearer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeRule {
    /// Any of the semi-hard ones, each as likely. No triplet where there is none.
    SemiHardRandom,
    /// The semi-hard one that is nearest to the anchor. No triplet where there is none.
    SemiHardNearest,
    /// The nearest one that is farther than the positive, however far; where all are as near as the positive or
    /// nearer, the farthest of all. So every pair gives a triplet as long as there is a negative; an easy one
    /// has no loss, but counts in the mean. That is the convention of `triplet_semihard_loss` of TensorFlow
    /// Addons, whose loss is the mean over these triplets (with `distance_metric="squared-L2"`).
    SemiHardOrFarthest,
    /// The one nearest to the anchor, hard or semi-hard; no triplet where it is easy, since its loss is zero.
    /// From random weights this rule tends to collapse all faces into one point (§3.2).
    Hardest,
}

/// What makes a triplet worth learning from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinerConfig {
    /// How much farther than the positive a negative should lie, in squared distance, above 0 and up to 4.
    pub margin: f32,
    /// How the negative is chosen.
    pub rule: NegativeRule,
    /// Which positives are used.
    pub positives: PositiveRule,
    /// The share of the hardest pairs that is passed over as probably wrongly labelled, from 0 (none) to below
    /// 1: positives farther than the `1 - cap` quantile of all positive distances of the batch, and of each
    /// anchor's `n` negatives the `⌊cap · n⌋` nearest.
    ///
    /// The quantile of positives is that of the batch, since wrong labels gather in few people. That of the
    /// negatives is the anchor's own, which needs no second pass over all distances.
    pub cap: f32,
}

impl Default for MinerConfig {
    /// The margin of the paper, 0.2 (§3.1), on all pairs. The rule is the random one: the paper leaves the
    /// choice open, and the nearest semi-hard negatives of many pairs are the same few faces, wrongly labelled
    /// ones first. No cap: clean labels lose by it.
    fn default() -> Self {
        Self { margin: 0.2, rule: NegativeRule::SemiHardRandom, positives: PositiveRule::All, cap: 0.0 }
    }
}
