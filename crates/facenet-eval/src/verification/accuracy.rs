//! Accuracy by cross-validation: the threshold comes from the other folds.

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

use super::cut::{Cut, Weighed, cuts};
use super::{FoldMean, ScoredPairs};

/// Accuracy by LFW's protocol: for each fold, the threshold that is best on all others is tested on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// The mean of the folds' accuracies, in `[0, 1]`; every fold weighs the same.
    pub mean: f64,
    /// The standard error of that mean: sample standard deviation / √folds.
    pub standard_error: f64,
    /// Each fold's own result, in order; at least two.
    pub folds: Vec<FoldAccuracy>,
}

/// One held-out fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FoldAccuracy {
    /// The threshold chosen on the other folds; a pair is accepted if its distance is at most this.
    pub threshold: Distance,
    /// The share of the fold's pairs that were decided rightly, in `[0, 1]`.
    pub accuracy: f64,
    /// The number of the fold's pairs.
    pub pairs: u64,
}

impl CrossValidation {
    /// Holds out one fold after the other; none with a single fold, which has no others.
    ///
    /// The threshold is exact: of all that decide differently on the other folds, the one with the most right
    /// decisions, and of equally good ones the strictest. It is the middle of its interval, see the module.
    pub fn of(pairs: &ScoredPairs) -> Option<Self> {
        if pairs.folds() < 2 {
            return None;
        }
        let folds: Vec<_> = (0..pairs.folds()).map(|fold| hold_out(pairs, fold)).collect();
        let FoldMean { mean, standard_error, .. } =
            FoldMean::of(&folds.iter().map(|fold| fold.accuracy).collect::<Vec<_>>())?;
        Some(Self { mean, standard_error, folds })
    }
}

fn hold_out(pairs: &ScoredPairs, held_out: usize) -> FoldAccuracy {
    let threshold =
        best_threshold(pairs.training(held_out)).expect("there are other folds, and no fold is empty");
    let (fold, accepted) = (pairs.fold(held_out), pairs.accepted(held_out, threshold));
    let right = accepted.genuine + fold.impostors - accepted.impostors;
    FoldAccuracy { threshold, accuracy: right as f64 / fold.total() as f64, pairs: fold.total() }
}

/// The mean accuracy over folds of pairs that count several times, each with its fold, nearest first: as
/// [`CrossValidation::of`], over the folds that hold a pair; none when fewer than two do.
pub(crate) fn weighed_accuracy(pairs: &[(u32, Weighed)], folds: u32) -> Option<f64> {
    let accuracies: Vec<f64> = (0..folds).filter_map(|fold| held_out_accuracy(pairs, fold)).collect();
    (accuracies.len() >= 2).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64)
}

fn held_out_accuracy(pairs: &[(u32, Weighed)], held_out: u32) -> Option<f64> {
    let part =
        |held: bool| pairs.iter().filter(move |(fold, _)| (*fold == held_out) == held).map(|(_, p)| *p);
    let threshold = best_threshold(part(false))?;
    let (mut right, mut total) = (0, 0);
    for pair in part(true) {
        total += pair.weight;
        right += if pair.same == (pair.distance <= threshold) { pair.weight } else { 0 };
    }
    (total > 0).then(|| right as f64 / total as f64)
}

/// The threshold with the most right decisions on `sorted`, of equally good ones the strictest; none without a
/// pair.
pub(super) fn best_threshold(sorted: impl Iterator<Item = Weighed>) -> Option<Distance> {
    cuts(sorted)
        .reduce(|best, cut| if gain(&cut) > gain(&best) { cut } else { best })
        .map(|best| best.threshold)
}

/// How many more pairs the cut decides rightly than one that accepts nothing.
fn gain(cut: &Cut) -> i64 {
    cut.accepted.genuine.cast_signed() - cut.accepted.impostors.cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verification::oracle::{self, any_folds, distance, fold, pairs};

    fn thresholds(of: &CrossValidation) -> Vec<f32> {
        of.folds.iter().map(|fold| fold.threshold.value()).collect()
    }

    #[test]
    fn each_fold_is_tested_with_the_threshold_of_the_others() {
        // Fold 1 alone is cut best between 1 and 2, fold 2 between 2 and 3: each suits the other badly.
        let folds = [fold(&[0.5, 1.0], &[2.0, 2.5]), fold(&[1.0, 2.0], &[3.0, 3.5])];
        let result = CrossValidation::of(&pairs(&folds)).unwrap();
        assert_eq!(thresholds(&result), [2.5, 1.5]);
        assert_eq!(result.folds.iter().map(|f| f.accuracy).collect::<Vec<_>>(), [0.5, 0.75]);
        assert_eq!(result.mean, 0.625);
        assert!((result.standard_error - 0.125).abs() < 1e-15); // √((0.125² + 0.125²) / 1 / 2)
    }

    #[test]
    fn of_equally_good_thresholds_the_strictest_is_taken() {
        // On fold 2, cuts at 1.5 and at 3.5 both decide three of four pairs rightly.
        let folds = [fold(&[1.0], &[4.0]), fold(&[1.0, 3.0], &[2.0, 4.0])];
        assert_eq!(CrossValidation::of(&pairs(&folds)).unwrap().folds[0].threshold, distance(1.5));
    }

    #[test]
    fn a_pair_exactly_on_the_threshold_is_accepted() {
        let folds = [fold(&[1.5], &[1.5]), fold(&[1.0], &[2.0])];
        let result = CrossValidation::of(&pairs(&folds)).unwrap();
        assert_eq!((result.folds[0].threshold, result.folds[0].accuracy), (distance(1.5), 0.5));
    }

    #[test]
    fn a_fold_without_a_genuine_pair_is_tested_like_any_other() {
        let folds = [fold(&[], &[0.5, 2.0]), fold(&[1.0], &[3.0])];
        let result = CrossValidation::of(&pairs(&folds)).unwrap();
        // The first fold alone teaches to accept nothing: the middle between 0 and its nearest pair.
        assert_eq!(thresholds(&result), [2.0, 0.25]);
        assert_eq!(result.folds.iter().map(|f| f.accuracy).collect::<Vec<_>>(), [0.0, 0.5]);
    }

    #[test]
    fn one_fold_has_no_cross_validated_accuracy() {
        assert_eq!(CrossValidation::of(&pairs(&[fold(&[1.0], &[2.0])])), None);
    }

    #[test]
    fn equal_distances_everywhere_decide_half() {
        let folds = [fold(&[1.0], &[1.0]), fold(&[1.0], &[1.0])];
        let result = CrossValidation::of(&pairs(&folds)).unwrap();
        assert_eq!((thresholds(&result), result.mean), (vec![0.5, 0.5], 0.5));
    }

    proptest! {
        #[test]
        fn accuracy_and_thresholds_equal_an_exhaustive_search(folds in any_folds(2..5)) {
            let result = CrossValidation::of(&pairs(&folds)).unwrap();
            let found: Vec<_> = result.folds.iter().map(|fold| (fold.threshold, fold.accuracy)).collect();
            prop_assert_eq!(found, oracle::cross_validate(&folds));
        }
    }
}
