use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Random unit rows, `[batch, dimension]`.
pub(super) fn unit_rows(batch: usize, dimension: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows: Vec<f32> = (0..batch * dimension).map(|_| rng.random_range(-1.0..1.0)).collect();
    for row in rows.chunks_exact_mut(dimension) {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.iter_mut().for_each(|v| *v /= norm);
    }
    rows
}

/// Points on the unit circle, by their angle in degrees.
fn circle(degrees: &[f32]) -> Vec<f32> {
    degrees.iter().flat_map(|d| [d.to_radians().cos(), d.to_radians().sin()]).collect()
}

fn with(rule: NegativeRule, margin: f32) -> MinerConfig {
    MinerConfig { margin, rule }
}

fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
    Triplet { anchor, positive, negative }
}

const RULES: [NegativeRule; 3] =
    [NegativeRule::SemiHardRandom, NegativeRule::SemiHardNearest, NegativeRule::Hardest];

/// Every triplet that a rule may choose, by three loops.
fn allowed(
    distances: &SquaredDistances,
    labels: &[u32],
    config: MinerConfig,
) -> BTreeSet<(usize, usize, usize)> {
    let mut allowed = BTreeSet::new();
    for a in 0..labels.len() {
        for p in (0..labels.len()).filter(|&p| p != a && labels[p] == labels[a]) {
            let negatives = || (0..labels.len()).filter(|&n| labels[n] != labels[a]);
            let d = |other: usize| distances.from(a)[other];
            let semi_hard = |n: &usize| d(*n) > d(p) && d(*n) - d(p) <= config.margin;
            let nearest = |n: &usize, m: &usize| d(*n).total_cmp(&d(*m));
            match config.rule {
                NegativeRule::SemiHardRandom => {
                    allowed.extend(negatives().filter(semi_hard).map(|n| (a, p, n)));
                }
                NegativeRule::SemiHardNearest => {
                    allowed.extend(negatives().filter(semi_hard).min_by(nearest).map(|n| (a, p, n)));
                }
                NegativeRule::Hardest => {
                    let hardest = negatives().min_by(nearest);
                    allowed.extend(hardest.filter(|&n| d(n) - d(p) <= config.margin).map(|n| (a, p, n)));
                }
            }
        }
    }
    allowed
}

#[test]
fn a_semi_hard_negative_is_farther_than_the_positive_and_within_the_margin() {
    // From 0°: positive at 30° (0.27), negatives at 20° (0.12, hard), 35° (0.36), 40° (0.47), 120° (3, easy).
    let rows = circle(&[0.0, 30.0, -20.0, -35.0, -40.0, -120.0]);
    let labels = [7, 7, 1, 2, 3, 4];
    let of_anchor = |config, seed| {
        let mined = mine(&rows, &labels, config, seed).unwrap();
        mined.triplets.into_iter().find(|t| t.anchor == 0)
    };
    assert_eq!(of_anchor(with(NegativeRule::SemiHardNearest, 0.25), 0), Some(triplet(0, 1, 3)));
    assert_eq!(of_anchor(with(NegativeRule::Hardest, 0.25), 0), Some(triplet(0, 1, 2)));
    let random: BTreeSet<u32> = (0..50)
        .map(|seed| of_anchor(with(NegativeRule::SemiHardRandom, 0.25), seed).unwrap().negative)
        .collect();
    assert_eq!(random, BTreeSet::from([3, 4]));
}

#[test]
fn a_negative_as_far_as_the_positive_is_hard_and_one_on_the_margin_is_semi_hard() {
    // Right angles are exact: 2 to both neighbours, 4 to the opposite point.
    let square = [1.0, 0.0, 0.0, 1.0, 0.0, -1.0, -1.0, 0.0];
    let as_far = mine(&square[..6], &[0, 0, 1], with(NegativeRule::SemiHardNearest, 2.0), 0).unwrap();
    // From 1 the negative 2 lies 4 away, the positive 2: the gap is the margin. From 0 both lie 2 away.
    assert_eq!(as_far.triplets, [triplet(1, 0, 2)]);
    assert_eq!((as_far.pairs, as_far.pairs_without_negative, as_far.pairs_solved), (2, 1, 0));

    let beyond = mine(&square[..6], &[0, 0, 1], with(NegativeRule::Hardest, 1.99), 0).unwrap();
    assert_eq!(beyond.triplets, [triplet(0, 1, 2)]);
    assert_eq!((beyond.pairs_solved, beyond.active()), (1, Some(0.5)));
}

