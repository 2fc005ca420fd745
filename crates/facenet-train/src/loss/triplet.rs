//! The triplet loss and its gradient at the embeddings.

use super::{Batch, HeadShape, Measured, Objective, ObjectiveError};
use crate::range::{OutOfRange, within};
use crate::{MinerConfig, Triplet, mine};

/// The triplets of a batch by the settings of the miner.
pub(super) struct Triplets(MinerConfig);

impl Triplets {
    pub(super) fn new(config: &MinerConfig) -> Self {
        Self(*config)
    }
}

pub(super) fn check(config: &MinerConfig) -> Result<(), OutOfRange> {
    let MinerConfig { margin, cap, .. } = config;
    within(*margin > 0.0 && *margin <= 4.0, "margin", margin, "a number above 0, up to 4")?;
    within((0.0..1.0).contains(cap), "cap", cap, "a number from 0 below 1")
}

impl Objective for Triplets {
    fn head(&self, _classes: usize, _dimension: usize) -> Option<HeadShape> {
        None
    }

    fn measure(&self, batch: &Batch, _head: Option<&[f32]>, seed: u64) -> Result<Measured, ObjectiveError> {
        batch.check()?;
        let mined = mine(batch.embeddings, batch.labels, self.0, seed)?;
        let loss = triplet_loss(batch.embeddings, batch.dimension, &mined.triplets, self.0.margin);
        Ok(Measured {
            value: loss.value,
            gradient: loss.gradient,
            head: None,
            mined: Some(mined),
            accuracy: None,
        })
    }
}

/// The loss of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The mean over the triplets; zero when there are none.
    pub value: f32,
    /// Its gradient at the embeddings, `[batch, dimension]`.
    pub gradient: Vec<f32>,
}

/// The triplet loss `Σ [d²(a, p) − d²(a, n) + margin]₊ / triplets` (Schroff et al. 2015, eq. 3).
///
/// The paper writes a sum and gives no normaliser. The mean is taken here, so that the learning rate does not depend
/// on the batch size or on how many triplets a batch happens to hold.
///
/// # Shapes
/// `embeddings` `[batch, dimension]`; the gradient has the same shape.
///
/// # Panics
/// When a triplet names a row that is not there.
pub fn triplet_loss(embeddings: &[f32], dimension: usize, triplets: &[Triplet], margin: f32) -> Loss {
    let mut gradient = vec![0.0; embeddings.len()];
    let mut sum = 0.0f64;
    let share = 2.0 / triplets.len().max(1) as f32;
    let row = |index: u32| index as usize * dimension..(index as usize + 1) * dimension;
    for triplet in triplets {
        let [a, p, n] = [triplet.anchor, triplet.positive, triplet.negative].map(row);
        let (anchor, positive, negative) =
            (&embeddings[a.clone()], &embeddings[p.clone()], &embeddings[n.clone()]);
        let hinge = squared(anchor, positive) - squared(anchor, negative) + margin;
        if hinge <= 0.0 {
            continue;
        }
        sum += f64::from(hinge);
        for i in 0..dimension {
            gradient[a.start + i] += share * (negative[i] - positive[i]);
            gradient[p.start + i] += share * (positive[i] - anchor[i]);
            gradient[n.start + i] += share * (anchor[i] - negative[i]);
        }
    }
    Loss { value: (sum / triplets.len().max(1) as f64) as f32, gradient }
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
        Triplet { anchor, positive, negative }
    }

    #[test]
    fn three_points_worked_by_hand() {
        // a = (1, 0), p = (0, 1), n = (-1, 0): d²(a, p) = 2, d²(a, n) = 4.
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let easy = triplet_loss(&points, 2, &[triplet(0, 1, 2)], 0.2);
        assert_eq!(easy, Loss { value: 0.0, gradient: vec![0.0; 6] });

        // With p and n exchanged: 4 - 2 + 0.2.
        let hard = triplet_loss(&points, 2, &[triplet(0, 2, 1)], 0.2);
        assert_eq!(hard.value, 2.2);
        assert_eq!(hard.gradient, [2.0, 2.0, 2.0, -2.0, -4.0, 0.0]);
    }

    #[test]
    fn no_triplets_give_no_loss_and_a_triplet_on_the_margin_neither() {
        assert_eq!(triplet_loss(&[1.0, 0.0], 2, &[], 0.2).value, 0.0);
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        assert_eq!(triplet_loss(&points, 2, &[triplet(0, 1, 2)], 2.0).value, 0.0);
    }

    fn naive(embeddings: &[f64], triplets: &[Triplet], margin: f64) -> f64 {
        let d2 = |i: u32, j: u32| -> f64 {
            (0..4).map(|k| (embeddings[i as usize * 4 + k] - embeddings[j as usize * 4 + k]).powi(2)).sum()
        };
        let sum: f64 = triplets
            .iter()
            .map(|t| (d2(t.anchor, t.positive) - d2(t.anchor, t.negative) + margin).max(0.0))
            .sum();
        sum / triplets.len() as f64
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_finite_differences(
            points in prop::collection::vec(-1.0f32..1.0, 24),
            picks in prop::collection::vec((0u32..6, 0u32..6, 0u32..6), 1..12),
        ) {
            let triplets: Vec<Triplet> = picks.iter().map(|&(a, p, n)| triplet(a, p, n)).collect();
            let loss = triplet_loss(&points, 4, &triplets, 0.2);
            let exact: Vec<f64> = points.iter().map(|v| f64::from(*v)).collect();
            prop_assert!((f64::from(loss.value) - naive(&exact, &triplets, 0.2)).abs() < 1e-5);
            for i in 0..points.len() {
                let shifted = |by: f64| {
                    let mut points = exact.clone();
                    points[i] += by;
                    naive(&points, &triplets, 0.2)
                };
                // Two one-sided slopes: where they differ, a hinge lies between, and any value between is right.
                let slopes = [(shifted(1e-6) - shifted(0.0)) / 1e-6, (shifted(0.0) - shifted(-1e-6)) / 1e-6];
                let (low, high) = (slopes[0].min(slopes[1]), slopes[0].max(slopes[1]));
                let found = f64::from(loss.gradient[i]);
                prop_assert!(found > low - 1e-3 && found < high + 1e-3, "{found} outside {low}..{high}");
            }
        }
    }
}
