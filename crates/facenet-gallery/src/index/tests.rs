use proptest::prelude::*;

use super::*;

/// Unit rows, `[count, dimension]`, that differ from each other: a fixed stream of numbers.
pub(super) fn rows(count: usize, dimension: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let row = |_| Embedding::normalize((0..dimension).map(|_| next()).collect()).unwrap();
    (0..count).map(row).flat_map(Vec::from).collect()
}

/// All distances, sorted: what a search has to give.
fn naive(ids: &[u64], rows: &[f32], probe: &[f32], k: usize) -> Vec<Hit> {
    let embedding = |row: &[f32]| Embedding::normalize(row.to_vec()).unwrap();
    let probe = embedding(probe);
    let faces = ids.iter().zip(rows.chunks_exact(probe.dimension()));
    let mut hits: Vec<Hit> =
        faces.map(|(&id, row)| Hit { distance: probe.distance(&embedding(row)), id }).collect();
    hits.sort();
    hits.truncate(k);
    hits
}

fn ids_of(hits: &[Hit]) -> Vec<u64> {
    hits.iter().map(|hit| hit.id).collect()
}

fn options(dimension: usize, precision: Precision, exact_up_to: usize) -> IndexOptions {
    IndexOptions { precision, exact_up_to, ..IndexOptions::of(dimension) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn an_exact_index_finds_what_comparing_with_all_finds(
        count in 0usize..60, dimension in 1usize..40, k in 0usize..70, seed in 0u64..1000,
    ) {
        let ids: Vec<u64> = (0..count as u64).map(|i| i * 7 + 3).collect();
        let faces = rows(count, dimension, seed);
        let probe = rows(1, dimension, seed + 5000);
        let index = Index::build(IndexOptions::of(dimension), &ids, &faces).unwrap();
        let found = index.search(&probe, k).unwrap();
        let expected = naive(&ids, &faces, &probe, k);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // Sums in another order: near ties may change places.
            prop_assert!((found.distance.value() - expected.distance.value()).abs() < 1e-5);
        }
        prop_assert_eq!(index.search_many(&probe, k).unwrap(), [found]);
    }
}

#[test]
fn a_scan_in_many_blocks_and_threads_finds_the_same() {
    let count = 20_000;
    let ids: Vec<u64> = (0..count as u64).collect();
    let faces = rows(count, 16, 1);
    let probes = rows(3, 16, 2);
    let index = Index::build(IndexOptions::of(16), &ids, &faces).unwrap();
    assert_eq!(index.kind(), IndexKind::Exact);
    let many = index.search_many(&probes, 10).unwrap();
    for (probe, many) in probes.chunks_exact(16).zip(many) {
        assert_eq!(ids_of(&many), ids_of(&naive(&ids, &faces, probe, 10)));
        assert_eq!(index.search(probe, 10).unwrap(), many);
    }
}

#[test]
fn equally_near_faces_come_by_their_id() {
    let face = [1.0, 0.0];
    for precision in [Precision::Float, Precision::Byte] {
        let mut index = Index::build(options(2, precision, 10), &[9, 4], &face.repeat(2)).unwrap();
        index.add(&[7], &face).unwrap();
        assert_eq!(ids_of(&index.search(&face, 2).unwrap()), [4, 7]);
        assert_eq!(index.search(&face, 1).unwrap()[0].distance.value(), 0.0);
    }
}

#[test]
fn bytes_give_the_distances_of_quantised_embeddings() {
    let (faces, probe) = (rows(50, 24, 3), rows(1, 24, 4));
    let ids: Vec<u64> = (0..50).collect();
    for exact_up_to in [100, 0] {
        let index = Index::build(options(24, Precision::Byte, exact_up_to), &ids, &faces).unwrap();
        let probe_bytes = quantised(&probe);
        for hit in index.search(&probe, 5).unwrap() {
            let face = quantised(&faces[hit.id as usize * 24..][..24]);
            assert!((hit.distance.value() - probe_bytes.distance(&face).value()).abs() < 1e-4);
        }
    }
}

