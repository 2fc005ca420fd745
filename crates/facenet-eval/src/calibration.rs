//! Thresholds that a FAR was shown for, and the probability that a distance stands for.

mod fit;
mod reliability;

use facenet_core::{Calibration, Distance, Threshold, ThresholdInterval};

pub use self::fit::{NotMonotone, fit_probability};
pub use self::reliability::{ReliabilityBin, reliability, reliability_svg};
use crate::{Interval, ScoredPairs, Uncertainty, ValAtFar};

/// Impostor pairs that a claimed FAR needs, times that FAR: the rule of three. Where not one of `n` pairs passes, the
/// rate may still be up to `3 / n` (at 95 %), so that fewer than `3 / FAR` pairs cannot support the claim.
pub const PAIRS_TIMES_FAR: f64 = 3.0;

/// Why a threshold cannot be calibrated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// No rate.
    #[error("found the false accept rate {found}, expected a number above 0 and at most 1")]
    NotARate {
        /// The number.
        found: f64,
    },
    /// Too few impostor pairs.
    #[error(
        "a false accept rate of {far} needs {needed} impostor pairs (3 / rate), but `{data}` has {found}"
    )]
    TooFewImpostors {
        /// The rate that was asked for.
        far: f64,
        /// The number of impostor pairs.
        found: u64,
        /// The least number that supports the rate.
        needed: u64,
        /// The data.
        data: String,
    },
    /// No threshold keeps to the rate.
    #[error(
        "no threshold keeps to a false accept rate of {far} on `{data}`: too many impostor pairs share the smallest distance"
    )]
    OutOfReach {
        /// The rate that was asked for.
        far: f64,
        /// The data.
        data: String,
    },
    /// Distances that say nothing, or the opposite.
    #[error("no falling curve fits `{data}`")]
    Curve {
        /// The data.
        data: String,
        /// Why.
        source: NotMonotone,
    },
}

/// What a model's contract takes up.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// Strictest first.
    pub thresholds: Vec<Threshold>,
    /// The curve.
    pub calibration: Calibration,
}

/// Calibrates a threshold for each of `fars`, with its interval over people, who are drawn `draws` times, and the curve
/// of probability; `data` names what `pairs` are of.
///
/// # Errors
/// When a rate is none or more than the data can support, no threshold reaches it, or no falling curve fits.
pub fn calibrate(
    pairs: &ScoredPairs,
    fars: &[f64],
    data: &str,
    draws: u32,
    seed: u64,
) -> Result<Calibrated, CalibrationError> {
    let mut fars = fars.to_vec();
    fars.sort_by(f64::total_cmp);
    fars.dedup();
    let uncertainty = {
        fars.iter().try_for_each(|&far| check_supported(far, pairs.impostors(), data))?;
        Uncertainty::of(pairs, &fars, draws, seed)
    };
    let threshold = |(i, &far): (usize, &f64)| {
        let out_of_reach = || CalibrationError::OutOfReach { far, data: data.into() };
        let point = ValAtFar::of(pairs, far).overall.ok_or_else(out_of_reach)?;
        let interval = uncertainty.as_ref().and_then(|u| u.val_at_far[i].threshold).map(|interval| {
            let end = |value: f64| Distance::new(value as f32).expect("a quantile of distances is one");
            ThresholdInterval { low: end(interval.low), high: end(interval.high), level: Interval::LEVEL }
        });
        let false_accept_rate = point.far;
        Ok(Threshold { distance: point.threshold, false_accept_rate, data: data.into(), interval })
    };
    let mut thresholds = fars.iter().enumerate().map(threshold).collect::<Result<Vec<_>, _>>()?;
    thresholds.dedup();
    let curve_error = |source| CalibrationError::Curve { data: data.into(), source };
    let (midpoint, slope) = fit_probability(pairs).map_err(curve_error)?;
    let (genuine, impostors) = (pairs.genuine(), pairs.impostors());
    Ok(Calibrated {
        thresholds,
        calibration: Calibration { midpoint, slope, genuine, impostors, data: data.into() },
    })
}

