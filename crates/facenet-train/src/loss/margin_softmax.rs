//! Softmax over the identities of the data set, by cosines, with or without a margin: NormFace, CosFace, ArcFace.

use facenet::kernels::{Matrix, Threads, multiply};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Batch, HeadShape, Measured, Objective, ObjectiveError};
use crate::range::{OutOfRange, within};

/// Scores that are held at once, 16 MiB: 663 faces against 6,327 classes, and any batch in several rounds.
const SCORES: usize = 1 << 22;
/// Faces of one task. Fixed, as are the classes, so that sums do not depend on the number of threads.
const ROWS: usize = 32;
/// Classes of one task, when the gradient at their weights is summed.
const CLASSES: usize = 256;
/// The least sine of an angle that a slope is divided by. The slope of cos(θ + m) by cos θ grows without bound where a
/// face meets its class; the part of it that turns the face shrinks by the sine, so nothing is lost.
const LEAST_SINE: f64 = 1e-4;

/// The settings of the softmax without a margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftmaxConfig {
    /// What cosines are multiplied by: the sharpness of the softmax, above 0.
    pub scale: f32,
}

impl Default for SoftmaxConfig {
    /// A scale of 30. Below `ln(9 · classes)`, 11 for 6,000, even a perfect embedding could not be sure of 0.9 (Wang et al. 2017,
    /// NormFace, prop. 2).
    fn default() -> Self {
        Self { scale: 30.0 }
    }
}

/// The settings of CosFace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CosfaceConfig {
    /// What cosines are multiplied by, above 0.
    pub scale: f32,
    /// What is taken from the cosine of a face with its own class, in `[0, 1]`.
    pub margin: f32,
}

impl Default for CosfaceConfig {
    /// Those of its paper: 64 and 0.35 (Wang et al. 2018, §4.1).
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.35 }
    }
}

/// The settings of ArcFace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArcfaceConfig {
    /// What cosines are multiplied by, above 0.
    pub scale: f32,
    /// What is added to the angle of a face with its own class, in radians, in `[0, π/2)`.
    pub margin: f32,
}

impl Default for ArcfaceConfig {
    /// Those of its paper: 64 and 0.5 (Deng et al. 2019, §3.1).
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.5 }
    }
}

fn check_scale(scale: f32) -> Result<(), OutOfRange> {
    within(scale > 0.0 && scale.is_finite(), "scale", &scale, "a number above 0")
}

impl SoftmaxConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        check_scale(self.scale)
    }
}

impl CosfaceConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        check_scale(self.scale)?;
        within((0.0..=1.0).contains(&self.margin), "margin", &self.margin, "a number from 0 to 1")
    }
}

impl ArcfaceConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        check_scale(self.scale)?;
        let below = std::f32::consts::FRAC_PI_2;
        within((0.0..below).contains(&self.margin), "margin", &self.margin, "radians from 0, below π/2")
    }
}

/// What makes it harder for a face to be of its class.
#[derive(Debug, Clone, Copy)]
enum Margin {
    None,
    Cosine(f64),
    Angle(f64),
}

impl Margin {
    /// The score of a face for its own class by their cosine, and its slope by the cosine.
    ///
    /// For the angle, `cos(θ + m)` up to `θ = π − m`, from where on it would rise again: there `cos θ − m sin m`, as
    /// the authors' code has it without its `easy_margin`, and pytorch-metric-learning too.
    fn of(self, cosine: f64) -> (f64, f64) {
        match self {
            Self::None => (cosine, 1.0),
            Self::Cosine(margin) => (cosine - margin, 1.0),
            Self::Angle(margin) if cosine >= -margin.cos() => {
                let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
                let slope = margin.cos() + cosine * margin.sin() / sine.max(LEAST_SINE);
                (cosine * margin.cos() - sine * margin.sin(), slope)
            }
            Self::Angle(margin) => (cosine - margin * margin.sin(), 1.0),
        }
    }
}

/// The mean cross-entropy of faces against all classes. The class weights, a row for each identity of the data set, are
/// taken by their direction alone.
pub(super) struct MarginSoftmax {
    scale: f32,
    margin: Margin,
    /// How many scores are held at once.
    scores: usize,
}

impl MarginSoftmax {
    pub(super) fn softmax(config: &SoftmaxConfig) -> Self {
        Self { scale: config.scale, margin: Margin::None, scores: SCORES }
    }

    pub(super) fn cosface(config: &CosfaceConfig) -> Self {
        Self { scale: config.scale, margin: Margin::Cosine(config.margin.into()), scores: SCORES }
    }

    pub(super) fn arcface(config: &ArcfaceConfig) -> Self {
        Self { scale: config.scale, margin: Margin::Angle(config.margin.into()), scores: SCORES }
    }

    /// The loss of one face. Its cosines with all classes, `[classes]`, become the gradient of the batch's mean at them;
    /// `own` is the one with its class, more exactly.
    fn face(&self, cosines: &mut [f32], label: usize, own: f64, faces: usize) -> Face {
        let right = cosines[label];
        let is_own_nearest = cosines
            .iter()
            .enumerate()
            .all(|(class, &c)| c < right || class == label || (c == right && class > label));
        let (score, slope) = self.margin.of(own);
        let score = score as f32 * self.scale;
        cosines[label] = f32::NEG_INFINITY;
        let largest = cosines.iter().fold(f32::NEG_INFINITY, |largest, &c| largest.max(c)) * self.scale;
        let largest = largest.max(score);

        let mut others = 0.0f64;
        for cosine in cosines.iter_mut() {
            *cosine = (self.scale * *cosine - largest).exp();
            others += f64::from(*cosine);
        }
        let own = f64::from(score - largest).exp();
        let loss =
            if score == largest { others.ln_1p() } else { (others + own).ln() - f64::from(score - largest) };
        let share = f64::from(self.scale) / (faces as f64 * (others + own));
        cosines.iter_mut().for_each(|cosine| *cosine *= share as f32);
        // Of all probabilities the sum is 1: that of the others is what its own lacks, without a difference near 0.
        cosines[label] = -(share * others * slope) as f32;
        Face { loss, is_own_nearest }
    }
}

