//! Tiles and bins against a list of all distances, sorted.

use facenet_core::{Distance, Embedding};
use proptest::prelude::*;

use super::histogram::distance_bits;
use super::*;
use crate::verification::oracle::fold;
use crate::{NotMeasurable, Roc, ScoredPair, ScoredPairs};

const TARGETS: [f64; 5] = [0.5, 0.1, 0.02, 1e-3, 1e-4];

/// Faces of `people` people, around a direction of their own; `spread` says how far.
fn faces(people: u32, each: u32, dimension: usize, spread: f32, seed: u32) -> FaceMatrix {
    let noise = |i: u32| (f64::from(i.wrapping_mul(2_654_435_761).wrapping_add(seed)) * 1.618).sin() as f32;
    let mut faces = FaceMatrix::new(dimension);
    for face in 0..people * each {
        let person = face % people; // not in the order of people
        let value = |k: u32| noise(person * 131 + k) + spread * noise(100_000 + face * 977 + k);
        let embedding = Embedding::normalize((0..dimension as u32).map(value).collect()).unwrap();
        faces.push(&embedding, person).unwrap();
    }
    faces
}

/// Two areas are sums of other parts, so may differ in their last places.
const SUM_ERROR: f64 = 1e-12;

/// All pairs in a list, with the distances of the same products.
fn listed(left: &FaceMatrix, right: &FaceMatrix, within: bool) -> Vec<ScoredPair> {
    let mut pairs = Vec::new();
    for i in 0..left.len() {
        for j in (if within { i + 1 } else { 0 })..right.len() {
            let mut out = [0.0];
            let side = |faces: &'_ FaceMatrix, row: usize| faces.coordinates(row..row + 1).to_vec();
            let (l, r) = (side(left, i), side(right, j));
            let (l, r) = (Side { values: &l, rows: 1 }, Side { values: &r, rows: 1 });
            PlainProducts.products(l, r, left.dimension(), &mut out);
            let distance = Distance::new(f32::from_bits(distance_bits(out[0]))).unwrap();
            pairs.push(ScoredPair { distance, same: left.people()[i] == right.people()[j] });
        }
    }
    pairs
}

fn assert_equal_to_the_list(found: &AllPairsFigures, listed: &[ScoredPair]) {
    let scored = ScoredPairs::new(&[listed.to_vec()]).unwrap();
    let roc = Roc::of(&scored);
    assert_eq!((found.genuine, found.impostors), (scored.genuine(), scored.impostors()));
    assert_eq!(found.eer, roc.eer());
    let (low, high) = (found.auc.low - SUM_ERROR, found.auc.high + SUM_ERROR);
    assert!(low <= roc.auc() && roc.auc() <= high, "{:?} {}", found.auc, roc.auc());
    for (found, target) in found.val_at_far.iter().zip(TARGETS) {
        let expected = roc.operating_point(target);
        assert_eq!(found.map(|p| (p.far, p.val)), expected.map(|p| (p.far, p.val)), "{target}");
        // The same decisions: no distance lies between the two thresholds, which need not be one number.
        if let (Some(found), Some(expected)) = (found, expected) {
            let accepted = |by: Distance| listed.iter().filter(|pair| pair.distance <= by).count();
            assert_eq!(accepted(found.threshold), accepted(expected.threshold), "{target}");
        }
    }
    for point in found.roc.points() {
        let share = |same: bool| {
            let of_kind = listed.iter().filter(|pair| pair.same == same);
            let accepted = of_kind.clone().filter(|pair| pair.distance <= point.threshold).count();
            accepted as f64 / of_kind.count() as f64
        };
        assert_eq!((point.val, point.far), (share(true), share(false)));
    }
}

#[test]
fn pairs_within_a_set_that_fills_several_tiles_equal_the_sorted_list() {
    let faces = faces(60, 5, 16, 1.0, 7); // 300 faces: two tiles and a diagonal
    let found = AllPairsFigures::measure(&PairSet::within(&faces), &TARGETS, &PlainProducts).unwrap();
    assert_equal_to_the_list(&found, &listed(&faces, &faces, true));
    assert_eq!(found.genuine + found.impostors, PairSet::within(&faces).pairs());
    assert!(found.auc.high - found.auc.low < 1e-3, "{:?}", found.auc);
}

#[test]
fn pairs_between_sets_of_unequal_size_equal_the_sorted_list() {
    let (left, right) = (faces(40, 7, 9, 0.8, 1), faces(40, 1, 9, 0.8, 2));
    let pairs = PairSet::between(&left, &right).unwrap();
    let found = AllPairsFigures::measure(&pairs, &TARGETS, &PlainProducts).unwrap();
    assert_equal_to_the_list(&found, &listed(&left, &right, false));
}