#[test]
fn an_index_that_outgrows_its_size_becomes_a_graph_with_all_faces() {
    let faces = rows(300, 16, 5);
    let ids: Vec<u64> = (100..400).collect();
    for precision in [Precision::Float, Precision::Byte] {
        let mut index = Index::build(options(16, precision, 200), &ids[..200], &faces[..200 * 16]).unwrap();
        assert_eq!(index.kind(), IndexKind::Exact);
        index.add(&ids[200..], &faces[200 * 16..]).unwrap();
        assert_eq!((index.kind(), index.len()), (IndexKind::Hnsw, 300));
        let exact = Index::build(options(16, precision, 1000), &ids, &faces).unwrap();
        let found = recall(&index, &exact, &faces, 5).unwrap().unwrap();
        assert!(found > 0.99, "{found}");
    }
}

#[test]
fn what_is_removed_is_found_no_more_and_may_come_back() {
    let faces = rows(120, 16, 6);
    let ids: Vec<u64> = (0..120).collect();
    for exact_up_to in [1000, 0] {
        let mut index = Index::build(options(16, Precision::Float, exact_up_to), &ids, &faces).unwrap();
        for id in (0..120).step_by(2) {
            assert!(index.remove(id).unwrap());
        }
        assert!(!index.remove(0).unwrap() && !index.contains(0) && index.contains(1));
        assert_eq!(index.len(), 60);
        for (id, face) in ids.iter().zip(faces.chunks_exact(16)) {
            let found = ids_of(&index.search(face, 3).unwrap());
            assert!(found.iter().all(|id| id % 2 == 1), "{found:?}");
            assert_eq!(found[0] == *id, id % 2 == 1);
        }
        index.add(&[0], &faces[..16]).unwrap();
        assert_eq!(index.search(&faces[..16], 1).unwrap()[0].id, 0);
    }
}

#[test]
fn a_search_among_few_finds_those_few_exactly() {
    let faces = rows(2000, 16, 7);
    let ids: Vec<u64> = (0..2000).collect();
    let keep = |id: u64| id.is_multiple_of(500);
    for exact_up_to in [5000, 0] {
        let index = Index::build(options(16, Precision::Float, exact_up_to), &ids, &faces).unwrap();
        let found = index.search_among(&faces[..16], 10, &keep).unwrap();
        let kept: Vec<f32> =
            [0usize, 500, 1000, 1500].iter().flat_map(|i| faces[i * 16..][..16].to_vec()).collect();
        assert_eq!(ids_of(&found), ids_of(&naive(&[0, 500, 1000, 1500], &kept, &faces[..16], 10)));
    }
}

#[test]
fn vectors_that_do_not_fit_are_refused_and_change_nothing() {
    let mut index = Index::build(IndexOptions::of(2), &[1], &[1.0, 0.0]).unwrap();
    assert_eq!(
        index.add(&[2], &[1.0]).unwrap_err().to_string(),
        "found 1 numbers for 1 faces of 2 coordinates, expected 2"
    );
    for row in [[0.0, 0.0], [2.0, 0.0], [f32::NAN, 1.0]] {
        assert_eq!(index.add(&[2], &row), Err(IndexError::NotUnit(2)));
    }
    assert_eq!(index.add(&[1], &[1.0, 0.0]), Err(IndexError::Twice(1)));
    assert_eq!(index.add(&[3, 3], &[1.0, 0.0, 1.0, 0.0]), Err(IndexError::Twice(3)));
    assert_eq!(index.len(), 1);
}

#[test]
fn an_empty_index_finds_nobody() {
    for exact_up_to in [10, 0] {
        let index = Index::build(options(2, Precision::Float, exact_up_to), &[], &[]).unwrap();
        assert_eq!(index.search(&[1.0, 0.0], 3).unwrap(), []);
        assert!(index.is_empty());
    }
}
