//! The figures as the widely used Python evaluation of FaceNet models (`facenet.evaluate`, 2016–2018) computes them,
//! so that published numbers can be compared.
//!
//! Where it differs from [`VerificationReport`](crate::VerificationReport), which is exact:
//!
//! | | here, as in Python | exact |
//! |---|---|---|
//! | thresholds | 0, 0.01, … 3.99 for accuracy, 0, 0.001, … 3.999 for VAL | every distance that occurs |
//! | accepted | distance < threshold | distance ≤ threshold |
//! | best threshold | the first of equally good ones | the same, the strictest |
//! | VAL's threshold | between grid points by a straight line in FAR; 0 where no grid point reaches the target | the largest that keeps to the target; none where none does |
//! | VAL without genuine, FAR without impostor pairs | undefined; Python stops or gives NaN | none |
//! | standard deviation | of the folds, divided by n | standard error of the mean |
//! | folds | the pairs in file order, genuine and impostor mixed as listed | the same |
//!
//! VAL's threshold comes from scipy's `interp1d(far, thresholds, kind="slinear")`. Versions since 1.0 refuse the equal
//! values that a FAR curve always has, so the program runs with older ones only or with `kind="linear"`, which is the
//! same line: that is what is computed here. A FAR that meets the target exactly gives the first such grid point.

use facenet_core::Embedding;
use serde::{Deserialize, Serialize};

use crate::issame::k_folds;

/// The FAR at which the Python evaluation reports VAL.
pub const COMPAT_FAR: f64 = 1e-3;

/// Whether the mean of the training folds' embeddings is taken off before distances are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centring {
    /// `subtract_mean=False`, the default: no.
    None,
    /// `subtract_mean=True`.
    TrainingMean,
}

/// What the Python evaluation prints and returns, with `distance_metric=0`: squared Euclidean distances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompatReport {
    /// Each fold's accuracy at the best grid threshold of the others.
    pub accuracies: Vec<f64>,
    /// Their mean.
    pub accuracy_mean: f64,
    /// Their standard deviation, divided by n.
    pub accuracy_deviation: f64,
    /// The threshold of each fold.
    pub best_thresholds: Vec<f64>,
    /// Mean VAL of the folds; NaN is never given, see [`CompatError`].
    pub val_mean: f64,
    /// Standard deviation of VAL, divided by n.
    pub val_deviation: f64,
    /// Mean FAR of the folds at the thresholds of VAL.
    pub far_mean: f64,
    /// The threshold of VAL for each fold.
    pub val_thresholds: Vec<f64>,
    /// The mean true accept rate over folds at each threshold of the grid 0, 0.01, … 3.99.
    pub tpr: Vec<f64>,
    /// The mean false accept rate over folds at each threshold of the grid.
    pub fpr: Vec<f64>,
    /// The area under that curve by the trapezoidal rule, as the Python program prints it.
    pub auc: f64,
}

/// Pairs on which the Python evaluation gives no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompatError {
    /// Fewer pairs than folds, or fewer than two folds.
    #[error("found {pairs} pairs for {folds} folds, expected at least one pair a fold and two folds")]
    TooFew {
        /// The number of pairs.
        pairs: usize,
        /// The number of folds.
        folds: usize,
    },
    /// A fold without genuine or without impostor pairs: VAL or FAR is 0 / 0.
    #[error("fold {fold} lacks genuine or impostor pairs, on which the Python evaluation divides by zero")]
    OneKind {
        /// The fold, counted from 1.
        fold: usize,
    },
}

/// A pair as the Python evaluation takes it.
#[derive(Debug, Clone, Copy)]
pub struct CompatPair<'a> {
    /// One embedding.
    pub left: &'a Embedding,
    /// The other.
    pub right: &'a Embedding,
    /// Whether both show the same person.
    pub same: bool,
}

impl CompatReport {
    /// Evaluates `pairs` in `folds` folds of their order.
    ///
    /// # Errors
    /// When there are too few pairs, or a fold lacks a kind.
    pub fn measure(pairs: &[CompatPair<'_>], folds: usize, centring: Centring) -> Result<Self, CompatError> {
        let parts = k_folds(pairs.len(), folds);
        if folds < 2 || parts.len() < folds {
            return Err(CompatError::TooFew { pairs: pairs.len(), folds });
        }
        let mut sums = Sums::new(folds);
        for (fold, part) in parts.iter().enumerate() {
            let distances = distances(pairs, part, centring);
            let scored = || distances.iter().zip(pairs).map(|(&distance, pair)| (distance, pair.same));
            let test =
                Split::of(scored().enumerate().filter(|(i, _)| part.contains(i)).map(|(_, pair)| pair));
            let train =
                Split::of(scored().enumerate().filter(|(i, _)| !part.contains(i)).map(|(_, pair)| pair));
            let complete = |split: &Split| !split.genuine.is_empty() && !split.impostors.is_empty();
            if !complete(&test) || !complete(&train) {
                return Err(CompatError::OneKind { fold: fold + 1 });
            }
            sums.add(&test, &train);
        }
        Ok(sums.finish())
    }
}

/// What the folds gave so far.
struct Sums {
    folds: usize,
    accuracies: Vec<f64>,
    best_thresholds: Vec<f64>,
    vals: Vec<f64>,
    fars: Vec<f64>,
    val_thresholds: Vec<f64>,
    tpr: Vec<f64>,
    fpr: Vec<f64>,
}

impl Sums {
    fn new(folds: usize) -> Self {
        let grid = grid(400, 0.01).count();
        Self {
            folds,
            accuracies: Vec::new(),
            best_thresholds: Vec::new(),
            vals: Vec::new(),
            fars: Vec::new(),
            val_thresholds: Vec::new(),
            tpr: vec![0.0; grid],
            fpr: vec![0.0; grid],
        }
    }

