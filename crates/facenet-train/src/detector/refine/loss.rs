//! The loss of a second look and its gradient at the outputs.

use facenet::network::Pyramid;
use facenet_core::Point;

use super::sample::{LOOK, Sample, Truth};
use super::{RefinerLossConfig, sample};
use crate::detector::loss::Parts;

/// Where the loss of a box's value goes from square to straight.
const BOX_BEND: f32 = 0.05;
/// Where the loss of a landmark's coordinate does, in edges of the look: two thirds of a pixel.
const POINT_BEND: f32 = 0.01;
/// The first of the landmarks' coordinates among the outputs.
const POINTS: usize = Pyramid::OUTPUTS - 10;

/// The loss of a batch over the number of its faces, and its gradient at `outputs`, `[samples, OUTPUTS]`.
///
/// - Scores: the cross entropy of face and no face.
/// - Boxes: smooth L1 of centre, in edges of the look, and of the logarithms of the sides.
/// - Landmarks: smooth L1 of each coordinate, in edges of the look. Of an aligned crop the landmarks themselves are not
///   known, only the similarity that brings them to the template; so the loss is that of the four numbers by which the
///   given points, moved as one, differ from the template: right and down, turn and size.
pub(super) fn batch_loss(
    config: &RefinerLossConfig,
    outputs: &[f32],
    samples: &[Sample],
) -> (Parts, Vec<f32>) {
    let mut parts = Parts::default();
    let mut gradients = vec![0.0; outputs.len()];
    let rows = outputs.as_chunks::<{ Pyramid::OUTPUTS }>().0.iter();
    for ((row, gradient), sample) in
        rows.zip(gradients.as_chunks_mut::<{ Pyramid::OUTPUTS }>().0).zip(samples)
    {
        let is_face = sample.truth != Truth::Nothing;
        let (loss, slope) = cross_entropy(row[0], is_face);
        parts.score += f64::from(loss);
        gradient[0] = slope;
        parts.positives += usize::from(is_face);
        let found = LOOK.bounds([row[1], row[2], row[3], row[4]]);
        match &sample.truth {
            Truth::Nothing => {}
            Truth::Face { bounds, landmarks } => {
                parts.overlap += f64::from(found.intersection_over_union(bounds));
                for (at, known) in LOOK.values(bounds).into_iter().enumerate() {
                    let (loss, slope) = smooth(row[1 + at] - known, BOX_BEND);
                    parts.boxes += f64::from(config.boxes * loss);
                    gradient[1 + at] = config.boxes * slope;
                }
                for (at, known) in landmarks.iter().flat_map(coordinates).enumerate() {
                    let (loss, slope) = smooth(row[POINTS + at] - known, POINT_BEND);
                    parts.landmarks += f64::from(config.landmarks * loss);
                    gradient[POINTS + at] = config.landmarks * slope;
                }
            }
            Truth::Aligned { template } => {
                let known: Vec<f32> = coordinates(template).collect();
                for direction in similarities(template) {
                    let along = (0..10).map(|at| direction[at] * (row[POINTS + at] - known[at])).sum();
                    let (loss, slope) = smooth(along, POINT_BEND);
                    parts.landmarks += f64::from(config.landmarks * loss);
                    for at in 0..10 {
                        gradient[POINTS + at] += config.landmarks * slope * direction[at];
                    }
                }
            }
        }
    }
    let share = 1.0 / parts.positives.max(1) as f32;
    gradients.iter_mut().for_each(|value| *value *= share);
    (parts, gradients)
}

/// Points of a look as outputs.
fn coordinates(points: &[Point; 5]) -> impl Iterator<Item = f32> {
    points.iter().flat_map(|point| sample::in_edges(*point))
}

/// Four directions of unit length at right angles in the space of the ten coordinates: in which five points move together to
/// the right, down, apart and around their middle.
fn similarities(points: &[Point; 5]) -> [[f32; 10]; 4] {
    let mean = |of: fn(&Point) -> f32| points.iter().map(of).sum::<f32>() / 5.0;
    let (x, y) = (mean(|point| point.x), mean(|point| point.y));
    let length = points.iter().map(|point| (point.x - x).powi(2) + (point.y - y).powi(2)).sum::<f32>().sqrt();
    let unit = 1.0 / 5f32.sqrt();
    let mut directions = [[0.0; 10]; 4];
    for (at, point) in points.iter().enumerate() {
        let (dx, dy) = ((point.x - x) / length, (point.y - y) / length);
        let moves = [[unit, 0.0], [0.0, unit], [dx, dy], [-dy, dx]];
        for (direction, [right, down]) in directions.iter_mut().zip(moves) {
            (direction[2 * at], direction[2 * at + 1]) = (right, down);
        }
    }
    directions
}

