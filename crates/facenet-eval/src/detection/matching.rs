//! Which found face is which labelled one.

use facenet_core::Face;

use super::report::{DetectionReport, HeightRange, LandmarkError, of_range};
use super::{LEAST_OVERLAP, LabelledFace};

/// The part of a found face that may lie in an ignored one for it to be neither right nor wrong.
const INSIDE_IGNORED: f32 = 0.5;

/// What was found in some photos, against what is known to be there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetectionSamples {
    photos: usize,
    ranges: [Range; HeightRange::ALL.len()],
}

/// Of a range of heights.
#[derive(Debug, Clone, Default, PartialEq)]
struct Range {
    /// Labelled faces that count.
    faces: usize,
    /// Scores of found ones, and whether they are right.
    found: Vec<(f32, bool)>,
    /// Mean distance of the five points over the distance of the eyes, of each right one.
    landmark_errors: Vec<f32>,
}

impl DetectionSamples {
    /// Takes in a photo. Of the found faces, most confident first, each is the labelled one that it overlaps most and that
    /// is still free, from [`LEAST_OVERLAP`] on. Ignored faces, and those of other heights than a range's, are neither
    /// right nor wrong in it, and so is what lies on them; of other heights is also what was found at another height and
    /// is no labelled face.
    pub fn add(&mut self, found: &[Face], labelled: &[LabelledFace]) {
        self.photos += 1;
        let mut found: Vec<&Face> = found.iter().collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        for (range, sums) in HeightRange::ALL.into_iter().zip(&mut self.ranges) {
            let counts = |face: &LabelledFace| !face.ignored && range.holds(face.bounds.height);
            sums.faces += labelled.iter().filter(|face| counts(face)).count();
            let mut free = vec![true; labelled.len()];
            for face in &found {
                match best(face, labelled, &free, counts) {
                    Some(at) => {
                        free[at] = false;
                        sums.found.push((face.score, true));
                        sums.landmark_errors.extend(landmark_error(face, &labelled[at]));
                    }
                    None if range.holds(face.bounds.height) && !is_excused(face, labelled, counts) => {
                        sums.found.push((face.score, false));
                    }
                    None => {}
                }
            }
        }
    }

    /// The figures.
    pub fn report(&self) -> DetectionReport {
        let report = |(range, sums): (HeightRange, &Range)| {
            let landmarks = LandmarkError::of(sums.landmark_errors.clone());
            of_range(range, sums.faces, sums.found.clone(), landmarks, self.photos)
        };
        DetectionReport::of(self.photos, HeightRange::ALL.into_iter().zip(&self.ranges).map(report).collect())
    }
}

/// The free labelled face that counts and that `face` overlaps most.
fn best(
    face: &Face,
    labelled: &[LabelledFace],
    free: &[bool],
    counts: impl Fn(&LabelledFace) -> bool,
) -> Option<usize> {
    let overlap = |at: &usize| face.bounds.intersection_over_union(&labelled[*at].bounds);
    let able = (0..labelled.len()).filter(|at| free[*at] && counts(&labelled[*at]));
    able.filter(|at| overlap(at) >= LEAST_OVERLAP).max_by(|a, b| overlap(a).total_cmp(&overlap(b)))
}

/// Whether `face` lies on a labelled one that does not count.
fn is_excused(face: &Face, labelled: &[LabelledFace], counts: impl Fn(&LabelledFace) -> bool) -> bool {
    let area = face.bounds.width * face.bounds.height;
    labelled.iter().filter(|other| !counts(other)).any(|other| {
        face.bounds.intersection_over_union(&other.bounds) >= LEAST_OVERLAP
            || other.ignored && face.bounds.intersection(&other.bounds) >= INSIDE_IGNORED * area
    })
}

