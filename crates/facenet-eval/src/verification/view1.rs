//! LFW's View 1: the threshold is chosen on one set of pairs and tested on another.

use facenet_core::Distance;
use serde::{Deserialize, Serialize};

use super::ScoredPairs;
use super::accuracy::best_threshold;

/// What a threshold from development pairs is worth on test pairs; of other people, in LFW's View 1
/// (`pairsDevTrain.txt`, `pairsDevTest.txt`). View 1 is for choosing a model; View 2's ten folds report it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TransferredThreshold {
    /// The best on the development pairs, the strictest of equally good ones; accept if at most this far.
    pub threshold: Distance,
    /// The share of development pairs that it decides rightly, in `[0, 1]`.
    pub development_accuracy: f64,
    /// The share of test pairs that it decides rightly, in `[0, 1]`.
    pub test_accuracy: f64,
}

impl TransferredThreshold {
    /// Chooses on `development`, tests on `test`, whatever folds they have.
    pub fn of(development: &ScoredPairs, test: &ScoredPairs) -> Self {
        let threshold = best_threshold(development.weighed()).expect("scored pairs hold a pair");
        let accuracy = |pairs: &ScoredPairs| {
            let right = pairs.weighed().filter(|pair| pair.same == (pair.distance <= threshold)).count();
            right as f64 / (pairs.genuine() + pairs.impostors()) as f64
        };
        Self { threshold, development_accuracy: accuracy(development), test_accuracy: accuracy(test) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{distance, fold, pairs};

    #[test]
    fn the_threshold_of_one_set_is_tested_on_the_other() {
        let development = pairs(&[fold(&[0.5, 1.0, 2.5], &[2.0, 3.0])]);
        let test = pairs(&[fold(&[1.0, 1.5, 1.75], &[1.25, 3.0])]);
        let found = TransferredThreshold::of(&development, &test);
        // 1.5 lies between 1 and 2; it accepts itself (inclusive).
        assert_eq!(found.threshold, distance(1.5));
        assert_eq!((found.development_accuracy, found.test_accuracy), (0.8, 0.6));
    }
}
