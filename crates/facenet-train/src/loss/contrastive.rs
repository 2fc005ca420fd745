//! The contrastive loss: faces of one person together, all others a margin apart.

use facenet::kernels::{Matrix, Threads, multiply};
use serde::{Deserialize, Serialize};

use super::distance::{by_blocks, squared};
use super::{Batch, DistanceKind, HeadShape, Measured, Objective, ObjectiveError};
use crate::range::{OutOfRange, within};

/// Squared distance below which a pair is worked out by its coordinates: `2 − 2 a·b` has lost half of its digits.
const NEAR: f32 = 1e-3;

/// The settings of the contrastive loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContrastiveConfig {
    /// How far faces of two people should lie apart, in `distance`.
    pub margin: f32,
    /// How close faces of one person need to be, in `distance`: nothing pulls them closer.
    pub positive_margin: f32,
    /// Which distance the loss is taken on.
    pub distance: DistanceKind,
}

impl Default for ContrastiveConfig {
    /// The margins of pytorch-metric-learning, 1 and 0.
    fn default() -> Self {
        Self { margin: 1.0, positive_margin: 0.0, distance: DistanceKind::Squared }
    }
}

impl ContrastiveConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        let (margin, least, largest) = (self.margin, self.positive_margin, self.distance.largest());
        within(
            margin > 0.0 && margin <= largest,
            "margin",
            margin,
            "a number above 0, up to the largest distance",
        )?;
        within(
            (0.0..largest).contains(&least),
            "positive_margin",
            least,
            "a number from 0, below the largest distance",
        )
    }
}

/// `mean [d(a, p) − positive margin]₊ + mean [margin − d(a, n)]₊` over all pairs of the batch, each mean over the pairs
/// whose term is above zero.
///
/// That is `ContrastiveLoss` of pytorch-metric-learning on `LpDistance(power=2)` (or 1, for plain distances) with its
/// own reducer. Hadsell et al. 2006 square both terms of plain distances, and weight them by half.
pub(super) struct Contrastive(ContrastiveConfig);

impl Contrastive {
    pub(super) fn new(config: &ContrastiveConfig) -> Self {
        Self(*config)
    }

    /// The pairs of a block of rows. `distances` `[rows, batch]` become weights.
    fn block(&self, batch: &Batch, rows: std::ops::Range<usize>, distances: &mut [f32]) -> Block {
        let (count, dimension) = (batch.labels.len(), batch.dimension);
        let mut block = Block { positive: Side::new(rows.len() * dimension), negative: Side::new(0) };
        // Σ_j w (e_i − e_j) for the distant pairs is one product: rows · Σ w − w · embeddings.
        let mut near = vec![0.0; rows.len() * dimension];
        let mut totals = Vec::with_capacity(rows.len());
        for (i, line) in distances.chunks_exact_mut(count).enumerate() {
            let anchor = rows.start + i;
            let mut total = 0.0;
            for (other, cell) in line.iter_mut().enumerate() {
                let same = batch.labels[other] == batch.labels[anchor];
                let apart =
                    if same || *cell < NEAR { squared(batch.row(anchor), batch.row(other)) } else { *cell };
                let (d, slope) = (self.0.distance.of(apart), self.0.distance.slope(apart));
                let is_near = *cell < NEAR;
                *cell = 0.0;
                if anchor == other {
                    continue;
                }
                let term = if same { d - self.0.positive_margin } else { self.0.margin - d };
                if term <= 0.0 {
                    continue;
                }
                let side = if same { &mut block.positive } else { &mut block.negative };
                side.sum += f64::from(term);
                side.pairs += 1;
                if same || is_near {
                    let out = if same { &mut block.positive.gradient } else { &mut near };
                    let out = &mut out[i * dimension..][..dimension];
                    for ((g, a), b) in out.iter_mut().zip(batch.row(anchor)).zip(batch.row(other)) {
                        *g += slope * (a - b);
                    }
                } else {
                    *cell = slope;
                    total += slope;
                }
            }
            totals.push(total);
        }
        // Negatives push: the gradient of −d.
        for (i, (row, total)) in near.chunks_exact_mut(dimension).zip(&totals).enumerate() {
            for (g, a) in row.iter_mut().zip(batch.row(rows.start + i)) {
                *g = -(*g + total * a);
            }
        }
        let weights = Matrix::new(distances, rows.len(), count, count);
        let all = Matrix::new(batch.embeddings, count, dimension, dimension);
        multiply(weights, all, &mut near, dimension, 1.0, Threads::One);
        block.negative.gradient = near;
        block
    }
}

/// What a block of rows gives, pairs of one person and of two apart: their means have different divisors.
struct Block {
    positive: Side,
    negative: Side,
}

struct Side {
    sum: f64,
    pairs: usize,
    gradient: Vec<f32>,
}

impl Side {
    fn new(len: usize) -> Self {
        Self { sum: 0.0, pairs: 0, gradient: vec![0.0; len] }
    }
}

impl Objective for Contrastive {
    fn head(&self, _classes: usize, _dimension: usize) -> Option<HeadShape> {
        None
    }

    fn measure(&self, batch: &Batch, _head: Option<&[f32]>, _seed: u64) -> Result<Measured, ObjectiveError> {
        batch.check()?;
        let blocks = by_blocks(batch, |rows, distances| self.block(batch, rows, distances));
        let mut value = 0.0;
        let mut gradient = vec![0.0; batch.embeddings.len()];
        for side in
            [|block: &Block| &block.positive, |block: &Block| &block.negative] as [fn(&Block) -> &Side; 2]
        {
            let pairs = blocks.iter().map(|block| side(block).pairs).sum::<usize>().max(1) as f64;
            value += blocks.iter().map(|block| side(block).sum).sum::<f64>() / pairs;
            // Each pair was met from both of its faces, and moves both.
            let share = (2.0 / pairs) as f32;
            let found = blocks.iter().flat_map(|block| &side(block).gradient);
            gradient.iter_mut().zip(found).for_each(|(g, found)| *g += share * found);
        }
        Ok(Measured { value: value as f32, gradient, head: None, mined: None, accuracy: None })
    }
}