/// The landmarks' mean distance over that of the labelled eyes; none without landmarks, or where the eyes lie so near each
/// other, as in a profile, that there is no scale.
fn landmark_error(face: &Face, labelled: &LabelledFace) -> Option<f32> {
    let (found, known) = (face.landmarks?, labelled.landmarks?);
    let distance = |a: facenet_core::Point, b: facenet_core::Point| (a.x - b.x).hypot(a.y - b.y);
    let eyes = distance(known[0], known[1]);
    let mean = found.iter().zip(known).map(|(a, b)| distance(*a, b)).sum::<f32>() / 5.0;
    (eyes >= 0.2 * labelled.bounds.width).then_some(mean / eyes)
}

#[cfg(test)]
mod tests {
    use facenet_core::{BoundingBox, Point};

    use super::*;

    fn square(x: f32, side: f32) -> BoundingBox {
        BoundingBox { x, y: 0.0, width: side, height: side }
    }

    fn found(x: f32, side: f32, score: f32) -> Face {
        Face { bounds: square(x, side), landmarks: None, score }
    }

    fn labelled(x: f32, side: f32) -> LabelledFace {
        LabelledFace { bounds: square(x, side), landmarks: None, ignored: false }
    }

    fn all(found: &[Face], labelled: &[LabelledFace]) -> Vec<(f32, bool)> {
        let mut samples = DetectionSamples::default();
        samples.add(found, labelled);
        samples.ranges[0].found.clone()
    }

    #[test]
    fn a_face_is_found_once_and_the_second_box_on_it_is_wrong() {
        let found = [found(1.0, 10.0, 0.6), found(0.0, 10.0, 0.9), found(50.0, 10.0, 0.3)];
        assert_eq!(all(&found, &[labelled(0.0, 10.0)]), [(0.9, true), (0.6, false), (0.3, false)]);
    }

    #[test]
    fn the_overlap_must_reach_four_tenths() {
        // Squares of 7 side by side share (7 - d) · 7 of (7 + d) · 7: at d = 3 that is 0.4 exactly.
        assert_eq!(all(&[found(3.0, 7.0, 0.5)], &[labelled(0.0, 7.0)]), [(0.5, true)]);
        assert_eq!(all(&[found(3.1, 7.0, 0.5)], &[labelled(0.0, 7.0)]), [(0.5, false)]);
    }

    #[test]
    fn what_lies_on_an_ignored_face_is_neither_right_nor_wrong() {
        let crowd = LabelledFace { ignored: true, ..labelled(0.0, 40.0) };
        let faces = [found(0.0, 10.0, 0.9), found(35.0, 10.0, 0.8), found(36.0, 10.0, 0.7)];
        // The second lies half inside, the third less.
        assert_eq!(all(&faces, &[crowd]), [(0.7, false)]);
    }

    #[test]
    fn a_range_of_heights_does_not_know_of_other_faces() {
        let mut samples = DetectionSamples::default();
        let faces = [found(0.0, 100.0, 0.9), found(200.0, 20.0, 0.8), found(300.0, 20.0, 0.7)];
        samples.add(&faces, &[labelled(0.0, 100.0), labelled(200.0, 20.0)]);
        let [all, small, middle, large] = samples.ranges;
        assert_eq!((all.faces, all.found.len()), (2, 3));
        assert_eq!((small.faces, small.found), (1, vec![(0.8, true), (0.7, false)]));
        assert_eq!((middle.faces, middle.found), (0, vec![]));
        assert_eq!((large.faces, large.found), (1, vec![(0.9, true)]));
    }

    #[test]
    fn landmarks_are_measured_by_the_distance_of_the_eyes_and_profiles_left_out() {
        let points =
            |shift: f32, eyes: f32| [0.0, eyes, 5.0, 2.0, 8.0].map(|x| Point { x: x + shift, y: 0.0 });
        let face = Face { landmarks: Some(points(1.0, 10.0)), ..found(0.0, 20.0, 0.9) };
        let known = |eyes| LabelledFace { landmarks: Some(points(0.0, eyes)), ..labelled(0.0, 20.0) };
        assert!((landmark_error(&face, &known(10.0)).unwrap() - 0.1).abs() < 1e-6);
        assert_eq!(landmark_error(&face, &known(3.9)), None);
        assert_eq!(landmark_error(&face, &labelled(0.0, 20.0)), None);
    }
}
