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
mod tests;
