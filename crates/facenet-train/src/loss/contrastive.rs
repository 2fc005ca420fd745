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
            &margin,
            "a number above 0, up to the largest distance",
        )?;
        within(
            (0.0..largest).contains(&least),
            "positive_margin",
            &least,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{many_rows, slopes_agree, unit_rows, wide};
    use super::*;

    fn measure(config: ContrastiveConfig, embeddings: &[f32], dimension: usize, labels: &[u32]) -> Measured {
        Contrastive::new(&config).measure(&Batch { embeddings, dimension, labels }, None, 0).unwrap()
    }

    #[test]
    fn three_points_worked_by_hand() {
        // d² = 2 between the two of person 0 and from the second to the other person, 4 from the first to it.
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let config = ContrastiveConfig { margin: 3.0, ..Default::default() };
        let found = measure(config, &points, 2, &[0, 0, 1]);
        // One positive pair of 2, and one active negative pair of 3 − 2.
        assert_eq!(found.value, 3.0);
        assert_eq!(found.gradient, [2.0, -2.0, -4.0, 0.0, 2.0, 2.0]);
    }

    #[test]
    fn pairs_on_their_margin_do_not_count() {
        let points = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        let config = ContrastiveConfig { margin: 2.0, positive_margin: 2.0, ..Default::default() };
        let found = measure(config, &points, 2, &[0, 0, 1]);
        assert_eq!((found.value, found.gradient), (0.0, vec![0.0; 6]));
    }

    #[test]
    fn faces_in_one_point_give_finite_gradients() {
        for distance in [DistanceKind::Squared, DistanceKind::Plain] {
            let config = ContrastiveConfig { distance, ..Default::default() };
            let found = measure(config, &[0.6, 0.8, 0.6, 0.8, 0.6, 0.8], 2, &[0, 0, 1]);
            assert_eq!((found.value, found.gradient), (1.0, vec![0.0; 6]));
        }
    }

    fn naive(config: &ContrastiveConfig, points: &[f64], dimension: usize, labels: &[u32]) -> f64 {
        let mut sums = [(0.0, 0.0); 2];
        let rows = || points.chunks_exact(dimension).zip(labels).enumerate();
        for (i, (a, of_a)) in rows() {
            for (_, (b, of_b)) in rows().filter(|(j, _)| *j != i) {
                let squared: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                let d = if config.distance == DistanceKind::Plain { squared.sqrt() } else { squared };
                let (kind, term) = if of_a == of_b {
                    (0, d - f64::from(config.positive_margin))
                } else {
                    (1, f64::from(config.margin) - d)
                };
                if term > 0.0 {
                    sums[kind].0 += term;
                    sums[kind].1 += 1.0;
                }
            }
        }
        sums.iter().map(|(sum, pairs)| if *pairs > 0.0 { sum / pairs } else { 0.0 }).sum()
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_finite_differences(
            values in prop::collection::vec(-1.0f32..1.0, 36),
            labels in prop::collection::vec(0u32..4, 9),
            (margin, positive_margin, plain) in (0.2f32..2.0, 0.0f32..0.5, any::<bool>()),
        ) {
            let distance = if plain { DistanceKind::Plain } else { DistanceKind::Squared };
            let config = ContrastiveConfig { margin, positive_margin, distance };
            let rows = unit_rows(&values, 4);
            let found = measure(config, &rows, 4, &labels);
            let value = |points: &[f64]| naive(&config, points, 4, &labels);
            prop_assert!((f64::from(found.value) - value(&wide(&rows))).abs() < 1e-5);
            slopes_agree(&found.gradient, &wide(&rows), 1, value);
        }
    }

    #[test]
    fn blocks_of_rows_add_up_to_the_whole_batch() {
        // Two whole blocks and a part of one; two faces of two people nearly coincide.
        let mut rows = many_rows(150, 8);
        let (first, rest) = rows.split_at_mut(8);
        first.copy_from_slice(&rest[99 * 8..100 * 8]);
        let (sine, cosine) = 0.01f32.sin_cos();
        let (x, y) = (first[0], first[1]);
        (first[0], first[1]) = (x * cosine - y * sine, x * sine + y * cosine);
        let labels: Vec<u32> = (0..150).map(|i| i / 4).collect();
        for distance in [DistanceKind::Squared, DistanceKind::Plain] {
            let config = ContrastiveConfig { margin: 1.2, distance, ..Default::default() };
            let found = measure(config, &rows, 8, &labels);
            let value = |points: &[f64]| naive(&config, points, 8, &labels);
            assert!((f64::from(found.value) - value(&wide(&rows))).abs() < 1e-5);
            slopes_agree(&found.gradient, &wide(&rows), 37, value);
            slopes_agree(&found.gradient[..8], &wide(&rows[..8]), 1, |point| {
                value(&[point, &wide(&rows[8..])].concat())
            });
        }
    }
}
