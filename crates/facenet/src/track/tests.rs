use facenet_core::BoundingBox;

use super::*;

/// A face at `x`, of the person that looks `angle` degrees away from the first.
fn sighting(x: f32, angle: f32, quality: f32) -> Sighting {
    let bounds = BoundingBox { x, y: 0.0, width: 10.0, height: 10.0 };
    let (sin, cos) = angle.to_radians().sin_cos();
    let embedding = Embedding::normalize(vec![cos, sin]).unwrap();
    Sighting { face: Face { bounds, landmarks: None, score: 1.0 }, embedding, quality }
}

fn tracker() -> Tracker {
    // 30 degrees are a distance of 0.27, 60 of 1, 90 of 2.
    let distance = |value| Distance::new(value).unwrap();
    Tracker::new(TrackerSettings { same: distance(0.3), same_place: distance(1.1), overlap: 0.3, gap: 1.0 })
}

/// First and last time and number of frames of each track.
fn told(tracks: &[Track]) -> Vec<(f64, f64, usize)> {
    tracks.iter().map(|track| (track.from, track.to, track.frames)).collect()
}

#[test]
fn a_face_that_stays_is_one_track_and_one_beside_it_another() {
    let mut tracker = tracker();
    for time in [0.0, 0.5, 1.0] {
        let shift = time as f32 * 4.0;
        let ended = tracker.add(time, vec![sighting(50.0 - shift, 90.0, 0.5), sighting(shift, 0.0, 0.5)]);
        assert!(ended.is_empty());
    }
    assert_eq!(told(&tracker.finish()), [(0.0, 1.0, 3), (0.0, 1.0, 3)]);
}

#[test]
fn a_face_that_jumps_is_followed_by_who_it_looks_like() {
    let mut tracker = tracker();
    tracker.add(0.0, vec![sighting(0.0, 0.0, 0.5), sighting(50.0, 90.0, 0.5)]);
    tracker.add(0.5, vec![sighting(100.0, 0.0, 0.5), sighting(0.0, 90.0, 0.5)]);
    let tracks = tracker.finish();
    assert_eq!(told(&tracks), [(0.0, 0.5, 2), (0.0, 0.5, 2)]);
    assert_eq!(tracks[0].template, sighting(0.0, 0.0, 1.0).embedding);
}

#[test]
fn in_the_same_place_a_face_may_change_more_than_elsewhere_and_a_stranger_begins_a_track() {
    for (x, angle, tracks) in [(0.0, 45.0, 1), (40.0, 45.0, 2), (0.0, 90.0, 2), (40.0, 20.0, 1)] {
        let mut tracker = tracker();
        tracker.add(0.0, vec![sighting(0.0, 0.0, 0.5)]);
        tracker.add(0.5, vec![sighting(x, angle, 0.5)]);
        assert_eq!(tracker.finish().len(), tracks, "at {x}, {angle} degrees");
    }
}

#[test]
fn a_track_bridges_a_gap_up_to_the_limit_and_is_given_when_it_has_ended() {
    let mut tracker = tracker();
    tracker.add(0.0, vec![sighting(0.0, 0.0, 0.5)]);
    assert_eq!(told(&tracker.add(1.0, vec![sighting(0.0, 0.0, 0.5)])), []); // exactly the limit
    assert_eq!(told(&tracker.add(1.5, vec![])), []);
    assert_eq!(told(&tracker.add(2.1, vec![sighting(0.0, 0.0, 0.5)])), [(0.0, 1.0, 2)]);
    assert_eq!(told(&tracker.finish()), [(2.1, 2.1, 1)]);
}

#[test]
fn two_faces_of_a_frame_never_become_one_track() {
    let mut tracker = tracker();
    tracker.add(0.0, vec![sighting(0.0, 0.0, 0.5)]);
    tracker.add(0.5, vec![sighting(3.0, 5.0, 0.5), sighting(0.0, 0.0, 0.5)]);
    let tracks = tracker.finish();
    assert_eq!(told(&tracks), [(0.0, 0.5, 2), (0.5, 0.5, 1)]);
    assert_eq!(tracks[1].best.face.bounds.x, 3.0); // the surer pair was joined
}

#[test]
fn the_template_is_the_mean_by_quality_and_the_best_sighting_is_kept() {
    let mut tracker = tracker();
    tracker.add(0.0, vec![sighting(0.0, 0.0, 0.2)]);
    tracker.add(0.5, vec![sighting(1.0, 30.0, 0.6)]);
    tracker.add(1.0, vec![sighting(2.0, 20.0, 0.6)]);
    let track = tracker.finish().remove(0);
    assert_eq!((track.best_at, track.best.face.bounds.x), (0.5, 1.0)); // the first of equals
    let mean = |part: fn(f32) -> f32| {
        0.2 * part(0.0) + 0.6 * part(30f32.to_radians()) + 0.6 * part(20f32.to_radians())
    };
    let expected = Embedding::normalize(vec![mean(f32::cos), mean(f32::sin)]).unwrap();
    assert!(track.template.distance(&expected).value() < 1e-10);
}

#[test]
fn sightings_of_no_quality_have_a_template_too() {
    let mut tracker = tracker();
    tracker.add(0.0, vec![sighting(0.0, 0.0, 0.0)]);
    tracker.add(0.5, vec![sighting(0.0, 10.0, 0.0)]);
    let track = tracker.finish().remove(0);
    assert!(track.template.distance(&sighting(0.0, 5.0, 1.0).embedding).value() < 1e-10);
}

#[test]
fn no_frames_and_empty_frames_give_no_tracks() {
    let mut tracker = tracker();
    assert!(tracker.add(0.0, vec![]).is_empty());
    assert!(tracker.finish().is_empty());
}
