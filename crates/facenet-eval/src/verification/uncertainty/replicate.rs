//! One draw of people, and what it gives.

use super::super::accuracy::weighed_accuracy;
use super::super::cut::{Weighed, cuts};
use super::super::d_prime::d_prime;
use super::super::scored::Tally;
use super::super::{Roc, ScoredPairs};

/// The figures of one draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Replicate {
    pub(super) accuracy: Option<f64>,
    pub(super) auc: f64,
    pub(super) eer: f64,
    pub(super) d_prime: Option<f64>,
    /// VAL and threshold at each target FAR; no threshold where even the strictest accepts too much.
    pub(super) points: Vec<(f64, Option<f64>)>,
    /// VAL at each FAR of the band's grid.
    pub(super) curve: Vec<f64>,
}

impl Replicate {
    /// Measures `pairs`, each counted by its weight; none when no pair of one kind has any.
    pub(super) fn measure(
        pairs: &ScoredPairs,
        weights: &[u64],
        target_fars: &[f64],
        grid: &[f64],
    ) -> Option<Self> {
        let drawn: Vec<(u32, Weighed)> = pairs
            .sorted()
            .iter()
            .zip(weights)
            .filter(|&(_, &weight)| weight > 0)
            .map(|(pair, &weight)| (pair.fold, Weighed { distance: pair.distance, same: pair.same, weight }))
            .collect();
        let mut all = Tally::default();
        drawn.iter().for_each(|(_, pair)| all.add(pair.same, pair.weight));
        if all.genuine == 0 || all.impostors == 0 {
            return None;
        }
        let roc = Roc::of_cuts(cuts(drawn.iter().map(|(_, pair)| *pair)), all);
        let point = |&far: &f64| {
            let within = roc.points().partition_point(|point| point.far <= far);
            let last = roc.points()[..within].last();
            (roc.val_at(far), last.map(|point| f64::from(point.threshold.value())))
        };
        Some(Self {
            accuracy: weighed_accuracy(&drawn, pairs.folds() as u32),
            auc: roc.auc(),
            eer: roc.eer(),
            d_prime: d_prime(drawn.iter().map(|(_, pair)| *pair)),
            points: target_fars.iter().map(point).collect(),
            curve: grid.iter().map(|&far| roc.val_at(far)).collect(),
        })
    }
}
