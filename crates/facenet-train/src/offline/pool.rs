//! Triplets of a data set, to be learnt from until the next are mined.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Subset;
use crate::dataset::ImageId;
use crate::{MineError, Mined, MinerConfig, mine};

/// Triplets of images, with the step they were mined at. A run stores it beside its checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflinePool {
    step: u64,
    /// Anchor, positive, negative, by [`ImageId`].
    triplets: Vec<[u32; 3]>,
}

impl OfflinePool {
    /// Mines the triplets of `subset`, whose images have the unit rows `embeddings`, `[images, dimension]`;
    /// beside them come the counts and means, with triplets by row of the subset.
    ///
    /// Memory grows with the subset and the rows of a block, 10 MB on each thread for 20,000 images; with a
    /// [`cap`](MinerConfig::cap) also with the number of positive pairs. The same arguments give the same
    /// pool whatever the number of threads.
    ///
    /// # Errors
    /// Those of [`mine`].
    pub fn mine(
        embeddings: &[f32],
        subset: &Subset,
        config: MinerConfig,
        seed: u64,
        step: u64,
    ) -> Result<(Self, Mined), MineError> {
        let mined = mine(embeddings, &subset.labels, config, seed ^ step.rotate_left(32))?;
        let id = |row: u32| subset.images[row as usize].0;
        let triplets =
            mined.triplets.iter().map(|t| [id(t.anchor), id(t.positive), id(t.negative)]).collect();
        Ok((Self { step, triplets }, mined))
    }

    /// The step the triplets were mined at.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// How many triplets there are.
    pub fn len(&self) -> usize {
        self.triplets.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.triplets.is_empty()
    }

    /// The images of the batch of a `step`, `[3 · triplets]`: anchor, positive and negative of the first
    /// triplet, of the second, and so on. Empty if the pool is.
    ///
    /// The pool is gone through in rounds, each in an order of its own, so that all triplets are used equally
    /// often; a batch goes on into the next round, and may hold an image several times. A function of its
    /// arguments and the pool.
    pub fn batch(&self, step: u64, seed: u64, triplets: usize) -> Vec<ImageId> {
        if self.is_empty() {
            return Vec::new();
        }
        let len = self.len() as u128;
        let first = u128::from(step) * triplets as u128;
        let mut round = (u128::MAX, Vec::new());
        let mut images = Vec::with_capacity(3 * triplets);
        for place in first..first + triplets as u128 {
            if round.0 != place / len {
                round = (place / len, self.order(seed, (place / len) as u64));
            }
            let triplet = self.triplets[round.1[(place % len) as usize]];
            images.extend(triplet.map(ImageId));
        }
        images
    }

    /// The order of a round.
    fn order(&self, seed: u64, round: u64) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ self.step.rotate_left(32));
        rng.set_stream(round);
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut rng);
        order
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::miner::tests::unit_rows;
    use crate::{NegativeRule, OfflineConfig, SquaredDistances};

    fn subset(people: u32, faces: u32) -> Subset {
        // Ids far from rows, so that they are not taken for each other.
        let images = (0..people * faces).map(|row| ImageId(1000 + 7 * row)).collect();
        Subset { images, labels: (0..people * faces).map(|row| row / faces).collect() }
    }

    fn pool(triplets: u32) -> OfflinePool {
        OfflinePool { step: 5, triplets: (0..triplets).map(|i| [3 * i, 3 * i + 1, 3 * i + 2]).collect() }
    }

    #[test]
    fn an_anchor_gets_the_argmax_of_positives_and_the_argmin_of_negatives() {
        let (subset, rows) = (subset(12, 5), unit_rows(60, 6, 4));
        let config = MinerConfig { margin: 4.0, ..OfflineConfig::default().triplets };
        let (pool, mined) = OfflinePool::mine(&rows, &subset, config, 1, 9).unwrap();
        let distances = SquaredDistances::between(&rows, 60).unwrap();
        assert_eq!((pool.len(), pool.step(), mined.pairs), (60, 9, 60));
        for (a, found) in pool.triplets.iter().enumerate() {
            let same = |other: &usize| subset.labels[*other] == subset.labels[a];
            let nearer = |b: &usize, c: &usize| distances.from(a)[*b].total_cmp(&distances.from(a)[*c]);
            let positive = (0..60).filter(|p| *p != a && same(p)).max_by(nearer).unwrap();
            let negative = (0..60).filter(|n| !same(n)).min_by(nearer).unwrap();
            assert_eq!(*found, [a, positive, negative].map(|row| subset.images[row].0));
        }
    }

    #[test]
    fn semi_hard_triplets_are_mined_by_the_same_rule_as_online() {
        let (subset, rows) = (subset(12, 5), unit_rows(60, 6, 4));
        let config = MinerConfig {
            rule: NegativeRule::SemiHardRandom,
            margin: 0.3,
            ..OfflineConfig::default().triplets
        };
        let (one, mined) = OfflinePool::mine(&rows, &subset, config, 1, 9).unwrap();
        assert!(one.len() > 10 && one.len() == mined.triplets.len());
        let other_step = OfflinePool::mine(&rows, &subset, config, 1, 10).unwrap().0;
        assert_ne!(one.triplets, other_step.triplets);
    }

    #[test]
    fn rounds_use_every_triplet_equally_often_and_batches_go_on_into_the_next() {
        let pool = pool(7);
        // Seven batches of three are three rounds.
        let drawn: Vec<ImageId> = (0..7).flat_map(|step| pool.batch(step, 1, 3)).collect();
        let mut counts = BTreeMap::new();
        for triplet in drawn.chunks(3) {
            assert!(
                triplet[0].0 % 3 == 0 && triplet[1].0 == triplet[0].0 + 1 && triplet[2].0 == triplet[0].0 + 2
            );
            *counts.entry(triplet[0]).or_insert(0) += 1;
        }
        assert_eq!(counts.values().copied().collect::<Vec<_>>(), [3; 7]);
        let first_round: std::collections::BTreeSet<_> = drawn[..21].iter().step_by(3).collect();
        assert_eq!(first_round.len(), 7);
    }

    #[test]
    fn a_batch_depends_on_step_and_seed_alone_and_may_be_larger_than_the_pool() {
        let pool = pool(50);
        assert_eq!(pool.batch(3, 1, 8), pool.batch(3, 1, 8));
        assert_ne!(pool.batch(3, 1, 8), pool.batch(4, 1, 8));
        assert_ne!(pool.batch(3, 1, 8), pool.batch(3, 2, 8));
        assert_eq!(pool.batch(u64::MAX, 1, 120).len(), 360);
        assert_eq!(pool.batch(3, 1, 0), []);
        assert_eq!(OfflinePool::default().batch(3, 1, 8), []);
    }

    #[test]
    fn a_stored_pool_draws_the_same_batches() {
        let pool = pool(9);
        let text = serde_json::to_string(&pool).unwrap();
        assert!(text.starts_with(r#"{"step":5,"triplets":[[0,1,2],[3,4,5]"#), "{text}");
        assert_eq!(serde_json::from_str::<OfflinePool>(&text).unwrap().batch(2, 1, 4), pool.batch(2, 1, 4));
    }
}
