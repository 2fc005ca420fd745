//! One knob with a meaning: how many pairs of faces in a group may be wrong?

use facenet_core::{Calibration, Distance};

/// The shares that were measured, in ascending order.
pub const STATED_SHARES: [f64; 4] = [0.01, 0.02, 0.05, 0.1];

/// The log-odds of one person, with as many pairs of one person as of two, at the loosest threshold with which, and with
/// every stricter one, average linkage gets at most the stated share of pairs wrong: on 3,574 aligned faces of 321 people by `lite`, whose curve has its midpoint
/// at 1.1533 and the slope 4.333 (`docs/clustering.md`), at the squared distances of the second list.
const LOG_ODDS: [f64; 4] = [
    4.333 * (1.1533 - MEASURED[0]),
    4.333 * (1.1533 - MEASURED[1]),
    4.333 * (1.1533 - MEASURED[2]),
    4.333 * (1.1533 - MEASURED[3]),
];
const MEASURED: [f64; 4] = [0.05, 0.07, 0.09, 0.115];

/// The threshold at which about `share` of the pairs that average linkage puts into one cluster are two people; none
/// for a share other than [`STATED_SHARES`].
///
/// Measured on one collection and carried to other models by the probability that their curve gives, which is an
/// assumption. More people among the faces mean more wrong pairs at the same threshold; relatives do too.
pub fn threshold_for_wrong_pairs(calibration: &Calibration, share: f64) -> Option<Distance> {
    let position = STATED_SHARES.iter().position(|stated| (stated - share).abs() < 1e-9)?;
    let distance = calibration.midpoint - LOG_ODDS[position] / calibration.slope;
    Some(Distance::new(distance.clamp(0.0, 4.0) as f32).expect("a clamped number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(midpoint: f64, slope: f64) -> Calibration {
        Calibration { midpoint, slope, genuine: 1, impostors: 1, data: "drawn".into() }
    }

    #[test]
    fn fewer_wrong_pairs_take_a_stricter_threshold() {
        let at = |share| threshold_for_wrong_pairs(&curve(1.1533, 4.333), share).unwrap().value();
        for (share, measured) in STATED_SHARES.into_iter().zip(MEASURED) {
            assert!((at(share) - measured as f32).abs() < 1e-5);
        }
        assert!(STATED_SHARES.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
    }

    #[test]
    fn another_model_is_cut_where_its_curve_is_as_sure() {
        let (lite, other) = (curve(1.1533, 4.333), curve(1.5, 8.0));
        let probability =
            |curve: &Calibration| curve.probability(threshold_for_wrong_pairs(curve, 0.01).unwrap());
        assert!((probability(&lite) - probability(&other)).abs() < 1e-5);
    }

    #[test]
    fn a_share_that_was_not_measured_has_no_threshold_and_none_leaves_the_range() {
        assert_eq!(threshold_for_wrong_pairs(&curve(1.0, 4.0), 0.03), None);
        assert_eq!(threshold_for_wrong_pairs(&curve(0.1, 4.0), 0.01).unwrap().value(), 0.0);
    }
}
