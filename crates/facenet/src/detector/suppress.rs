//! Of boxes that lie on one face, the most confident one.

use facenet_core::Face;

/// Keeps the faces, most confident first, that overlap none of those kept before by more than `overlap`, as intersection
/// over union or as a share of the smaller box that is `inside` the other.
pub(super) fn suppress(mut faces: Vec<Face>, overlap: f32, inside: f32) -> Vec<Face> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        let area = |face: &Face| face.bounds.width * face.bounds.height;
        let covered = kept.iter().any(|other| {
            let shared = face.bounds.intersection(&other.bounds);
            let smaller = area(&face).min(area(other));
            face.bounds.intersection_over_union(&other.bounds) > overlap || shared > inside * smaller
        });
        if !covered {
            kept.push(face);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use facenet_core::BoundingBox;

    use super::*;

    fn face(x: f32, side: f32, score: f32) -> Face {
        Face { bounds: BoundingBox { x, y: 0.0, width: side, height: side }, landmarks: None, score }
    }

    #[test]
    fn the_most_confident_of_boxes_on_one_face_stays_and_neighbours_stay_too() {
        let faces = vec![face(0.0, 10.0, 0.5), face(1.0, 10.0, 0.9), face(8.0, 10.0, 0.6)];
        // 0 and 1 share 9 of 11; 1 and 8 share 3 of 17.
        assert_eq!(suppress(faces, 0.4, 0.9), [face(1.0, 10.0, 0.9), face(8.0, 10.0, 0.6)]);
        assert_eq!(suppress(Vec::new(), 0.4, 0.9), []);
    }

    #[test]
    fn a_small_box_within_a_large_one_is_a_part_of_that_face() {
        assert_eq!(suppress(vec![face(0.0, 30.0, 0.9), face(5.0, 10.0, 0.8)], 0.4, 0.9).len(), 1);
        assert_eq!(suppress(vec![face(0.0, 30.0, 0.9), face(25.0, 10.0, 0.8)], 0.4, 0.9).len(), 2);
    }
}
