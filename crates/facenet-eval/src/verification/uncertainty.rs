//! How much the figures of verification would vary with other people: see [`Bootstrap`].

mod band;
mod replicate;

use serde::{Deserialize, Serialize};

pub use self::band::{Band, BandPoint};
use self::replicate::Replicate;
use super::{Roc, ScoredPairs, ValAtFar};
use crate::{Bootstrap, Interval};

/// Intervals for what a verification test found, by drawing its people anew.
///
/// An interval is none where the figure itself cannot be measured, or where more than 5 % of the draws leave it
/// undefined: too few people are in the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// How often people were drawn anew.
    pub draws: u32,
    /// The seed of the draws.
    pub seed: u64,
    /// The number of people that were drawn from.
    pub subjects: usize,
    /// Of the mean accuracy over folds.
    pub accuracy: Option<Interval>,
    /// Of VAL and threshold at each target FAR, in the order of the targets.
    pub val_at_far: Vec<ValInterval>,
    /// Of the area under the ROC.
    pub auc: Option<Interval>,
    /// Of the equal error rate.
    pub eer: Option<Interval>,
    /// Of d′.
    pub d_prime: Option<Interval>,
    /// Of the VAL at every FAR that is drawn; empty when too many draws lack a curve.
    pub band: Band,
}

/// The intervals of an operating point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValInterval {
    /// The share of impostor pairs that may be accepted.
    pub target_far: f64,
    /// Of the VAL. In a draw in which no threshold keeps to the target nothing is accepted, a VAL of 0.
    pub val: Option<Interval>,
    /// Of the threshold that the target gives.
    pub threshold: Option<Interval>,
}

impl Uncertainty {
    /// Draws the people of `pairs` anew; none when it is not known who is in them, and without a draw.
    ///
    /// Draws are spread over the threads of the current pool; their number does not change the result.
    pub fn of(pairs: &ScoredPairs, target_fars: &[f64], draws: u32, seed: u64) -> Option<Self> {
        let subjects = pairs.subjects().filter(|_| draws > 0)?;
        let grid = band::grid(pairs.impostors());
        let replicates = Bootstrap::new(subjects, draws, seed)
            .figures(|drawn| Replicate::measure(pairs, &pairs.weights(drawn), target_fars, &grid));

        let figure = |of: &dyn Fn(&Replicate) -> Option<f64>| {
            Interval::of(&replicates.iter().map(|r| r.as_ref().and_then(of)).collect::<Vec<_>>())
        };
        let val_at_far = target_fars.iter().enumerate().map(|(i, &target_far)| {
            let measurable = ValAtFar::of(pairs, target_far).overall.is_some();
            let val = measurable.then(|| figure(&|r| Some(r.points[i].0))).flatten();
            let threshold = measurable.then(|| figure(&|r| r.points[i].1)).flatten();
            ValInterval { target_far, val, threshold }
        });
        let (val_at_far, accuracy) = (val_at_far.collect(), figure(&|r| r.accuracy));
        let (auc, eer, d_prime) =
            (figure(&|r| Some(r.auc)), figure(&|r| Some(r.eer)), figure(&|r| r.d_prime));
        let val_in_draws = |i: usize| replicates.iter().map(|r| r.as_ref().map(|r| r.curve[i])).collect();
        let band = Band::of(&Roc::of(pairs), &grid, val_in_draws);
        Some(Self { draws, seed, subjects, accuracy, val_at_far, auc, eer, d_prime, band })
    }
}

#[cfg(test)]
mod tests;
