//! The range that most draws lie in.

use serde::{Deserialize, Serialize};

/// The largest share of draws that may leave a figure undefined: with more of them the rest are no fair sample.
const MOST_UNDEFINED: f64 = 1.0 - Interval::LEVEL;

/// A figure, and the range that it would mostly lie in with other people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure as measured; none where it is not measurable.
    pub value: Option<f64>,
    /// Its 95 % interval; none where `value` is none, with fewer than two people, or when more than 5 % of the draws
    /// leave the figure undefined.
    pub interval: Option<Interval>,
}

/// The middle 95 % of what was drawn (the percentile method).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5 % of the draws lie below.
    pub low: f64,
    /// 2.5 % of the draws lie above.
    pub high: f64,
}

impl Interval {
    /// The share of draws that lie within.
    pub const LEVEL: f64 = 0.95;

    /// Of one figure a draw; none when there is no draw or more than 5 % of them are undefined.
    ///
    /// Quantiles are interpolated linearly between the two nearest draws, as numpy does by default.
    pub fn of(figures: &[Option<f64>]) -> Option<Self> {
        let mut defined: Vec<f64> =
            figures.iter().copied().flatten().filter(|figure| figure.is_finite()).collect();
        let undefined = figures.len() - defined.len();
        if defined.is_empty() || undefined as f64 > MOST_UNDEFINED * figures.len() as f64 {
            return None;
        }
        defined.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - Self::LEVEL) / 2.0;
        Some(Self { low: quantile(&defined, tail), high: quantile(&defined, 1.0 - tail) })
    }

    /// Whether `value` lies within, the ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The `share`-quantile of `sorted`, which is not empty.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(range(101), [0.025, 0.975]) and of [1, 2].
        let hundred: Vec<_> = (0..=100).rev().map(|i| Some(f64::from(i))).collect();
        let hundred = Interval::of(&hundred).unwrap();
        assert!((hundred.low - 2.5).abs() < 1e-12 && (hundred.high - 97.5).abs() < 1e-12, "{hundred:?}");
        let two = Interval::of(&[Some(1.0), Some(2.0)]).unwrap();
        assert!((two.low - 1.025).abs() < 1e-12 && (two.high - 1.975).abs() < 1e-12, "{two:?}");
        assert_eq!(Interval::of(&[Some(3.0)]), Some(Interval { low: 3.0, high: 3.0 }));
    }

    #[test]
    fn draws_without_the_figure_are_left_out_up_to_one_in_twenty() {
        let draws = |undefined: usize| {
            let defined = std::iter::repeat_n(Some(0.5), 100 - undefined);
            Interval::of(&defined.chain(std::iter::repeat_n(None, undefined)).collect::<Vec<_>>())
        };
        assert_eq!(draws(5), Some(Interval { low: 0.5, high: 0.5 }));
        assert_eq!(draws(6), None);
        assert_eq!(Interval::of(&[]), None);
        assert_eq!(Interval::of(&[Some(f64::NAN)]), None);
    }

    #[test]
    fn the_ends_belong_to_the_interval() {
        let interval = Interval { low: -1.0, high: 0.0 };
        assert_eq!([-1.1, -1.0, 0.0, 0.1].map(|value| interval.contains(value)), [false, true, true, false]);
    }
}
