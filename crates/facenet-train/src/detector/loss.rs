//! The loss of a scene and its gradient at the maps.

use facenet::Place;
use facenet::network::Pyramid;
use facenet_core::{BoundingBox, Point};
use facenet_eval::LabelledFace;

use super::DetectorLossConfig;
use super::assign::{Duty, Guess, assign};
use super::dual::Dual;

/// Where the loss of a landmark's coordinate goes from square to straight, as a part of the face's side.
const BEND: f32 = 0.05;

/// The loss of a scene before it is divided by the number of places that learn a face, and what it is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Parts {
    /// Of scores.
    pub(super) score: f64,
    /// Of boxes, weighted.
    pub(super) boxes: f64,
    /// Of landmarks, weighted.
    pub(super) landmarks: f64,
    /// Intersections over unions of places with their faces, summed.
    pub(super) overlap: f64,
    /// Places that learn a face.
    pub(super) positives: usize,
}

impl Parts {
    pub(super) fn add(&mut self, other: &Self) {
        self.score += other.score;
        self.boxes += other.boxes;
        self.landmarks += other.landmarks;
        self.overlap += other.overlap;
        self.positives += other.positives;
    }

    /// The loss: the sum of its parts over the number of places that learn a face.
    pub(super) fn value(&self) -> f64 {
        (self.score + self.boxes + self.landmarks) / self.positives.max(1) as f64
    }
}

/// The maps of one scene, `[OUTPUTS, height, width]` each, finest first; or gradients at them.
pub(super) type Maps<T> = [T; 3];

/// The loss of one scene of `edge` pixels, undivided, with its gradient written to `gradients`, which are zero before.
///
/// - Scores: quality focal loss (Li et al. 2020, eq. 2, β = 2): `|y − p|² · CE(p, y)`, where `y` is the root of the
///   overlap of a place's box with its face, and 0 elsewhere. The root keeps small faces, whose boxes overlap less, from
///   being taught to have low scores.
/// - Boxes: distance-IoU (Zheng et al. 2020, eq. 7).
/// - Landmarks: smooth L1 of each coordinate over the face's side.
pub(super) fn scene_loss(
    config: &DetectorLossConfig,
    places: &[Place],
    maps: Maps<&[f32]>,
    faces: &[LabelledFace],
    mut gradients: Maps<&mut [f32]>,
) -> Parts {
    let spots = spots(&maps);
    let value = |at: usize, which: usize| {
        let Spot { level, area, offset } = spots[at];
        maps[level][which * area + offset]
    };
    let raw_box = |at: usize| [1, 2, 3, 4].map(|which| value(at, which));
    let guesses: Vec<Guess> = (0..places.len())
        .map(|at| Guess { logit: value(at, 0), bounds: places[at].bounds(raw_box(at)) })
        .collect();
    let mut parts = Parts::default();
    for (at, duty) in assign(places, &guesses, faces).into_iter().enumerate() {
        let Spot { level, area, offset } = spots[at];
        let mut slope = |which: usize, gradient: f32| gradients[level][which * area + offset] = gradient;
        match duty {
            Duty::Ignored => {}
            Duty::Nothing => {
                let (loss, gradient) = score_loss(guesses[at].logit, 0.0);
                parts.score += f64::from(loss);
                slope(0, gradient);
            }
            Duty::Face { face, overlap } => {
                let face = &faces[face];
                parts.positives += 1;
                parts.overlap += f64::from(overlap);
                let (loss, gradient) = score_loss(guesses[at].logit, overlap.sqrt());
                parts.score += f64::from(loss);
                slope(0, gradient);
                let loss = box_loss(&places[at], raw_box(at), &face.bounds);
                parts.boxes += f64::from(config.boxes * loss.value);
                loss.gradient.iter().enumerate().for_each(|(i, g)| slope(1 + i, config.boxes * g));
                if let Some(points) = &face.landmarks {
                    let raw: [f32; 10] = std::array::from_fn(|i| value(at, 5 + i));
                    let (loss, gradient) = landmark_loss(&places[at], raw, &face.bounds, points);
                    parts.landmarks += f64::from(config.landmarks * loss);
                    gradient.iter().enumerate().for_each(|(i, g)| slope(5 + i, config.landmarks * g));
                }
            }
        }
    }
    parts
}

