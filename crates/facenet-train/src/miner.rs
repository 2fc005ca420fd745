//! Online mining: which triplets of a batch teach something (Schroff et al. 2015, §3.2).
//!
//! All anchor-positive pairs of the batch are used, not only the hardest ones (the paper: "more stable and
//! converged slightly faster"); for each, one negative is chosen by a [`NegativeRule`].

mod distances;
mod hardness;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use distances::{NotEmbeddings, SquaredDistances};
pub use hardness::Hardness;

/// How the negative of an anchor-positive pair is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeRule {
    /// Any of the semi-hard ones, each as likely. No triplet where there is none.
    SemiHardRandom,
    /// The semi-hard one that is nearest to the anchor. No triplet where there is none.
    SemiHardNearest,
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
}

impl Default for MinerConfig {
    /// The margin of the paper, 0.2 (§3.1). The rule is the random one: the paper leaves the choice open, and
    /// the nearest semi-hard negatives of many pairs are the same few faces, wrongly labelled ones first.
    fn default() -> Self {
        Self { margin: 0.2, rule: NegativeRule::SemiHardRandom }
    }
}

/// Three faces of a batch, by their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Triplet {
    /// The face that both distances are taken from.
    pub anchor: u32,
    /// Another face of the same person.
    pub positive: u32,
    /// A face of another person.
    pub negative: u32,
}

/// The triplets of a batch and how hard the batch was.
#[derive(Debug, Clone, PartialEq)]
pub struct Mined {
    /// In order of anchor, then positive; at most one for each pair.
    pub triplets: Vec<Triplet>,
    /// Anchor-positive pairs, ordered: (a, p) and (p, a) are two.
    pub pairs: usize,
    /// Pairs that gave no triplet: the rule found no negative for them.
    pub pairs_without_negative: usize,
    /// Pairs whose every negative is easy, or that have no negative at all: nothing is left to learn from
    /// them.
    pub pairs_solved: usize,
    /// Mean squared distances over the mined triplets; none without triplets.
    pub mined_means: Option<MeanDistances>,
    /// Mean squared distances over all pairs of the batch; none unless there are pairs of both kinds.
    pub batch_means: Option<MeanDistances>,
}

/// Mean squared distances, each in `[0, 4]`. Both near 0 over a whole batch: the embedding has collapsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanDistances {
    /// Anchor to positive.
    pub positive: f32,
    /// Anchor to negative.
    pub negative: f32,
}

impl Mined {
    /// The share of pairs with a negative that is hard or semi-hard, in `[0, 1]`; none without pairs.
    pub fn active(&self) -> Option<f64> {
        (self.pairs > 0).then(|| 1.0 - self.pairs_solved as f64 / self.pairs as f64)
    }
}

/// Why nothing could be mined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MineError {
    /// The margin is out of range.
    #[error("the margin is {0}, but expected a number above 0 and up to 4")]
    Margin(f32),
    /// The embeddings are none.
    #[error(transparent)]
    NotEmbeddings(#[from] NotEmbeddings),
}

/// Mines the triplets of a batch: `embeddings` are unit rows, `[batch, dimension]`, of the people `labels`,
/// `[batch]`.
///
/// A batch without two faces of one person, or with one person only, has no triplets; that is no error. The
/// same input and seed give the same triplets whatever the number of threads. Time grows as `batch² log
/// batch`, memory as `batch²`.
///
/// # Errors
/// When the margin is out of range, the embeddings do not match the labels in number, or a row is not a
/// finite unit vector.
pub fn mine(embeddings: &[f32], labels: &[u32], config: MinerConfig, seed: u64) -> Result<Mined, MineError> {
    if !(config.margin > 0.0 && config.margin <= 4.0) {
        return Err(MineError::Margin(config.margin));
    }
    let distances = SquaredDistances::between(embeddings, labels.len())?;
    let anchors: Vec<OfAnchor> = (0..labels.len())
        .into_par_iter()
        .map(|anchor| OfAnchor::mine(anchor, distances.from(anchor), labels, config, seed))
        .collect();
    Ok(sum(&anchors, &distances))
}

/// What one anchor gives.
#[derive(Default)]
struct OfAnchor {
    triplets: Vec<Triplet>,
    pairs: usize,
    solved: usize,
    negatives: usize,
    sum_positive: f64,
    sum_negative: f64,
}

