use proptest::prelude::*;

use super::*;
use crate::miner::tests::unit_rows;

/// Points on the unit circle, by their angle in degrees.
fn circle(degrees: &[f32]) -> Vec<f32> {
    degrees.iter().flat_map(|d| [d.to_radians().cos(), d.to_radians().sin()]).collect()
}

fn ids(range: std::ops::Range<u32>) -> Vec<ImageId> {
    range.map(ImageId).collect()
}

/// Person 0 at about 0°, but for image 2; person 1 at about 90°.
const WRONG: [f32; 6] = [0.0, 2.0, 80.0, 90.0, 100.0, 110.0];
const RIGHT: [f32; 6] = [0.0, 2.0, 4.0, 90.0, 100.0, 110.0];
const PEOPLE: [u32; 6] = [0, 0, 0, 1, 1, 1];

fn suspects(checkpoints: &[[f32; 6]]) -> Suspects {
    let mut suspects = Suspects::new(SuspectConfig { twin: 0.01, ..SuspectConfig::default() });
    for degrees in checkpoints {
        suspects.look(&circle(degrees), &PEOPLE, &ids(0..6)).unwrap();
    }
    suspects
}

#[test]
fn an_image_among_another_persons_is_a_stranger_with_both_distances() {
    let found = suspects(&[WRONG]).strangers();
    assert_eq!(found.len(), 1);
    let stranger = found[0];
    assert_eq!((stranger.image, stranger.person, stranger.looks_like, stranger.called), (2, 0, 1, 1));
    // 79° from the mean of 0° and 2°, and 20° from that of person 1.
    let squared = |degrees: f32| 2.0 - 2.0 * degrees.to_radians().cos();
    assert!((stranger.own_distance - squared(79.0)).abs() < 1e-5);
    assert!((stranger.other_distance - squared(20.0)).abs() < 1e-5);
    assert!((stranger.certainty() - squared(79.0) + squared(20.0)).abs() < 1e-5);
}

#[test]
fn only_what_every_checkpoint_calls_is_impossible() {
    assert_eq!(suspects(&[WRONG, WRONG]).impossible(), [ImageId(2)]);
    assert_eq!(suspects(&[WRONG, RIGHT]).impossible(), []);
    assert_eq!(suspects(&[RIGHT, WRONG]).impossible(), []);
    assert_eq!(suspects(&[]).impossible(), []);
}

#[test]
fn distances_are_averaged_over_checkpoints() {
    let other = [0.0, 2.0, 60.0, 90.0, 100.0, 110.0];
    let own = |checkpoints: &[[f32; 6]]| suspects(checkpoints).strangers()[0].own_distance;
    let mean = (own(&[WRONG]) + own(&[WRONG]) + own(&[other])) / 3.0;
    assert!((own(&[WRONG, WRONG, other]) - mean).abs() < 1e-6);
}

#[test]
fn a_checkpoint_that_did_not_see_an_image_has_no_say_about_it() {
    let mut suspects = suspects(&[WRONG]);
    suspects.look(&circle(&[0.0, 90.0]), &[0, 1], &[ImageId(0), ImageId(9)]).unwrap();
    assert_eq!(suspects.impossible(), [ImageId(2)]);
}

#[test]
fn nearly_the_same_images_of_two_people_are_twins_once() {
    let mut suspects = Suspects::new(SuspectConfig::default());
    let degrees = [0.0, 20.0, 20.5, 40.0];
    let called = suspects.look(&circle(&degrees), &[7, 7, 3, 3], &ids(10..14)).unwrap();
    assert_eq!(called, 2);
    let twins = suspects.twins();
    assert_eq!(twins.len(), 1);
    assert_eq!((twins[0].images, twins[0].people), ([11, 12], [7, 3]));
    assert_eq!(suspects.impossible(), [ImageId(11), ImageId(12)]);
    // One of them is looked at alone: that checkpoint did not call the pair.
    suspects.look(&circle(&[20.0]), &[7], &[ImageId(11)]).unwrap();
    assert_eq!(suspects.impossible(), []);
}

#[test]
fn two_names_of_one_person_are_reported_but_not_dropped() {
    let mut suspects = Suspects::new(SuspectConfig { twin: 0.001, ..SuspectConfig::default() });
    suspects.look(&circle(&[0.0, 20.0, 10.0, 30.0, 170.0]), &[4, 4, 2, 2, 9], &ids(0..5)).unwrap();
    let same = suspects.same_people();
    assert_eq!((same.len(), same[0].people), (1, [2, 4]));
    assert!((same[0].distance - (2.0 - 2.0 * 10f32.to_radians().cos())).abs() < 1e-5);
    assert_eq!(suspects.impossible(), []);
}

