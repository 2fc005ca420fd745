//! What an approximate index misses.

use super::{Index, IndexError};

/// Rounding in which two indexes may state one distance differently.
const ROUNDING: f32 = 1e-5;

/// The share of the `k` nearest faces of each row of `probes`, `[probes, dimension]`, that `index` finds, in `[0, 1]`;
/// none without probes, faces or `k`.
///
/// `exact` is an exact index of the same faces. A face as near as the farthest of its answer is right, whichever of
/// equally near ones that names.
///
/// # Errors
/// When the graph refuses.
///
/// # Panics
/// When `probes` does not come in whole rows.
pub fn recall(index: &Index, exact: &Index, probes: &[f32], k: usize) -> Result<Option<f64>, IndexError> {
    let (found, wanted) = (index.search_many(probes, k)?, exact.search_many(probes, k)?);
    let (mut right, mut all) = (0, 0);
    for (found, wanted) in found.iter().zip(&wanted) {
        let Some(farthest) = wanted.last() else { continue };
        let limit = farthest.distance.value() + ROUNDING;
        right += found.iter().filter(|hit| hit.distance.value() <= limit).count().min(wanted.len());
        all += wanted.len();
    }
    Ok((all > 0).then(|| right as f64 / all as f64))
}
