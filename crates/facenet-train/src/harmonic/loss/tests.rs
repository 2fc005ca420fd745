use proptest::prelude::*;

use super::*;
use crate::NegativeRule;

fn unit(rows: &[f32], dimension: usize) -> Vec<f32> {
    rows.chunks_exact(dimension)
        .flat_map(|row| {
            let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            row.iter().map(move |v| v / norm)
        })
        .collect()
}

/// Five faces of two people by the new network, and three of them by the old one.
fn drawn(seed: u32) -> (Vec<f32>, Vec<u32>, BTreeMap<usize, Vec<f32>>) {
    let wave = |i: u32| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).sin();
    let new = unit(&(0..5 * 3).map(wave).collect::<Vec<_>>(), 3);
    let old = [0usize, 2, 3].map(|face| {
        let row: Vec<f32> = (0..3).map(|i| wave(100 + face as u32 * 3 + i)).collect();
        (face, unit(&row, 3))
    });
    (new, vec![0, 0, 0, 1, 1], old.into())
}

fn borrowed(old: &BTreeMap<usize, Vec<f32>>) -> BTreeMap<usize, &[f32]> {
    old.iter().map(|(face, row)| (*face, row.as_slice())).collect()
}

/// The sum of the losses over the hardest negatives that have one, and how many there are: every combination of old and
/// new embeddings as anchor, positive and negative is tried in a plain loop; those of three old ones are left out.
fn naive(new: &[f64], labels: &[u32], old: &BTreeMap<usize, Vec<f32>>, margin: f64) -> (f64, u32) {
    let mut points: Vec<(bool, u32, Vec<f64>)> =
        labels.iter().zip(new.chunks(3)).map(|(label, row)| (false, *label, row.to_vec())).collect();
    points.extend(
        old.iter().map(|(face, row)| (true, labels[*face], row.iter().map(|v| f64::from(*v)).collect())),
    );
    let squared = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let (mut sum, mut count) = (0.0, 0);
    for (a, anchor) in points.iter().enumerate() {
        for (p, positive) in points.iter().enumerate() {
            if a == p || anchor.1 != positive.1 {
                continue;
            }
            let others = points.iter().filter(|point| point.1 != anchor.1);
            let hardest = others
                .min_by(|x, y| squared(&anchor.2, &x.2).total_cmp(&squared(&anchor.2, &y.2)))
                .expect("there is another person");
            if anchor.0 && positive.0 && hardest.0 {
                continue;
            }
            let hinge = squared(&anchor.2, &positive.2) - squared(&anchor.2, &hardest.2) + margin;
            sum += hinge.max(0.0);
            count += u32::from(hinge > 0.0);
        }
    }
    (sum, count)
}

fn hardest() -> MinerConfig {
    MinerConfig { rule: NegativeRule::Hardest, ..MinerConfig::default() }
}

proptest! {
    #[test]
    fn mixed_triplets_give_the_loss_and_the_slopes_of_a_plain_loop(seed in 0u32..500) {
        let (new, labels, old) = drawn(seed);
        let batch = Batch { embeddings: &new, dimension: 3, labels: &labels };
        let measured = mixed_triplets(&batch, &borrowed(&old), hardest(), 1).unwrap();
        let exact: Vec<f64> = new.iter().map(|v| f64::from(*v)).collect();
        let (sum, count) = naive(&exact, &labels, &old, 0.2);
        let count = f64::from(count.max(1));
        prop_assert!((f64::from(measured.value) - sum / count).abs() < 1e-5);
        prop_assert_eq!(measured.gradient.len(), new.len(), "old embeddings have no gradient");
        for i in 0..new.len() {
            let shifted = |by: f64| {
                let mut points = exact.clone();
                points[i] += by;
                naive(&points, &labels, &old, 0.2).0 / count
            };
            // Two one-sided slopes, since a hinge may lie between.
            let slopes = [(shifted(1e-6) - shifted(0.0)) / 1e-6, (shifted(0.0) - shifted(-1e-6)) / 1e-6];
            let (low, high) = (slopes[0].min(slopes[1]), slopes[0].max(slopes[1]));
            let found = f64::from(measured.gradient[i]);
            prop_assert!(found > low - 2e-3 && found < high + 2e-3, "{found} outside {low}..{high}");
        }
    }
}

#[test]
fn anchors_positives_and_negatives_are_taken_from_both() {
    let (mut kinds, mut faces) = (std::collections::BTreeSet::new(), 0);
    for seed in 0..40 {
        let (new, labels, old) = drawn(seed);
        let rows: Vec<f32> = new.iter().chain(old.values().flatten()).copied().collect();
        let of: Vec<usize> = (0..5).chain(old.keys().copied()).collect();
        let all: Vec<u32> = of.iter().map(|face| labels[*face]).collect();
        let mined = mine(&rows, &all, hardest(), 1).unwrap();
        kinds.extend(mined.triplets.iter().map(|t| [t.anchor, t.positive, t.negative].map(|row| row >= 5)));

        let batch = Batch { embeddings: &new, dimension: 3, labels: &labels };
        let measured = mixed_triplets(&batch, &borrowed(&old), hardest(), 1).unwrap().mined.unwrap();
        let fewer = mined.triplets.iter().filter(|t| t.anchor.min(t.positive).min(t.negative) < 5).count();
        assert_eq!(measured.triplets.len(), fewer);
        assert!(measured.triplets.iter().all(|t| t.anchor < 5 && t.positive < 5 && t.negative < 5));
        faces += measured.triplets.iter().filter(|t| t.anchor == t.positive).count();
    }
    assert_eq!(kinds.len(), 8, "every mixture of old and new occurs");
    assert!(faces > 0, "a face's old embedding is a positive of its new one");
}

#[test]
fn regression_pulls_each_face_to_its_own_old_embedding() {
    let (new, labels, old) = drawn(3);
    let batch = Batch { embeddings: &new, dimension: 3, labels: &labels };
    let mut measured =
        Measured { value: 1.0, gradient: vec![0.0; 15], head: None, mined: None, accuracy: None };
    add_regression(&mut measured, &batch, &borrowed(&old), 0.5);
    let mut sum = 0.0;
    for face in 0..5 {
        for i in 0..3 {
            let slope = measured.gradient[face * 3 + i];
            let expected = old.get(&face).map_or(0.0, |row| {
                let difference = new[face * 3 + i] - row[i];
                sum += difference * difference;
                0.5 * 2.0 * difference / 3.0
            });
            assert!((slope - expected).abs() < 1e-6);
        }
    }
    assert!((measured.value - 1.0 - 0.5 * sum / 3.0).abs() < 1e-6);
}
