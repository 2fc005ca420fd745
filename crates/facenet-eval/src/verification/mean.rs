//! A figure measured once a fold.

use serde::{Deserialize, Serialize};

/// The mean of a figure over folds, and how far it would vary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FoldMean {
    /// The mean of the folds' figures, in `[0, 1]`.
    pub mean: f64,
    /// The standard error of that mean: sample standard deviation / √folds.
    pub standard_error: f64,
    /// The number of folds, at least two.
    pub folds: usize,
}

impl FoldMean {
    /// Of one figure a fold; none with fewer than two, which have no deviation.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        if figures.len() < 2 {
            return None;
        }
        let n = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / n;
        let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Some(Self { mean, standard_error: (variance / n).sqrt(), folds: figures.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_the_sample_deviation_over_the_root_of_the_folds() {
        // Deviations -0.25, 0.25, 0, 0: variance 0.125 / 3; the error is the root of a fourth of that.
        let mean = FoldMean::of(&[0.5, 1.0, 0.75, 0.75]).unwrap();
        assert_eq!((mean.mean, mean.folds), (0.75, 4));
        assert!((mean.standard_error - (0.125f64 / 12.0).sqrt()).abs() < 1e-15, "{mean:?}");
    }

    #[test]
    fn one_fold_or_none_has_no_standard_error() {
        assert_eq!(FoldMean::of(&[]), None);
        assert_eq!(FoldMean::of(&[0.5]), None);
        assert_eq!(FoldMean::of(&[0.5, 0.5]).unwrap().standard_error, 0.0);
    }
}
