//! The band around a ROC: an interval of VAL at each FAR.

use serde::{Deserialize, Serialize};

use crate::{Interval, Roc};

/// Points a decade of FAR: more would not be told apart in a picture.
const POINTS_A_DECADE: u32 = 16;

/// Intervals of the VAL at growing FAR. Each holds by itself, not all of them at once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Band {
    /// From the finest FAR that can be measured to 1.
    pub points: Vec<BandPoint>,
}

/// One place of a [`Band`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandPoint {
    /// The share of impostor pairs that may be accepted, in `(0, 1]`.
    pub far: f64,
    /// The VAL that was measured: see [`Roc::val_at`].
    pub val: f64,
    /// Where it lies with other people.
    pub interval: Interval,
}

/// FAR from `1 / impostors` to 1 in equal steps of their logarithm.
pub(super) fn grid(impostors: u64) -> Vec<f64> {
    let decades = (impostors as f64).log10();
    let steps = (decades * f64::from(POINTS_A_DECADE)).ceil().max(1.0) as i32;
    (0..=steps).map(|step| 10f64.powf(-decades * f64::from(steps - step) / f64::from(steps))).collect()
}

impl Band {
    /// From the VAL of every draw at each FAR of `grid`, which is asked for by its index.
    pub(super) fn of(roc: &Roc, grid: &[f64], val_in_draws: impl Fn(usize) -> Vec<Option<f64>>) -> Self {
        let point = |(i, &far): (usize, &f64)| {
            let interval = Interval::of(&val_in_draws(i))?;
            Some(BandPoint { far, val: roc.val_at(far), interval })
        };
        Self { points: grid.iter().enumerate().map_while(point).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_runs_from_one_impostor_to_all() {
        let grid = grid(1000);
        assert_eq!(grid.len(), 49);
        assert!((grid[0] - 1e-3).abs() < 1e-15 && grid[48] == 1.0);
        assert!(grid.is_sorted());
        assert_eq!(super::grid(1), [1.0, 1.0]);
    }
}
