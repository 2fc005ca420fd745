//! Intervals that are known beforehand, and weights that mean what they say.

use super::*;
use crate::verification::oracle::distance;
use crate::{CrossValidation, ScoredPair};

const TARGETS: [f64; 2] = [0.1, 0.02];

/// `people` people in two folds: one genuine pair each, and an impostor pair with each of three neighbours.
fn scored(people: u32) -> ScoredPairs {
    let wave = |i: u32| 0.5 + 0.5 * ((f64::from(i) * 12.9898).sin() as f32);
    let pair = |from: f32, i: u32, same, subjects| {
        (ScoredPair { distance: distance(from + wave(i)), same }, subjects)
    };
    let fold = |fold: u32| {
        let own = (0..people).filter(move |person| person % 2 == fold);
        own.flat_map(|person| {
            let impostor = move |step| {
                let other = (person + 2 * step) % people;
                pair(1.0, 1000 + 7 * person + step, false, [person, other])
            };
            std::iter::once(pair(0.4, person, true, [person; 2])).chain((1..=3).map(impostor))
        })
        .collect::<Vec<_>>()
    };
    ScoredPairs::with_subjects(&[fold(0), fold(1)]).unwrap()
}

fn of(pairs: &ScoredPairs, draws: u32, seed: u64) -> Uncertainty {
    Uncertainty::of(pairs, &TARGETS, draws, seed).unwrap()
}

#[test]
fn pairs_that_count_once_give_the_figures_themselves() {
    let pairs = scored(40);
    let ones = vec![1; pairs.sorted().len()];
    let grid = band::grid(pairs.impostors());
    let replicate = Replicate::measure(&pairs, &ones, &TARGETS, &grid).unwrap();
    let roc = Roc::of(&pairs);
    assert_eq!((replicate.auc, replicate.eer), (roc.auc(), roc.eer()));
    let accuracy = CrossValidation::of(&pairs).unwrap().mean;
    assert!((replicate.accuracy.unwrap() - accuracy).abs() < 1e-15);
    for (found, target) in replicate.points.iter().zip(TARGETS) {
        let point = roc.operating_point(target).unwrap();
        assert_eq!(*found, (point.val, Some(f64::from(point.threshold.value()))), "{target}");
    }
    assert_eq!(replicate.d_prime, pairs.d_prime());
}

#[test]
fn a_weight_counts_like_copies_of_the_pair() {
    let pairs = scored(12);
    let weights: Vec<u64> = (0..pairs.sorted().len() as u64).map(|i| i % 4).collect();
    let heavy = Replicate::measure(&pairs, &weights, &TARGETS, &[0.3]).unwrap();
    let mut folds = vec![Vec::new(); 2];
    for (pair, &weight) in pairs.sorted().iter().zip(&weights) {
        let copy = ScoredPair { distance: pair.distance, same: pair.same };
        folds[pair.fold as usize].extend(std::iter::repeat_n(copy, weight as usize));
    }
    let copies = ScoredPairs::new(&folds).unwrap();
    let ones = vec![1; copies.sorted().len()];
    let copied = Replicate::measure(&copies, &ones, &TARGETS, &[0.3]).unwrap();
    assert!((heavy.d_prime.unwrap() - copied.d_prime.unwrap()).abs() < 1e-12);
    assert_eq!(Replicate { d_prime: None, ..heavy }, Replicate { d_prime: None, ..copied });
}

#[test]
fn pairs_count_as_often_as_their_people_were_drawn() {
    let pairs = scored(30);
    let drawn = Bootstrap::new(30, 4, 5).draw(3);
    for (pair, weight) in pairs.sorted().iter().zip(pairs.weights(&drawn)) {
        let [left, right] = pair.subjects.map(|subject| u64::from(drawn.of(subject as usize)));
        assert_eq!(weight, if pair.same { left } else { left * right });
    }
}

