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
            margin,
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
    let (mut positive, mut negative): (Option<(usize, f32)>, Option<(usize, f32)>) = (None, None);
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
