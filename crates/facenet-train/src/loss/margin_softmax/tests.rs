use proptest::prelude::*;

use super::super::tests::{many_rows, slopes_agree, unit_rows, wide};
use super::*;

fn softmax(scale: f32) -> MarginSoftmax {
    MarginSoftmax::softmax(&SoftmaxConfig { scale })
}

fn cosface(scale: f32, margin: f32) -> MarginSoftmax {
    MarginSoftmax::cosface(&CosfaceConfig { scale, margin })
}

fn arcface(scale: f32, margin: f32) -> MarginSoftmax {
    MarginSoftmax::arcface(&ArcfaceConfig { scale, margin })
}

#[test]
fn one_face_between_two_classes_worked_by_hand() {
    // As near to one as to the other, whose weights are 2 and 1 long.
    let half = 0.5f32.sqrt();
    let batch = Batch { embeddings: &[half, half], dimension: 2, labels: &[0] };
    let found = softmax(4.0).measure(&batch, Some(&[2.0, 0.0, 0.0, 1.0]), 0).unwrap();
    assert!((found.value - 2.0f32.ln()).abs() < 1e-6);
    // Probabilities of a half: 4 · 0.5 from the one, towards the other; at the weights only what turns them.
    let close = |found: &[f32], expected: &[f32]| {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?}");
    };
    close(&found.gradient, &[-2.0, 2.0]);
    close(&found.head.unwrap(), &[0.0, -half, 2.0 * half, 0.0]);
    assert_eq!(found.accuracy, Some(1.0), "of equally near classes, the first");

    let margin = cosface(4.0, 0.25).measure(&batch, Some(&[2.0, 0.0, 0.0, 1.0]), 0).unwrap();
    assert!((margin.value - (1.0 + 1f32.exp()).ln()).abs() < 1e-6);
}

#[test]
fn accuracy_is_the_share_of_faces_nearest_to_their_own_class_whatever_the_margin() {
    let batch = Batch { embeddings: &[1.0, 0.0, 0.6, 0.8, 0.8, 0.6], dimension: 2, labels: &[0, 0, 0] };
    for loss in [softmax(8.0), cosface(8.0, 0.9), arcface(8.0, 1.5)] {
        let found = loss.measure(&batch, Some(&[1.0, 0.0, 0.0, 1.0]), 0).unwrap();
        assert_eq!(found.accuracy, Some(2.0 / 3.0));
    }
}

#[test]
fn the_angle_is_widened_up_to_the_border_and_falls_on_beyond_it() {
    let margin = Margin::Angle(0.5);
    let (value, slope) = margin.of(1.0f64.cos());
    assert!((value - 1.5f64.cos()).abs() < 1e-12);
    assert!((slope - 1.5f64.sin() / 1.0f64.sin()).abs() < 1e-12);
    // Around θ = π − m: close to cos π before, and lower still behind.
    let border = std::f64::consts::PI - 0.5;
    let (before, _) = margin.of((border - 1e-6).cos());
    let (behind, slope) = margin.of((border + 1e-6).cos());
    assert!((before + 1.0).abs() < 1e-9);
    assert!((behind - (border.cos() - 0.5 * 0.5f64.sin())).abs() < 1e-5);
    assert_eq!(slope, 1.0);
    assert!(behind < before);
}

#[test]
fn a_face_on_its_class_or_opposite_of_it_has_finite_gradients() {
    for loss in [softmax(64.0), cosface(64.0, 0.35), arcface(64.0, 0.5)] {
        let batch = Batch { embeddings: &[1.0, 0.0, -1.0, 0.0], dimension: 2, labels: &[0, 0] };
        let found = loss.measure(&batch, Some(&[1.0, 0.0, 0.0, 1.0]), 0).unwrap();
        let head = found.head.unwrap();
        assert!(found.value.is_finite() && found.gradient.iter().chain(&head).all(|g| g.is_finite()));
        // The second one is sure to be wrong, and is drawn to its class.
        assert!(found.value > 30.0 && found.gradient[2] <= -31.0);
    }
}

#[test]
fn a_loss_far_below_rounding_of_one_keeps_its_gradient() {
    // The other class is 2 · 20 behind: e⁻⁴⁰ cannot be told from 0 beside 1.
    let batch = Batch { embeddings: &[1.0, 0.0], dimension: 2, labels: &[0] };
    let found = softmax(20.0).measure(&batch, Some(&[1.0, 0.0, -1.0, 0.0]), 0).unwrap();
    assert!((found.value / (-40f32).exp() - 1.0).abs() < 1e-4);
    assert!((found.gradient[0] / (-40.0 * (-40f32).exp()) - 1.0).abs() < 1e-4);
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let batch = Batch { embeddings: &[1.0, 0.0], dimension: 2, labels: &[2] };
    let refusal = |head| softmax(1.0).measure(&batch, head, 0).unwrap_err().to_string();
    let rows = "weights of its own, but expected rows of 2 for at least one class";
    assert_eq!(refusal(None), format!("the loss has 0 {rows}"));
    assert_eq!(refusal(Some(&[1.0, 0.0, 1.0])), format!("the loss has 3 {rows}"));
    assert_eq!(
        refusal(Some(&[1.0, 0.0, 0.0, 1.0])),
        "face 0 of the batch is of class 2, but the loss knows 2"
    );
    assert_eq!(
        refusal(Some(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])),
        "the weights of class 1 have the norm 0, but expected a number above 0"
    );
    let error = refusal(Some(&[1.0, 0.0, 1.0, 0.0, f32::NAN, 0.0]));
    assert_eq!(error, "the weights of class 2 have the norm NaN, but expected a number above 0");
}