#[test]
fn scored_pairs_of_all_faces_are_those_of_the_tiles() {
    let faces = faces(20, 4, 8, 0.9, 5);
    let scored = faces.scored_pairs().unwrap();
    let found = AllPairsFigures::measure(&PairSet::within(&faces), &[0.1], &PlainProducts).unwrap();
    assert_eq!((scored.genuine(), scored.impostors()), (found.genuine, found.impostors));
    assert_eq!(scored.subjects(), Some(20));
    // The distances are rounded otherwise, and may change places where they are nearly equal.
    assert!((Roc::of(&scored).eer() - found.eer).abs() < 0.01);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let pairs = PairSet::within(&faces(100, 6, 8, 1.0, 3));
    let of = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| AllPairsFigures::measure(&pairs, &TARGETS, &PlainProducts).unwrap())
    };
    assert_eq!(of(1), of(3));
}

#[test]
fn equal_faces_everywhere_tell_nothing() {
    let mut same = FaceMatrix::new(2);
    let one = Embedding::normalize(vec![1.0, 0.0]).unwrap();
    (0..10).for_each(|i| same.push(&one, i / 2).unwrap());
    let found = AllPairsFigures::measure(&PairSet::within(&same), &TARGETS, &PlainProducts).unwrap();
    assert_eq!((found.eer, found.auc), (0.5, Bounds { low: 0.5, high: 0.5 }));
    assert_eq!(found.val_at_far, [None; 5]); // at distance 0 all are accepted, and below it lies nothing
}

#[test]
fn a_set_without_a_kind_or_of_two_dimensions_is_refused() {
    let measure = |pairs: &PairSet| AllPairsFigures::measure(pairs, &TARGETS, &PlainProducts).unwrap_err();
    let of = |faces: &FaceMatrix| measure(&PairSet::within(faces));
    assert_eq!(of(&FaceMatrix::new(4)), NotMeasurable::NoPairs);
    assert_eq!(of(&faces(1, 1, 4, 1.0, 0)), NotMeasurable::NoPairs);
    assert_eq!(of(&faces(3, 1, 4, 1.0, 0)), NotMeasurable::NoGenuine { impostors: 3 });
    assert_eq!(of(&faces(1, 3, 4, 1.0, 0)), NotMeasurable::NoImpostors { genuine: 3 });
    let error = PairSet::between(&faces(1, 1, 4, 1.0, 0), &faces(1, 1, 5, 1.0, 0)).unwrap_err();
    assert_eq!(error, NotOneSpace { found: 5, expected: 4 });
    let five = Embedding::normalize(vec![1.0; 5]).unwrap();
    assert_eq!(FaceMatrix::new(4).push(&five, 0), Err(NotOneSpace { found: 5, expected: 4 }));
}

#[test]
fn a_target_that_no_threshold_reaches_is_none() {
    // Half of the impostors lie at one distance, nearest of all.
    let scored = ScoredPairs::new(&[fold(&[1.0], &[0.0, 0.0, 3.0, 3.0])]).unwrap();
    assert_eq!(Roc::of(&scored).operating_point(0.25), None);
    let mut set = FaceMatrix::new(2);
    let at = |x: f32, y: f32| Embedding::normalize(vec![x, y]).unwrap();
    for (person, (x, y)) in [(1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, -1.0)].into_iter().enumerate() {
        set.push(&at(x, y), person as u32).unwrap();
    }
    set.push(&at(0.0, 1.0), 2).unwrap();
    let found = AllPairsFigures::measure(&PairSet::within(&set), &[0.1, 0.2], &PlainProducts).unwrap();
    // Nine impostor pairs, of which one lies at 0 with the genuine pair: FAR 1/9 is reached, 1/10 is not.
    assert_eq!((found.impostors, found.val_at_far[0]), (9, None));
    assert_eq!(found.val_at_far[1].map(|p| (p.val, p.far)), Some((1.0, 1.0 / 9.0)));
}

