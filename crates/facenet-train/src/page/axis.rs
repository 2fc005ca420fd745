//! Where values lie in a picture, and which of them are labelled.

/// Width and height of a chart in its own units; the page scales it.
pub(super) const SIZE: (f64, f64) = (440.0, 210.0);

/// Room for the labels at the left, and for those below.
pub(super) const LEFT: f64 = 48.0;
pub(super) const BELOW: f64 = 24.0;
pub(super) const RIGHT: f64 = 12.0;
pub(super) const ABOVE: f64 = 10.0;

/// The vertical or horizontal axis: values, and where they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Axis {
    pub(super) fn horizontal(low: f64, high: f64) -> Self {
        Self { low, high, start: LEFT, end: SIZE.0 - RIGHT }
    }

    pub(super) fn vertical(low: f64, high: f64) -> Self {
        Self { low, high, start: SIZE.1 - BELOW, end: ABOVE }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// Round values within the axis, three to seven of them, and the digits after the point that they need.
    pub(super) fn ticks(&self) -> (Vec<f64>, usize) {
        let span = self.high - self.low;
        let power = 10f64.powf((span / 4.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| span / s <= 5.0);
        let step = step.expect("ten powers are at least a fourth of the span");
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let (first, last) =
            ((self.low / step - 1e-9).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        ((first..=last).map(|tick| tick as f64 * step).collect(), digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_lie_within_the_axis() {
        for (low, high, expected, digits) in [
            (0.0, 1.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1),
            (0.0, 2400.0, vec![0.0, 500.0, 1000.0, 1500.0, 2000.0], 0),
            (52.0, 71.0, vec![55.0, 60.0, 65.0, 70.0], 0),
            (0.0, 0.053, vec![0.0, 0.02, 0.04], 2),
            (0.0, 1e-6, vec![0.0, 2e-7, 4e-7, 6e-7, 8e-7, 1e-6], 7),
        ] {
            let (found, found_digits) = Axis::vertical(low, high).ticks();
            assert_eq!((found.len(), found_digits), (expected.len(), digits), "{low}..{high}: {found:?}");
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        }
    }
}
