//! The negatives of one anchor by their rank, sorted only where somebody looks.

use std::ops::Range;

/// A negative and its distance, ordered by distance, then row: a distance is never below zero, and the bits
/// of such floats are in the order of the numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Neighbour(u64);

impl Neighbour {
    pub(super) fn new(distance: f32, row: u32) -> Self {
        Self(u64::from(distance.to_bits()) << 32 | u64::from(row))
    }

    pub(super) fn distance(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }

    pub(super) fn row(self) -> u32 {
        self.0 as u32
    }
}

/// Neighbours in order of distance, then row, spread over buckets of equal width; a bucket is sorted when a
/// rank in it is first asked for.
///
/// A full sort of 1,760 negatives took most of the time of mining, though the 39 positives of an anchor look
/// at some hundred places only. Kept from anchor to anchor for its memory.
#[derive(Debug, Default)]
pub(super) struct Ranked {
    low: f32,
    buckets_per_unit: f32,
    keys: Vec<Neighbour>,
    /// The bucket of each input, in the order of the input.
    buckets: Vec<u32>,
    /// Where each bucket ends in `keys`.
    ends: Vec<u32>,
    sorted: Vec<bool>,
}

/// 2^23, from which on the integers are the 32-bit floats: what is added to it lands in the lowest bits.
const INTEGERS: f32 = 8_388_608.0;

impl Ranked {
    /// Takes in neighbours, given as distances and their rows, all of them from `low` to `high`.
    pub(super) fn fill(&mut self, parts: [(&[f32], &[u32]); 2], low: f32, high: f32) {
        let len: usize = parts.iter().map(|(distances, _)| distances.len()).sum();
        // About one bucket for each neighbour; powers of two, so that memory is seldom moved.
        let count = len.next_power_of_two().clamp(16, 1 << 20);
        self.low = low;
        self.buckets_per_unit = (count - 1) as f32 / (high - low).max(1e-6);
        self.sorted.clear();
        self.sorted.resize(count, false);
        self.ends.clear();
        self.ends.resize(count, 0);
        self.keys.clear();
        self.keys.resize(len, Neighbour::default());

        let mut buckets = std::mem::take(&mut self.buckets);
        buckets.clear();
        for (distances, _) in parts {
            buckets.extend(distances.iter().map(|&d| self.bucket(d) as u32));
        }
        for &bucket in &buckets {
            self.ends[bucket as usize] += 1;
        }
        // Counts to starts; writing moves each start to its end.
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        let rows = parts.iter().flat_map(|(distances, rows)| distances.iter().zip(*rows));
        for (&bucket, (&distance, &row)) in buckets.iter().zip(rows) {
            let end = &mut self.ends[bucket as usize];
            self.keys[*end as usize] = Neighbour::new(distance, row);
            *end += 1;
        }
        self.buckets = buckets;
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many lie at `distance` or nearer.
    pub(super) fn up_to(&mut self, distance: f32) -> usize {
        let span = self.sort(self.bucket(distance));
        span.start + self.keys[span].partition_point(|n| n.distance() <= distance)
    }

    /// The one with `rank` nearer than it.
    pub(super) fn nth(&mut self, rank: usize) -> Neighbour {
        self.sort(self.bucket(self.keys[rank].distance()));
        self.keys[rank]
    }

    /// The farthest of those from `rank` on, of equals the first row.
    pub(super) fn farthest(&mut self, rank: usize) -> Option<Neighbour> {
        let last = self.nth(self.len().checked_sub(1)?);
        let used = self.keys.get(rank..)?;
        used.iter().rev().take_while(|n| n.distance() == last.distance()).last().copied()
    }

    /// Grows with the distance, so that buckets are in order; outside `low` to `high` the first or last.
    fn bucket(&self, distance: f32) -> usize {
        let place =
            ((distance - self.low) * self.buckets_per_unit).clamp(0.0, (self.sorted.len() - 1) as f32);
        ((place + INTEGERS).to_bits() - INTEGERS.to_bits()) as usize
    }

    fn sort(&mut self, bucket: usize) -> Range<usize> {
        let start = if bucket == 0 { 0 } else { self.ends[bucket - 1] as usize };
        let span = start..self.ends[bucket] as usize;
        if !self.sorted[bucket] {
            self.sorted[bucket] = true;
            self.keys[span.clone()].sort_unstable();
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranked(distances: &[f32], cut: usize) -> Ranked {
        let rows: Vec<u32> = (0..distances.len() as u32).rev().collect();
        let (one, other) = (distances.split_at(cut), rows.split_at(cut));
        let low = distances.iter().copied().fold(4.0, f32::min);
        let high = distances.iter().copied().fold(0.0, f32::max);
        let mut ranked = Ranked::default();
        // Filled twice: nothing of the first must stay.
        ranked.fill([(&[1.0, 2.0], &[7, 8]), (&[0.5], &[9])], 0.5, 2.0);
        ranked.nth(1);
        ranked.fill([(one.0, other.0), (one.1, other.1)], low, high);
        ranked
    }

    #[test]
    fn of_equal_distances_the_first_row_comes_first() {
        let mut ranked = ranked(&[1.0, 1.0, 0.5, 1.0], 1); // rows 3, 2, 1, 0
        let order: Vec<u32> = (0..4).map(|rank| ranked.nth(rank).row()).collect();
        assert_eq!(order, [1, 0, 2, 3]);
        assert_eq!(ranked.farthest(0), Some(Neighbour::new(1.0, 0)));
        assert_eq!(ranked.farthest(2), Some(Neighbour::new(1.0, 2)), "what lies before is passed over");
        assert_eq!((ranked.farthest(4), ranked.farthest(5)), (None, None));
        assert_eq!((ranked.up_to(0.4), ranked.up_to(0.5), ranked.up_to(4.0)), (0, 1, 4));
    }

    #[test]
    fn nobody_is_nowhere() {
        let mut ranked = ranked(&[], 0);
        assert_eq!((ranked.len(), ranked.up_to(4.0), ranked.farthest(0)), (0, 0, None));
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_a_full_sort_whatever_is_asked_first(
            // Coarse steps for many ties; an outlier that pushes all others into one bucket.
            distances in prop::collection::vec(prop_oneof![
                (0u32..40).prop_map(|v| v as f32 / 1e5), 0.0f32..=4.0, Just(4.0f32)
            ], 1..60),
            cut in 0usize..60,
            asked in prop::collection::vec((0usize..60, 0.0f32..=4.0), 1..30),
        ) {
            let mut ranked = ranked(&distances, cut % distances.len());
            let rows = (0..distances.len() as u32).rev();
            let mut naive: Vec<(f32, u32)> = distances.iter().copied().zip(rows).collect();
            naive.sort_by(|a, b| a.partial_cmp(b).unwrap());
            for (rank, distance) in asked {
                let (d, row) = naive[rank % naive.len()];
                prop_assert_eq!(ranked.nth(rank % naive.len()), Neighbour::new(d, row));
                for distance in [distance, d] {
                    prop_assert_eq!(ranked.up_to(distance), naive.iter().filter(|n| n.0 <= distance).count());
                }
            }
        }
    }
}
