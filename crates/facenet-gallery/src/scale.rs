//! Distances between two models' embeddings, told as distances within one.

use facenet_core::Threshold;

/// How far two thresholds' false accept rates may be apart, as a share, to be of one rate.
const SAME_RATE: f64 = 0.05;

/// From distances between a new model's embeddings and an older one's to those between two of the new model's that let as
/// many strangers pass.
///
/// A distance means something else between two models than within one, so a ranking of both kinds would prefer one of them,
/// and no threshold would hold for both. The thresholds of both kinds at the same false accept rates are joined by lines,
/// from 0 at 0 to 4 at 4: a face of either kind is accepted at the rate that the threshold states.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    /// Rising in both: a distance between models, and what it is told as.
    knots: Vec<(f32, f32)>,
}

impl Scale {
    /// The scale by the thresholds `between` two models and `within` the new one. Without thresholds at the same rates
    /// distances stay as they are.
    pub(crate) fn of(between: &[Threshold], within: &[Threshold]) -> Self {
        let is_same_rate = |a: f64, b: f64| (a - b).abs() <= SAME_RATE * a.max(b);
        let mut knots: Vec<(f32, f32)> = between
            .iter()
            .filter_map(|mixed| {
                let own =
                    within.iter().find(|own| is_same_rate(own.false_accept_rate, mixed.false_accept_rate));
                Some((mixed.distance.value(), own?.distance.value()))
            })
            .collect();
        knots.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut rising = vec![(0.0, 0.0)];
        for knot in knots.into_iter().chain([(4.0, 4.0)]) {
            let last = rising[rising.len() - 1];
            if knot.0 > last.0 && knot.1 > last.1 {
                rising.push(knot);
            }
        }
        Self { knots: rising }
    }

    /// What a distance between the two models is told as.
    pub(crate) fn apply(&self, distance: f32) -> f32 {
        let above = self.knots.partition_point(|knot| knot.0 < distance).clamp(1, self.knots.len() - 1);
        let ((from, low), (to, high)) = (self.knots[above - 1], self.knots[above]);
        (low + (distance - from) / (to - from) * (high - low)).clamp(0.0, 4.0)
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::Distance;

    use super::*;

    fn thresholds(at: &[(f32, f64)]) -> Vec<Threshold> {
        let threshold = |&(distance, false_accept_rate): &(f32, f64)| Threshold {
            distance: Distance::new(distance).unwrap(),
            false_accept_rate,
            data: "drawn".into(),
            interval: None,
        };
        at.iter().map(threshold).collect()
    }

    #[test]
    fn thresholds_of_one_rate_are_told_as_each_other_and_lines_join_them() {
        let scale = Scale::of(
            &thresholds(&[(0.5, 0.01), (1.0, 0.1)]),
            &thresholds(&[(0.3, 0.001), (0.6, 0.0101), (1.2, 0.1)]),
        );
        for (distance, expected) in [(0.0, 0.0), (0.25, 0.3), (0.5, 0.6), (0.75, 0.9), (1.0, 1.2), (4.0, 4.0)]
        {
            let told = scale.apply(distance);
            assert!((told - expected).abs() < 1e-6, "{distance}: {told}");
        }
    }

    #[test]
    fn without_common_rates_distances_stay_and_a_scale_never_falls() {
        let same = Scale::of(&thresholds(&[(0.5, 0.01)]), &thresholds(&[(0.9, 0.1)]));
        assert_eq!(same.apply(1.7), 1.7);
        let odd = Scale::of(&thresholds(&[(0.5, 0.01), (0.6, 0.1)]), &thresholds(&[(0.9, 0.01), (0.8, 0.1)]));
        let told: Vec<f32> = (0..=40).map(|tenths| odd.apply(tenths as f32 / 10.0)).collect();
        assert!(told.is_sorted(), "{told:?}");
    }
}
