//! How much the figures would vary with other people: a bootstrap over identities.
//!
//! Pairs that share a person are not independent, so drawing pairs would give intervals that are too narrow.
//! People are drawn instead, with replacement: a person drawn `w` times brings each of their genuine pairs `w`
//! times, and two people drawn `v` and `w` times bring each of their impostor pairs `v·w` times. Copies of one
//! person are never compared with each other. (The bootstrap of relational data: Owen 2007, *The pigeonhole
//! bootstrap*; for biometrics Bolle et al. 2004, *Error analysis of pattern recognition systems*.)

mod band;
mod interval;
mod replicate;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::band::{Band, BandPoint};
pub use self::interval::Interval;
use self::replicate::Replicate;
use super::{Roc, ScoredPairs, ValAtFar};

/// How a bootstrap is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How often people are drawn anew; 1,000 leave an interval's ends uncertain by a few hundredths of its width.
    pub replicates: u32,
    /// The share of replicates between an interval's ends, in `(0, 1)`.
    pub level: f64,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { replicates: 1000, level: 0.95, seed: 0 }
    }
}

/// Intervals for what a verification test found, by drawing its people anew.
///
/// An interval is none where the figure itself cannot be measured, or where fewer than 19 in 20 replicates have
/// one: too few people are in the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// How it was done.
    pub bootstrap: Bootstrap,
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
    /// Of the VAL at every FAR that is drawn; empty when there are too few replicates.
    pub band: Band,
}

/// The intervals of an operating point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValInterval {
    /// The share of impostor pairs that may be accepted.
    pub target_far: f64,
    /// Of the VAL. In a replicate in which no threshold keeps to the target nothing is accepted, a VAL of 0.
    pub val: Option<Interval>,
    /// Of the threshold that the target gives.
    pub threshold: Option<Interval>,
}

impl Uncertainty {
    /// Draws the people of `pairs` anew; none when it is not known who is in them, and without a replicate.
    ///
    /// The replicates are spread over the threads of the current pool; their number does not change the result.
    pub fn of(pairs: &ScoredPairs, target_fars: &[f64], bootstrap: Bootstrap) -> Option<Self> {
        let subjects = pairs.subjects()?;
        if bootstrap.replicates == 0 || subjects == 0 {
            return None;
        }
        let grid = band::grid(pairs.impostors());
        let mut replicates: Vec<Replicate> = (0..bootstrap.replicates)
            .into_par_iter()
            .filter_map(|index| {
                let weights = replicate::draw(pairs, subjects, bootstrap.seed, index);
                Replicate::measure(pairs, &weights, target_fars, &grid)
            })
            .collect();

        let interval = |figures: Vec<Option<f64>>| Interval::of(figures, bootstrap);
        let figure = |of: &dyn Fn(&Replicate) -> Option<f64>| interval(replicates.iter().map(of).collect());
        let val_at_far = target_fars.iter().enumerate().map(|(i, &target_far)| {
            let measurable = ValAtFar::of(pairs, target_far).overall.is_some();
            let val = measurable.then(|| figure(&|r| Some(r.points[i].0))).flatten();
            let threshold = measurable.then(|| figure(&|r| r.points[i].1)).flatten();
            ValInterval { target_far, val, threshold }
        });
        let (val_at_far, accuracy) = (val_at_far.collect(), figure(&|r| r.accuracy));
        let (auc, eer, d_prime) =
            (figure(&|r| Some(r.auc)), figure(&|r| Some(r.eer)), figure(&|r| r.d_prime));
        let curves: Vec<Vec<f64>> = replicates.iter_mut().map(|r| std::mem::take(&mut r.curve)).collect();
        let band = Band::of(&Roc::of(pairs), &grid, &curves, bootstrap);
        Some(Self { bootstrap, subjects, accuracy, val_at_far, auc, eer, d_prime, band })
    }
}

#[cfg(test)]
mod tests;