fn naive(loss: &MarginSoftmax, points: &[f64], head: &[f64], dimension: usize, labels: &[u32]) -> f64 {
    let scale = f64::from(loss.scale);
    let of_face = |(point, label): (&[f64], &u32)| {
        let scores: Vec<f64> = head
            .chunks_exact(dimension)
            .enumerate()
            .map(|(class, weights)| {
                let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
                let cosine = point.iter().zip(weights).map(|(p, w)| p * w / norm).sum::<f64>();
                if class != *label as usize {
                    return scale * cosine;
                }
                scale
                    * match loss.margin {
                        Margin::None => cosine,
                        Margin::Cosine(margin) => cosine - margin,
                        Margin::Angle(margin) => {
                            let angle = cosine.clamp(-1.0, 1.0).acos();
                            if angle <= std::f64::consts::PI - margin {
                                (angle + margin).cos()
                            } else {
                                cosine - margin * margin.sin()
                            }
                        }
                    }
            })
            .collect();
        let largest = scores.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        sum.ln() + largest - scores[*label as usize]
    };
    points.chunks_exact(dimension).zip(labels).map(of_face).sum::<f64>() / labels.len() as f64
}

fn holds(loss: &MarginSoftmax, rows: &[f32], head: &[f32], dimension: usize, labels: &[u32], step: usize) {
    let batch = Batch { embeddings: rows, dimension, labels };
    let found = loss.measure(&batch, Some(head), 0).unwrap();
    let (points, weights) = (wide(rows), wide(head));
    let expected = naive(loss, &points, &weights, dimension, labels);
    assert!((f64::from(found.value) - expected).abs() < 1e-4 * (1.0 + expected));
    slopes_agree(&found.gradient, &points, step, |p| naive(loss, p, &weights, dimension, labels));
    slopes_agree(&found.head.unwrap(), &weights, step, |w| naive(loss, &points, w, dimension, labels));
}

proptest! {
    #[test]
    fn both_gradients_are_those_of_finite_differences(
        values in prop::collection::vec(-1.0f32..1.0, 28),
        weights in prop::collection::vec(-1.0f32..1.0, 20),
        lengths in prop::collection::vec(0.5f32..2.0, 5),
        labels in prop::collection::vec(0u32..5, 7),
        (scale, margin, kind) in (1.0f32..20.0, 0.0f32..1.0, 0u8..3),
    ) {
        let rows = unit_rows(&values, 4);
        let mut head = unit_rows(&weights, 4);
        for (row, length) in head.chunks_exact_mut(4).zip(&lengths) {
            row.iter_mut().for_each(|w| *w *= length);
        }
        let loss = match kind {
            0 => softmax(scale),
            1 => cosface(scale, margin),
            _ => arcface(scale, margin),
        };
        // Where a face meets its class, the slope of an angle grows without bound and differences tell nothing.
        for (row, label) in rows.chunks_exact(4).zip(&labels) {
            let weights = &head[*label as usize * 4..][..4];
            let along: f32 = row.iter().zip(weights).map(|(r, w)| r * w).sum();
            prop_assume!((along / lengths[*label as usize]).abs() < 0.999);
        }
        holds(&loss, &rows, &head, 4, &labels, 1);
    }
}

#[test]
fn tasks_and_rounds_add_up_to_the_whole_batch() {
    // More faces than one task takes, more classes than one task takes, and rounds of 40 faces.
    let mut rows = many_rows(690, 6);
    let head = rows.split_off(90 * 6);
    let labels: Vec<u32> = (0..90).map(|i| i * 6 % 600).collect();
    for mut loss in [cosface(12.0, 0.2), arcface(12.0, 0.3)] {
        let batch = Batch { embeddings: &rows, dimension: 6, labels: &labels };
        let whole = loss.measure(&batch, Some(&head), 0).unwrap();
        loss.scores = 600 * 40;
        holds(&loss, &rows, &head, 6, &labels, 37);
        let rounds = loss.measure(&batch, Some(&head), 0).unwrap();
        assert_eq!((rounds.value, &rounds.gradient), (whole.value, &whole.gradient));
        // A round of one face at least, however little may be held.
        loss.scores = 1;
        let single = loss.measure(&batch, Some(&head), 0).unwrap();
        assert!((single.value - whole.value).abs() < 1e-5);
    }
}
