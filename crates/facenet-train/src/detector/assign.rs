//! Which places of the maps learn which face: the simplified optimal transport of YOLOX (Ge et al. 2021, "SimOTA").

use facenet::Place;
use facenet_core::BoundingBox;
use facenet_eval::LabelledFace;

/// A place may learn a face whose centre is nearer than this, in strides along each axis.
const RADIUS: f32 = 2.5;
/// The sides of faces that a level may learn, in strides: the root of the area.
const SIDES: std::ops::RangeInclusive<f32> = 0.6..=10.0;
/// The most places of a face, whatever its boxes.
const MOST: usize = 10;
/// How much more the overlap counts than the score.
const OVERLAP_WEIGHT: f32 = 3.0;

/// What a place is to learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Duty {
    /// That there is no face.
    Nothing,
    /// Nothing at all: it lies on a face that is neither right nor wrong.
    Ignored,
    /// The face of that number, whose box it meets with that intersection over union now.
    Face {
        /// Its number.
        face: usize,
        /// Intersection over union of the place's box with it.
        overlap: f32,
    },
}

/// What the network says at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guess {
    /// The logit of the score.
    pub(super) logit: f32,
    /// The box.
    pub(super) bounds: BoundingBox,
}

/// A place that may learn a face.
struct Candidate {
    place: usize,
    overlap: f32,
    cost: f32,
}

/// The duties of all places, in their order. Each face takes as many places as its best boxes overlap it in sum, at least
/// one, those of the least cost; of several faces a place learns the one that costs least.
pub(super) fn assign(places: &[Place], guesses: &[Guess], faces: &[LabelledFace]) -> Vec<Duty> {
    let mut duties = vec![Duty::Nothing; places.len()];
    let mut costs = vec![f32::INFINITY; places.len()];
    for (number, face) in faces.iter().enumerate().filter(|(_, face)| !face.ignored) {
        let mut candidates = candidates(places, guesses, face);
        candidates.sort_by(|a, b| b.overlap.total_cmp(&a.overlap));
        let sum: f32 = candidates.iter().take(MOST).map(|candidate| candidate.overlap).sum();
        let count = (sum as usize).clamp(1, MOST);
        candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.place.cmp(&b.place)));
        for Candidate { place, overlap, cost } in candidates.into_iter().take(count) {
            if cost < costs[place] {
                costs[place] = cost;
                duties[place] = Duty::Face { face: number, overlap };
            }
        }
    }
    for face in faces.iter().filter(|face| face.ignored) {
        for (duty, place) in duties.iter_mut().zip(places) {
            if *duty == Duty::Nothing && face.bounds.contains(place.centre) {
                *duty = Duty::Ignored;
            }
        }
    }
    duties
}

/// The places near the middle of a face, on levels for its size; the nearest place of such a level where none is near
/// enough, as may happen at the border of a scene.
fn candidates(places: &[Place], guesses: &[Guess], face: &LabelledFace) -> Vec<Candidate> {
    let (bounds, centre) = (face.bounds, face.bounds.centre());
    let side = (bounds.width * bounds.height).sqrt();
    let distance = |place: &Place| (place.centre.x - centre.x).abs().max((place.centre.y - centre.y).abs());
    let candidate = |at: usize| {
        let Guess { logit, bounds: guessed } = guesses[at];
        let overlap = guessed.intersection_over_union(&bounds);
        // The cross entropy of the score against certainty: ln(1 + exp(-logit)).
        let entropy = if logit > 0.0 { (-logit).exp().ln_1p() } else { logit.exp().ln_1p() - logit };
        Candidate { place: at, overlap, cost: entropy - OVERLAP_WEIGHT * overlap.max(1e-6).ln() }
    };
    let able = |place: &Place| SIDES.contains(&(side / place.stride));
    let near = |at: &usize| {
        let place = &places[*at];
        let inside = bounds.contains(place.centre) && distance(place) < RADIUS * place.stride;
        able(place) && (inside || distance(place) < place.stride)
    };
    let found: Vec<Candidate> = (0..places.len()).filter(near).map(candidate).collect();
    if !found.is_empty() {
        return found;
    }
    let nearest = (0..places.len()).min_by(|&a, &b| distance(&places[a]).total_cmp(&distance(&places[b])));
    nearest.into_iter().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32) -> LabelledFace {
        let bounds = BoundingBox { x, y, width: side, height: side };
        LabelledFace { bounds, landmarks: None, ignored: false }
    }

    /// What a network says that has learnt nothing.
    fn duties(faces: &[LabelledFace]) -> Vec<(Place, Duty)> {
        let places: Vec<Place> = Place::all(128, 128).collect();
        let guesses: Vec<Guess> =
            places.iter().map(|p| Guess { logit: -4.6, bounds: p.bounds([0.0; 4]) }).collect();
        let duties = assign(&places, &guesses, faces);
        places.into_iter().zip(duties).collect()
    }

    fn learning(duties: &[(Place, Duty)], number: usize) -> Vec<Place> {
        let of = |duty: &Duty| matches!(duty, Duty::Face { face, .. } if *face == number);
        duties.iter().filter(|(_, duty)| of(duty)).map(|(place, _)| *place).collect()
    }

    #[test]
    fn a_face_is_learnt_in_its_middle_on_the_level_of_its_size() {
        for (side, stride) in [(24.0, 8.0), (48.0, 16.0), (96.0, 32.0)] {
            // A face that is just the box of the place nearest to the middle.
            let middle =
                Place::new(stride as usize, (64.0 / stride) as usize, (64.0 / stride) as usize).centre;
            let learning = learning(&duties(&[face(middle.x - side / 2.0, middle.y - side / 2.0, side)]), 0);
            assert!(learning.iter().any(|place| place.stride == stride && place.centre == middle), "{side}");
            assert!(learning.iter().all(|place| place.stride == stride), "{side}: {learning:?}");
        }
    }

    #[test]
    fn every_face_has_a_place_however_small_or_at_the_border() {
        for of in [face(60.0, 60.0, 4.0), face(0.0, 0.0, 6.0), face(126.0, 126.0, 2.0)] {
            assert!(!learning(&duties(std::slice::from_ref(&of)), 0).is_empty(), "{of:?}");
        }
    }

    #[test]
    fn neighbours_share_no_place() {
        let duties = duties(&[face(30.0, 30.0, 24.0), face(46.0, 30.0, 24.0)]);
        let (one, other) = (learning(&duties, 0), learning(&duties, 1));
        assert!(!one.is_empty() && !other.is_empty());
        assert!(one.iter().all(|place| !other.contains(place)));
    }

    #[test]
    fn places_on_an_ignored_face_learn_nothing_but_those_of_a_face_within_do() {
        let crowd = LabelledFace { ignored: true, ..face(0.0, 0.0, 64.0) };
        let duties = duties(&[crowd, face(20.0, 20.0, 24.0)]);
        assert!(!learning(&duties, 1).is_empty());
        for (place, duty) in &duties {
            let inside = place.centre.x < 64.0 && place.centre.y < 64.0;
            assert_eq!(*duty == Duty::Nothing, !inside, "{place:?}");
        }
    }

    #[test]
    fn without_faces_all_places_learn_that_there_is_none() {
        assert!(duties(&[]).iter().all(|(_, duty)| *duty == Duty::Nothing));
    }
}
