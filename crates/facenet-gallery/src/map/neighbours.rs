//! Which faces are near to each other, and how much that counts.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::rows::squared_distance;

/// How often the width of a neighbourhood is halved or doubled: to a part in 2^40.
const HALVINGS: usize = 40;

/// Pairs of near faces with weights in `(0, 1]`: UMAP's fuzzy graph (McInnes et al. 2018, algorithms 2 and 3).
pub(super) struct Graph {
    /// Each pair once, the smaller index first, in order.
    pub(super) edges: Vec<(usize, usize, f32)>,
}

impl Graph {
    /// The graph of each row's `k` nearest others, found exactly. `k` is above 0 and less than the number of rows.
    pub(super) fn of(dimension: usize, rows: &[f32], k: usize) -> Self {
        let count = rows.len() / dimension;
        let row = |index: usize| &rows[index * dimension..][..dimension];
        let near: Vec<Vec<(f32, usize)>> = (0..count)
            .into_par_iter()
            .map(|from| {
                let away = |to| (squared_distance(row(from), row(to)).sqrt(), to);
                let mut near: Vec<(f32, usize)> = (0..count).filter(|to| *to != from).map(away).collect();
                let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                near.select_nth_unstable_by(k - 1, order);
                near.truncate(k);
                near.sort_by(order);
                near
            })
            .collect();

        let mut weights: BTreeMap<(usize, usize), f32> = BTreeMap::new();
        for (from, near) in near.iter().enumerate() {
            for (weight, (_, to)) in memberships(near).into_iter().zip(near) {
                // What either says of the pair, as probabilities of one edge: a + b - a b.
                let joint = weights.entry((from.min(*to), from.max(*to))).or_insert(0.0);
                *joint += weight - *joint * weight;
            }
        }
        Self { edges: weights.into_iter().map(|((a, b), weight)| (a, b, weight)).collect() }
    }
}

/// How much each of a row's neighbours, nearest first, belongs to it: 1 for the nearest, falling so that all together make
/// log2 of their number.
fn memberships(near: &[(f32, usize)]) -> Vec<f32> {
    let (nearest, wanted) = (near[0].0, (near.len() as f32).log2());
    let weight = |width: f32, distance: f32| (-(distance - nearest) / width.max(1e-6)).exp();
    let (mut low, mut high, mut width) = (0.0, f32::INFINITY, 1.0f32);
    for _ in 0..HALVINGS {
        let sum: f32 = near.iter().map(|(distance, _)| weight(width, *distance)).sum();
        if sum > wanted {
            high = width;
            width = f32::midpoint(low, high);
        } else {
            low = width;
            width = if high.is_finite() { f32::midpoint(low, high) } else { 2.0 * width };
        }
    }
    near.iter().map(|(distance, _)| weight(width, *distance)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_neighbours_make_the_logarithm_of_their_number() {
        let near = [(0.1, 1), (0.2, 2), (0.4, 3), (0.8, 4), (0.9, 5), (1.0, 6), (1.1, 7), (1.2, 8)];
        let weights = memberships(&near);
        assert_eq!(weights[0], 1.0);
        assert!(weights.is_sorted_by(|a, b| a >= b));
        assert!((weights.iter().sum::<f32>() - 3.0).abs() < 1e-3, "{weights:?}");
    }

    #[test]
    fn a_pair_is_there_once_also_if_both_name_it() {
        // On a line: 0 and 1 are each other's nearest, 2 and 3 too.
        let graph = Graph::of(1, &[0.0, 0.1, 1.0, 1.1], 1);
        assert_eq!(graph.edges, [(0, 1, 1.0), (2, 3, 1.0)]);
    }
}