struct Face {
    loss: f64,
    is_own_nearest: bool,
}

/// Class weights by direction, `[classes, dimension]`, and length.
struct Directions {
    units: Vec<f32>,
    norms: Vec<f32>,
}

impl Directions {
    fn of(weights: &[f32], dimension: usize) -> Result<Self, ObjectiveError> {
        let norm = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
        let norms: Vec<f32> = weights.par_chunks_exact(dimension).map(norm).collect();
        if let Some(class) = norms.iter().position(|norm| !norm.is_normal()) {
            return Err(ObjectiveError::Class { class, norm: norms[class] });
        }
        let mut units = weights.to_vec();
        units.par_chunks_exact_mut(dimension).zip(&norms).for_each(|(row, norm)| {
            row.iter_mut().for_each(|v| *v /= norm);
        });
        Ok(Self { units, norms })
    }

    /// From the gradient at the directions to that at the weights: `(g − (g·u) u) / ‖w‖`.
    fn back(&self, gradient: &mut [f32], dimension: usize) {
        let rows = gradient.par_chunks_exact_mut(dimension).zip(self.units.par_chunks_exact(dimension));
        rows.zip(&self.norms).for_each(|((gradient, unit), norm)| {
            let along: f32 = gradient.iter().zip(unit).map(|(g, u)| g * u).sum();
            gradient.iter_mut().zip(unit).for_each(|(g, u)| *g = (*g - along * u) / norm);
        });
    }
}

impl Objective for MarginSoftmax {
    fn head(&self, classes: usize, dimension: usize) -> Option<HeadShape> {
        Some(HeadShape { classes, dimension })
    }

    fn measure(&self, batch: &Batch, head: Option<&[f32]>, _seed: u64) -> Result<Measured, ObjectiveError> {
        batch.check()?;
        let (faces, dimension) = (batch.labels.len(), batch.dimension);
        let head = head.unwrap_or_default();
        if head.is_empty() || !head.len().is_multiple_of(dimension) {
            return Err(ObjectiveError::Head { found: head.len(), dimension });
        }
        let classes = head.len() / dimension;
        if let Some(row) = batch.labels.iter().position(|label| *label as usize >= classes) {
            return Err(ObjectiveError::Label { row, label: batch.labels[row], classes });
        }
        let directions = Directions::of(head, dimension)?;
        let units = Matrix::new(&directions.units, classes, dimension, dimension);

        let mut gradient = vec![0.0; batch.embeddings.len()];
        let mut head_gradient = vec![0.0; head.len()];
        let mut found = Vec::with_capacity(faces);
        let round = (self.scores / classes).clamp(1, faces.max(1));
        let mut scores = vec![0.0; round * classes];
        for (i, gradient) in gradient.chunks_mut(round * dimension).enumerate() {
            let first = i * round;
            let rows = gradient.len() / dimension;
            let scores = &mut scores[..rows * classes];
            let tasks = scores.par_chunks_mut(ROWS * classes).zip(gradient.par_chunks_mut(ROWS * dimension));
            let of_tasks: Vec<Vec<Face>> = tasks
                .enumerate()
                .map(|(task, (scores, gradient))| {
                    let first = first + task * ROWS;
                    let rows = gradient.len() / dimension;
                    let own = Matrix::new(&batch.embeddings[first * dimension..], rows, dimension, dimension);
                    multiply(own, units.transposed(), scores, classes, 0.0, Threads::One);
                    let of_rows = scores.chunks_exact_mut(classes).enumerate().map(|(i, cosines)| {
                        let label = batch.labels[first + i] as usize;
                        let unit = &directions.units[label * dimension..][..dimension];
                        self.face(cosines, label, cosine(batch.row(first + i), unit), faces)
                    });
                    let of_rows = of_rows.collect();
                    let slopes = Matrix::new(scores, rows, classes, classes);
                    multiply(slopes, units, gradient, dimension, 0.0, Threads::One);
                    of_rows
                })
                .collect();
            found.extend(of_tasks.into_iter().flatten());

            let own = Matrix::new(&batch.embeddings[first * dimension..], rows, dimension, dimension);
            head_gradient.par_chunks_mut(CLASSES * dimension).enumerate().for_each(|(task, gradient)| {
                let some = gradient.len() / dimension;
                let slopes = Matrix::new(&scores[task * CLASSES..], rows, some, classes).transposed();
                multiply(slopes, own, gradient, dimension, 1.0, Threads::One);
            });
        }
        directions.back(&mut head_gradient, dimension);
        let sum: f64 = found.iter().map(|face| face.loss).sum();
        let right = found.iter().filter(|face| face.is_own_nearest).count();
        Ok(Measured {
            value: (sum / faces.max(1) as f64) as f32,
            gradient,
            head: Some(head_gradient),
            mined: None,
            accuracy: (faces > 0).then(|| right as f32 / faces as f32),
        })
    }
}

/// The cosine of unit vectors, in `[-1, 1]`.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>().clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
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

    fn holds(
        loss: &MarginSoftmax,
        rows: &[f32],
        head: &[f32],
        dimension: usize,
        labels: &[u32],
        step: usize,
    ) {
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
}
