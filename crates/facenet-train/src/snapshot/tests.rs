use super::*;

use crate::{MinerConfig, NegativeRule, SquaredDistances, mine};

fn batch(labels: &[u32]) -> LoadedBatch {
    LoadedBatch {
        step: 6,
        chips: Vec::new(),
        seeds: Vec::new(),
        triplets: None,
        labels: labels.to_vec(),
        ids: (0..labels.len() as u32).map(|row| ImageId(100 + row)).collect(),
        skipped: 0,
    }
}

/// Unit rows of a fixed pseudo-random walk, `[batch, dimension]`.
fn drawn(batch: usize, dimension: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 0.9
    };
    let mut rows: Vec<f32> = (0..batch * dimension).map(|_| next()).collect();
    for row in rows.chunks_exact_mut(dimension) {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.iter_mut().for_each(|v| *v /= norm);
    }
    rows
}

fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
    Triplet { anchor, positive, negative }
}

#[test]
fn four_faces_on_the_unit_circle() {
    // At 0°, 90°, 180° and 0°: squared distances 2 between neighbours, 4 across, 0 to the last.
    let embeddings = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0];
    let mined = [triplet(0, 1, 2), triplet(0, 1, 3), triplet(2, 3, 1)];
    let snapshot = Snapshot::of(&embeddings, &batch(&[5, 5, 9, 9]), &mined);

    let filled = |h: &Histogram| -> Vec<(usize, u64)> {
        h.counts().iter().copied().enumerate().filter(|(_, count)| *count > 0).collect()
    };
    assert_eq!(snapshot.step, 7, "steps taken, not the index of the step");
    assert_eq!(filled(&snapshot.positives), [(20, 1), (39, 1)], "0-1 and 2-3");
    assert_eq!(filled(&snapshot.negatives), [(0, 1), (20, 2), (39, 1)], "0-3, 1-2 and 1-3, 0-2");

    let hardest: Vec<_> =
        snapshot.hardest.iter().map(|t| (t.anchor.identity, t.negative.image.0, t.violation())).collect();
    assert_eq!(hardest, [(5, 103, 2.0), (9, 101, 2.0)], "the harder of the two that person 5 anchors");
    assert_eq!(snapshot.hardest[0].anchor, Face { image: ImageId(100), identity: 5 });
}

#[test]
fn a_border_belongs_to_the_bin_above_it_and_four_to_the_last() {
    for (distance, bin) in [(0.0, 0), (0.0999, 0), (0.5, 5), (2.0, 20), (3.9999, 39), (4.0, 39)] {
        let mut histogram = Histogram::empty();
        histogram.add(distance);
        assert_eq!(histogram.counts().iter().position(|count| *count == 1), Some(bin), "{distance}");
    }
}

#[test]
fn every_pair_is_counted_as_the_whole_matrix_of_distances_has_it() {
    // Around the edges of the blocks that tasks work on.
    for size in [0, 1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 3] {
        let (embeddings, labels) = (drawn(size, 19), (0..size as u32).map(|row| row % 7).collect::<Vec<_>>());
        let distances = SquaredDistances::between(&embeddings, size).unwrap();
        let (mut positives, mut negatives) = (Histogram::empty(), Histogram::empty());
        for a in 0..size {
            for b in a + 1..size {
                let to = if labels[a] == labels[b] { &mut positives } else { &mut negatives };
                to.add(distances.from(a)[b]);
            }
        }
        let found = Snapshot::of(&embeddings, &batch(&labels), &[]);
        assert_eq!(
            found.positives.total() + found.negatives.total(),
            (size * size.saturating_sub(1) / 2) as u64
        );
        // A distance within rounding of a border may fall on its other side.
        for (found, expected) in [(&found.positives, &positives), (&found.negatives, &negatives)] {
            let moved: u64 = found.counts.iter().zip(&expected.counts).map(|(a, b)| a.abs_diff(*b)).sum();
            assert!(moved <= 2, "{size}: {found:?}, but expected {expected:?}");
        }
        assert_eq!(found.hardest, []);
    }
}

#[test]
fn the_hardest_triplets_are_hardest_first_and_one_for_each_person() {
    let labels: Vec<u32> = (0..120).map(|row| row / 3).collect();
    let embeddings = drawn(120, 8);
    let config = MinerConfig { margin: 4.0, rule: NegativeRule::Hardest, ..MinerConfig::default() };
    let mined = mine(&embeddings, &labels, config, 1).unwrap();
    let snapshot = Snapshot::of(&embeddings, &batch(&labels), &mined.triplets);

    assert_eq!(snapshot.hardest.len(), MAX_HARDEST);
    assert!(snapshot.hardest.is_sorted_by(|a, b| a.violation() >= b.violation()));
    let people: HashSet<u32> = snapshot.hardest.iter().map(|t| t.anchor.identity).collect();
    assert_eq!(people.len(), MAX_HARDEST);
    let rows = Rows::new(&embeddings, 120);
    let violation = |t: &Triplet| {
        let from = |row: u32| rows.distance(t.anchor as usize, row as usize);
        from(t.positive) - from(t.negative)
    };
    let largest = mined.triplets.iter().map(violation).fold(f32::MIN, f32::max);
    assert_eq!(snapshot.hardest[0].violation(), largest);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let labels: Vec<u32> = (0..150).map(|row| row / 5).collect();
    let embeddings = drawn(150, 16);
    let mined = mine(&embeddings, &labels, MinerConfig::default(), 3).unwrap();
    let take = || Snapshot::of(&embeddings, &batch(&labels), &mined.triplets);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(take(), single.install(take));
}

#[test]
fn a_snapshot_is_read_back_as_it_was_written() {
    let embeddings = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
    let snapshot = Snapshot::of(&embeddings, &batch(&[0, 0, 1]), &[triplet(0, 1, 2)]);
    let json = serde_json::to_string(&snapshot).unwrap();
    assert!(json.contains("\"image\":102,\"identity\":1"), "{json}");
    assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
}

#[test]
fn bins_are_joined_without_losing_a_count() {
    let mut histogram = Histogram::empty();
    [0.05, 0.15, 0.25, 3.95].into_iter().for_each(|d| histogram.add(d));
    let coarse = histogram.coarser(20);
    assert_eq!((coarse.len(), coarse[0], coarse[1], coarse[19]), (20, 2, 1, 1));
    assert_eq!(histogram.coarser(1), [4]);
}