#[test]
fn the_border_of_twins_is_inside() {
    // Right angles are exact.
    for (twin, expected) in [(2.0, 1), (1.99, 0)] {
        let mut suspects = Suspects::new(SuspectConfig { twin, ..SuspectConfig::default() });
        suspects.look(&[1.0, 0.0, 0.0, 1.0], &[0, 1], &ids(0..2)).unwrap();
        assert_eq!(suspects.twins().len(), expected);
    }
}

#[test]
fn nothing_one_image_and_one_person_are_not_suspected() {
    let mut suspects = Suspects::new(SuspectConfig::default());
    assert_eq!(suspects.look(&[], &[], &[]), Ok(0));
    assert_eq!(suspects.look(&[1.0, 0.0], &[0], &ids(0..1)), Ok(0));
    assert_eq!(suspects.look(&circle(&[0.0, 90.0]), &[0, 0], &ids(0..2)), Ok(0));
}

#[test]
fn an_image_whose_others_cancel_each_other_out_has_nothing_to_be_compared_with() {
    let mut suspects = Suspects::new(SuspectConfig::default());
    let rows = [1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
    suspects.look(&rows, &[0, 0, 0, 1], &ids(0..4)).unwrap();
    assert_eq!(suspects.impossible(), [ImageId(0), ImageId(1)]);
}

#[test]
fn rows_that_are_no_embeddings_leave_everything_as_it_was() {
    let mut suspects = suspects(&[WRONG]);
    let before = suspects.clone();
    assert!(suspects.look(&[f32::NAN; 12], &PEOPLE, &ids(0..6)).is_err());
    assert_eq!(suspects, before);
}

#[test]
fn what_was_stored_goes_on_like_what_was_not() {
    let mut suspects = suspects(&[WRONG]);
    let text = serde_json::to_string(&suspects).unwrap();
    let mut restored: Suspects = serde_json::from_str(&text).unwrap();
    for suspects in [&mut suspects, &mut restored] {
        suspects.look(&circle(&WRONG), &PEOPLE, &ids(0..6)).unwrap();
    }
    assert_eq!(suspects, restored);
}

#[test]
fn planted_wrong_labels_are_found_and_the_most_certain_come_first() {
    // Twenty people in 32-D with little spread; six images bear the next person's name.
    let centres = unit_rows(20, 32, 1);
    let noise = unit_rows(200, 32, 2);
    let wrong = [3, 30, 77, 101, 150, 199];
    let mut rows = Vec::new();
    for image in 0..200usize {
        let shown = if wrong.contains(&image) { (image / 10 + 1) % 20 } else { image / 10 };
        let row: Vec<f32> = (0..32).map(|i| centres[shown * 32 + i] + 0.5 * noise[image * 32 + i]).collect();
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        rows.extend(row.iter().map(|v| v / norm));
    }
    let labels: Vec<u32> = (0..200).map(|i| i / 10).collect();
    let mut suspects = Suspects::new(SuspectConfig::default());
    suspects.look(&rows, &labels, &ids(0..200)).unwrap();
    let found: Vec<usize> = suspects.impossible().iter().map(|id| id.0 as usize).collect();
    assert_eq!(found, wrong);
    let strangers = suspects.strangers();
    assert!(strangers.is_sorted_by(|a, b| a.certainty() >= b.certainty()));
    assert!(strangers.iter().all(|s| s.looks_like == (s.person + 1) % 20));
}

proptest! {
    #[test]
    fn strangers_are_those_of_a_naive_search(
        labels in prop::collection::vec(0u32..5, 0..30),
        gap in -0.5f32..0.5,
        seed: u64,
    ) {
        let rows = unit_rows(labels.len(), 4, seed);
        let mean = |keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let mut sum = [0.0f64; 4];
            for i in (0..labels.len()).filter(|&i| keep(i)) {
                (0..4).for_each(|k| sum[k] += f64::from(rows[i * 4 + k]));
            }
            let norm = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
            sum.iter().map(|v| v / norm).collect()
        };
        let mut suspects = Suspects::new(SuspectConfig { gap, twin: -1.0, ..SuspectConfig::default() });
        suspects.look(&rows, &labels, &ids(0..labels.len() as u32)).unwrap();
        let found: BTreeSet<u32> = suspects.impossible().iter().map(|id| id.0).collect();
        for image in 0..labels.len() {
            let d = |mean: Vec<f64>| -> f64 {
                (0..4).map(|k| (mean[k] - f64::from(rows[image * 4 + k])).powi(2)).sum()
            };
            let own = labels.iter().filter(|&&l| l == labels[image]).count();
            let others = (0..5).filter(|p| *p != labels[image] && labels.contains(p));
            let other = others.map(|p| d(mean(&|i| labels[i] == p))).fold(f64::INFINITY, f64::min);
            let difference = d(mean(&|i| labels[i] == labels[image] && i != image)) - other;
            let expected = own > 1 && difference > f64::from(gap);
            if own < 2 || (difference - f64::from(gap)).abs() > 1e-4 {
                prop_assert_eq!(found.contains(&(image as u32)), expected, "{} {}", image, difference);
            }
        }
    }
}
