//! What holds for every loss; what holds for one is beside it.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Triplet;

/// Rows of unit length in 32-bit floats, from values in `[-1, 1]`.
pub(super) fn unit_rows(values: &[f32], dimension: usize) -> Vec<f32> {
    let mut rows = values.to_vec();
    for row in rows.chunks_exact_mut(dimension) {
        let norm = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
        if norm(row) < 0.1 {
            row[0] = 1.0;
        }
        let norm = norm(row);
        row.iter_mut().for_each(|v| *v /= norm);
    }
    rows
}

/// Many unit rows that differ, the same each time.
pub(super) fn many_rows(count: usize, dimension: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    unit_rows(&(0..count * dimension).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<_>>(), dimension)
}

pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// Holds every `step`-th coordinate of a gradient against the slopes of `value` at `point`.
pub(super) fn slopes_agree(found: &[f32], point: &[f64], step: usize, value: impl Fn(&[f64]) -> f64) {
    assert_eq!(found.len(), point.len(), "coordinates of the gradient");
    let here = value(point);
    for i in (0..point.len()).step_by(step) {
        let shifted = |by: f64| {
            let mut point = point.to_vec();
            point[i] += by;
            value(&point)
        };
        // Two one-sided slopes: where they differ, a hinge lies between, and any value between is right.
        let slopes = [(shifted(1e-6) - here) / 1e-6, (here - shifted(-1e-6)) / 1e-6];
        let (low, high) = (slopes[0].min(slopes[1]), slopes[0].max(slopes[1]));
        let (found, room) = (f64::from(found[i]), 1e-3 * (1.0 + low.abs().max(high.abs())));
        assert!(found > low - room && found < high + room, "{found} at {i} outside {low}..{high}");
    }
}

#[derive(Deserialize)]
struct Fixture {
    dimension: usize,
    labels: Vec<u32>,
    faces: Vec<f32>,
    head: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    loss: LossConfig,
    value: f64,
    gradient: Vec<f64>,
    tangent: bool,
    head: Option<Vec<f64>>,
    triplets: Option<Vec<[u32; 3]>>,
}

/// Differences, by the largest value there is: 64-fold scales leave single coordinates of any size.
fn close(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |largest, v| largest.max(v.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (f64::from(*found) - expected).abs();
        // Scores up to 64 in 32-bit floats: 64 · 2⁻²³, relative to probabilities.
        assert!(apart < 2e-5 * largest, "{what}: {found} at {i}, but expected {expected}");
    }
}

#[test]
fn every_loss_and_its_gradients_are_those_of_pytorch_metric_learning() {
    let text = include_str!("../../tests/fixtures/losses/losses.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let batch = Batch { embeddings: &fixture.faces, dimension: fixture.dimension, labels: &fixture.labels };
    assert_eq!(fixture.cases.len(), 15);
    for case in fixture.cases {
        let what = format!("{:?}", case.loss);
        let mut found = if let (LossConfig::Triplet(config), Some(triplets)) = (&case.loss, case.triplets) {
            let triplets: Vec<Triplet> = triplets
                .into_iter()
                .map(|[anchor, positive, negative]| Triplet { anchor, positive, negative })
                .collect();
            let Loss { value, gradient } =
                triplet_loss(batch.embeddings, batch.dimension, &triplets, config.margin);
            Measured { value, gradient, head: None, mined: None, accuracy: None }
        } else {
            let head = case.head.is_some().then_some(&fixture.head[..]);
            case.loss.objective().measure(&batch, head, 0).unwrap()
        };
        if case.tangent {
            for (gradient, face) in found.gradient.chunks_exact_mut(8).zip(fixture.faces.chunks_exact(8)) {
                let along: f32 = gradient.iter().zip(face).map(|(g, f)| g * f).sum();
                gradient.iter_mut().zip(face).for_each(|(g, f)| *g -= along * f);
            }
        }
        close(&[found.value], &[case.value], &what);
        close(&found.gradient, &case.gradient, &what);
        assert_eq!(found.head.is_some(), case.head.is_some(), "{what}");
        close(&found.head.unwrap_or_default(), &case.head.unwrap_or_default(), &what);
    }
}

fn every_loss() -> Vec<LossConfig> {
    vec![
        LossConfig::default(),
        LossConfig::Contrastive(ContrastiveConfig::default()),
        LossConfig::Contrastive(ContrastiveConfig { distance: DistanceKind::Plain, ..Default::default() }),
        LossConfig::Softmax(SoftmaxConfig::default()),
        LossConfig::Cosface(CosfaceConfig::default()),
        LossConfig::Arcface(ArcfaceConfig::default()),
        LossConfig::BatchHard(BatchHardConfig::default()),
    ]
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (faces, classes, dimension) = (150, 700, 16);
    let rows = many_rows(faces, dimension);
    let labels: Vec<u32> = (0..faces as u32).map(|i| i / 4).collect();
    let batch = Batch { embeddings: &rows, dimension, labels: &labels };
    for loss in every_loss() {
        let objective = loss.objective();
        let head = objective.head(classes, dimension).map(|shape| shape.start(3));
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| objective.measure(&batch, head.as_deref(), 5).unwrap())
        });
        assert_eq!(one, three, "{loss:?}");
        assert!(one.value > 0.0, "{loss:?}");
    }
}

