use facenet_core::Preprocessing;
use proptest::prelude::*;

use super::*;

fn contract(dimension: usize, weights: &str) -> Contract {
    Contract {
        network: "nn4".into(),
        dimension,
        weights: weights.into(),
        preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
        thresholds: vec![],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    }
}

fn unit(values: &[f32]) -> Embedding {
    Embedding::normalize(values.to_vec()).unwrap()
}

fn entry(person: &str, source: &str, values: &[f32]) -> Entry {
    Entry { person: person.into(), source: source.into(), embedding: unit(values) }
}

/// In the plane, distances from (1, 0): Anna 2 and 0, Bert 4 and 2, Cleo 2.
fn gallery() -> Gallery {
    let mut gallery = Gallery::new(contract(2, "a"));
    for (person, source, values) in [
        ("Cleo", "c1.jpg", [0.0, -1.0]),
        ("Anna", "a1.jpg", [0.0, 1.0]),
        ("Bert", "b1.jpg", [-1.0, 0.0]),
        ("Anna", "a2.jpg", [1.0, 0.0]),
        ("Anna", "a3.jpg", [1.0, 0.0]),
        ("Bert", "b2.jpg", [0.0, 1.0]),
    ] {
        gallery.add(&contract(2, "a"), entry(person, source, &values)).unwrap();
    }
    gallery
}

fn summary(matches: &[PersonMatch]) -> Vec<(&str, f32, &str)> {
    matches.iter().map(|m| (m.person.as_str(), m.distance.value(), m.source.to_str().unwrap())).collect()
}

#[test]
fn a_person_is_as_near_as_their_best_face_and_ties_go_by_name() {
    let probe = unit(&[1.0, 0.0]);
    let all = [("Anna", 0.0, "a2.jpg"), ("Bert", 2.0, "b2.jpg"), ("Cleo", 2.0, "c1.jpg")];
    for k in [0, 1, 2, 3, 4, usize::MAX] {
        assert_eq!(summary(&gallery().nearest_people(&probe, k)), all[..k.min(3)], "k {k}");
    }
}

#[test]
fn a_person_exactly_at_the_threshold_is_accepted() {
    let (probe, distance) = (unit(&[-1.0, 0.001]), |d: f32| Distance::new(d).unwrap());
    let at = gallery().nearest_people(&probe, 1)[0].distance;
    let below = distance(at.value().next_down());
    assert_eq!(gallery().identify(&probe, at, 1).person.as_deref(), Some("Bert"));
    assert_eq!(gallery().identify(&probe, below, 1).person, None);
    assert_eq!(gallery().identify(&probe, below, 2).nearest.len(), 2, "the nearest are told all the same");
}

#[test]
fn a_person_is_as_near_as_the_template_says() {
    let probe = unit(&[1.0, 0.3]);
    let faces = [("Anna", [0.0, 1.0]), ("Bert", [-1.0, 0.2]), ("Anna", [1.0, 0.0]), ("Anna", [0.9, -0.1])];
    for template in Template::ALL {
        let mut gallery = Gallery::with_template(contract(2, "a"), template);
        for (number, (person, values)) in faces.iter().enumerate() {
            gallery.add(&contract(2, "a"), entry(person, &format!("{number}.jpg"), values)).unwrap();
        }
        let found = gallery.nearest_people(&probe, 9);
        for (person, source) in [("Anna", "2.jpg"), ("Bert", "1.jpg")] {
            let theirs: Vec<Embedding> =
                faces.iter().filter(|(name, _)| *name == person).map(|(_, values)| unit(values)).collect();
            let expected = template.distance(&probe, &theirs).unwrap().value();
            let found = found.iter().find(|found| found.person == person).unwrap();
            assert!((found.distance.value() - expected).abs() < 1e-6, "{} {person}", template.name());
            assert_eq!(found.source, PathBuf::from(source), "the nearest face is named");
        }
    }
}

#[test]
fn faces_without_a_mean_are_as_near_as_the_nearest() {
    let mut gallery = Gallery::with_template(contract(2, "a"), Template::Mean);
    for values in [[1.0, 0.0], [-1.0, 0.0]] {
        gallery.add(&contract(2, "a"), entry("Anna", "a.jpg", &values)).unwrap();
    }
    assert_eq!(gallery.nearest_people(&unit(&[1.0, 0.0]), 1)[0].distance.value(), 0.0);
}

#[test]
fn the_verdict_does_not_need_a_list() {
    let identification = gallery().identify(&unit(&[1.0, 0.0]), Distance::new(0.0).unwrap(), 0);
    assert_eq!(identification, Identification { person: Some("Anna".into()), nearest: vec![] });
}

#[test]
fn an_empty_gallery_knows_nobody() {
    let gallery = Gallery::new(contract(2, "a"));
    assert!(gallery.is_empty());
    let identification = gallery.identify(&unit(&[1.0, 0.0]), Distance::MAX, 5);
    assert_eq!(identification, Identification { person: None, nearest: vec![] });
}

#[test]
fn embeddings_of_another_model_or_dimension_are_refused() {
    let mut gallery = gallery();
    let foreign = gallery.add(&contract(2, "b"), entry("Dora", "d.jpg", &[1.0, 0.0]));
    assert!(matches!(foreign, Err(AddError::Incompatible(_))));
    let longer = gallery.add(&contract(2, "a"), entry("Dora", "d.jpg", &[1.0, 0.0, 0.0])).unwrap_err();
    assert_eq!(longer.to_string(), "the face in `d.jpg` has 3 coordinates, but the gallery's model makes 2");
    assert_eq!((gallery.len(), gallery.nearest_people(&unit(&[1.0, 0.0]), 9).len()), (6, 3));
}

#[test]
#[should_panic(expected = "another contract")]
fn a_probe_of_another_dimension_is_not_searched() {
    gallery().nearest_people(&unit(&[1.0, 0.0, 0.0]), 1);
}

proptest! {
    #[test]
    fn the_search_finds_what_sorting_all_faces_finds(
        faces in prop::collection::vec((0u8..5, prop::collection::vec(-1.0f32..1.0, 20)), 0..30),
        probe in prop::collection::vec(-1.0f32..1.0, 20),
        k in 0usize..7,
    ) {
        let Ok(probe) = Embedding::normalize(probe) else { return Ok(()) };
        let mut gallery = Gallery::new(contract(20, "a"));
        let mut sorted = Vec::new();
        for (index, (person, values)) in faces.into_iter().enumerate() {
            let Ok(embedding) = Embedding::normalize(values) else { continue };
            let (person, source) = (format!("person {person}"), PathBuf::from(index.to_string()));
            sorted.push((embedding.distance(&probe), person.clone(), source.clone()));
            gallery.add(&contract(20, "a"), Entry { person, source, embedding }).unwrap();
        }
        sorted.sort();
        let mut seen = std::collections::HashSet::new();
        sorted.retain(|(_, person, _)| seen.insert(person.clone()));

        let found = gallery.nearest_people(&probe, k);
        prop_assert_eq!(found.len(), k.min(sorted.len()));
        for (found, (distance, person, source)) in found.iter().zip(&sorted) {
            prop_assert_eq!((&found.person, &found.source), (person, source));
            // Twenty additions in another order.
            prop_assert!((found.distance.value() - distance.value()).abs() < 1e-5);
        }
    }
}