#[test]
fn means_are_those_worked_out_by_hand() {
    let rows = [1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
    let mined = mine(&rows, &[0, 0, 1], with(NegativeRule::SemiHardNearest, 2.0), 0).unwrap();
    assert_eq!(mined.mined_means, Some(MeanDistances { positive: 2.0, negative: 4.0 }));
    // Negative pairs, ordered: (0,2), (1,2), (2,0), (2,1) of 2, 4, 2, 4.
    assert_eq!(mined.batch_means, Some(MeanDistances { positive: 2.0, negative: 3.0 }));
}

#[test]
fn a_batch_of_none_one_or_two_faces_has_no_triplet() {
    for rule in RULES {
        for (batch, labels, pairs) in
            [(0, vec![], 0), (1, vec![3], 0), (2, vec![3, 4], 0), (2, vec![3, 3], 2)]
        {
            let mined = mine(&unit_rows(batch, 4, 1), &labels, with(rule, 0.2), 0).unwrap();
            assert_eq!(
                (mined.triplets.len(), mined.pairs, mined.pairs_solved),
                (0, pairs, pairs),
                "{labels:?}"
            );
            assert_eq!((mined.mined_means, mined.batch_means), (None, None));
            assert_eq!(mined.active(), (pairs > 0).then_some(0.0));
        }
    }
}

#[test]
fn a_batch_without_positives_has_no_pairs() {
    let mined = mine(&unit_rows(5, 4, 1), &[0, 1, 2, 3, 4], MinerConfig::default(), 0).unwrap();
    assert_eq!((mined.triplets.len(), mined.pairs, mined.batch_means), (0, 0, None));
}

#[test]
fn collapsed_embeddings_have_only_hard_negatives() {
    let rows = [1.0, 0.0].repeat(6);
    let labels = [0, 0, 0, 1, 1, 2];
    for rule in [NegativeRule::SemiHardRandom, NegativeRule::SemiHardNearest] {
        let mined = mine(&rows, &labels, with(rule, 0.2), 0).unwrap();
        assert_eq!((mined.triplets.len(), mined.pairs, mined.pairs_without_negative), (0, 8, 8));
        assert_eq!(mined.active(), Some(1.0));
    }
    let mined = mine(&rows, &labels, with(NegativeRule::Hardest, 0.2), 0).unwrap();
    assert_eq!((mined.triplets.len(), mined.pairs_without_negative), (8, 0));
    assert_eq!(mined.batch_means, Some(MeanDistances { positive: 0.0, negative: 0.0 }));
    assert_eq!(mined.triplets[0], triplet(0, 1, 3)); // of equal ones the first
}

#[test]
fn a_margin_out_of_range_is_refused() {
    for margin in [0.0, -0.1, 4.1, f32::NAN, f32::INFINITY] {
        let error = mine(&[], &[], MinerConfig { margin, ..MinerConfig::default() }, 0).unwrap_err();
        assert!(matches!(error, MineError::Margin(_)), "{margin}");
    }
}

#[test]
fn labels_and_embeddings_must_match_in_number() {
    let error = mine(&unit_rows(3, 5, 1), &[0, 0], MinerConfig::default(), 0).unwrap_err();
    assert_eq!(error.to_string(), "15 values do not make 2 embeddings of one dimension");
}

#[test]
fn the_number_of_threads_changes_nothing_and_the_seed_does() {
    let rows = unit_rows(150, 8, 5);
    let labels: Vec<u32> = (0..150).map(|i| i / 5).collect();
    let on = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| mine(&rows, &labels, with(NegativeRule::SemiHardRandom, 0.5), seed).unwrap())
    };
    assert_eq!(on(1, 9), on(4, 9));
    assert_ne!(on(1, 9).triplets, on(1, 10).triplets);
}

proptest! {
    #[test]
    fn every_pair_gives_a_triplet_that_three_loops_allow_and_none_only_if_they_allow_none(
        labels in prop::collection::vec(0u32..6, 0..40),
        dimension in 2usize..6,
        margin in 0.01f32..1.0,
        rule in prop::sample::select(RULES.to_vec()),
        seed: u64,
    ) {
        let config = with(rule, margin);
        let rows = unit_rows(labels.len(), dimension, seed);
        let mined = mine(&rows, &labels, config, seed).unwrap();
        let distances = SquaredDistances::between(&rows, labels.len()).unwrap();
        let allowed = allowed(&distances, &labels, config);

        let chosen: BTreeSet<_> = mined
            .triplets
            .iter()
            .map(|t| (t.anchor as usize, t.positive as usize, t.negative as usize))
            .collect();
        prop_assert!(chosen.is_subset(&allowed));
        let pairs = |of: &BTreeSet<(usize, usize, usize)>| -> BTreeSet<_> {
            of.iter().map(|&(a, p, _)| (a, p)).collect()
        };
        prop_assert_eq!(pairs(&chosen), pairs(&allowed));
        prop_assert_eq!(chosen.len(), mined.triplets.len());
        prop_assert_eq!(mined.pairs, mined.triplets.len() + mined.pairs_without_negative);
    }
}
