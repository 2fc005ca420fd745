//! What it helps to refuse pictures of poor quality: the error among the rest.

use std::fmt;

use facenet_core::Distance;
use serde::Serialize;

use crate::verification::{NotMeasurable, OperatingPoint, Roc, ScoredPair, ScoredPairs};

/// The shares of pairs that are rejected.
const SHARES: [f64; 9] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
/// The false accept rate among all pairs that fixes the threshold for the errors of genuine pairs.
const FAR: f64 = 1e-2;

/// The error against the share of pairs that are rejected for the worse of their two qualities, worst first: the
/// error-versus-discard characteristic of ISO/IEC 29794-1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectCurve {
    /// The pairs that it was measured on.
    pub pairs: usize,
    /// The threshold of the errors of genuine pairs, from all pairs at a false accept rate of 1 %; none with too few
    /// impostor pairs.
    pub threshold: Option<Distance>,
    /// From none rejected to half.
    pub points: Vec<RejectPoint>,
}

/// The errors that are left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RejectPoint {
    /// The share of pairs to be rejected; their number is rounded down.
    pub rejected: f64,
    /// The pairs that are left.
    pub left: usize,
    /// The equal error rate among them; none when they are all of one kind.
    pub eer: Option<f64>,
    /// The share of their genuine pairs beyond the fixed threshold; none without a threshold or a genuine pair.
    pub false_non_match: Option<f64>,
    /// The lowest quality among them.
    pub least_quality: f32,
}

impl RejectCurve {
    /// Measures `pairs`, each with the worse of the qualities of its two pictures, in `[0, 1]`. Of equal qualities the
    /// pair that comes first is rejected first.
    ///
    /// # Errors
    /// When nothing can be measured of the pairs; see [`ScoredPairs::new`].
    pub fn of(pairs: &[(ScoredPair, f32)]) -> Result<Self, NotMeasurable> {
        let scored = |pairs: &[(ScoredPair, f32)]| {
            ScoredPairs::new(&[pairs.iter().map(|pair| pair.0).collect::<Vec<_>>()])
        };
        let threshold =
            Roc::of(&scored(pairs)?).operating_point(FAR).map(|OperatingPoint { threshold, .. }| threshold);
        let mut worst_first = pairs.to_vec();
        worst_first.sort_by(|a, b| a.1.total_cmp(&b.1));
        let point = |rejected: f64| {
            let left = &worst_first[(rejected * pairs.len() as f64).floor() as usize..];
            RejectPoint {
                rejected,
                left: left.len(),
                eer: scored(left).ok().map(|left| Roc::of(&left).eer()),
                false_non_match: threshold.and_then(|threshold| false_non_match(left, threshold)),
                least_quality: left[0].1,
            }
        };
        Ok(Self { pairs: pairs.len(), threshold, points: SHARES.map(point).into() })
    }
}

fn false_non_match(pairs: &[(ScoredPair, f32)], threshold: Distance) -> Option<f64> {
    let genuine = || pairs.iter().filter(|(pair, _)| pair.same);
    let missed = genuine().filter(|(pair, _)| pair.distance > threshold).count();
    match genuine().count() {
        0 => None,
        genuine => Some(missed as f64 / genuine as f64),
    }
}

impl fmt::Display for RejectCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent =
            |value: Option<f64>| value.map_or("-".into(), |value| format!("{:.2} %", 100.0 * value));
        writeln!(f, "rejected   pairs left   quality from       EER   genuine pairs missed")?;
        for point in &self.points {
            writeln!(
                f,
                "{:>6.0} % {:>12} {:>14.3} {:>9} {:>22}",
                100.0 * point.rejected,
                point.left,
                point.least_quality,
                percent(point.eer),
                percent(point.false_non_match)
            )?;
        }
        match self.threshold {
            Some(threshold) => write!(
                f,
                "Genuine pairs are missed beyond the distance {:.3}, at which 1 % of all impostor pairs pass.",
                threshold.value()
            ),
            None => write!(f, "There are too few impostor pairs for a threshold at which 1 % of them pass."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(distance: f32, same: bool, quality: f32) -> (ScoredPair, f32) {
        (ScoredPair { distance: Distance::new(distance).unwrap(), same }, quality)
    }

    /// Ten genuine pairs, of which the two worst are far apart, and a hundred impostor pairs of good quality.
    fn pairs() -> Vec<(ScoredPair, f32)> {
        let genuine = (0..10).map(|i| pair(if i < 2 { 3.5 } else { 0.5 }, true, 0.1 * i as f32));
        genuine.chain((0..100).map(|i| pair(2.0 + 0.01 * i as f32, false, 0.95))).collect()
    }

    #[test]
    fn rejecting_the_worst_lowers_the_error_where_quality_tells_it() {
        let curve = RejectCurve::of(&pairs()).unwrap();
        // One of a hundred passes: halfway between the first and the second.
        assert_eq!(curve.threshold.map(Distance::value), Some(2.005));
        // 5 % of 110 are the five worst genuine pairs, both errors among them; half leaves impostors only.
        let missed: Vec<_> = curve.points.iter().map(|point| point.false_non_match).collect();
        assert_eq!(missed[..3], [Some(0.2), Some(0.0), None]);
        let left: Vec<_> = curve.points.iter().map(|point| point.left).collect();
        assert_eq!((left[0], left[1], left[2], left[8]), (110, 105, 99, 55));
        assert!(curve.points[0].eer > curve.points[1].eer);
        assert_eq!((curve.points[2].eer, curve.points[2].least_quality), (None, 0.95));
    }

    #[test]
    fn of_equal_qualities_the_first_goes_first() {
        let equal =
            [pair(3.0, true, 0.5), pair(1.0, true, 0.5), pair(2.0, false, 0.5), pair(3.0, false, 0.5)];
        let curve = RejectCurve::of(&equal).unwrap();
        assert_eq!(curve.points[0].left, 4);
        assert_eq!((curve.points[6].left, curve.points[6].eer), (3, Some(0.0))); // the far genuine pair is gone
    }

    #[test]
    fn pairs_of_which_nothing_can_be_measured_have_no_curve() {
        assert!(RejectCurve::of(&[]).is_err());
        assert!(RejectCurve::of(&[pair(1.0, true, 0.5)]).is_err());
    }

    #[test]
    fn the_table_has_a_line_a_share() {
        let text = RejectCurve::of(&pairs()).unwrap().to_string();
        assert_eq!(text.lines().count(), 11);
        assert!(text.contains("     5 %          105          0.500"), "{text}");
    }
}