/// The cross entropy of a logit against what is true, and its derivative.
fn cross_entropy(logit: f32, is_face: bool) -> (f32, f32) {
    let score = 1.0 / (1.0 + (-logit).exp());
    let signed = if is_face { -logit } else { logit };
    let loss = signed.max(0.0) + (-signed.abs()).exp().ln_1p();
    (loss, score - f32::from(u8::from(is_face)))
}

/// Smooth L1, and its derivative.
fn smooth(off: f32, bend: f32) -> (f32, f32) {
    if off.abs() < bend {
        (off * off / (2.0 * bend), off / bend)
    } else {
        (off.abs() - bend / 2.0, off.signum())
    }
}

#[cfg(test)]
mod tests {
    use facenet::{Similarity, TEMPLATE};
    use facenet_core::{BoundingBox, RgbImage};

    use super::*;

    fn sample(truth: Truth) -> Sample {
        Sample { image: RgbImage::new(64, 64), truth }
    }

    fn points() -> [Point; 5] {
        TEMPLATE.map(|Point { x, y }| Point { x: x * 0.5 + 3.0, y: y * 0.5 - 2.0 })
    }

    #[test]
    fn the_gradient_is_that_of_the_loss_by_finite_differences() {
        let bounds = BoundingBox { x: 10.0, y: 6.0, width: 40.0, height: 52.0 };
        let samples = [
            sample(Truth::Nothing),
            sample(Truth::Face { bounds, landmarks: Some(points()) }),
            sample(Truth::Face { bounds, landmarks: None }),
            sample(Truth::Aligned { template: points() }),
        ];
        let outputs: Vec<f32> =
            (0..4 * Pyramid::OUTPUTS).map(|at| ((at * 7 + 3) % 11) as f32 * 0.03 - 0.15).collect();
        let config = RefinerLossConfig { boxes: 1.5, landmarks: 2.5 };
        let value = |outputs: &[f32]| batch_loss(&config, outputs, &samples).0.value();
        let (parts, gradient) = batch_loss(&config, &outputs, &samples);
        assert_eq!(parts.positives, 3);
        for at in 0..outputs.len() {
            let moved = |by: f32| {
                let mut outputs = outputs.clone();
                outputs[at] += by;
                value(&outputs)
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slope - f64::from(gradient[at])).abs() < 2e-2, "{at}: {slope} against {}", gradient[at]);
        }
    }

    #[test]
    fn an_aligned_crop_asks_for_the_similarity_and_not_for_the_shape() {
        let template = points();
        let samples = [sample(Truth::Aligned { template })];
        let loss = |points: [Point; 5]| {
            let mut outputs = vec![0.0; Pyramid::OUTPUTS];
            outputs[POINTS..].iter_mut().zip(coordinates(&points)).for_each(|(value, at)| *value = at);
            batch_loss(&RefinerLossConfig::default(), &outputs, &samples).0.landmarks
        };
        assert!(loss(template) < 1e-9);
        // A face turned away: eyes nearer to each other, the nose beside the middle. Brought to the template it is aligned.
        let mut shape = template;
        shape[0].x += 0.6;
        shape[1].x -= 0.4;
        shape[2].x += 0.8;
        let aligning = Similarity::fit(&shape, &template).unwrap();
        let aligned = shape.map(|point| aligning.apply(point));
        // Not nothing: size is measured at the template, where the shape differs, and that is of second order.
        assert!(loss(aligned) < 0.1 * loss(shape), "{} against {}", loss(aligned), loss(shape));
        let moved = template.map(|Point { x, y }| Point { x: x + 2.0, y });
        assert!(loss(moved) > 0.1);
    }

    #[test]
    fn a_sure_score_costs_nothing_and_the_largest_is_finite() {
        assert!(cross_entropy(20.0, true).0 < 1e-6 && cross_entropy(-20.0, false).0 < 1e-6);
        assert_eq!(cross_entropy(1e4, false).0, 1e4);
    }
}