fn check_supported(far: f64, found: u64, data: &str) -> Result<(), CalibrationError> {
    if !(far > 0.0 && far <= 1.0) {
        return Err(CalibrationError::NotARate { found: far });
    }
    // Rounded up, but for the last digits of a division like 3 / 0.001.
    let needed = (PAIRS_TIMES_FAR / far - 1e-6).ceil() as u64;
    if found < needed {
        return Err(CalibrationError::TooFewImpostors { far, found, needed, data: data.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    fn spread(from: f32, number: u16) -> Vec<f32> {
        (0..number).map(|i| from + f32::from(i) / f32::from(number)).collect()
    }

    fn of(impostors: u16, fars: &[f64]) -> Result<Calibrated, CalibrationError> {
        let pairs = pairs(&[fold(&spread(0.2, 100), &spread(0.8, impostors))]);
        calibrate(&pairs, fars, "drawn", 1000, 0)
    }

    #[test]
    fn a_rate_needs_three_times_its_reciprocal_in_impostor_pairs() {
        let error = of(2999, &[1e-2, 1e-3]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a false accept rate of 0.001 needs 3000 impostor pairs (3 / rate), but `drawn` has 2999"
        );
        assert!(of(3000, &[1e-2, 1e-3]).is_ok());
        for far in [0.0, -1.0, 1.5, f64::NAN] {
            assert!(matches!(of(3000, &[far]), Err(CalibrationError::NotARate { .. })), "{far}");
        }
    }

    #[test]
    fn thresholds_are_strictest_first_each_once_with_the_rate_that_was_measured() {
        let found = of(3000, &[1e-2, 1e-3, 1e-2]).unwrap();
        let rates: Vec<_> = found.thresholds.iter().map(|t| t.false_accept_rate).collect();
        assert_eq!(rates, [1e-3, 1e-2]);
        assert!(found.thresholds[0].distance < found.thresholds[1].distance);
        assert_eq!(found.thresholds[0].interval, None); // nobody knows who is in these pairs
        assert_eq!((found.calibration.genuine, found.calibration.impostors), (100, 3000));
    }

    #[test]
    fn a_threshold_has_its_interval_over_people() {
        let pair = |value: f32, same, subjects| {
            (crate::ScoredPair { distance: Distance::new(value).unwrap(), same }, subjects)
        };
        let people = (0..60u32).flat_map(|p| {
            let at = |from: f32, i: u32| from + (i * 37 % 61) as f32 / 61.0;
            let impostor = move |step| pair(at(0.8, 7 * p + step), false, [p, (p + step) % 60]);
            std::iter::once(pair(at(0.2, p), true, [p, p])).chain((1..6).map(impostor))
        });
        let pairs = ScoredPairs::with_subjects(&[people.collect()]).unwrap();
        let found = calibrate(&pairs, &[0.05], "drawn", 1000, 0).unwrap();
        let [Threshold { distance, interval: Some(interval), .. }] = &found.thresholds[..] else {
            panic!("{found:?}")
        };
        assert!(interval.low <= *distance && *distance <= interval.high, "{interval:?} {distance}");
        assert!(interval.low < interval.high && interval.level == 0.95);
    }

    #[test]
    fn a_rate_that_no_threshold_reaches_is_refused() {
        let pairs = pairs(&[fold(&[0.5, 0.6], &[0.0; 300])]);
        let error = calibrate(&pairs, &[0.5], "drawn", 1000, 0).unwrap_err();
        assert!(matches!(error, CalibrationError::OutOfReach { .. }), "{error}");
    }

    #[test]
    fn distances_that_say_the_opposite_have_no_curve() {
        let pairs = pairs(&[fold(&spread(1.5, 50), &spread(0.5, 50))]);
        let error = calibrate(&pairs, &[0.5], "drawn", 1000, 0).unwrap_err();
        assert!(matches!(error, CalibrationError::Curve { .. }), "{error}");
    }
}