#[test]
fn the_seed_alone_decides() {
    let pairs = scored(20);
    assert_eq!(of(&pairs, 50, 1), of(&pairs, 50, 1));
    assert_ne!(of(&pairs, 50, 1), of(&pairs, 50, 2));
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one_thread.install(|| of(&pairs, 50, 1)), of(&pairs, 50, 1));
}

#[test]
fn more_people_narrow_every_interval_and_it_holds_the_figure() {
    let width = |i: Option<Interval>| i.map(|i| i.high - i.low).unwrap();
    let (few, many) = (of(&scored(30), 300, 0), of(&scored(480), 300, 0));
    for (few, many) in [
        (few.auc, many.auc),
        (few.eer, many.eer),
        (few.d_prime, many.d_prime),
        (few.accuracy, many.accuracy),
        (few.val_at_far[0].val, many.val_at_far[0].val),
    ] {
        // Sixteen times the people: a fourth of the width, with room for the chance of so few.
        let ratio = width(few) / width(many);
        assert!((2.0..16.0).contains(&ratio), "{ratio}");
    }
    let auc = Roc::of(&scored(480)).auc();
    assert!(many.auc.is_some_and(|i| i.low < auc && auc < i.high), "{auc} {:?}", many.auc);
}

#[test]
fn an_interval_over_people_is_wider_than_one_over_pairs_when_people_differ() {
    // Twenty people with 50 genuine pairs each, those of a person all alike: by pairs there seem to be 1,000.
    let mut fold = Vec::new();
    for person in 0..20u32 {
        let own = if person < 5 { 1.5 } else { 0.5 };
        let genuine = ScoredPair { distance: distance(own), same: true };
        fold.extend(std::iter::repeat_n((genuine, [person; 2]), 50));
        fold.push((ScoredPair { distance: distance(1.0), same: false }, [person, (person + 1) % 20]));
    }
    let pairs = ScoredPairs::with_subjects(&[fold]).unwrap();
    let auc = of(&pairs, 400, 0).auc.unwrap();
    // 15 of 20 people are right: ±1.96·√(0.75·0.25/20) = ±0.19 by people; by 1,000 pairs it would be ±0.027.
    assert!((0.25..0.5).contains(&(auc.high - auc.low)), "{auc:?}");
}

#[test]
fn what_cannot_be_measured_has_no_interval() {
    let pairs = scored(20);
    let found = Uncertainty::of(&pairs, &[0.1, 1e-3], 40, 0);
    let found = found.unwrap();
    assert!(found.val_at_far[0].val.is_some());
    assert_eq!((found.val_at_far[1].val, found.val_at_far[1].threshold), (None, None));

    let anonymous = ScoredPairs::new(&[vec![
        ScoredPair { distance: distance(0.5), same: true },
        ScoredPair { distance: distance(1.5), same: false },
    ]]);
    assert_eq!(Uncertainty::of(&anonymous.unwrap(), &TARGETS, 100, 0), None);
    assert_eq!(Uncertainty::of(&pairs, &TARGETS, 0, 0), None);
}

#[test]
fn too_few_people_give_no_interval_instead_of_a_wrong_one() {
    // Of two people, half of all draws hold one person only, and no impostor pair.
    let pair = |value, same, subjects| (ScoredPair { distance: distance(value), same }, subjects);
    let pairs = ScoredPairs::with_subjects(&[vec![
        pair(0.5, true, [0, 0]),
        pair(0.6, true, [1, 1]),
        pair(1.5, false, [0, 1]),
    ]]);
    let found = of(&pairs.unwrap(), 100, 0);
    assert_eq!((found.auc, found.eer, found.band.points.len()), (None, None, 0));
}

#[test]
fn the_band_holds_the_curve_and_ends_at_one() {
    let found = of(&scored(100), 200, 0);
    assert!(found.band.points.iter().all(|p| p.interval.low <= p.val && p.val <= p.interval.high));
    let last = found.band.points.last().unwrap();
    assert_eq!((last.far, last.val, last.interval.low), (1.0, 1.0, 1.0));
}
