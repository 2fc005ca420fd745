//! VAL at a FAR: how many genuine pairs are accepted at the price of how many impostors.

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

use super::cut::{Cut, cuts};
use super::scored::Tally;
use super::{FoldMean, ScoredPairs};

/// VAL at one target FAR, measured in the two usual ways.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValAtFar {
    /// The share of impostor pairs that may be accepted, in `(0, 1]`.
    pub target_far: f64,
    /// Over all pairs at once; none when not measurable, see [`ValAtFar::of`].
    pub overall: Option<OperatingPoint>,
    /// Mean of the folds' VAL, each at the threshold that the other folds give (Schroff et al. 2015, table 3);
    /// none with a single fold, or when a fold has no genuine pair or no threshold from the others.
    pub by_folds: Option<FoldMean>,
}

/// A threshold and what it was measured to accept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Accept if the distance is at most this.
    pub threshold: Distance,
    /// The share of impostor pairs that are accepted, in `[0, 1]`: at most the target.
    pub far: f64,
    /// The share of genuine pairs that are accepted, in `[0, 1]`.
    pub val: f64,
}

impl ValAtFar {
    /// At the largest threshold whose FAR is at most `target_far`.
    ///
    /// Not measurable, and so none, is a target outside `(0, 1]`; one that asks for more impostor pairs than
    /// there are (fewer than `1 / target_far`); and one that no threshold reaches, since the nearest pairs are
    /// too many impostors at one distance. A threshold that accepts no pair at all is no operating point.
    pub fn of(pairs: &ScoredPairs, target_far: f64) -> Self {
        let overall = OperatingPoint::at(target_far, cuts(pairs.weighed()), pairs.tally());
        let vals: Option<Vec<f64>> =
            (0..pairs.folds()).map(|fold| held_out_val(pairs, fold, target_far)).collect();
        Self { target_far, overall, by_folds: vals.and_then(|vals| FoldMean::of(&vals)) }
    }
}

impl OperatingPoint {
    /// Of the largest threshold among `cuts` whose FAR is at most `target_far`.
    pub(super) fn at(target_far: f64, cuts: impl Iterator<Item = Cut>, all: Tally) -> Option<Self> {
        let Cut { threshold, accepted } = largest_cut(cuts, all, target_far)?;
        Some(Self {
            threshold,
            far: accepted.impostors as f64 / all.impostors as f64,
            val: accepted.genuine as f64 / all.genuine as f64,
        })
    }
}

/// The VAL of a fold at the threshold that all others give.
fn held_out_val(pairs: &ScoredPairs, held_out: usize, target_far: f64) -> Option<f64> {
    let genuine = pairs.fold(held_out).genuine;
    if genuine == 0 {
        return None;
    }
    let training = pairs.training_tally(held_out);
    let cut = largest_cut(cuts(pairs.training(held_out)), training, target_far)?;
    Some(pairs.accepted(held_out, cut.threshold).genuine as f64 / genuine as f64)
}

