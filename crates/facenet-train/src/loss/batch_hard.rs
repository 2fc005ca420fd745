//! Batch-hard: for each face, its farthest positive against its nearest negative.

use serde::{Deserialize, Serialize};

use super::distance::{by_blocks, squared};
use super::{Batch, DistanceKind, HeadShape, Measured, Objective, ObjectiveError};
use crate::range::{OutOfRange, within};

/// The settings of the batch-hard loss.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchHardConfig {
    /// How much farther than the positive the negative should lie, in `distance`; left out, the soft margin
    /// `ln(1 + e^x)`, which goes on pulling beyond any margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f32>,
    /// Which distance the loss is taken on.
    pub distance: DistanceKind,
}

impl BatchHardConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        let Some(margin) = self.margin else { return Ok(()) };
        let largest = self.distance.largest();
        within(
            margin > 0.0 && margin <= largest,
            "margin",
            &margin,
            "a number above 0, up to the largest distance",
        )
    }
}

/// `mean f(d(a, p) − d(a, n))` over the faces that have a positive and a negative, `f` the softplus or the hinge
/// `[x + margin]₊` (Hermans et al. 2017, eq. 5; there on plain distances).
pub(super) struct BatchHard(BatchHardConfig);

/// The hardest pair of a face: rows of the batch. Of equally hard ones, the first.
struct Hardest {
    anchor: usize,
    positive: usize,
    negative: usize,
}

impl BatchHard {
    pub(super) fn new(config: &BatchHardConfig) -> Self {
        Self(*config)
    }

    /// The loss of a difference of distances, and its slope.
    fn of(&self, difference: f64) -> (f64, f64) {
        match self.0.margin {
            Some(margin) => {
                let hinge = difference + f64::from(margin);
                if hinge > 0.0 { (hinge, 1.0) } else { (0.0, 0.0) }
            }
            // Neither exponent is ever above zero, so nothing overflows.
            None => {
                let tail = (-difference.abs()).exp();
                let slope = if difference > 0.0 { 1.0 / (1.0 + tail) } else { tail / (1.0 + tail) };
                (difference.max(0.0) + tail.ln_1p(), slope)
            }
        }
    }
}

fn hardest(batch: &Batch, anchor: usize, distances: &[f32]) -> Option<Hardest> {
    let mut positive: Option<(usize, f32)> = None;
    let mut negative: Option<(usize, f32)> = None;
    for (other, (&d, label)) in distances.iter().zip(batch.labels).enumerate() {
        if *label != batch.labels[anchor] {
            if negative.is_none_or(|(_, nearest)| d < nearest) {
                negative = Some((other, d));
            }
        } else if other != anchor && positive.is_none_or(|(_, farthest)| d > farthest) {
            positive = Some((other, d));
        }
    }
    Some(Hardest { anchor, positive: positive?.0, negative: negative?.0 })
}

impl Objective for BatchHard {
    fn head(&self, _classes: usize, _dimension: usize) -> Option<HeadShape> {
        None
    }

