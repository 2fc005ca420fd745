//! Against `tests/fixtures/facenet_evaluate.py` (numpy, scipy, scikit-learn) on the same pairs.

use facenet_core::Distance;
use serde::Deserialize;

use super::*;
use crate::{CrossValidation, Roc, ScoredPair, ScoredPairs};

#[derive(Deserialize)]
struct Fixture {
    same: Vec<bool>,
    left: Vec<Embedding>,
    right: Vec<Embedding>,
    plain: CompatReport,
    centred: CompatReport,
    distances: Vec<f32>,
    tied_distances: Vec<f32>,
    sklearn: Oracle,
    sklearn_tied: Oracle,
}

#[derive(Deserialize)]
struct Oracle {
    /// Distance, FAR, VAL.
    roc: Vec<(f32, f64, f64)>,
    /// Distance, FAR, 1 − VAL.
    det: Vec<(f32, f64, f64)>,
    auc: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/facenet_evaluate.json")).unwrap()
}

fn pairs(fixture: &Fixture) -> Vec<CompatPair<'_>> {
    let images = fixture.left.iter().zip(&fixture.right).zip(&fixture.same);
    images.map(|((left, right), &same)| CompatPair { left, right, same }).collect()
}

fn scored(distances: &[f32], same: &[bool]) -> ScoredPairs {
    let pair = |(&distance, &same)| ScoredPair { distance: Distance::new(distance).unwrap(), same };
    ScoredPairs::new(&[distances.iter().zip(same).map(pair).collect()]).unwrap()
}

/// Figures are quotients of counts; 1e-12 leaves room for another order of sums only. Thresholds are read from
/// decimal text.
fn assert_same(found: &CompatReport, expected: &CompatReport) {
    let lists = |report: &CompatReport| {
        [
            report.accuracies.clone(),
            report.best_thresholds.clone(),
            report.val_thresholds.clone(),
            report.tpr.clone(),
            report.fpr.clone(),
            vec![
                report.accuracy_mean,
                report.accuracy_deviation,
                report.val_mean,
                report.val_deviation,
                report.far_mean,
                report.auc,
            ],
        ]
    };
    for (found, expected) in lists(found).iter().zip(&lists(expected)) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}

#[test]
fn the_python_evaluation_is_reproduced() {
    let fixture = fixture();
    let found = CompatReport::measure(&pairs(&fixture), 10, Centring::None).unwrap();
    assert_same(&found, &fixture.plain);
}

#[test]
fn it_is_reproduced_with_the_mean_subtracted() {
    let fixture = fixture();
    let found = CompatReport::measure(&pairs(&fixture), 10, Centring::TrainingMean).unwrap();
    assert_same(&found, &fixture.centred);
}

#[test]
fn our_curve_is_that_of_scikit_learn_to_the_last_point() {
    let fixture = fixture();
    for (distances, oracle) in
        [(&fixture.distances, &fixture.sklearn), (&fixture.tied_distances, &fixture.sklearn_tied)]
    {
        let roc = Roc::of(&scored(distances, &fixture.same));
        // scikit-learn has a point at an infinite threshold first, ours may have one below the nearest distance.
        let points = &roc.points()[roc.points().len() - oracle.roc.len()..];
        for (point, (distance, far, val)) in points.iter().zip(&oracle.roc) {
            assert_eq!((point.far, point.val), (*far, *val), "at {distance}");
            assert!(point.threshold.value() >= *distance);
        }
        for (distance, far, miss) in &oracle.det {
            let within = roc.points().partition_point(|point| point.threshold.value() < *distance);
            let point = roc.points()[within];
            assert_eq!(point.far, *far, "at {distance}");
            assert!((1.0 - point.val - miss).abs() < 1e-12, "at {distance}");
        }
        assert!((roc.auc() - oracle.auc).abs() < 1e-12, "{} {}", roc.auc(), oracle.auc);
    }
}

#[test]
fn the_grid_and_the_exact_thresholds_differ_where_distances_lie_between_grid_points() {
    // Genuine at 0.991, impostors at 0.992: no threshold of the grid parts them, an exact one does.
    let at = |cosine: f32| {
        let e = |x: f32, y: f32| Embedding::normalize(vec![x, y]).unwrap();
        (e(1.0, 0.0), e(cosine, (1.0 - cosine * cosine).sqrt()))
    };
    let (genuine, impostor) = (at(1.0 - 0.991 / 2.0), at(1.0 - 0.992 / 2.0));
    let pairs = [
        CompatPair { left: &genuine.0, right: &genuine.1, same: true },
        CompatPair { left: &impostor.0, right: &impostor.1, same: false },
    ]
    .repeat(2);
    let compat = CompatReport::measure(&pairs, 2, Centring::None).unwrap();
    assert_eq!((compat.accuracy_mean, compat.best_thresholds[0]), (0.5, 0.0));

    let fold: Vec<_> = pairs[..2]
        .iter()
        .map(|pair| ScoredPair { distance: pair.left.distance(pair.right), same: pair.same })
        .collect();
    let exact = CrossValidation::of(&ScoredPairs::new(&[fold.clone(), fold]).unwrap()).unwrap();
    assert_eq!(exact.mean, 1.0);
}

#[test]
fn the_threshold_of_val_is_on_the_line_between_grid_points() {
    let split = |impostors: Vec<f64>| Split { genuine: vec![0.1], impostors };
    // One of 500 impostors: FAR is 0 up to 0.5 (strict), 0.002 from 0.501 on; half of the way to 1e-3.
    let mut impostors = vec![3.0; 500];
    impostors[0] = 0.5;
    assert!((val_threshold(&split(impostors)) - 0.5005).abs() < 1e-9);
    // No impostor below 3.999, the last grid point: the target is never reached.
    assert_eq!(val_threshold(&split(vec![3.999_5])), 0.0);
}

#[test]
fn pairs_on_which_python_divides_by_zero_are_refused() {
    let fixture = fixture();
    let pairs = pairs(&fixture);
    assert_eq!(
        CompatReport::measure(&pairs[..3], 10, Centring::None),
        Err(CompatError::TooFew { pairs: 3, folds: 10 })
    );
    assert_eq!(
        CompatReport::measure(&pairs, 1, Centring::None),
        Err(CompatError::TooFew { pairs: 400, folds: 1 })
    );
    // Blocks of twenty of one kind each.
    assert_eq!(CompatReport::measure(&pairs, 20, Centring::None), Err(CompatError::OneKind { fold: 1 }));
}
