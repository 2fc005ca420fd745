//! The middle part of what the replicates gave.

use serde::{Deserialize, Serialize};

use super::Bootstrap;

/// An interval, its ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The middle `level` of the replicates' figures (percentile interval); none when fewer than 19 in 20 of the
    /// replicates have the figure.
    pub(super) fn of(figures: Vec<Option<f64>>, bootstrap: Bootstrap) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().flatten().collect();
        if figures.is_empty() || figures.len() as u64 * 20 < u64::from(bootstrap.replicates) * 19 {
            return None;
        }
        figures.sort_by(f64::total_cmp);
        let tail = (1.0 - bootstrap.level.clamp(0.0, 1.0)) / 2.0;
        Some(Self { low: quantile(&figures, tail), high: quantile(&figures, 1.0 - tail) })
    }
}

/// The quantile between the two nearest of the sorted figures, as numpy's `quantile` has it by default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(figures: &[Option<f64>], replicates: u32) -> Option<Interval> {
        Interval::of(figures.to_vec(), Bootstrap { replicates, level: 0.5, seed: 0 })
    }

    #[test]
    fn the_ends_are_quantiles() {
        let found = of(&[4.0, 1.0, 3.0, 0.0, 2.0].map(Some), 5).unwrap();
        assert_eq!((found.low, found.high), (1.0, 3.0));
        let found = of(&[Some(0.0), Some(1.0)], 2).unwrap();
        assert_eq!((found.low, found.high), (0.25, 0.75));
        assert_eq!(of(&[Some(7.0)], 1), Some(Interval { low: 7.0, high: 7.0 }));
    }

    #[test]
    fn one_missing_of_twenty_is_borne_and_two_are_not() {
        let figures = |missing: usize| -> Vec<_> { (0..20).map(|i| (i >= missing).then_some(1.0)).collect() };
        assert!(of(&figures(1), 20).is_some());
        assert_eq!(of(&figures(2), 20), None);
        assert_eq!(of(&[], 0), None);
    }
}