    fn measure(&self, batch: &Batch, _head: Option<&[f32]>, _seed: u64) -> Result<Measured, ObjectiveError> {
        batch.check()?;
        let count = batch.labels.len();
        let blocks = by_blocks(batch, |rows, distances| -> Vec<Hardest> {
            let lines = distances.chunks_exact(count);
            rows.zip(lines).filter_map(|(anchor, line)| hardest(batch, anchor, line)).collect()
        });
        let faces = blocks.iter().map(Vec::len).sum::<usize>().max(1) as f64;
        let mut value = 0.0;
        let mut gradient = vec![0.0; batch.embeddings.len()];
        for Hardest { anchor, positive, negative } in blocks.into_iter().flatten() {
            let [a, p, n] = [anchor, positive, negative].map(|row| batch.row(row));
            let (d_ap, d_an) = (squared(a, p), squared(a, n));
            let kind = self.0.distance;
            let (loss, slope) = self.of(f64::from(kind.of(d_ap)) - f64::from(kind.of(d_an)));
            value += loss;
            let share = (slope / faces) as f32;
            let (pull, push) = (share * kind.slope(d_ap), share * kind.slope(d_an));
            for i in 0..batch.dimension {
                let (pull, push) = (pull * (a[i] - p[i]), push * (a[i] - n[i]));
                gradient[anchor * batch.dimension + i] += pull - push;
                gradient[positive * batch.dimension + i] -= pull;
                gradient[negative * batch.dimension + i] += push;
            }
        }
        Ok(Measured { value: (value / faces) as f32, gradient, head: None, mined: None, accuracy: None })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{many_rows, slopes_agree, unit_rows, wide};
    use super::*;

    fn measure(config: BatchHardConfig, embeddings: &[f32], dimension: usize, labels: &[u32]) -> Measured {
        BatchHard::new(&config).measure(&Batch { embeddings, dimension, labels }, None, 0).unwrap()
    }

    #[test]
    fn four_points_worked_by_hand() {
        // Two faces of person 0 at right angles; of persons 1 and 2 one each, opposite of the first and the second.
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0];
        let hinge = BatchHardConfig { margin: Some(0.5), ..Default::default() };
        let found = measure(hinge, &points, 2, &[0, 0, 1, 2]);
        // Both anchors: positive at 2, nearest negative at 2 (row 3 and row 2); the singles have no positive.
        assert_eq!(found.value, 0.5);
        assert_eq!(found.gradient, [1.0, -3.0, -3.0, 1.0, 1.0, 1.0, 1.0, 1.0]);

        let soft = measure(BatchHardConfig::default(), &points, 2, &[0, 0, 1, 2]);
        assert!((soft.value - 2.0f32.ln()).abs() < 1e-6);
        assert_eq!(soft.gradient, [0.5, -1.5, -1.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn a_triplet_on_the_margin_teaches_nothing() {
        // d²(a, p) = 2 and d²(a, n) = 4 from the first; from the second, 2 and 2.
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let found =
            measure(BatchHardConfig { margin: Some(2.0), ..Default::default() }, &points, 2, &[0, 0, 1]);
        // Only the second is left: 2 − 2 + 2, over both.
        assert_eq!(found.value, 1.0);
        assert_eq!(found.gradient[..2], [1.0, -1.0]);
    }

    #[test]
    fn the_soft_margin_neither_overflows_nor_vanishes() {
        let soft = BatchHard::new(&BatchHardConfig::default());
        assert_eq!(soft.of(1000.0), (1000.0, 1.0));
        assert_eq!(soft.of(-1000.0), (0.0, 0.0));
        let (value, slope) = soft.of(-40.0);
        assert!(
            (value / (-40.0f64).exp() - 1.0).abs() < 1e-12 && (slope / (-40.0f64).exp() - 1.0).abs() < 1e-12
        );
        assert_eq!(soft.of(0.0), (2.0f64.ln(), 0.5));
    }

    #[test]
    fn without_two_people_or_two_faces_there_is_no_loss() {
        for labels in [[0, 0, 0], [0, 1, 2]] {
            let found = measure(BatchHardConfig::default(), &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0], 2, &labels);
            assert_eq!((found.value, found.gradient), (0.0, vec![0.0; 6]));
        }
    }

    fn naive(config: &BatchHardConfig, points: &[f64], dimension: usize, labels: &[u32]) -> f64 {
        let mut terms = Vec::new();
        let row = |i: usize| &points[i * dimension..][..dimension];
        for a in 0..labels.len() {
            let (mut farthest, mut nearest) = (f64::NEG_INFINITY, f64::INFINITY);
            for other in (0..labels.len()).filter(|other| *other != a) {
                let squared: f64 = row(a).iter().zip(row(other)).map(|(a, b)| (a - b) * (a - b)).sum();
                let d = if config.distance == DistanceKind::Plain { squared.sqrt() } else { squared };
                if labels[a] == labels[other] {
                    farthest = farthest.max(d);
                } else {
                    nearest = nearest.min(d);
                }
            }
            let difference = farthest - nearest;
            if difference.is_finite() {
                terms.push(match config.margin {
                    Some(margin) => (difference + f64::from(margin)).max(0.0),
                    None => difference.exp().ln_1p(),
                });
            }
        }
        terms.iter().sum::<f64>() / terms.len().max(1) as f64
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_finite_differences(
            values in prop::collection::vec(-1.0f32..1.0, 36),
            labels in prop::collection::vec(0u32..4, 9),
            (margin, plain) in (prop::option::of(0.1f32..1.5), any::<bool>()),
        ) {
            let distance = if plain { DistanceKind::Plain } else { DistanceKind::Squared };
            let config = BatchHardConfig { margin, distance };
            let rows = unit_rows(&values, 4);
            let found = measure(config, &rows, 4, &labels);
            let value = |points: &[f64]| naive(&config, points, 4, &labels);
            prop_assert!((f64::from(found.value) - value(&wide(&rows))).abs() < 1e-5);
            slopes_agree(&found.gradient, &wide(&rows), 1, value);
        }
    }

    #[test]
    fn blocks_of_rows_add_up_to_the_whole_batch() {
        let rows = many_rows(150, 8);
        let labels: Vec<u32> = (0..150).map(|i| i / 4).collect();
        for distance in [DistanceKind::Squared, DistanceKind::Plain] {
            let config = BatchHardConfig { margin: None, distance };
            let found = measure(config, &rows, 8, &labels);
            let value = |points: &[f64]| naive(&config, points, 8, &labels);
            assert!((f64::from(found.value) - value(&wide(&rows))).abs() < 1e-5);
            slopes_agree(&found.gradient, &wide(&rows), 37, value);
        }
    }
}