    fn add(&mut self, test: &Split, train: &Split) {
        let best = grid(400, 0.01)
            .map(|threshold| (threshold, train.accuracy(threshold)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .expect("the grid is not empty")
            .0;
        self.best_thresholds.push(best);
        self.accuracies.push(test.accuracy(best));
        for (i, threshold) in grid(400, 0.01).enumerate() {
            self.tpr[i] += test.accepted(true, threshold) / self.folds as f64;
            self.fpr[i] += test.accepted(false, threshold) / self.folds as f64;
        }
        let threshold = val_threshold(train);
        self.val_thresholds.push(threshold);
        self.vals.push(test.accepted(true, threshold));
        self.fars.push(test.accepted(false, threshold));
    }

    fn finish(self) -> CompatReport {
        let ((accuracy_mean, accuracy_deviation), (val_mean, val_deviation)) =
            (mean_and_deviation(&self.accuracies), mean_and_deviation(&self.vals));
        let curve: Vec<(f64, f64)> = self.fpr.iter().copied().zip(self.tpr.iter().copied()).collect();
        let trapezium = |ends: &[(f64, f64)]| (ends[1].0 - ends[0].0) * (ends[0].1 + ends[1].1) / 2.0;
        CompatReport {
            accuracy_mean,
            accuracy_deviation,
            val_mean,
            val_deviation,
            far_mean: mean_and_deviation(&self.fars).0,
            auc: curve.windows(2).map(trapezium).sum(),
            accuracies: self.accuracies,
            best_thresholds: self.best_thresholds,
            val_thresholds: self.val_thresholds,
            tpr: self.tpr,
            fpr: self.fpr,
        }
    }
}

/// Squared distances in f32, as numpy has them for float32 embeddings; the mean is that of the training pairs' images.
fn distances(pairs: &[CompatPair<'_>], test: &std::ops::Range<usize>, centring: Centring) -> Vec<f32> {
    let dimension = pairs.first().map_or(0, |pair| pair.left.dimension());
    let mut mean = vec![0f64; dimension];
    if centring == Centring::TrainingMean {
        let training = pairs.iter().enumerate().filter(|(i, _)| !test.contains(i));
        let images = training.flat_map(|(_, pair)| [pair.left, pair.right]);
        images.for_each(|image| {
            mean.iter_mut().zip(image.as_slice()).for_each(|(sum, &value)| *sum += f64::from(value));
        });
        let count = 2 * (pairs.len() - test.len());
        mean.iter_mut().for_each(|sum| *sum /= count as f64);
    }
    let distance = |pair: &CompatPair<'_>| {
        let coordinates = pair.left.as_slice().iter().zip(pair.right.as_slice()).zip(&mean);
        coordinates
            .map(|((left, right), mean)| {
                let (left, right) = (left - *mean as f32, right - *mean as f32);
                (left - right) * (left - right)
            })
            .sum()
    };
    pairs.iter().map(distance).collect()
}

/// The distances of some folds by kind, nearest first.
struct Split {
    genuine: Vec<f64>,
    impostors: Vec<f64>,
}

impl Split {
    fn of(pairs: impl Iterator<Item = (f32, bool)>) -> Self {
        let (mut genuine, mut impostors) = (Vec::new(), Vec::new());
        pairs.for_each(|(distance, same)| {
            (if same { &mut genuine } else { &mut impostors }).push(f64::from(distance));
        });
        genuine.sort_by(f64::total_cmp);
        impostors.sort_by(f64::total_cmp);
        Self { genuine, impostors }
    }

    /// The share of a kind that lies below `threshold`, strictly.
    fn accepted(&self, same: bool, threshold: f64) -> f64 {
        let kind = if same { &self.genuine } else { &self.impostors };
        below(kind, threshold) as f64 / kind.len() as f64
    }

    fn accuracy(&self, threshold: f64) -> f64 {
        let refused = self.impostors.len() - below(&self.impostors, threshold);
        (below(&self.genuine, threshold) + refused) as f64
            / (self.genuine.len() + self.impostors.len()) as f64
    }
}

fn below(sorted: &[f64], threshold: f64) -> usize {
    sorted.partition_point(|&distance| distance < threshold)
}

/// `numpy.arange(0, 4, step)`, whose values are products, not sums.
fn grid(points: u32, step: f64) -> impl Iterator<Item = f64> + Clone {
    (0..points).map(move |i| f64::from(i) * step)
}

/// The threshold at which the training pairs' FAR, joined by straight lines between grid points, is the target; 0
/// when even the loosest grid point stays below it.
fn val_threshold(train: &Split) -> f64 {
    let points: Vec<(f64, f64)> =
        grid(4000, 0.001).map(|threshold| (train.accepted(false, threshold), threshold)).collect();
    // FAR grows along the grid, so the points are sorted; the first at or above the target ends the line.
    let above = points.partition_point(|point| point.0 < COMPAT_FAR);
    if above == points.len() {
        return 0.0;
    }
    // scipy takes the line of the first two points for a target at the very first.
    let above = above.max(1);
    let ((far_low, low), (far_high, high)) = (points[above - 1], points[above]);
    let slope = (high - low) / (far_high - far_low);
    slope * (COMPAT_FAR - far_low) + low
}

/// The mean, and the standard deviation divided by n.
fn mean_and_deviation(figures: &[f64]) -> (f64, f64) {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    (mean, (figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[cfg(test)]
mod tests;