/// Where the values of a place lie.
#[derive(Clone, Copy)]
struct Spot {
    level: usize,
    /// Values of one channel.
    area: usize,
    offset: usize,
}

fn spots(maps: &Maps<&[f32]>) -> Vec<Spot> {
    let of_level = |(level, map): (usize, &&[f32])| {
        let area = map.len() / Pyramid::OUTPUTS;
        (0..area).map(move |offset| Spot { level, area, offset })
    };
    maps.iter().enumerate().flat_map(of_level).collect()
}

/// Quality focal loss and its derivative by the logit.
fn score_loss(logit: f32, target: f32) -> (f32, f32) {
    let score = 1.0 / (1.0 + (-logit).exp());
    // ln(1 + exp(z)) - y z, without overflow.
    let entropy = logit.max(0.0) + (-logit.abs()).exp().ln_1p() - target * logit;
    let off = score - target;
    let gradient = 2.0 * off * score * (1.0 - score) * entropy + off * off * off;
    (off * off * entropy, gradient)
}

/// Distance-IoU of the box that a place gives, with its derivatives by the four values.
fn box_loss(place: &Place, raw: [f32; 4], face: &BoundingBox) -> Dual {
    let constant = Dual::constant;
    let centre =
        |i: usize, middle: f32| Dual::variable(raw[i], i) * constant(place.stride) + constant(middle);
    let side = |i: usize| {
        let side = place.side(raw[i]);
        // Beyond the largest factor a side does not move.
        let slope = if place.side(raw[i] + 1e-3) == side { 0.0 } else { side };
        Dual::variable(raw[i], i).chain(side, slope)
    };
    let (x, y, width, height) = (centre(0, place.centre.x), centre(1, place.centre.y), side(2), side(3));
    let half = constant(0.5);
    let (left, right) = (x - width * half, x + width * half);
    let (top, bottom) = (y - height * half, y + height * half);
    let (face_right, face_bottom) = (constant(face.x + face.width), constant(face.y + face.height));
    let (face_left, face_top) = (constant(face.x), constant(face.y));
    let nothing = constant(0.0);
    let shared = (right.min(face_right) - left.max(face_left)).max(nothing)
        * (bottom.min(face_bottom) - top.max(face_top)).max(nothing);
    let union = width * height + constant(face.width * face.height) - shared;
    let across = right.max(face_right) - left.min(face_left);
    let down = bottom.max(face_bottom) - top.min(face_top);
    let middle = face.centre();
    let (dx, dy) = (x - constant(middle.x), y - constant(middle.y));
    constant(1.0) - shared / union + (dx * dx + dy * dy) / (across * across + down * down)
}

