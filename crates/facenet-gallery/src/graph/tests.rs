use facenet_core::Embedding;
use proptest::prelude::*;

use super::*;
use crate::cluster::{ClusterOptions, cluster};
use crate::pairs_in_one_photo;

/// Unit rows around `people` centres, `each` of them, `spread` wide; a fixed stream of numbers.
fn people(people: usize, each: usize, spread: f32, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for person in 0..people {
        let centre: Vec<f32> = (0..DIMENSION).map(|_| next()).collect();
        for _ in 0..each {
            let face = centre.iter().map(|c| c + spread * next()).collect();
            rows.extend(Vec::from(Embedding::normalize(face).unwrap()));
            truth.push(person);
        }
    }
    (rows, truth)
}

const DIMENSION: usize = 16;

fn embeddings(rows: &[f32]) -> Vec<Embedding> {
    rows.chunks_exact(DIMENSION).map(|row| Embedding::normalize(row.to_vec()).unwrap()).collect()
}

fn at(threshold: f32) -> GroupOptions {
    GroupOptions::at(Distance::new(threshold).unwrap())
}

fn run(faces: GroupFaces<'_>, knowledge: &Knowledge, options: GroupOptions) -> Clustering {
    Clustering::of(DIMENSION, faces, knowledge.clone(), options).unwrap()
}

fn only(rows: &[f32]) -> GroupFaces<'_> {
    GroupFaces { rows, ..GroupFaces::default() }
}

/// Clusters by their faces.
fn partition(clusters: &[Cluster]) -> Vec<Vec<usize>> {
    let faces = |cluster: &Cluster| {
        let mut faces: Vec<usize> = cluster.faces().collect();
        faces.sort_unstable();
        faces
    };
    clusters.iter().map(faces).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn over_all_pairs_it_is_agglomerative_clustering_with_whatever_is_known(
        count in 1usize..12, each in 1usize..7, spread in 0.5f32..1.6, threshold in 0.2f32..1.4,
        seed in 0u64..10_000, same in prop::collection::vec((0usize..80, 0usize..80), 0..5),
        different in prop::collection::vec((0usize..80, 0usize..80), 0..9), with_photos: bool,
    ) {
        let (rows, _) = people(count, each, spread, seed);
        let faces = rows.len() / DIMENSION;
        let pairs = |pairs: Vec<(usize, usize)>| -> Vec<(usize, usize)> {
            pairs.into_iter().map(|(a, b)| (a % faces, b % faces)).filter(|(a, b)| a != b).collect()
        };
        let knowledge = Knowledge { same: pairs(same), different: pairs(different) };
        let photos: Vec<u64> =
            if with_photos { (0..faces as u64).map(|i| i * 5 % 13 + 13 * (i / 26)).collect() } else { Vec::new() };
        let mut cannot_link = knowledge.different.clone();
        cannot_link.extend(pairs_in_one_photo(&photos));
        let options = ClusterOptions {
            cannot_link, must_link: knowledge.same.clone(),
            ..ClusterOptions::at(Distance::new(threshold).unwrap())
        };
        let exact = cluster(&embeddings(&rows), &options);
        let group = GroupFaces { rows: &rows, photos: &photos, quality: &[] };
        match (Clustering::of(DIMENSION, group, knowledge, at(threshold)), exact) {
            (Ok(found), Ok(exact)) => {
                prop_assert_eq!(partition(&found.clusters()), partition(&exact));
                // The same through the index, if it gives all pairs.
                let by_index = GroupOptions { all_pairs_up_to: 0, neighbours: faces, ..at(threshold) };
                let again = Clustering::of(DIMENSION, group, found.knowledge.clone(), by_index).unwrap();
                prop_assert_eq!(again.labels(), found.labels());
            }
            (Err(GroupError::Contradiction(_)), Err(_)) => {}
            (found, exact) => prop_assert!(false, "{:?} {:?}", found.map(|f| f.labels()), exact),
        }
    }

    #[test]
    fn whatever_is_added_in_whatever_parts_knowledge_holds_and_nothing_near_is_left_apart(
        count in 1usize..9, each in 1usize..6, threshold in 0.2f32..1.4, seed in 0u64..10_000, part in 1usize..9,
    ) {
        let (rows, _) = people(count, each, 1.0, seed);
        let faces = rows.len() / DIMENSION;
        let photos: Vec<u64> = (0..faces as u64).map(|i| i * 7 % 11).collect();
        let first = part.min(faces);
        let start = GroupFaces { rows: &rows[..first * DIMENSION], photos: &photos[..first], quality: &[] };
        let mut grown = run(start, &Knowledge::default(), at(threshold));
        for from in (first..faces).step_by(part) {
            let to = (from + part).min(faces);
            let more = GroupFaces {
                rows: &rows[from * DIMENSION..to * DIMENSION], photos: &photos[from..to], quality: &[],
            };
            prop_assert_eq!(grown.add(more).unwrap(), from);
        }
        let labels = grown.labels();
        for (a, b) in pairs_in_one_photo(&photos) {
            prop_assert_ne!(labels[a], labels[b]);
        }
        let clusters = partition(&grown.clusters());
        let all = embeddings(&rows);
        for (i, x) in clusters.iter().enumerate() {
            for y in &clusters[i + 1..] {
                let may_join = !x.iter().any(|&a| y.iter().any(|&b| photos[a] == photos[b]));
                let pairs = x.iter().flat_map(|&a| y.iter().map(move |&b| (a, b)));
                let mean = pairs.map(|(a, b)| all[a].distance(&all[b]).value()).sum::<f32>() / (x.len() * y.len()) as f32;
                // Sums of rounded numbers.
                prop_assert!(!may_join || mean > threshold - 1e-4, "{x:?} {y:?}: {mean}");
            }
        }
    }
}

