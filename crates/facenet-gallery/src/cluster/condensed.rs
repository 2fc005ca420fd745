//! The dissimilarities of all pairs, each stored once.

use rayon::prelude::*;

use crate::rows::{Rows, squared_distance};

/// A symmetric matrix without its diagonal: row i holds the pairs (i, i + 1) to (i, n - 1).
#[derive(Debug, Clone)]
pub(super) struct Condensed {
    items: usize,
    values: Vec<f32>,
}

impl Condensed {
    /// The memory that the pairs of `items` take, in bytes.
    pub(super) fn bytes(items: usize) -> usize {
        pairs(items) * size_of::<f32>()
    }

    /// The squared distances of the first `items` rows.
    pub(super) fn squared_distances(rows: &Rows, items: usize) -> Self {
        let mut values = vec![0.0; pairs(items)];
        let mut lines = Vec::with_capacity(items);
        let mut rest = values.as_mut_slice();
        for item in 0..items {
            let (line, later) = rest.split_at_mut(items - item - 1);
            lines.push((item, line));
            rest = later;
        }
        lines.into_par_iter().for_each(|(item, line)| {
            for (value, other) in line.iter_mut().zip(item + 1..) {
                *value = squared_distance(rows.row(item), rows.row(other));
            }
        });
        Self { items, values }
    }

    /// The number of items.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// The value of a pair of different items, in either order.
    pub(super) fn get(&self, a: usize, b: usize) -> f32 {
        self.values[self.position(a, b)]
    }

    /// Replaces the value of a pair of different items.
    pub(super) fn set(&mut self, a: usize, b: usize, value: f32) {
        let position = self.position(a, b);
        self.values[position] = value;
    }

    fn position(&self, a: usize, b: usize) -> usize {
        debug_assert_ne!(a, b, "an item has no dissimilarity to itself");
        let (low, high) = (a.min(b), a.max(b));
        low * (2 * self.items - low - 1) / 2 + high - low - 1
    }
}

fn pairs(items: usize) -> usize {
    items * items.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use facenet_core::Embedding;

    use super::*;

    #[test]
    fn every_pair_has_its_own_place_and_holds_its_distance() {
        for items in 0..7 {
            let embeddings: Vec<_> = (0..items)
                .map(|i| Embedding::normalize(vec![1.0, i as f32, (i * i) as f32]).unwrap())
                .collect();
            let mut rows = Rows::new(3);
            embeddings.iter().for_each(|e| rows.push(e));
            let matrix = Condensed::squared_distances(&rows, items);

            assert_eq!(matrix.values.len() * 4, Condensed::bytes(items));
            for a in 0..items {
                for b in (0..items).filter(|&b| b != a) {
                    let expected = squared_distance(embeddings[a].as_slice(), embeddings[b].as_slice());
                    assert_eq!(matrix.get(a, b), expected, "{a} {b}");
                }
            }
        }
    }
}
