//! What the first look of a detector takes for faces in labelled photos.

use facenet::{DetectorModel, FaceDetector, Search};
use facenet_core::{BoundingBox, BoxError, Detector};
use facenet_eval::LabelledFace;
use rayon::prelude::*;

use crate::detector::photos::Photos;

/// The least score of a face that is looked at again: below what a search asks for, so that the second look learns of what is
/// just not asked of it too.
const LEAST_SCORE: f32 = 0.1;
/// Intersection over union from which a box is on a labelled face.
const ON: f32 = 0.5;
/// Intersection over union up to which it is on none; between the two nobody knows.
const OFF: f32 = 0.3;
/// The part of a box that may lie on a face which is neither right nor wrong.
const ON_IGNORED: f32 = 0.3;
/// The height of the smallest face that is learnt, in pixels.
const LEAST_PX: f32 = 8.0;

/// A box to be looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// The number of its photo.
    pub(super) photo: usize,
    pub(super) bounds: BoundingBox,
    /// The number of the face in its photo; none where there is no face.
    pub(super) face: Option<usize>,
}

/// The boxes of all photos.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Boxes on faces: those found, and the labelled ones of faces that were not found.
    pub(super) faces: Vec<Candidate>,
    /// Boxes where there is no face.
    pub(super) others: Vec<Candidate>,
}

impl Candidates {
    /// Searches all photos with the first look of `detector`. One that cannot be read has none.
    pub(super) fn find(detector: &DetectorModel, photos: &Photos) -> Result<Self, BoxError> {
        let search = Search { score: LEAST_SCORE, turns: false, ..Search::default() };
        let detector = FaceDetector::new(detector).with_search(search)?;
        let found = (0..photos.len()).into_par_iter().map(|photo| {
            let Some(image) = photos.image(photo) else { return Ok(Vec::new()) };
            let found: Vec<BoundingBox> = detector.detect(&image)?.iter().map(|face| face.bounds).collect();
            Ok(candidates(photo, &found, photos.faces(photo)))
        });
        let found: Vec<Vec<Candidate>> = found.collect::<Result<_, BoxError>>()?;
        let (faces, others) =
            found.into_iter().flatten().partition(|candidate: &Candidate| candidate.face.is_some());
        Ok(Self { faces, others })
    }
}

/// The candidates of a photo: every box that was found and whose truth is known, and the labels that no box is on.
fn candidates(photo: usize, found: &[BoundingBox], faces: &[LabelledFace]) -> Vec<Candidate> {
    let (ignored, learnt): (Vec<_>, Vec<_>) =
        faces.iter().enumerate().partition(|(_, face)| face.ignored || face.bounds.height < LEAST_PX);
    let mut met = vec![false; faces.len()];
    let mut candidates = Vec::new();
    for &bounds in found {
        let overlaps = learnt.iter().map(|(at, face)| (bounds.intersection_over_union(&face.bounds), *at));
        let (overlap, at) = overlaps.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0));
        let unknown = || {
            let area = bounds.width * bounds.height;
            ignored.iter().any(|(_, face)| bounds.intersection(&face.bounds) > ON_IGNORED * area)
        };
        if overlap >= ON {
            met[at] = true;
            candidates.push(Candidate { photo, bounds, face: Some(at) });
        } else if overlap <= OFF && !unknown() {
            candidates.push(Candidate { photo, bounds, face: None });
        }
    }
    for (at, face) in learnt {
        if !met[at] {
            candidates.push(Candidate { photo, bounds: face.bounds, face: Some(at) });
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f32, side: f32) -> BoundingBox {
        BoundingBox { x, y: 0.0, width: side, height: side }
    }

    fn face(x: f32, side: f32, ignored: bool) -> LabelledFace {
        LabelledFace { bounds: square(x, side), landmarks: None, ignored }
    }

    #[test]
    fn boxes_are_on_a_face_or_on_none_or_left_out() {
        let faces = [face(0.0, 30.0, false), face(100.0, 30.0, false), face(200.0, 30.0, true)];
        let found = [
            square(3.0, 30.0),   // on the first
            square(15.0, 30.0),  // a third of it: nobody knows
            square(60.0, 30.0),  // on nothing
            square(205.0, 10.0), // on one that is neither right nor wrong
        ];
        let candidate = |bounds, face| Candidate { photo: 7, bounds, face };
        let expected = [
            candidate(found[0], Some(0)),
            candidate(found[2], None),
            candidate(faces[1].bounds, Some(1)), // not found
        ];
        assert_eq!(candidates(7, &found, &faces), expected);
    }

    #[test]
    fn faces_too_small_to_be_learnt_are_no_mistakes_either() {
        assert_eq!(candidates(0, &[square(0.0, 6.0)], &[face(0.0, 6.0, false)]), []);
    }
}