#[test]
fn no_face_gives_no_cluster_and_a_thousand_equal_faces_give_one() {
    assert!(run(only(&[]), &Knowledge::default(), at(1.0)).clusters().is_empty());
    let (face, _) = people(1, 1, 0.0, 1);
    let found = run(only(&face.repeat(1000)), &Knowledge::default(), at(0.0));
    assert_eq!(found.clusters().len(), 1);
}

#[test]
fn a_graph_of_few_neighbours_still_finds_people() {
    let (rows, truth) = people(40, 8, 0.3, 3);
    let options = GroupOptions { all_pairs_up_to: 0, neighbours: 6, ..at(0.5) };
    let found = run(only(&rows), &Knowledge::default(), options);
    let labels: Vec<usize> = found.labels().iter().map(|&label| label as usize).collect();
    assert_eq!(labels, truth);
}

/// Points of the unit circle.
fn circle(degrees: &[f32]) -> Vec<f32> {
    degrees.iter().flat_map(|d| [d.to_radians().cos(), d.to_radians().sin()]).collect()
}

fn chord(degrees: f32) -> f32 {
    2.0 - 2.0 * degrees.to_radians().cos()
}

#[test]
fn poor_faces_join_a_cluster_but_do_not_glue_two() {
    let rows = circle(&[0.0, 20.0, 40.0, 42.0]);
    let quality = [0.9, 0.1, 0.9, 0.9];
    let options = GroupOptions { min_quality: 0.5, ..at(chord(30.0)) };
    let faces = GroupFaces { rows: &rows, photos: &[], quality: &quality };
    let mut found = Clustering::of(2, faces, Knowledge::default(), options).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 1], "the poor face is nearer to the first");

    // Two poor faces alone are not brought together, and a good one beside them takes both.
    let poor = circle(&[180.0, 181.0]);
    found.add(GroupFaces { rows: &poor, photos: &[], quality: &[0.1, 0.2] }).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 1, 2, 3]);
    found.add(GroupFaces { rows: &circle(&[185.0]), photos: &[], quality: &[0.9] }).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 1, 2, 2, 2]);
}

#[test]
fn small_gaps_are_suggested_and_not_merged() {
    // 0 and 10 join; 38 is 33 from their middle: beyond 30, but 28 from one of them.
    let rows = circle(&[0.0, 10.0, 38.0, 100.0, 131.0]);
    let options = GroupOptions { suggest_within: chord(34.0) - chord(30.0), ..at(chord(30.0)) };
    let mut found = Clustering::of(2, only(&rows), Knowledge::default(), options).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 2, 3]);
    let questions: Vec<_> = found.suggestions().iter().map(|s| (s.a, s.b, s.why)).collect();
    assert_eq!(questions, [(3, 4, Why::JustBeyond), (1, 2, Why::SomeAlike)]);
    assert!((found.suggestions()[0].distance.value() - chord(31.0)).abs() < 1e-5);

    // Answered with no, it is asked no more; with yes, it is one.
    found.learn(&Knowledge { same: vec![(3, 4)], different: vec![(0, 2)] }).unwrap();
    assert_eq!(found.labels(), [0, 0, 1, 2, 2]);
    assert_eq!(found.suggestions(), []);
}

#[test]
fn a_correction_binds_after_more_faces_and_a_contradiction_changes_nothing() {
    let mut found = Clustering::of(2, only(&circle(&[0.0, 2.0])), Knowledge::default(), at(0.5)).unwrap();
    found.learn(&Knowledge { same: vec![], different: vec![(0, 1)] }).unwrap();
    assert_eq!(found.labels(), [0, 1]);
    found.add(only(&circle(&[1.9, 1.0, 0.1]))).unwrap();
    let labels = found.labels();
    assert_ne!(labels[0], labels[1]);
    let error = found.learn(&Knowledge { same: vec![(1, 3), (3, 0)], different: vec![] }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "faces 0 and 1 are told to be two people, but also one person, directly or through others"
    );
    assert_eq!(found.labels(), labels);
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let rows = circle(&[0.0, 2.0]);
    let refused = |faces| Clustering::of(2, faces, Knowledge::default(), at(0.5)).unwrap_err().to_string();
    assert_eq!(refused(GroupFaces { photos: &[1], ..only(&rows) }), "found 1 photos for 2 faces");
    assert_eq!(refused(GroupFaces { quality: &[1.0], ..only(&rows) }), "found 1 qualities for 2 faces");
    assert_eq!(refused(only(&rows[..3])), "found 3 numbers for 1 faces of 2 coordinates, expected 2");
    assert_eq!(refused(only(&[1.0, 1.0])), "the vector of face 0 is not of unit length");
}
