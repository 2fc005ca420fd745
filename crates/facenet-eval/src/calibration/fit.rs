//! The logistic curve from distance to probability, by maximum likelihood.
//!
//! Measured by ten-fold cross-validation on 6,000 held-out pairs of the shipped model (24 November 2026; log loss,
//! lower is better): logistic in the squared distance 0.2582, in its root 0.2613, in the squared distance and its
//! square 0.2582, isotonic regression 0.2607 (kept off 0 and 1 by 1e-3; 0.2652 by 1e-6). Two numbers do best.

use crate::ScoredPairs;
use crate::verification::Weighed;

/// Steps of Newton's method; a handful suffices, and halved steps make every one of them a gain.
const MOST_STEPS: usize = 100;

/// Distances that say nothing about who is who, or the opposite.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "the fitted slope is {slope}, expected one above 0: genuine pairs are not nearer than impostor pairs"
)]
pub struct NotMonotone {
    /// The slope.
    pub slope: f64,
}

/// Midpoint and slope of `P(same) = 1 / (1 + exp(slope · (distance − midpoint)))`, as
/// [`Calibration`](facenet_core::Calibration) has them.
///
/// Both kinds weigh the same altogether, so that the curve is for even odds whatever the mix of pairs. Targets are
/// Platt's (1999), `(n + 1) / (n + 2)` and `1 / (n + 2)`, which keep the slope finite where the kinds do not overlap.
///
/// # Errors
/// When the slope is not above 0.
pub fn fit_probability(pairs: &ScoredPairs) -> Result<(f64, f64), NotMonotone> {
    let kinds = [true, false].map(|same| {
        let n = if same { pairs.genuine() } else { pairs.impostors() } as f64;
        let target = if same { (n + 1.0) / (n + 2.0) } else { 1.0 / (n + 2.0) };
        (target, 0.5 / n)
    });
    let samples: Vec<Sample> = pairs
        .weighed()
        .map(|Weighed { distance, same, .. }| {
            let (target, weight) = kinds[usize::from(!same)];
            Sample { distance: f64::from(distance.value()), target, weight }
        })
        .collect();
    let (intercept, fall) = maximise(&samples);
    if fall > 0.0 { Ok((intercept / fall, fall)) } else { Err(NotMonotone { slope: fall }) }
}

struct Sample {
    distance: f64,
    target: f64,
    weight: f64,
}

/// The intercept and the fall of the log odds, `intercept − fall · distance`, that make the targets likeliest.
fn maximise(samples: &[Sample]) -> (f64, f64) {
    let (mut at, mut loss) = ((0.0, 0.0), loss(samples, (0.0, 0.0)));
    for _ in 0..MOST_STEPS {
        let (mut gradient, mut curvature) = ([0.0; 2], [0.0; 3]);
        for &Sample { distance, target, weight } in samples {
            let p = logistic(at.0 - at.1 * distance);
            let (error, spread) = (weight * (p - target), weight * p * (1.0 - p));
            gradient = [gradient[0] + error, gradient[1] - error * distance];
            curvature = [
                curvature[0] + spread,
                curvature[1] - spread * distance,
                curvature[2] + spread * distance * distance,
            ];
        }
        // A ridge far below any curvature that matters: equal distances everywhere have no unique curve.
        let (a, b, d) = (curvature[0] + 1e-12, curvature[1], curvature[2] + 1e-12);
        let determinant = a * d - b * b;
        let step = (
            (d * gradient[0] - b * gradient[1]) / determinant,
            (a * gradient[1] - b * gradient[0]) / determinant,
        );
        let Some((next, lower)) = shortened(samples, at, step, loss) else { break };
        let gained = loss - lower;
        (at, loss) = (next, lower);
        if gained < 1e-14 {
            break;
        }
    }
    at
}

/// The step, or the longest half, quarter, … of it that lowers the loss; none when none does.
fn shortened(samples: &[Sample], at: (f64, f64), step: (f64, f64), before: f64) -> Option<((f64, f64), f64)> {
    (0..40).find_map(|halvings| {
        let part = 0.5f64.powi(halvings);
        let next = (at.0 - part * step.0, at.1 - part * step.1);
        let after = loss(samples, next);
        (after < before).then_some((next, after))
    })
}

/// The negative log likelihood of the targets.
fn loss(samples: &[Sample], (intercept, fall): (f64, f64)) -> f64 {
    let one = |sample: &Sample| {
        let odds = intercept - fall * sample.distance;
        // ln(1 + e^odds) − target · odds, without overflow.
        sample.weight * (odds.max(0.0) + (-odds.abs()).exp().ln_1p() - sample.target * odds)
    };
    samples.iter().map(one).sum()
}

fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    /// `n` distances whose share of each kind follows the curve with midpoint 1.2 and slope 5.
    fn drawn(n: u32, genuine_times: u32) -> ScoredPairs {
        let (mut genuine, mut impostors) = (Vec::new(), Vec::new());
        for i in 0..n {
            let distance = 2.4 * (f64::from(i) + 0.5) / f64::from(n);
            let copies = (1000.0 * logistic(5.0 * (1.2 - distance))).round() as usize;
            genuine.extend(std::iter::repeat_n(distance as f32, copies * genuine_times as usize));
            impostors.extend(std::iter::repeat_n(distance as f32, 1000 - copies));
        }
        pairs(&[fold(&genuine, &impostors)])
    }

    #[test]
    fn a_logistic_curve_is_found_again() {
        let (midpoint, slope) = fit_probability(&drawn(40, 1)).unwrap();
        assert!((midpoint - 1.2).abs() < 1e-3 && (slope - 5.0).abs() < 0.02, "{midpoint} {slope}");
    }

    #[test]
    fn the_mix_of_pairs_does_not_matter() {
        let (once, thrice) =
            (fit_probability(&drawn(40, 1)).unwrap(), fit_probability(&drawn(40, 3)).unwrap());
        assert!((once.0 - thrice.0).abs() < 1e-3 && (once.1 - thrice.1).abs() < 0.01, "{once:?} {thrice:?}");
    }

    #[test]
    fn kinds_that_do_not_overlap_have_a_finite_curve_between_them() {
        let (midpoint, slope) = fit_probability(&pairs(&[fold(&[0.5, 0.6], &[1.5, 1.6])])).unwrap();
        assert!((0.6..1.5).contains(&midpoint) && slope.is_finite() && slope > 0.0, "{midpoint} {slope}");
    }

    #[test]
    fn equal_distances_and_opposite_ones_have_none() {
        assert!(fit_probability(&pairs(&[fold(&[1.5, 1.6], &[0.5, 0.6])])).unwrap_err().slope < 0.0);
        assert!(fit_probability(&pairs(&[fold(&[1.0; 3], &[1.0; 3])])).is_err());
    }
}