/// The last cut whose FAR is at most `target_far`.
fn largest_cut(cuts: impl Iterator<Item = Cut>, all: Tally, target_far: f64) -> Option<Cut> {
    // Rates are compared as quotients: 3 / 3000 and the literal 0.001 round to the same number.
    let far = |impostors: u64| impostors as f64 / all.impostors as f64;
    let measurable = target_far <= 1.0 && all.impostors > 0 && far(1) <= target_far;
    if !measurable {
        return None;
    }
    cuts.take_while(|cut| far(cut.accepted.impostors) <= target_far)
        .last()
        .filter(|cut| cut.accepted.total() > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Roc;
    use crate::verification::oracle::{self, any_folds, distance, fold, pairs};

    fn overall(genuine: &[f32], impostors: &[f32], target_far: f64) -> Option<OperatingPoint> {
        ValAtFar::of(&pairs(&[fold(genuine, impostors)]), target_far).overall
    }

    #[test]
    fn the_largest_threshold_within_the_target_is_taken() {
        let (genuine, impostors) = ([0.5, 1.0, 1.5, 2.5], [1.25, 2.0, 3.0, 3.5]);
        let point = |threshold, far, val| Some(OperatingPoint { threshold: distance(threshold), far, val });
        assert_eq!(overall(&genuine, &impostors, 0.25), point(1.75, 0.25, 0.75)); // exactly the target
        assert_eq!(overall(&genuine, &impostors, 0.49), point(1.75, 0.25, 0.75));
        assert_eq!(overall(&genuine, &impostors, 0.5), point(2.75, 0.5, 1.0));
        assert_eq!(overall(&genuine, &impostors, 1.0), point(3.75, 1.0, 1.0));
    }

    #[test]
    fn fewer_impostors_than_the_target_asks_for_are_not_measurable() {
        assert_eq!(overall(&[0.5], &[2.0; 999], 1e-3), None);
        let measured = overall(&[0.5], &[2.0; 1000], 1e-3).unwrap();
        assert_eq!((measured.far, measured.val), (0.0, 1.0));
    }

    #[test]
    fn a_target_that_no_threshold_reaches_is_none_and_not_zero() {
        // Half of the impostors share the nearest distance: below it nothing is accepted, at it too much.
        let impostors = [1.0, 1.0, 3.0, 3.0];
        assert_eq!(overall(&[1.0, 2.0], &impostors, 0.25), None);
        assert_eq!(overall(&[1.0, 2.0], &impostors, 0.5).map(|point| point.val), Some(1.0));
        assert_eq!(overall(&[0.0], &[0.0, 0.0], 0.5), None);
    }

    #[test]
    fn a_measured_val_of_zero_is_reported() {
        let measured = overall(&[3.5], &[1.0, 3.0], 0.5).unwrap();
        assert_eq!((measured.threshold, measured.far, measured.val), (distance(2.0), 0.5, 0.0));
    }

    #[test]
    fn a_target_that_is_no_rate_is_not_measurable() {
        for target in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(overall(&[0.5], &[2.0], target), None, "{target}");
        }
    }

    #[test]
    fn each_fold_is_tested_at_the_threshold_of_the_others() {
        let folds = [fold(&[0.5, 1.0], &[2.0, 2.5]), fold(&[1.0, 3.0], &[1.5, 3.5])];
        // At FAR 1/2 fold 2 gives 3.25 and fold 1 gives 2.25: both of fold 1, one of two of fold 2.
        let by_folds = ValAtFar::of(&pairs(&folds), 0.5).by_folds.unwrap();
        assert_eq!((by_folds.mean, by_folds.folds), (0.75, 2));
        assert!((by_folds.standard_error - 0.25).abs() < 1e-15);
    }

    #[test]
    fn a_fold_that_cannot_be_tested_leaves_no_mean() {
        let by_folds = |folds: &[_], target| ValAtFar::of(&pairs(folds), target).by_folds;
        let fine = fold(&[1.0], &[2.0]);
        assert!(by_folds(&[fine.clone(), fine.clone()], 1.0).is_some());
        assert_eq!(by_folds(&[fine.clone(), fine.clone()], 0.5), None); // one impostor is too few for the others
        assert_eq!(by_folds(&[fine.clone(), fold(&[], &[2.0])], 1.0), None); // no genuine pair to test
        assert_eq!(by_folds(&[fine.clone(), fold(&[1.0], &[])], 1.0), None); // no impostor to learn from
        assert_eq!(by_folds(&[fine], 1.0), None);
    }

    proptest! {
        #[test]
        fn val_at_far_equals_an_exhaustive_search(
            folds in any_folds(1..4),
            target in prop::sample::select(vec![1.0, 0.5, 0.25, 0.2, 0.1, 0.05]),
        ) {
            let all: Vec<_> = folds.iter().flatten().copied().collect();
            let found = ValAtFar::of(&pairs(&folds), target);
            prop_assert_eq!(found.overall, oracle::val_at_far(&all, target));
            prop_assert_eq!(Roc::of(&pairs(&folds)).operating_point(target), found.overall);
        }
    }
}
