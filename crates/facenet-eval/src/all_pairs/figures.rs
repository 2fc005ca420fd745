//! What all pairs of a set show: FAR, VAL and thresholds exactly, from two passes.

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

use super::histogram::{Counts, FLOATS_A_BIN, LOW_BITS};
use super::{DotProducts, PairSet};
use crate::verification::{Cut, Tally};
use crate::{NotMeasurable, OperatingPoint, Roc};

/// What all pairs of a set show.
#[derive(Debug, Clone, PartialEq)]
pub struct AllPairsFigures {
    /// Pairs of one person.
    pub genuine: u64,
    /// Pairs of two people.
    pub impostors: u64,
    /// At each target FAR, the largest threshold whose FAR is at most the target: exact, to the single pair. The
    /// threshold is the farthest distance that is accepted. None where [`ValAtFar::of`](crate::ValAtFar::of) has none.
    pub val_at_far: Vec<Option<OperatingPoint>>,
    /// Equal error rate, exact: see [`Roc::eer`].
    pub eer: f64,
    /// The area under the ROC lies between these two: pairs of both kinds in one bin of 1,024 neighbouring floats
    /// are not told apart, except where a target lies.
    pub auc: Bounds,
    /// The ROC at the borders of all bins, and at every distance where a target lies. Each point is exact.
    pub roc: Roc,
}

/// Two ends that a figure certainly lies between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The figure is at least this.
    pub low: f64,
    /// The figure is at most this.
    pub high: f64,
}

impl AllPairsFigures {
    /// Measures all pairs of `pairs`, with the inner products of `products`, on all threads of the current pool.
    ///
    /// # Errors
    /// When there is no pair, or none of one kind.
    pub fn measure(
        pairs: &PairSet,
        target_fars: &[f64],
        products: &dyn DotProducts,
    ) -> Result<Self, NotMeasurable> {
        let bins = pairs.count_bins(products);
        let all = (0..bins.slots()).map(|bin| bins.get(bin)).fold(Tally::default(), Tally::plus);
        match all {
            Tally { genuine: 0, impostors: 0 } => return Err(NotMeasurable::NoPairs),
            Tally { genuine: 0, impostors } => return Err(NotMeasurable::NoGenuine { impostors }),
            Tally { genuine, impostors: 0 } => return Err(NotMeasurable::NoImpostors { genuine }),
            _ => {}
        }
        let wanted = bins_of_targets(&bins, all, target_fars);
        let floats = pairs.count_floats(products, &wanted);
        let cuts = cuts(&bins, &wanted, &floats);
        let roc = Roc::of_cuts(cuts.into_iter(), all);
        Ok(Self {
            genuine: all.genuine,
            impostors: all.impostors,
            val_at_far: target_fars.iter().map(|&far| roc.operating_point(far)).collect(),
            eer: roc.eer(),
            auc: auc_bounds(&roc, &bins, &wanted, all),
            roc,
        })
    }
}

/// The bins, in order, that hold the first impostor too many for a target, or the equal error rate.
fn bins_of_targets(bins: &Counts, all: Tally, target_fars: &[f64]) -> Vec<usize> {
    let far = |accepted: Tally| accepted.impostors as f64 / all.impostors as f64;
    let val = |accepted: Tally| accepted.genuine as f64 / all.genuine as f64;
    let mut wanted = Vec::new();
    let mut before = Tally::default();
    for bin in 0..bins.slots() {
        let count = bins.get(bin);
        if count.total() == 0 {
            continue;
        }
        let after = before.plus(count);
        let crosses = |target: f64| far(before) <= target && target < far(after);
        let equal_errors = far(before) + val(before) < 1.0 && far(after) + val(after) >= 1.0;
        if equal_errors || target_fars.iter().any(|&target| crosses(target)) {
            wanted.push(bin);
        }
        before = after;
    }
    wanted
}

/// A cut after each bin that holds pairs, and after each float of the bins that were looked into.
fn cuts(bins: &Counts, wanted: &[usize], floats: &Counts) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut accepted = Tally::default();
    let distance = |bits: usize| {
        let value = f32::from_bits(u32::try_from(bits).expect("the bits of a float")).min(4.0);
        Distance::new(value).expect("bins end at 4")
    };
    let first = |bin: usize| bin << LOW_BITS;
    let mut wanted = wanted.iter().enumerate().peekable();
    for bin in 0..bins.slots() {
        if bins.get(bin).total() == 0 {
            continue;
        }
        if cuts.is_empty() && first(bin) > 0 {
            // One float below the bin, nothing is accepted yet.
            cuts.push(Cut { threshold: distance(first(bin) - 1), accepted });
        }
        match wanted.next_if(|(_, wanted)| **wanted == bin) {
            Some((place, _)) => {
                for float in 0..FLOATS_A_BIN {
                    let count = floats.get(place * FLOATS_A_BIN + float);
                    accepted = accepted.plus(count);
                    if count.total() > 0 {
                        cuts.push(Cut { threshold: distance(first(bin) + float), accepted });
                    }
                }
            }
            None => {
                accepted = accepted.plus(bins.get(bin));
                cuts.push(Cut { threshold: distance(first(bin + 1) - 1), accepted });
            }
        }
    }
    cuts
}

/// The area when the pairs of one bin are ordered as well, and as badly, as they could be.
fn auc_bounds(roc: &Roc, bins: &Counts, wanted: &[usize], all: Tally) -> Bounds {
    let pairs_of = |bin: usize| u128::from(bins.get(bin).genuine) * u128::from(bins.get(bin).impostors);
    let total: u128 = (0..bins.slots()).map(pairs_of).sum();
    let untold = total - wanted.iter().map(|&bin| pairs_of(bin)).sum::<u128>();
    let half = untold as f64 / 2.0 / (all.genuine as f64 * all.impostors as f64);
    Bounds { low: (roc.auc() - half).max(0.0), high: (roc.auc() + half).min(1.0) }
}
