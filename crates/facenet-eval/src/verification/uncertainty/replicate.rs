//! One draw of people, and what it gives.

use facenet_core::Distance;

use super::super::accuracy::best_threshold;
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
            accuracy: accuracy(&drawn, pairs.folds()),
            auc: roc.auc(),
            eer: roc.eer(),
            d_prime: d_prime(drawn.iter().map(|(_, pair)| *pair)),
            points: target_fars.iter().map(point).collect(),
            curve: grid.iter().map(|&far| roc.val_at(far)).collect(),
        })
    }
}

/// The mean accuracy over the folds that were drawn; none when fewer than two were.
fn accuracy(drawn: &[(u32, Weighed)], folds: usize) -> Option<f64> {
    let accuracies: Vec<f64> = (0..folds as u32).filter_map(|fold| held_out_accuracy(drawn, fold)).collect();
    (accuracies.len() >= 2).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64)
}

fn held_out_accuracy(drawn: &[(u32, Weighed)], held_out: u32) -> Option<f64> {
    let part =
        |held: bool| drawn.iter().filter(move |(fold, _)| (*fold == held_out) == held).map(|(_, p)| *p);
    let threshold: Distance = best_threshold(part(false))?;
    let (mut right, mut total) = (0, 0);
    for pair in part(true) {
        total += pair.weight;
        right += if pair.same == (pair.distance <= threshold) { pair.weight } else { 0 };
    }
    (total > 0).then(|| right as f64 / total as f64)
}
