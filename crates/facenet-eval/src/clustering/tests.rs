//! Scores by hand, against the definitions, and against scikit-learn.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

fn agreement(precision: f64, recall: f64, f: f64) -> Agreement {
    Agreement { precision: Some(precision), recall: Some(recall), f: Some(f) }
}

fn near(a: Agreement, b: Agreement) -> bool {
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-12,
        (a, b) => a == b,
    };
    close(a.precision, b.precision) && close(a.recall, b.recall) && close(a.f, b.f)
}

#[test]
fn five_faces_by_hand() {
    // Clusters {a, a, b} and {a, b}: 2 people.
    let scores = ClusteringScores::of(&["a", "a", "b", "a", "b"], &[1, 1, 1, 2, 2]).unwrap();
    assert_eq!((scores.faces, scores.people, scores.clusters, scores.alone), (5, 2, 2, 0));
    // Four pairs within clusters, one right; four pairs within people.
    assert!(near(scores.pairwise, agreement(0.25, 0.25, 0.25)), "{scores:?}");
    // Precision: (2/3 + 2/3 + 1/3 + 1/2 + 1/2) / 5; recall: (2/3 + 2/3 + 1/2 + 1/3 + 1/2) / 5.
    let share = (4.0 / 3.0 + 1.0 / 3.0 + 1.0) / 5.0;
    assert!(near(scores.bcubed, agreement(share, share, share)), "{scores:?}");
}

#[test]
fn the_same_grouping_under_other_names_is_perfect() {
    let scores = ClusteringScores::of(&["a", "b", "a", "c"], &[7, 3, 7, 1]).unwrap();
    assert!(near(scores.pairwise, agreement(1.0, 1.0, 1.0)) && near(scores.bcubed, agreement(1.0, 1.0, 1.0)));
    assert!((scores.nmi - 1.0).abs() < 1e-12);
    assert_eq!(scores.alone, 2);
}

#[test]
fn faces_all_apart_have_no_precision_and_people_of_one_face_no_recall() {
    let apart = ClusteringScores::of(&["a", "a", "b"], &[0, 1, 2]).unwrap();
    assert_eq!(apart.pairwise, Agreement { precision: None, recall: Some(0.0), f: Some(0.0) });
    let single = ClusteringScores::of(&["a", "b"], &[0, 0]).unwrap();
    assert_eq!(single.pairwise, Agreement { precision: Some(0.0), recall: None, f: Some(0.0) });
    assert_eq!(single.nmi, 0.0);
    let neither = ClusteringScores::of(&["a", "b"], &[0, 1]).unwrap();
    assert_eq!(neither.pairwise, Agreement { precision: None, recall: None, f: None });
    assert!((neither.nmi - 1.0).abs() < 1e-12);
}

#[test]
fn one_face_is_a_perfect_cluster_of_one_person() {
    let scores = ClusteringScores::of(&["a"], &[0]).unwrap();
    assert_eq!((scores.nmi, scores.alone), (1.0, 1));
    assert!(near(scores.bcubed, agreement(1.0, 1.0, 1.0)));
}

#[test]
fn no_faces_or_missing_labels_are_refused() {
    assert_eq!(ClusteringScores::of::<u8, u8>(&[], &[]), Err(NotAClustering::NoFaces));
    assert_eq!(
        ClusteringScores::of(&["a"], &[0, 1]),
        Err(NotAClustering::Lengths { people: 1, clusters: 2 })
    );
}

#[derive(Deserialize)]
struct Case {
    name: String,
    people: Vec<i32>,
    clusters: Vec<i32>,
    nmi: f64,
    pairwise: [Option<f64>; 3],
    bcubed: [f64; 3],
}

#[test]
fn the_scores_are_those_of_scikit_learn_and_of_the_definition_of_bcubed() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/fixtures/clustering.json")).unwrap();
    assert!(cases.len() >= 8);
    for Case { name, people, clusters, nmi, pairwise, bcubed } in cases {
        let scores = ClusteringScores::of(&people, &clusters).unwrap();
        assert!((scores.nmi - nmi).abs() < 1e-9, "{name}: {} instead of {nmi}", scores.nmi);
        let [precision, recall, f] = pairwise;
        assert!(near(scores.pairwise, Agreement { precision, recall, f }), "{name}: {:?}", scores.pairwise);
        let [precision, recall, f] = bcubed;
        assert!(near(scores.bcubed, agreement(precision, recall, f)), "{name}: {:?}", scores.bcubed);
    }
}

/// Two loops over all faces.
fn naive_pairwise(people: &[u8], clusters: &[u8]) -> Agreement {
    let (mut right, mut found, mut wanted) = (0, 0, 0);
    for a in 0..people.len() {
        for b in 0..a {
            let (person, cluster) = (people[a] == people[b], clusters[a] == clusters[b]);
            right += u32::from(person && cluster);
            found += u32::from(cluster);
            wanted += u32::from(person);
        }
    }
    let share = |part: u32, whole: u32| (whole > 0).then(|| f64::from(part) / f64::from(whole));
    Agreement {
        precision: share(right, found),
        recall: share(right, wanted),
        f: share(2 * right, found + wanted),
    }
}

fn naive_bcubed(people: &[u8], clusters: &[u8]) -> (f64, f64) {
    let all = || 0..people.len();
    let right =
        |a: usize| all().filter(|&b| people[a] == people[b] && clusters[a] == clusters[b]).count() as f64;
    let cluster = |a: usize| all().filter(|&b| clusters[a] == clusters[b]).count() as f64;
    let person = |a: usize| all().filter(|&b| people[a] == people[b]).count() as f64;
    let mean = |of: &dyn Fn(usize) -> f64| all().map(of).sum::<f64>() / people.len() as f64;
    (mean(&|a| right(a) / cluster(a)), mean(&|a| right(a) / person(a)))
}

proptest! {
    #[test]
    fn the_scores_equal_their_definitions(faces in prop::collection::vec((0u8..6, 0u8..6), 1..60)) {
        let (people, clusters): (Vec<u8>, Vec<u8>) = faces.into_iter().unzip();
        let scores = ClusteringScores::of(&people, &clusters).unwrap();
        prop_assert_eq!(scores.pairwise, naive_pairwise(&people, &clusters));
        let (precision, recall) = naive_bcubed(&people, &clusters);
        prop_assert!((scores.bcubed.precision.unwrap() - precision).abs() < 1e-12);
        prop_assert!((scores.bcubed.recall.unwrap() - recall).abs() < 1e-12);
    }

    #[test]
    fn swapping_people_and_clusters_swaps_precision_and_recall(faces in prop::collection::vec((0u8..4, 0u8..4), 1..40)) {
        let (people, clusters): (Vec<u8>, Vec<u8>) = faces.into_iter().unzip();
        let there = ClusteringScores::of(&people, &clusters).unwrap();
        let back = ClusteringScores::of(&clusters, &people).unwrap();
        prop_assert_eq!(there.pairwise.precision, back.pairwise.recall);
        prop_assert!((there.bcubed.precision.unwrap() - back.bcubed.recall.unwrap()).abs() < 1e-12);
        prop_assert!((there.nmi - back.nmi).abs() < 1e-12);
    }
}
