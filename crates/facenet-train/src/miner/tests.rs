use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Random unit rows, `[batch, dimension]`.
pub(crate) fn unit_rows(batch: usize, dimension: usize, seed: u64) -> Vec<f32> {
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
    MinerConfig { margin, rule, ..MinerConfig::default() }
}

fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
    Triplet { anchor, positive, negative }
}

const RULES: [NegativeRule; 4] = [
    NegativeRule::SemiHardRandom,
    NegativeRule::SemiHardNearest,
    NegativeRule::SemiHardOrFarthest,
    NegativeRule::Hardest,
];

/// All distances as they are mined, to the bit.
fn distances(rows: &[f32], labels: &[u32]) -> Vec<Vec<f32>> {
    let order = People::of(labels).order;
    let rows = Rows::check(rows, labels.len()).unwrap().arranged(&order);
    let arranged: Vec<f32> = (0..labels.len()).flat_map(|i| rows.row(i).to_vec()).collect();
    let found = SquaredDistances::between(&arranged, labels.len()).unwrap();
    let mut distances = vec![vec![0.0; labels.len()]; labels.len()];
    for (i, &a) in order.iter().enumerate() {
        for (j, &b) in order.iter().enumerate() {
            distances[a as usize][b as usize] = found.from(i)[j];
        }
    }
    distances
}

