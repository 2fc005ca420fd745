//! The receiver operating characteristic: VAL over FAR for every threshold.

use facenet_core::Distance;

use super::cut::{Cut, cuts};
use super::scored::Tally;
use super::{OperatingPoint, ScoredPairs};

/// VAL and FAR at every threshold that decides differently from the others, exact also where distances are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Roc {
    points: Vec<RocPoint>,
    all: Tally,
}

/// One point of a [`Roc`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Accept if the distance is at most this.
    pub threshold: Distance,
    /// The share of impostor pairs that are accepted, in `[0, 1]` (Schroff et al. 2015, eq. 7).
    pub far: f64,
    /// The share of genuine pairs that are accepted, in `[0, 1]` (Schroff et al. 2015, eq. 7).
    pub val: f64,
    accepted: Tally,
}

impl Roc {
    /// Of all pairs, whatever their fold.
    pub fn of(pairs: &ScoredPairs) -> Self {
        Self::of_cuts(cuts(pairs.weighed()), pairs.tally())
    }

    /// Of the cuts of pairs of which there are `all`.
    pub(crate) fn of_cuts(cuts: impl Iterator<Item = Cut>, all: Tally) -> Self {
        let point = |Cut { threshold, accepted }| RocPoint {
            threshold,
            far: accepted.impostors as f64 / all.impostors as f64,
            val: accepted.genuine as f64 / all.genuine as f64,
            accepted,
        };
        Self { points: cuts.map(point).collect(), all }
    }

    /// The points, strictest threshold first; FAR and VAL never fall.
    ///
    /// The last accepts everything. The first accepts nothing, unless two embeddings lie 0 apart: then every
    /// threshold accepts them.
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// The number of genuine pairs.
    pub fn genuine(&self) -> u64 {
        self.all.genuine
    }

    /// The number of impostor pairs.
    pub fn impostors(&self) -> u64 {
        self.all.impostors
    }

    /// The area under the curve, in `[0, 1]`: the chance that a genuine pair is nearer than an impostor pair,
    /// equal distances counting one half (the statistic of Mann and Whitney). Exact up to the last division.
    pub fn auc(&self) -> f64 {
        let mut twice_won = 0u128;
        let mut nearer = Tally::default();
        for RocPoint { accepted, .. } in &self.points {
            let impostors = u128::from(accepted.impostors - nearer.impostors);
            twice_won += impostors * u128::from(nearer.genuine + accepted.genuine);
            nearer = *accepted;
        }
        twice_won as f64 / (2 * u128::from(self.all.genuine) * u128::from(self.all.impostors)) as f64
    }

    /// The VAL of the largest threshold whose FAR is at most `far`: a height of the curve drawn as a staircase. 0
    /// where every threshold that accepts something accepts too many impostors.
    pub fn val_at(&self, far: f64) -> f64 {
        let within = self.points.partition_point(|point| point.far <= far);
        self.points[..within].last().map_or(0.0, |point| point.val)
    }

    /// The operating point with the largest threshold whose FAR is at most `target_far`; none when that is not
    /// measurable: see [`ValAtFar::of`](super::ValAtFar::of).
    pub fn operating_point(&self, target_far: f64) -> Option<OperatingPoint> {
        let cuts =
            self.points.iter().map(|&RocPoint { threshold, accepted, .. }| Cut { threshold, accepted });
        OperatingPoint::at(target_far, cuts, self.all)
    }

