//! Slow and obvious versions of what is measured, and drawn pairs to compare them on.

use std::ops::Range;

use facenet_core::Distance;
use proptest::prelude::*;

use super::{OperatingPoint, ScoredPair, ScoredPairs};

pub(crate) fn distance(value: f32) -> Distance {
    Distance::new(value).unwrap()
}

/// A fold with genuine and impostor pairs at these distances.
pub(crate) fn fold(genuine: &[f32], impostors: &[f32]) -> Vec<ScoredPair> {
    let pair = |same| move |&value: &f32| ScoredPair { distance: distance(value), same };
    genuine.iter().map(pair(true)).chain(impostors.iter().map(pair(false))).collect()
}

pub(crate) fn pairs(folds: &[Vec<ScoredPair>]) -> ScoredPairs {
    ScoredPairs::new(folds).unwrap()
}

/// Folds with pairs of both kinds somewhere; distances lie on a grid, so that many are equal.
pub(crate) fn any_folds(number: Range<usize>) -> impl Strategy<Value = Vec<Vec<ScoredPair>>> {
    let pair = (0u8..=16, any::<bool>())
        .prop_map(|(steps, same)| ScoredPair { distance: distance(f32::from(steps) / 4.0), same });
    prop::collection::vec(prop::collection::vec(pair, 1..25), number)
        .prop_filter("both kinds are needed", |folds| ScoredPairs::new(folds).is_ok())
}

/// Accepted genuine and impostor pairs.
pub(crate) fn accepted(pairs: &[ScoredPair], threshold: Distance) -> (u64, u64) {
    let count =
        |same| pairs.iter().filter(|pair| pair.same == same && pair.distance <= threshold).count() as u64;
    (count(true), count(false))
}

/// The middles between neighbouring distances, 0 and 4 included as neighbours; exact on the grid.
fn candidates(pairs: &[ScoredPair]) -> Vec<Distance> {
    let mut distances: Vec<f32> = pairs.iter().map(|pair| pair.distance.value()).collect();
    distances.sort_by(f32::total_cmp);
    distances.dedup();
    let mut ends = distances.clone();
    if distances[0] > 0.0 {
        ends.insert(0, 0.0);
    }
    ends.push(4.0);
    ends.windows(2).map(|ends| distance((ends[0] + ends[1]) / 2.0)).collect()
}

fn right(pairs: &[ScoredPair], threshold: Distance) -> usize {
    pairs.iter().filter(|pair| pair.same == (pair.distance <= threshold)).count()
}

/// Threshold and accuracy of each fold, by trying every candidate on the others.
pub(crate) fn cross_validate(folds: &[Vec<ScoredPair>]) -> Vec<(Distance, f64)> {
    let hold_out = |held_out: usize| {
        let others: Vec<_> = folds.iter().enumerate().filter(|(i, _)| *i != held_out).collect();
        let others: Vec<_> = others.into_iter().flat_map(|(_, fold)| fold).copied().collect();
        let candidates = candidates(&others);
        let most = candidates.iter().map(|&threshold| right(&others, threshold)).max().unwrap();
        let threshold = candidates.into_iter().find(|&threshold| right(&others, threshold) == most).unwrap();
        let fold = &folds[held_out];
        (threshold, right(fold, threshold) as f64 / fold.len() as f64)
    };
    (0..folds.len()).map(hold_out).collect()
}

/// The share of (genuine, impostor) couples in which the genuine pair is nearer; equal ones count one half.
pub(crate) fn auc(pairs: &[ScoredPair]) -> f64 {
    let (mut won, mut couples) = (0.0, 0.0);
    for genuine in pairs.iter().filter(|pair| pair.same) {
        for impostor in pairs.iter().filter(|pair| !pair.same) {
            couples += 1.0;
            won += match genuine.distance.cmp(&impostor.distance) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            };
        }
    }
    won / couples
}

/// The last candidate that accepts something and no more impostors than the target allows.
pub(crate) fn val_at_far(pairs: &[ScoredPair], target_far: f64) -> Option<OperatingPoint> {
    let genuine = pairs.iter().filter(|pair| pair.same).count() as f64;
    let impostors = pairs.iter().filter(|pair| !pair.same).count() as f64;
    let point = |threshold| {
        let (true_accepts, false_accepts) = accepted(pairs, threshold);
        let (val, far) = (true_accepts as f64 / genuine, false_accepts as f64 / impostors);
        let fits = true_accepts + false_accepts > 0 && far <= target_far;
        fits.then_some(OperatingPoint { threshold, far, val })
    };
    if 1.0 / impostors > target_far {
        return None;
    }
    candidates(pairs).into_iter().filter_map(point).next_back()
}