/// What `mine` gives, but for the means: by three loops and full sorts.
fn naive(distances: &[Vec<f32>], labels: &[u32], config: MinerConfig, seed: u64) -> Mined {
    let rows = || 0..labels.len();
    let mut all: Vec<f32> = rows()
        .flat_map(|a| rows().filter(move |&p| p != a && labels[p] == labels[a]).map(move |p| distances[a][p]))
        .collect();
    all.sort_by(f32::total_cmp);
    let passed_over = (f64::from(config.cap) * all.len() as f64).floor() as usize;
    let believed = all.len().checked_sub(passed_over + 1).map(|last| all[last]);

    let mut mined = Mined {
        triplets: vec![],
        pairs: 0,
        pairs_without_negative: 0,
        pairs_capped: 0,
        pairs_solved: 0,
        mined_means: None,
        batch_means: None,
    };
    for a in rows() {
        let d = |other: usize| distances[a][other];
        let nearer = |n: &usize, m: &usize| d(*n).total_cmp(&d(*m)).then(n.cmp(m));
        let mut negatives: Vec<usize> = rows().filter(|&n| labels[n] != labels[a]).collect();
        negatives.sort_by(nearer);
        negatives.drain(..(f64::from(config.cap) * negatives.len() as f64).floor() as usize);
        let positives: Vec<usize> = rows().filter(|&p| p != a && labels[p] == labels[a]).collect();
        let allowed: Vec<usize> = positives.iter().copied().filter(|&p| Some(d(p)) <= believed).collect();
        let chosen = match config.positives {
            PositiveRule::All => {
                mined.pairs += positives.len();
                mined.pairs_capped += positives.len() - allowed.len();
                allowed
            }
            PositiveRule::Hardest => {
                mined.pairs += usize::from(!positives.is_empty());
                mined.pairs_capped += usize::from(!positives.is_empty() && allowed.is_empty());
                let farthest = allowed.into_iter().min_by(|p, q| d(*q).total_cmp(&d(*p)).then(p.cmp(q)));
                farthest.into_iter().collect()
            }
        };
        for p in chosen {
            let kind = |n: &usize| Hardness::of(d(p), d(*n), config.margin);
            let semi_hard: Vec<usize> =
                negatives.iter().copied().filter(|n| kind(n) == Hardness::SemiHard).collect();
            let nearest = negatives.first().copied();
            let negative = match config.rule {
                NegativeRule::SemiHardRandom if semi_hard.is_empty() => None,
                NegativeRule::SemiHardRandom => {
                    Some(semi_hard[anchor::draw(seed, a as u32, p as u32, semi_hard.len())])
                }
                NegativeRule::SemiHardNearest => semi_hard.first().copied(),
                NegativeRule::SemiHardOrFarthest => {
                    let farther = negatives.iter().copied().find(|&n| d(n) > d(p));
                    let farthest =
                        || negatives.iter().copied().min_by(|n, m| d(*m).total_cmp(&d(*n)).then(n.cmp(m)));
                    farther.or_else(farthest)
                }
                NegativeRule::Hardest => nearest.filter(|n| kind(n) != Hardness::Easy),
            };
            mined.pairs_solved += usize::from(nearest.is_none_or(|n| kind(&n) == Hardness::Easy));
            match negative {
                Some(n) => mined.triplets.push(triplet(a as u32, p as u32, n as u32)),
                None => mined.pairs_without_negative += 1,
            }
        }
    }
    mined
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

#[test]
fn faces_in_any_order_give_the_triplets_of_the_same_faces() {
    let rows = unit_rows(60, 6, 3);
    let labels: Vec<u32> = (0..60).map(|i| i / 6).collect();
    let config = with(NegativeRule::SemiHardNearest, 0.3);
    let shuffle = |i: usize| i * 17 % 60;
    let shuffled: Vec<f32> = (0..60).flat_map(|i| rows[shuffle(i) * 6..][..6].to_vec()).collect();
    let their_labels: Vec<u32> = (0..60).map(|i| labels[shuffle(i)]).collect();
    let back = |t: &Triplet| {
        let of = |row: u32| shuffle(row as usize) as u32;
        triplet(of(t.anchor), of(t.positive), of(t.negative))
    };
    let straight: BTreeSet<_> = mine(&rows, &labels, config, 0).unwrap().triplets.into_iter().collect();
    let mined = mine(&shuffled, &their_labels, config, 0).unwrap();
    assert!(mined.triplets.is_sorted_by_key(|t| (t.anchor, t.positive)));
    assert_eq!(mined.triplets.iter().map(back).collect::<BTreeSet<_>>(), straight);
}

#[test]
fn a_semi_hard_negative_is_drawn_evenly() {
    // From 0° the positive lies at 30°, ten negatives between 31° and 40°.
    let mut degrees = vec![0.0, 30.0];
    degrees.extend((31..=40).map(|d| d as f32));
    let labels: Vec<u32> = (0..12).map(|i: u32| i.saturating_sub(1)).collect();
    let mut counts = [0; 10];
    for seed in 0..10_000 {
        let mined = mine(&circle(&degrees), &labels, with(NegativeRule::SemiHardRandom, 0.25), seed).unwrap();
        counts[mined.triplets[0].negative as usize - 2] += 1;
    }
    // 1,000 each, with a standard deviation of 30.
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn where_no_negative_is_farther_than_the_positive_the_farthest_is_taken() {
    // From 0°: the positive at 90°, negatives at 30° and 60°; from 90° both are nearer, too.
    let rows = circle(&[0.0, 90.0, 30.0, 60.0]);
    let mined = mine(&rows, &[5, 5, 1, 2], with(NegativeRule::SemiHardOrFarthest, 0.2), 0).unwrap();
    assert_eq!(mined.triplets, [triplet(0, 1, 3), triplet(1, 0, 2)]);
    // With the positive at 10° the nearest that is farther is far beyond the margin, and is taken.
    let rows = circle(&[0.0, 10.0, 170.0, 180.0]);
    let mined = mine(&rows, &[5, 5, 1, 2], with(NegativeRule::SemiHardOrFarthest, 0.2), 0).unwrap();
    assert_eq!(mined.triplets, [triplet(0, 1, 2), triplet(1, 0, 2)]);
    assert_eq!((mined.pairs_solved, mined.pairs_without_negative), (2, 0));
}

#[test]
fn batch_hard_is_the_farthest_positive_with_the_nearest_negative() {
    let rows = circle(&[0.0, 20.0, 50.0, 70.0, 100.0]);
    let config = MinerConfig { positives: PositiveRule::Hardest, ..with(NegativeRule::Hardest, 4.0) };
    let mined = mine(&rows, &[1, 1, 1, 2, 3], config, 0).unwrap();
    // The people of one face have no pair.
    assert_eq!(mined.triplets, [triplet(0, 2, 3), triplet(1, 2, 3), triplet(2, 0, 3)]);
    assert_eq!((mined.pairs, mined.pairs_solved), (3, 0));
}

#[test]
fn a_cap_passes_over_the_farthest_positives_and_the_nearest_negatives() {
    // Person 1 at 0°, 1°, 2° and, wrongly labelled, 100°: three of six pairs are far. Negatives at 101° and 30°.
    let rows = circle(&[0.0, 1.0, 2.0, 100.0, 101.0, 30.0]);
    let labels = [1, 1, 1, 1, 2, 3];
    let config = MinerConfig { cap: 0.5, ..with(NegativeRule::Hardest, 4.0) };
    let mined = mine(&rows, &labels, config, 0).unwrap();
    assert_eq!((mined.pairs, mined.pairs_capped), (12, 6));
    // Of two negatives the nearer one is passed over, and face 3 has no positive that is believed.
    let negatives: BTreeSet<(u32, u32)> = mined.triplets.iter().map(|t| (t.anchor, t.negative)).collect();
    assert_eq!(negatives, BTreeSet::from([(0, 4), (1, 4), (2, 4)]));

    let all = mine(&rows, &labels, MinerConfig { cap: 0.0, ..config }, 0).unwrap();
    assert_eq!((all.pairs_capped, all.triplets.len()), (0, 12));
}

#[test]
fn a_cap_out_of_range_is_refused() {
    for cap in [-0.1, 1.0, f32::NAN] {
        let error = mine(&[], &[], MinerConfig { cap, ..MinerConfig::default() }, 0).unwrap_err();
        assert!(matches!(error, MineError::Cap(_)), "{cap}");
    }
}

proptest! {
    #[test]
    fn mining_is_what_three_loops_and_full_sorts_give(
        labels in prop::collection::vec(0u32..6, 0..40),
        dimension in 2usize..6,
        margin in prop_oneof![0.01f32..1.0, Just(4.0f32)],
        rule in prop::sample::select(RULES.to_vec()),
        positives in prop::sample::select(vec![PositiveRule::All, PositiveRule::Hardest]),
        cap in prop_oneof![Just(0.0f32), 0.0f32..0.999],
        // Some rows are copies of others: ties.
        copies in prop::collection::vec((0usize..40, 0usize..40), 0..12),
        seed: u64,
    ) {
        let config = MinerConfig { margin, rule, positives, cap };
        let mut rows = unit_rows(labels.len(), dimension, seed);
        for (from, to) in copies {
            if from < labels.len() && to < labels.len() {
                rows.copy_within(from * dimension..(from + 1) * dimension, to * dimension);
            }
        }
        let mined = mine(&rows, &labels, config, seed).unwrap();
        let distances = distances(&rows, &labels);
        let expected = naive(&distances, &labels, config, seed);
        prop_assert_eq!(
            &mined,
            &Mined { mined_means: mined.mined_means, batch_means: mined.batch_means, ..expected }
        );
        prop_assert_eq!(
            mined.pairs,
            mined.triplets.len() + mined.pairs_without_negative + mined.pairs_capped
        );

        let mean = |values: Vec<f32>| {
            (!values.is_empty()).then(|| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64)
        };
        let d = |a: usize, b: usize| distances[a][b];
        let pairs = |same: bool| {
            let all = (0..labels.len()).flat_map(|a| (0..labels.len()).map(move |b| (a, b)));
            mean(all.filter(|&(a, b)| a != b && (labels[a] == labels[b]) == same).map(|(a, b)| d(a, b)).collect())
        };
        let over = |other: fn(&Triplet) -> u32| {
            mean(mined.triplets.iter().map(|t| d(t.anchor as usize, other(t) as usize)).collect())
        };
        for (means, positive, negative) in [
            (mined.batch_means, pairs(true), pairs(false)),
            (mined.mined_means, over(|t| t.positive), over(|t| t.negative)),
        ] {
            let expected = positive.zip(negative);
            prop_assert_eq!(means.is_some(), expected.is_some());
            if let Some((found, (positive, negative))) = means.zip(expected) {
                prop_assert!((f64::from(found.positive) - positive).abs() < 1e-5);
                prop_assert!((f64::from(found.negative) - negative).abs() < 1e-5);
            }
        }
    }

    /// More than one block, and people that are cut by its border.
    #[test]
    fn a_batch_of_several_blocks_is_mined_like_a_small_one(
        faces in 1u32..90,
        rule in prop::sample::select(RULES.to_vec()),
        cap in prop::sample::select(vec![0.0f32, 0.1]),
        seed: u64,
    ) {
        let config = MinerConfig { cap, ..with(rule, 0.3) };
        let labels: Vec<u32> = (0..300).map(|i| i / faces).collect();
        let rows = unit_rows(300, 5, seed);
        let mined = mine(&rows, &labels, config, seed).unwrap();
        let expected = naive(&distances(&rows, &labels), &labels, config, seed);
        prop_assert_eq!(&mined.triplets, &expected.triplets);
    }
}