    /// The equal error rate, in `[0, 1]`: where the curve, its points joined by straight lines, has
    /// FAR = 1 − VAL.
    pub fn eer(&self) -> f64 {
        // FAR - (1 - VAL) grows from -1 at the origin to 1, strictly: each point accepts one pair more at least.
        let excess = |(far, val): (f64, f64)| far + val - 1.0;
        let mut before = (0.0, 0.0);
        for point in &self.points {
            let here = (point.far, point.val);
            if excess(here) >= 0.0 {
                let way = excess(before) / (excess(before) - excess(here));
                return before.0 + way * (here.0 - before.0);
            }
            before = here;
        }
        unreachable!("the last point accepts everything, so its excess is 1")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verification::oracle::{self, any_folds, fold, pairs};

    fn roc(genuine: &[f32], impostors: &[f32]) -> Roc {
        Roc::of(&pairs(&[fold(genuine, impostors)]))
    }

    fn curve(roc: &Roc) -> Vec<(f32, f64, f64)> {
        roc.points().iter().map(|point| (point.threshold.value(), point.far, point.val)).collect()
    }

    #[test]
    fn eight_pairs_with_ties_by_hand() {
        // distance  0.5  1.0  1.0  1.5  1.5  1.5  2.0  3.0
        // kind       g    g    i    g    g    i    i    i
        let roc = roc(&[0.5, 1.0, 1.5, 1.5], &[1.0, 1.5, 2.0, 3.0]);
        let expected = [
            (0.25, 0.0, 0.0),
            (0.75, 0.0, 0.25),
            (1.25, 0.25, 0.5),
            (1.75, 0.5, 1.0),
            (2.5, 0.75, 1.0),
            (3.5, 1.0, 1.0),
        ];
        assert_eq!(curve(&roc), expected);
        // Won by the impostor at 1.0: 1.5 of 4, at 1.5: 3 of 4, at 2.0 and 3.0: 4 of 4.
        assert_eq!(roc.auc(), 12.5 / 16.0);
        // Between (0.25, 0.5) and (0.5, 1.0) the line meets FAR = 1 - VAL a third of the way.
        assert!((roc.eer() - 1.0 / 3.0).abs() < 1e-15, "{}", roc.eer());
    }

    #[test]
    fn perfect_and_upside_down_distances_are_the_extremes() {
        let perfect = roc(&[0.5, 0.6], &[2.0]);
        assert_eq!((perfect.auc(), perfect.eer()), (1.0, 0.0));
        let upside_down = roc(&[2.0], &[0.5, 0.6]);
        assert_eq!((upside_down.auc(), upside_down.eer()), (0.0, 1.0));
    }

    #[test]
    fn equal_distances_everywhere_tell_nothing() {
        let roc = roc(&[1.0, 1.0], &[1.0, 1.0, 1.0]);
        assert_eq!(curve(&roc), [(0.5, 0.0, 0.0), (2.5, 1.0, 1.0)]);
        assert_eq!((roc.auc(), roc.eer()), (0.5, 0.5));
    }

    #[test]
    fn the_ends_of_the_range_of_distances_are_thresholds_too() {
        // No threshold refuses a distance of 0; only 4 itself accepts a distance of 4.
        assert_eq!(curve(&roc(&[0.0], &[4.0])), [(2.0, 0.0, 1.0), (4.0, 1.0, 1.0)]);
        assert_eq!(curve(&roc(&[0.0, -0.0], &[0.0])), [(2.0, 1.0, 1.0)]);
    }

    #[test]
    fn between_neighbouring_floats_the_threshold_refuses_the_farther() {
        let near = 1.0f32;
        let roc = roc(&[near], &[near.next_up(), near.next_up().next_up()]);
        let [_, first, second, _] = curve(&roc)[..] else { panic!("{roc:?}") };
        assert_eq!(first, (near, 0.0, 1.0));
        assert_eq!(second, (near.next_up(), 0.5, 1.0));
    }

    proptest! {
        #[test]
        fn auc_equals_the_count_over_all_pairs_of_pairs(folds in any_folds(1..2)) {
            prop_assert_eq!(Roc::of(&pairs(&folds)).auc(), oracle::auc(&folds[0]));
        }

        #[test]
        fn each_point_accepts_what_its_threshold_says_and_no_distance_is_without_one(folds in any_folds(1..2)) {
            let roc = Roc::of(&pairs(&folds));
            for point in roc.points() {
                let accepted = oracle::accepted(&folds[0], point.threshold);
                prop_assert_eq!((point.accepted.genuine, point.accepted.impostors), accepted);
            }
            for pair in &folds[0] {
                let accepted = oracle::accepted(&folds[0], pair.distance);
                let point = |p: &RocPoint| (p.accepted.genuine, p.accepted.impostors) == accepted;
                prop_assert!(roc.points().iter().any(point));
            }
            let rises =
                |a: &RocPoint, b: &RocPoint| a.threshold < b.threshold && a.accepted.total() < b.accepted.total();
            prop_assert!(roc.points().is_sorted_by(rises));
        }

        #[test]
        fn the_equal_error_rate_lies_between_the_two_errors_of_every_point(folds in any_folds(1..2)) {
            let roc = Roc::of(&pairs(&folds));
            let eer = roc.eer();
            for RocPoint { far, val, .. } in roc.points() {
                let (less, more) = (far.min(1.0 - val), far.max(1.0 - val));
                prop_assert!((less - 1e-12..=more + 1e-12).contains(&eer), "{eer} at {far}, {val}");
            }
        }

        #[test]
        fn swapping_the_kinds_mirrors_the_area(folds in any_folds(1..2)) {
            let auc = Roc::of(&pairs(&folds)).auc();
            let mut swapped = folds.clone();
            swapped[0].iter_mut().for_each(|pair| pair.same = !pair.same);
            prop_assert!((Roc::of(&pairs(&swapped)).auc() + auc - 1.0).abs() < 1e-12);
        }
    }
}
