//! Distances between two models' embeddings, told as distances within one.

use facenet_core::{Comparability, Contract, Distance, Threshold};

use crate::store::Settings;

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

/// Distances between faces of a gallery that several models embedded, each told as the distance within the gallery's own
/// model that lets as many strangers pass.
#[derive(Debug, Clone)]
pub struct Scales {
    /// The gallery's own model, without an identifier, and the older ones.
    models: Vec<Option<String>>,
    /// Between each two models, row by row: none where they cannot be compared.
    between: Vec<Option<Scale>>,
}

impl Scales {
    /// The scales between the models of a gallery.
    pub fn of(settings: &Settings) -> Self {
        let own = &settings.contract;
        let contracts: Vec<&Contract> = [own].into_iter().chain(&settings.older).collect();
        let scale = |a: &Contract, b: &Contract| match a.compare_with(b).ok()? {
            Comparability::Same => Some(Scale::of(&a.thresholds, &own.thresholds)),
            Comparability::Harmonic(harmonic) => Some(Scale::of(&harmonic.thresholds, &own.thresholds)),
        };
        let between = contracts.iter().flat_map(|a| contracts.iter().map(move |b| scale(a, b))).collect();
        let older = settings.older.iter().map(|contract| Some(contract.id()));
        Self { models: [None].into_iter().chain(older).collect(), between }
    }

    /// What a distance between faces of these models is told as, each named as
    /// [`FaceRecord::older_model`](crate::FaceRecord::older_model) has it; none when they cannot be compared.
    pub fn told(&self, distance: Distance, a: Option<&str>, b: Option<&str>) -> Option<Distance> {
        if (a, b) == (None, None) {
            return Some(distance);
        }
        let index = |model: Option<&str>| self.models.iter().position(|known| known.as_deref() == model);
        let scale = self.between[index(a)? * self.models.len() + index(b)?].as_ref()?;
        Distance::new(scale.apply(distance.value())).ok()
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::{Harmonic, HarmonicMeasure, Preprocessing};

    use super::*;
    use crate::store::Form;

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

    #[test]
    fn faces_of_several_models_are_told_on_the_scale_of_the_gallerys_own() {
        let contract = |weights: &str, at: &[(f32, f64)]| Contract {
            network: "nn4".into(),
            dimension: 2,
            weights: weights.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: thresholds(at),
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        };
        let (old, stranger) = (contract("aa", &[(0.5, 0.01)]), contract("cc", &[(0.5, 0.01)]));
        let mut new = contract("bb", &[(1.0, 0.01)]);
        new.harmonic.push(Harmonic {
            to: old.id(),
            thresholds: thresholds(&[(0.8, 0.01)]),
            calibration: None,
            measured: Some(HarmonicMeasure { old: 0.9, mixed: 0.9, new: 0.9, data: "drawn".into() }),
        });
        let scales = Scales::of(&Settings {
            contract: new,
            form: Form::Float,
            keeps_paths: false,
            keeps_crops: false,
            older: vec![old.clone(), stranger.clone()],
            upgrading_from: None,
        });
        let distance = |value| Distance::new(value).unwrap();
        let told = |value, a, b| scales.told(distance(value), a, b).map(Distance::value);
        let (old, stranger) = (old.id(), stranger.id());
        assert_eq!(told(0.7, None, None), Some(0.7));
        assert_eq!(told(0.8, None, Some(&old)), Some(1.0));
        assert_eq!(told(0.8, Some(&old), None), Some(1.0));
        assert_eq!(told(0.5, Some(&old), Some(&old)), Some(1.0));
        assert_eq!(told(0.5, Some(&old), Some(&stranger)), None, "they cannot be compared");
        assert_eq!(told(0.5, None, Some("unknown")), None);
    }
}