/// Smooth L1 of the ten coordinates, and its derivatives.
fn landmark_loss(place: &Place, raw: [f32; 10], face: &BoundingBox, points: &[Point; 5]) -> (f32, [f32; 10]) {
    let side = (face.width * face.height).sqrt();
    let (mut loss, mut gradient) = (0.0, [0.0; 10]);
    for (i, gradient) in gradient.iter_mut().enumerate() {
        let (start, known) = match i % 2 {
            0 => (place.centre.x, points[i / 2].x),
            _ => (place.centre.y, points[i / 2].y),
        };
        let off = (start + raw[i] * place.stride - known) / side;
        let (of, slope) = if off.abs() < BEND {
            (off * off / (2.0 * BEND), off / BEND)
        } else {
            (off.abs() - BEND / 2.0, off.signum())
        };
        loss += of;
        *gradient = slope * place.stride / side;
    }
    (loss, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f32, expected: f32, tolerance: f32) {
        assert!((found - expected).abs() < tolerance * (1.0 + expected.abs()), "{found} against {expected}");
    }

    /// The derivative of `f` at `at` by finite differences, in 64 bits where it is summed.
    fn slope(f: impl Fn(f32) -> f32, at: f32) -> f32 {
        let step = 5e-3;
        ((f64::from(f(at + step)) - f64::from(f(at - step))) / f64::from(2.0 * step)) as f32
    }

    #[test]
    fn the_score_loss_has_its_derivative_and_is_nothing_where_the_score_is_right() {
        for (logit, target) in [(-4.0, 0.0), (0.5, 0.0), (-1.0, 0.8), (2.0, 0.6), (5.0, 1.0)] {
            close(score_loss(logit, target).1, slope(|z| score_loss(z, target).0, logit), 1e-3);
        }
        assert_eq!(score_loss(0.0, 0.5), (0.0, 0.0));
        assert!(score_loss(1e4, 0.0).0.is_finite() && score_loss(-1e4, 1.0).0.is_finite());
    }

    #[test]
    fn the_box_loss_has_its_derivatives_near_apart_and_inside() {
        let place = Place::new(8, 4, 4);
        let face = BoundingBox { x: 20.0, y: 25.0, width: 30.0, height: 22.0 };
        for raw in
            [[0.1, -0.2, 0.3, 0.1], [9.0, 9.0, -1.0, -1.0], [0.2, 0.1, -1.0, -0.8], [0.0, 0.1, 1.0, 1.2]]
        {
            let found = box_loss(&place, raw, &face);
            for i in 0..4 {
                let at = |v: f32| {
                    let mut raw = raw;
                    raw[i] = v;
                    box_loss(&place, raw, &face).value
                };
                close(found.gradient[i], slope(at, raw[i]), 5e-3);
            }
        }
    }

    #[test]
    fn the_box_loss_is_nothing_on_the_face_and_above_one_apart_from_it() {
        let place = Place::new(8, 4, 4);
        let face = place.bounds([0.0; 4]);
        assert!(box_loss(&place, [0.0; 4], &face).value.abs() < 1e-6);
        assert!(box_loss(&place, [20.0, 0.0, 0.0, 0.0], &face).value > 1.0);
    }

    #[test]
    fn the_landmark_loss_has_its_derivatives() {
        let place = Place::new(16, 2, 2);
        let face = BoundingBox { x: 20.0, y: 20.0, width: 40.0, height: 50.0 };
        let points = [(30.0, 35.0), (50.0, 35.0), (40.0, 45.0), (32.0, 60.0), (48.0, 60.0)];
        let points = points.map(|(x, y)| Point { x, y });
        let raw = [-0.6, -0.3, 0.6, -0.4, 0.0, 0.35, -0.5, 1.3, 0.5, 1.2];
        let (_, gradient) = landmark_loss(&place, raw, &face, &points);
        for i in 0..10 {
            let at = |v: f32| {
                let mut raw = raw;
                raw[i] = v;
                landmark_loss(&place, raw, &face, &points).0
            };
            close(gradient[i], slope(at, raw[i]), 2e-2);
        }
    }

    #[test]
    fn the_gradient_of_a_scene_lies_where_its_places_are() {
        let places: Vec<Place> = Place::all(64, 64).collect();
        let sizes = [64, 16, 4].map(|area| area * Pyramid::OUTPUTS);
        let maps = sizes.map(|len| vec![0.0; len]);
        let mut gradients = sizes.map(|len| vec![0.0; len]);
        let bounds = BoundingBox { x: 16.0, y: 16.0, width: 24.0, height: 24.0 };
        let face = LabelledFace { bounds, landmarks: None, ignored: false };
        let everything = BoundingBox { x: 0.0, y: 0.0, width: 64.0, height: 64.0 };
        let ignored = LabelledFace { bounds: everything, landmarks: None, ignored: true };
        let [a, b, c] = &mut gradients;
        let config = DetectorLossConfig::default();
        let parts =
            scene_loss(&config, &places, maps.each_ref().map(Vec::as_slice), &[face, ignored], [a, b, c]);
        assert!(parts.positives >= 1 && parts.landmarks == 0.0 && parts.boxes >= 0.0);
        let moved = gradients.iter().flatten().filter(|g| **g != 0.0).count();
        assert!(moved >= parts.positives && moved <= 5 * parts.positives, "{moved} of {parts:?}");
    }
}
