//! Do two galleries answer alike?

use facenet_core::Embedding;
use facenet_gallery::{FaceId, Hit, Store, StoreError};

/// Faces that are read at a time.
const BATCH: usize = 10_000;
/// Two faces that are so near to each other in distance may change places: sums of floats in another order.
const EQUAL: f32 = 1e-5;

#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    pub(super) same_nearest: usize,
    pub(super) recall: f64,
}

/// The `k` nearest faces of known people for each probe, by looking at all.
pub(super) fn exact(store: &dyn Store, probes: &[Embedding], k: usize) -> Result<Vec<Vec<Hit>>, StoreError> {
    let mut nearest = vec![Vec::new(); probes.len()];
    let mut after = FaceId(0);
    loop {
        let faces = store.faces(after, BATCH)?;
        let Some(last) = faces.last() else { return Ok(nearest) };
        after = last.id;
        let known: Vec<(u64, Embedding)> = faces
            .iter()
            .filter(|face| face.person.is_some())
            .map(|face| (face.id.0.unsigned_abs(), face.embedding.embedding()))
            .collect();
        for (probe, nearest) in probes.iter().zip(&mut nearest) {
            nearest.extend(known.iter().map(|(id, face)| Hit { distance: face.distance(probe), id: *id }));
            nearest.sort_unstable();
            nearest.truncate(k);
        }
    }
}

/// Compares answers to exact ones. A face that is as near as the farthest of the exact ones is one of them.
pub(super) fn compare(expected: &[Vec<Hit>], found: &[Vec<Hit>]) -> Compared {
    let is_within = |hit: &Hit, exact: &Hit| hit.distance.value() <= exact.distance.value() + EQUAL;
    let same = |(expected, found): &(&Vec<Hit>, &Vec<Hit>)| match (expected.first(), found.first()) {
        (Some(expected), Some(found)) => is_within(found, expected),
        (expected, found) => expected.is_none() && found.is_none(),
    };
    let pairs = || expected.iter().zip(found);
    let met: usize = pairs()
        .map(|(expected, found)| {
            let Some(farthest) = expected.last() else { return 0 };
            found.iter().take(expected.len()).filter(|hit| is_within(hit, farthest)).count()
        })
        .sum();
    let all: usize = expected.iter().map(Vec::len).sum();
    let recall = if all == 0 { 1.0 } else { met as f64 / all as f64 };
    Compared { same_nearest: pairs().filter(same).count(), recall }
}

#[cfg(test)]
mod tests {
    use facenet_core::Distance;

    use super::*;

    fn hits(distances: &[(f32, u64)]) -> Vec<Hit> {
        distances.iter().map(|(d, id)| Hit { distance: Distance::new(*d).unwrap(), id: *id }).collect()
    }

    #[test]
    fn answers_are_the_same_up_to_ties() {
        let exact = [hits(&[(0.0, 1), (0.5, 2), (0.5, 3)])];
        let tied = compare(&exact, &[hits(&[(0.0, 1), (0.5, 3), (0.5, 4)])]);
        assert_eq!((tied.same_nearest, tied.recall), (1, 1.0));
        let missed = compare(&exact, &[hits(&[(0.5, 2), (0.5, 3), (0.9, 5)])]);
        assert_eq!(missed.same_nearest, 0);
        assert!((missed.recall - 2.0 / 3.0).abs() < 1e-9);
        let none = compare(&[vec![]], &[vec![]]);
        assert_eq!((none.same_nearest, none.recall), (1, 1.0));
        assert_eq!(compare(&exact, &[vec![]]).recall, 0.0);
    }
}
