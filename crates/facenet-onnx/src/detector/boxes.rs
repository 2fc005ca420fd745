//! Boxes that overlap.

use facenet_core::{BoundingBox, Face};

/// Faces that are looked at, at most, the most certain ones: a bound on time where a network finds them everywhere.
const MAX_FACES: usize = 5_000;

/// How much two boxes overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The intersection over the union.
    Union,
    /// The intersection over the smaller box.
    Smaller,
}

/// The faces that overlap no more certain one by more than `limit`, the most certain first.
pub(super) fn most_certain(faces: &[Face], limit: f32, measure: Measure) -> Vec<Face> {
    kept(faces, limit, measure).into_iter().map(|i| faces[i].clone()).collect()
}

/// Where the faces of [`most_certain`] stand among `faces`.
pub(super) fn kept(faces: &[Face], limit: f32, measure: Measure) -> Vec<usize> {
    let whole = |face: &Face| face.bounds.width > 0.0 && face.bounds.height > 0.0 && face.score.is_finite();
    let mut order: Vec<usize> = (0..faces.len()).filter(|&i| whole(&faces[i])).collect();
    order.sort_by(|&a, &b| faces[b].score.total_cmp(&faces[a].score));
    order.truncate(MAX_FACES);
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        let apart = |&other: &usize| overlap(&faces[i].bounds, &faces[other].bounds, measure) <= limit;
        if kept.iter().all(apart) {
            kept.push(i);
        }
    }
    kept
}

fn overlap(a: &BoundingBox, b: &BoundingBox, measure: Measure) -> f32 {
    let side =
        |a: f32, a_length: f32, b: f32, b_length: f32| ((a + a_length).min(b + b_length) - a.max(b)).max(0.0);
    let inter = side(a.x, a.width, b.x, b.width) * side(a.y, a.height, b.y, b.height);
    let (a, b) = (a.width * a.height, b.width * b.height);
    match measure {
        Measure::Union => inter / (a + b - inter),
        Measure::Smaller => inter / a.min(b),
    }
}

/// Takes a face to an image that is so many times wider and higher.
pub(super) fn stretch(face: &mut Face, across: f32, down: f32) {
    let BoundingBox { x, y, width, height } = &mut face.bounds;
    *x *= across;
    *width *= across;
    *y *= down;
    *height *= down;
    for point in face.landmarks.iter_mut().flatten() {
        point.x *= across;
        point.y *= down;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, width: f32, score: f32) -> Face {
        Face { bounds: BoundingBox { x, y: 0.0, width, height: 10.0 }, landmarks: None, score }
    }

    fn scores(faces: &[Face], limit: f32, measure: Measure) -> Vec<f32> {
        most_certain(faces, limit, measure).iter().map(|face| face.score).collect()
    }

    #[test]
    fn the_more_certain_of_two_that_overlap_stays() {
        // 5 of 15 columns are shared: a third.
        let faces = [face(0.0, 10.0, 0.5), face(5.0, 10.0, 0.9), face(30.0, 10.0, 0.1)];
        assert_eq!(scores(&faces, 0.3, Measure::Union), [0.9, 0.1]);
        assert_eq!(scores(&faces, 0.34, Measure::Union), [0.9, 0.5, 0.1]);
        assert_eq!(scores(&faces, 0.49, Measure::Smaller), [0.9, 0.1]);
        assert_eq!(scores(&[], 0.3, Measure::Union), [0.0; 0]);
    }

    #[test]
    fn boxes_without_area_and_scores_that_are_no_numbers_are_left_out() {
        assert_eq!(scores(&[face(0.0, 0.0, 0.9), face(0.0, 5.0, f32::NAN)], 0.3, Measure::Union), [0.0; 0]);
    }

    #[test]
    fn of_very_many_the_most_certain_are_looked_at() {
        let faces: Vec<Face> = (0..6_000).map(|i| face(i as f32 * 20.0, 10.0, i as f32)).collect();
        let kept = scores(&faces, 0.3, Measure::Union);
        assert_eq!((kept.len(), kept[0], kept[4_999]), (5_000, 5_999.0, 1_000.0));
    }
}
