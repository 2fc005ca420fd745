//! Which pairs of faces are worth a look.

use rayon::prelude::*;

use crate::index::{Index, IndexError};
use crate::rows::squared_distance;

/// Two faces, the lower first.
pub(super) type Edge = (u32, u32);

/// All pairs of rows at most `limit` apart: every pair is compared.
pub(super) fn all(rows: &[f32], dimension: usize, limit: f32) -> Vec<Edge> {
    let row = |face: usize| &rows[face * dimension..][..dimension];
    let from = |a: usize| {
        let mut edges: Vec<Edge> = Vec::new();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let later = rows[(a + 1) * dimension..].chunks_exact(dimension).zip(a + 1..);
                for (other, b) in later {
                    if squared_distance(row(a), other) <= limit {
                        edges.push((a as u32, b as u32));
                    }
                }
            },
        );
        edges
    };
    (0..rows.len() / dimension).into_par_iter().flat_map_iter(from).collect()
}

/// Pairs of a face from `first` on and one of its `k` nearest in `index`, at most `limit` apart; each once.
pub(super) fn nearest(
    index: &Index,
    rows: &[f32],
    dimension: usize,
    first: usize,
    k: usize,
    limit: f32,
) -> Result<Vec<Edge>, IndexError> {
    // Answers are taken in parts, so that they never need more memory than the edges.
    const PART: usize = 65_536;
    let mut edges: Vec<Edge> = Vec::new();
    for (part, probes) in rows[first * dimension..].chunks(PART * dimension).enumerate() {
        // The nearest is the face itself.
        let answers = index.search_many(probes, k + 1)?;
        for (face, hits) in (first + part * PART..).zip(answers) {
            let near = hits.iter().filter(|hit| hit.id != face as u64 && hit.distance.value() <= limit);
            edges
                .extend(near.map(|hit| ((face as u32).min(hit.id as u32), (face as u32).max(hit.id as u32))));
        }
    }
    edges.par_sort_unstable();
    edges.dedup();
    Ok(edges)
}
