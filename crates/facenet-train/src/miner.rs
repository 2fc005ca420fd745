//! Online mining: which triplets of a batch teach something (Schroff et al. 2015, §3.2).
//!
//! All anchor-positive pairs of the batch are used, not only the hardest ones (the paper: "more stable and
//! converged slightly faster"), unless a [`PositiveRule`] says otherwise; for each, one negative is chosen by
//! a [`NegativeRule`].
//!
//! The distances are taken block by block of anchors, and a block is mined while it is in the cache; neither
//! the whole matrix nor an array of triplets that could be is ever there.

mod all;
mod anchor;
mod distances;
mod hardness;
mod people;
mod ranked;
mod rows;
mod rules;

use std::ops::Range;

use rayon::prelude::*;

use anchor::{Anchor, Choice, Tally};
use ranked::Ranked;

pub use all::{TripletKind, all_triplets};
pub use distances::SquaredDistances;
pub use hardness::Hardness;
pub(crate) use people::People;
pub use rows::NotEmbeddings;
pub(crate) use rows::Rows;
pub use rules::{MinerConfig, NegativeRule, PositiveRule};

/// Three faces of a batch, by their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// Anchor-positive pairs of the [`PositiveRule`], ordered: (a, p) and (p, a) are two. Each gave a triplet,
    /// has no negative, or is passed over.
    pub pairs: usize,
    /// Pairs that gave no triplet: the rule found no negative for them.
    pub pairs_without_negative: usize,
    /// Pairs passed over by the cap: their positive is too far to be believed.
    pub pairs_capped: usize,
    /// Pairs whose every negative is easy, or that have no negative at all: nothing is left to learn from
    /// them. Those passed over are not looked at.
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
    /// The cap is out of range.
    #[error("the cap is {0}, but expected a number from 0 to below 1")]
    Cap(f32),
    /// The embeddings are none.
    #[error(transparent)]
    NotEmbeddings(#[from] NotEmbeddings),
}

/// Mines the triplets of a batch: `embeddings` are unit rows, `[batch, dimension]`, of the people `labels`,
/// `[batch]`.
///
/// A batch without two faces of one person, or with one person only, has no triplets; that is no error. The
/// same input and seed give the same triplets whatever the number of threads. Time grows as `batch²`, memory
/// as `batch` times the rows of a block (128) on each thread.
///
/// # Errors
/// When the margin or the cap is out of range, the embeddings do not match the labels in number, or a row is
/// not a finite unit vector.
pub fn mine(embeddings: &[f32], labels: &[u32], config: MinerConfig, seed: u64) -> Result<Mined, MineError> {
    if !(config.margin > 0.0 && config.margin <= 4.0) {
        return Err(MineError::Margin(config.margin));
    }
    if !(config.cap >= 0.0 && config.cap < 1.0) {
        return Err(MineError::Cap(config.cap));
    }
    let rows = Rows::check(embeddings, labels.len())?;
    let people = People::of(labels);
    let rows = if people.in_order() { rows } else { rows.arranged(&people.order) };
    let farthest_positive = farthest_positive(&rows, &people, config.cap);
    let choice = Choice { config, farthest_positive, seed };
    let parts: Vec<Part> = rows
        .blocks()
        .into_par_iter()
        .map_init(Scratch::default, |scratch, block| Part::mine(block, &rows, &people, &choice, scratch))
        .collect();
    Ok(together(&parts, &people))
}

/// The distance beyond which a positive is passed over: of all `n` pairs, sorted, the one that `⌊cap · n⌋`
/// others follow.
///
/// The blocks are computed twice, whole both times: the product of a part can differ in the last bit, and the
/// pair at the border would then be on the wrong side of it.
fn farthest_positive(rows: &Rows, people: &People, cap: f32) -> f32 {
    if cap == 0.0 {
        return f32::INFINITY;
    }
    let of_block = |out: &mut Vec<f32>, block: Range<usize>| {
        rows.distances(block.clone(), 0..rows.count(), out);
        let mut found = Vec::new();
        for (position, distances) in block.zip(out.chunks(rows.count())) {
            let run = people.run(position);
            found.extend_from_slice(&distances[run.start..position]);
            found.extend_from_slice(&distances[position + 1..run.end]);
        }
        found
    };
    let blocks: Vec<Vec<f32>> = rows.blocks().into_par_iter().map_init(Vec::new, of_block).collect();
    let mut distances = blocks.concat();
    let passed_over = (f64::from(cap) * distances.len() as f64) as usize;
    match distances.len().checked_sub(1 + passed_over) {
        None => f32::INFINITY,
        Some(last) => *distances.select_nth_unstable_by(last, f32::total_cmp).1,
    }
}

/// Memory that a thread keeps from block to block.
#[derive(Default)]
struct Scratch {
    distances: Vec<f32>,
    ranked: Ranked,
}

/// What a block of anchors gives.
struct Part {
    /// By anchor in the order of positions, then positive.
    triplets: Vec<Triplet>,
    tally: Tally,
}

impl Part {
    fn mine(
        block: Range<usize>,
        rows: &Rows,
        people: &People,
        choice: &Choice,
        scratch: &mut Scratch,
    ) -> Self {
        rows.distances(block.clone(), 0..rows.count(), &mut scratch.distances);
        let mut part = Self { triplets: Vec::new(), tally: Tally::default() };
        for (position, distances) in block.zip(scratch.distances.chunks(rows.count())) {
            let run = people.run(position);
            if run.len() > 1 || run.len() < rows.count() {
                let anchor = Anchor { position, run: (run.start, run.end), distances, order: &people.order };
                anchor.mine(choice, &mut scratch.ranked, &mut part.triplets, &mut part.tally);
            }
        }
        part
    }
}

/// Adds up the parts in their order, so that also the means do not depend on threads.
fn together(parts: &[Part], people: &People) -> Mined {
    let mut triplets: Vec<Triplet> = Vec::with_capacity(parts.iter().map(|part| part.triplets.len()).sum());
    let mut tally = Tally::default();
    for part in parts {
        triplets.extend_from_slice(&part.triplets);
        tally.add(&part.tally);
    }
    if !people.in_order() {
        // Stable, and fast on what lies in runs: the positives of an anchor are in order already.
        triplets.sort_by_key(|t| t.anchor);
    }
    let means = |positive: anchor::Sum, negative: anchor::Sum| {
        Some(MeanDistances { positive: positive.mean()?, negative: negative.mean()? })
    };
    Mined {
        triplets,
        pairs: tally.pairs,
        pairs_without_negative: tally.without_negative,
        pairs_capped: tally.capped,
        pairs_solved: tally.solved,
        mined_means: means(tally.mined_positives, tally.mined_negatives),
        batch_means: means(tally.positives, tally.negatives),
    }
}

#[cfg(test)]
pub(crate) mod tests;