impl OfAnchor {
    fn mine(anchor: usize, distances: &[f32], labels: &[u32], config: MinerConfig, seed: u64) -> Self {
        let mut of = Self::default();
        let mut negatives = Vec::with_capacity(labels.len());
        for (other, (&d, &label)) in distances.iter().zip(labels).enumerate() {
            if label != labels[anchor] {
                negatives.push(Neighbour::new(d, other));
                of.sum_negative += f64::from(d);
            } else if other != anchor {
                of.pairs += 1;
                of.sum_positive += f64::from(d);
            }
        }
        of.negatives = negatives.len();
        if of.pairs == 0 {
            return of;
        }

        negatives.sort_unstable();
        // A stream of its own for each anchor: no thread waits for another's draws.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(anchor as u64);
        for positive in (0..labels.len()).filter(|&p| p != anchor && labels[p] == labels[anchor]) {
            let window = Window::of(&negatives, distances[positive], config.margin);
            of.solved += usize::from(window.nearest_is_easy());
            of.triplets.extend(window.choose(config.rule, &mut rng).map(|negative| Triplet {
                anchor: anchor as u32,
                positive: positive as u32,
                negative: negative.row(),
            }));
        }
        of
    }
}

/// A negative and its distance, ordered by distance, then row: a distance is never below zero, and the bits
/// of such floats are in the order of the numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Neighbour(u64);

impl Neighbour {
    fn new(distance: f32, row: usize) -> Self {
        Self(u64::from(distance.to_bits()) << 32 | row as u64)
    }

    fn distance(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }

    fn row(self) -> u32 {
        self.0 as u32
    }
}

/// The negatives of an anchor, nearest first, cut where they turn semi-hard and easy for one positive.
struct Window<'a> {
    hard: &'a [Neighbour],
    semi_hard: &'a [Neighbour],
}

impl<'a> Window<'a> {
    fn of(negatives: &'a [Neighbour], d_ap: f32, margin: f32) -> Self {
        let hardness = |n: &Neighbour| Hardness::of(d_ap, n.distance(), margin);
        let (hard, rest) = negatives.split_at(negatives.partition_point(|n| hardness(n) == Hardness::Hard));
        let semi_hard = &rest[..rest.partition_point(|n| hardness(n) == Hardness::SemiHard)];
        Self { hard, semi_hard }
    }

    fn nearest_is_easy(&self) -> bool {
        self.hard.is_empty() && self.semi_hard.is_empty()
    }

    fn choose(&self, rule: NegativeRule, rng: &mut ChaCha8Rng) -> Option<Neighbour> {
        match rule {
            NegativeRule::SemiHardRandom if self.semi_hard.is_empty() => None,
            NegativeRule::SemiHardRandom => Some(self.semi_hard[rng.random_range(0..self.semi_hard.len())]),
            NegativeRule::SemiHardNearest => self.semi_hard.first().copied(),
            NegativeRule::Hardest => self.hard.first().or(self.semi_hard.first()).copied(),
        }
    }
}

/// Adds up the anchors in their order, so that also the means do not depend on threads.
fn sum(anchors: &[OfAnchor], distances: &SquaredDistances) -> Mined {
    let triplets: Vec<Triplet> = anchors.iter().flat_map(|of| of.triplets.iter().copied()).collect();
    let pairs = anchors.iter().map(|of| of.pairs).sum();
    let negatives: usize = anchors.iter().map(|of| of.negatives).sum();
    let mean = |sum: f64, count: usize| (sum / count as f64) as f32;
    let total = |of: fn(&OfAnchor) -> f64| anchors.iter().map(of).sum::<f64>();
    let over_triplets = |other: fn(&Triplet) -> u32| {
        let of = |t: &Triplet| f64::from(distances.from(t.anchor as usize)[other(t) as usize]);
        mean(triplets.iter().map(of).sum(), triplets.len())
    };
    Mined {
        pairs,
        pairs_without_negative: pairs - triplets.len(),
        pairs_solved: anchors.iter().map(|of| of.solved).sum(),
        mined_means: (!triplets.is_empty()).then(|| MeanDistances {
            positive: over_triplets(|t| t.positive),
            negative: over_triplets(|t| t.negative),
        }),
        batch_means: (pairs > 0 && negatives > 0).then(|| MeanDistances {
            positive: mean(total(|of| of.sum_positive), pairs),
            negative: mean(total(|of| of.sum_negative), negatives),
        }),
        triplets,
    }
}

#[cfg(test)]
mod tests;