#[test]
fn a_batch_of_none_and_of_one_is_no_error() {
    for loss in every_loss() {
        let objective = loss.objective();
        let head = objective.head(2, 2).map(|shape| shape.start(3));
        for labels in [&[][..], &[1]] {
            let embeddings = &[0.6, 0.8][..labels.len() * 2];
            let found =
                objective.measure(&Batch { embeddings, dimension: 2, labels }, head.as_deref(), 0).unwrap();
            assert_eq!(found.gradient.len(), embeddings.len(), "{loss:?}");
            if labels.is_empty() || head.is_none() {
                assert_eq!((found.value, found.gradient), (0.0, vec![0.0; embeddings.len()]), "{loss:?}");
            }
        }
    }
}

#[test]
fn rows_that_are_no_embeddings_are_refused_by_every_loss() {
    for loss in every_loss() {
        let objective = loss.objective();
        let head = objective.head(2, 2).map(|shape| shape.start(3));
        for (embeddings, expected) in [
            (
                &[1.0, 0.0, f32::NAN, 0.0][..],
                "embedding 1 of the batch has the squared norm NaN, but expected 1",
            ),
            (&[1.0, 1.0, 1.0, 0.0], "embedding 0 of the batch has the squared norm 2, but expected 1"),
            (&[1.0, 0.0, 1.0], "3 values do not make 2 embeddings of one dimension"),
        ] {
            let batch = Batch { embeddings, dimension: 2, labels: &[0, 1] };
            let error = objective.measure(&batch, head.as_deref(), 0).unwrap_err();
            assert_eq!(error.to_string(), expected, "{loss:?}");
        }
    }
}

#[test]
fn a_loss_is_read_by_its_kind_and_a_misspelt_key_is_refused() {
    let read = |text: &str| toml::from_str::<LossConfig>(text);
    assert_eq!(
        read("kind = \"arcface\"\nmargin = 0.3").unwrap(),
        LossConfig::Arcface(ArcfaceConfig { scale: 64.0, margin: 0.3 })
    );
    assert_eq!(read("kind = \"batch-hard\"").unwrap(), LossConfig::BatchHard(BatchHardConfig::default()));
    assert_eq!(read("kind = \"triplet\"").unwrap(), LossConfig::default());
    for loss in every_loss() {
        assert_eq!(read(&toml::to_string(&loss).unwrap()).unwrap(), loss);
        assert_eq!(loss.check(), Ok(()));
    }
    let error = read("kind = \"cosface\"\nmargn = 0.3").unwrap_err().to_string();
    assert!(error.contains("unknown field `margn`, expected `scale` or `margin`"), "{error}");
    assert!(read("kind = \"cosfac\"").unwrap_err().to_string().contains("unknown variant `cosfac`"));
}

#[test]
fn settings_out_of_range_name_their_key() {
    for (text, expected) in [
        ("kind = \"triplet\"\nmargin = 0.0", "`margin` is 0, but expected a number above 0, up to 4"),
        (
            "kind = \"contrastive\"\ndistance = \"plain\"\nmargin = 2.5",
            "`margin` is 2.5, but expected a number above 0, up to the largest distance",
        ),
        (
            "kind = \"contrastive\"\npositive_margin = -1.0",
            "`positive_margin` is -1, but expected a number from 0, below the largest distance",
        ),
        ("kind = \"softmax\"\nscale = 0.0", "`scale` is 0, but expected a number above 0"),
        ("kind = \"cosface\"\nmargin = 1.5", "`margin` is 1.5, but expected a number from 0 to 1"),
        ("kind = \"arcface\"\nmargin = 1.6", "`margin` is 1.6, but expected radians from 0, below π/2"),
        (
            "kind = \"batch-hard\"\nmargin = nan",
            "`margin` is NaN, but expected a number above 0, up to the largest distance",
        ),
    ] {
        let error = toml::from_str::<LossConfig>(text).unwrap().check().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn weights_start_as_unit_rows_that_differ_by_seed() {
    let shape = HeadShape { classes: 5, dimension: 16 };
    let weights = shape.start(1);
    assert_eq!((weights.len(), shape.len(), shape.is_empty()), (80, 80, false));
    for row in weights.chunks_exact(16) {
        assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert_eq!(weights, shape.start(1));
    assert_ne!(weights, shape.start(2));
}

proptest! {
    #[test]
    fn mean_distances_are_those_of_all_pairs(
        values in prop::collection::vec(-1.0f32..1.0, 36),
        labels in prop::collection::vec(0u32..3, 9),
    ) {
        let rows = unit_rows(&values, 4);
        let mut sums = [(0.0f64, 0u32); 2];
        for (i, a) in rows.chunks_exact(4).enumerate() {
            for (j, b) in rows.chunks_exact(4).enumerate().filter(|(j, _)| *j != i) {
                let sum = &mut sums[usize::from(labels[i] != labels[j])];
                sum.0 += wide(a).iter().zip(wide(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                sum.1 += 1;
            }
        }
        let found = mean_distances(&Batch { embeddings: &rows, dimension: 4, labels: &labels });
        prop_assert_eq!(found.is_some(), sums.iter().all(|(_, pairs)| *pairs > 0));
        if let Some(means) = found {
            for (found, (sum, pairs)) in [means.positive, means.negative].into_iter().zip(sums) {
                prop_assert!((f64::from(found) - sum / f64::from(pairs)).abs() < 1e-5);
            }
        }
    }
}
