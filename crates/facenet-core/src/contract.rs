//! What makes two embeddings comparable.

use serde::{Deserialize, Serialize};

use crate::{Distance, Harmonic};

/// What a model promises: which network with which weights turns which crop into which vector.
///
/// Embeddings of different contracts are never compared: see [`Contract::check_comparable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The network's name, as in `facenet model table NAME`.
    pub network: String,
    /// The number of coordinates of an embedding.
    pub dimension: usize,
    /// SHA-256 over names, shapes and values of all weights, in hexadecimal.
    pub weights: String,
    /// How a face becomes the network's input.
    pub preprocessing: Preprocessing,
    /// Whether an embedding is the direction of the sum of two: of the face and of its mirror image. It takes twice the
    /// time and is more exact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mirrored: bool,
    /// Calibrated thresholds, from the strictest false accept rate to the loosest; may be empty.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    /// What a distance says about the odds of one person; none where it was never fitted, as in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The older models whose embeddings may be compared with those of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub harmonic: Vec<Harmonic>,
}

/// How a face becomes the input of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Version of the one preprocessing function; 1: resize with a triangle filter as wide as the reduction,
    /// then `(value - 127.5) / 128`, channels in the order red, green, blue.
    pub version: u32,
    /// Edge of the network's square input, in pixels.
    pub edge_px: u32,
    /// The part of an aligned crop's edge that the network sees, centred, in `(0, 1]`. Training crops have room
    /// for jitter around the standard 112-pixel crop: at 128 pixels, 0.875.
    pub field: f32,
}

/// A distance up to which two faces count as the same person, and how that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Accept if the distance is at most this (inclusive; Schroff et al. 2015, eq. 5).
    pub distance: Distance,
    /// The share of impostor pairs that this threshold accepted, in `[0, 1]`.
    pub false_accept_rate: f64,
    /// The data that it was calibrated on.
    pub data: String,
    /// Where it would lie with other people of the same kind; none where that was not estimated, as in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<ThresholdInterval>,
}

/// An interval that a threshold lies in, its ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdInterval {
    /// The lower end.
    pub low: Distance,
    /// The upper end.
    pub high: Distance,
    /// How sure it is, in `(0, 1)`, for example 0.95.
    pub level: f64,
}

/// A falling curve from distance to the probability that two faces are one person, if before looking both answers are
/// equally likely: `1 / (1 + exp(slope · (distance − midpoint)))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The distance at which both answers are equally likely.
    pub midpoint: f64,
    /// How fast the probability falls there; above 0, so that a larger distance is never likelier.
    pub slope: f64,
    /// Genuine pairs that it was fitted to.
    pub genuine: u64,
    /// Impostor pairs that it was fitted to.
    pub impostors: u64,
    /// The data that they are of.
    pub data: String,
}

impl Calibration {
    /// The probability that two faces at this distance are one person, in `(0, 1)`, where as many pairs of one person
    /// as of two are met. With other odds before looking, multiply the odds.
    pub fn probability(&self, distance: Distance) -> f64 {
        1.0 / (1.0 + (self.slope * (f64::from(distance.value()) - self.midpoint)).exp())
    }
}

/// Embeddings of two contracts that must not be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("embeddings of `{left}` and `{right}` cannot be compared: they come from different models")]
pub struct Incompatible {
    /// [`Contract::id`] of one.
    pub left: String,
    /// [`Contract::id`] of the other.
    pub right: String,
}

impl Contract {
    /// A short name that differs wherever embeddings are not comparable, for example `nn4-128-0f3a9c1d2b4e`.
    pub fn id(&self) -> String {
        let digest: String = self.weights.chars().take(12).collect();
        let mirrored = if self.mirrored { "-mirrored" } else { "" };
        format!("{}-{}-{digest}{mirrored}", self.network, self.dimension)
    }

    /// Checks that embeddings of `self` and of `other` lie in the same space.
    ///
    /// # Errors
    /// When network, weights, dimension, preprocessing or mirroring differ. Thresholds may differ.
    pub fn check_comparable(&self, other: &Self) -> Result<(), Incompatible> {
        let same = self.network == other.network
            && self.weights == other.weights
            && self.dimension == other.dimension
            && self.preprocessing == other.preprocessing
            && self.mirrored == other.mirrored;
        if same { Ok(()) } else { Err(Incompatible { left: self.id(), right: other.id() }) }
    }

    /// The loosest threshold whose false accept rate is at most `far`; none when none is that strict.
    pub fn threshold_at(&self, far: f64) -> Option<&Threshold> {
        self.thresholds
            .iter()
            .filter(|t| t.false_accept_rate <= far)
            .max_by(|a, b| a.false_accept_rate.total_cmp(&b.false_accept_rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(weights: &str) -> Contract {
        let threshold = |distance, far| Threshold {
            distance: Distance::new(distance).unwrap(),
            false_accept_rate: far,
            data: "drawn".into(),
            interval: None,
        };
        Contract {
            network: "nn4".into(),
            dimension: 128,
            weights: weights.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: vec![threshold(0.5, 1e-3), threshold(0.8, 1e-2)],
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        }
    }

    #[test]
    fn embeddings_of_other_weights_or_crops_are_not_comparable() {
        let a = contract("aaaaaaaaaaaaaaaa");
        assert_eq!(a.check_comparable(&contract("aaaaaaaaaaaaaaaa")), Ok(()));
        let error = a.check_comparable(&contract("bbbbbbbbbbbbbbbb")).unwrap_err();
        assert_eq!(
            (error.left.as_str(), error.right.as_str()),
            ("nn4-128-aaaaaaaaaaaa", "nn4-128-bbbbbbbbbbbb")
        );

        let mut other_crop = a.clone();
        other_crop.preprocessing.field = 1.0;
        assert!(a.check_comparable(&other_crop).is_err());

        let mirrored = Contract { mirrored: true, ..a.clone() };
        assert_eq!(a.check_comparable(&mirrored).unwrap_err().right, "nn4-128-aaaaaaaaaaaa-mirrored");
    }

    #[test]
    fn the_threshold_is_the_loosest_that_is_strict_enough() {
        let far = |at| contract("a").threshold_at(at).map(|t| t.false_accept_rate);
        assert_eq!(far(1e-1), Some(1e-2));
        assert_eq!(far(1e-2), Some(1e-2));
        assert_eq!(far(5e-3), Some(1e-3));
        assert_eq!(far(1e-4), None);
    }

    #[test]
    fn a_calibrated_probability_falls_from_one_to_zero_through_a_half() {
        let curve = Calibration { midpoint: 1.1, slope: 6.0, genuine: 3, impostors: 4, data: "drawn".into() };
        let at = |value| curve.probability(Distance::new(value).unwrap());
        assert!((at(1.1) - 0.5).abs() < 1e-6);
        assert!((at(1.1 + 3f32.ln() / 6.0) - 0.25).abs() < 1e-6); // odds of 1 to 3
        assert!(at(0.0) > 0.99 && at(4.0) < 1e-6);
    }

    #[test]
    fn a_contract_from_before_intervals_and_curves_is_read_and_written_as_it_was() {
        let old = r#"{"network":"nn4","dimension":128,"weights":"aa","preprocessing":{"version":1,"edge_px":96,"field":0.875},"thresholds":[{"distance":0.5,"false_accept_rate":0.001,"data":"drawn"}]}"#;
        let contract: Contract = serde_json::from_str(old).unwrap();
        assert_eq!((contract.thresholds[0].interval, &contract.calibration), (None, &None));
        assert_eq!(serde_json::to_string(&contract).unwrap(), old);
    }
}