#[test]
fn splits_share_no_person_and_no_face_is_lost() {
    let report = |seed| {
        let hold_out = HoldOut { seed, pairing: Pairing::All, ..HoldOut::default() };
        hold_out.measure(&faces(50, 8, 8, 0.9, 4), &PlainProducts).unwrap()
    };
    let one = report(1);
    assert_eq!(one.splits.iter().map(|s| (s.people, s.faces)).collect::<Vec<_>>(), [(10, 80); 5]);
    // Ten people of eight faces, all pairs: 10·28 of one person, the rest of 80·79/2 of two.
    assert!(one.splits.iter().all(|s| (s.genuine, s.impostors) == (280, 2880)));
    assert_eq!(one, report(1));
    assert_ne!(one, report(2));
    let vals: Vec<f64> = one.splits.iter().map(|s| s.val_at_far[0].unwrap().val).collect();
    assert_eq!(one.val_at_far[0], crate::FoldMean::of(&vals));
    assert_eq!(one.val_at_far[4], None); // 2,880 impostor pairs do not measure 1e-5
    insta::with_settings!({filters => [(r"\d+\.\d+", "[number]")]}, {
        insta::assert_snapshot!(one, @r"
        protocol        5 splits of people (every face with every other)
        VAL @ FAR 1e-1  [number] % ± [number]
        VAL @ FAR 1e-2   [number] % ± [number]
        VAL @ FAR 1e-3   [number] % ± [number]
        VAL @ FAR 1e-4  not measurable: needs 10000 impostor pairs a split, found 2880
        VAL @ FAR 1e-5  not measurable: needs 100000 impostor pairs a split, found 2880
        VAL @ FAR 1e-6  not measurable: needs 1000000 impostor pairs a split, found 2880
        EER             [number] % ± [number]
        split 1         10 people, 80 faces, 280 genuine, 2880 impostor pairs: VAL @ 1e-3 [number] %, EER [number] %, AUC [number]
        split 2         10 people, 80 faces, 280 genuine, 2880 impostor pairs: VAL @ 1e-3 [number] %, EER [number] %, AUC [number]
        split 3         10 people, 80 faces, 280 genuine, 2880 impostor pairs: VAL @ 1e-3 [number] %, EER [number] %, AUC [number]
        split 4         10 people, 80 faces, 280 genuine, 2880 impostor pairs: VAL @ 1e-3 [number] %, EER [number] %, AUC [number]
        split 5         10 people, 80 faces, 280 genuine, 2880 impostor pairs: VAL @ 1e-3 [number] %, EER [number] %, AUC [number]
        ");
    });
}

#[test]
fn halves_compare_one_half_with_the_other() {
    let report = HoldOut { splits: 2, ..HoldOut::default() };
    let report = report.measure(&faces(20, 6, 8, 0.9, 4), &PlainProducts).unwrap();
    assert!(report.splits.iter().all(|s| s.genuine + s.impostors == 30 * 30));
    let too_many = HoldOut { splits: 30, ..HoldOut::default() };
    assert!(too_many.measure(&faces(20, 6, 8, 0.9, 4), &PlainProducts).is_err());
    let none = HoldOut { splits: 0, ..HoldOut::default() };
    assert_eq!(none.measure(&faces(2, 2, 8, 0.9, 4), &PlainProducts), Err(NotMeasurable::NoPairs));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_small_set_equals_the_sorted_list(
        people in 2u32..6, each in 2u32..6, dimension in 1usize..5, spread in 0f32..2.0, seed in any::<u32>(),
    ) {
        let faces = faces(people, each, dimension, spread, seed);
        let found = AllPairsFigures::measure(&PairSet::within(&faces), &TARGETS, &PlainProducts).unwrap();
        assert_equal_to_the_list(&found, &listed(&faces, &faces, true));
    }
}

#[test]
fn faces_beside_themselves_give_the_figures_of_halves_and_beside_changed_ones_others() {
    let (as_they_are, changed) = (faces(20, 6, 16, 0.5, 1), faces(20, 6, 16, 1.5, 2));
    let protocol = HoldOut { splits: 2, pairing: Pairing::Halves, seed: 3 };
    let unchanged = protocol.measure(&as_they_are, &PlainProducts).unwrap();
    assert_eq!(protocol.measure_changed(&as_they_are, &as_they_are, &PlainProducts).unwrap(), unchanged);
    let beside = protocol.measure_changed(&as_they_are, &changed, &PlainProducts).unwrap();
    assert_eq!(beside.splits[0].genuine, unchanged.splits[0].genuine, "the same faces are paired");
    assert!(beside.splits[0].eer > unchanged.splits[0].eer);
    // All pairs would pair a face with itself, so halves it is.
    let all = HoldOut { pairing: Pairing::All, ..protocol };
    assert_eq!(all.measure_changed(&as_they_are, &changed, &PlainProducts).unwrap(), beside);
}
