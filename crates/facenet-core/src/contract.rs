//! What makes two embeddings comparable.

use serde::{Deserialize, Serialize};

use crate::Distance;

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
    /// Calibrated thresholds, from the strictest false accept rate to the loosest; may be empty.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
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
        format!("{}-{}-{digest}", self.network, self.dimension)
    }

    /// Checks that embeddings of `self` and of `other` lie in the same space.
    ///
    /// # Errors
    /// When network, weights, dimension or preprocessing differ. Thresholds may differ.
    pub fn check_comparable(&self, other: &Self) -> Result<(), Incompatible> {
        let same = self.network == other.network
            && self.weights == other.weights
            && self.dimension == other.dimension
            && self.preprocessing == other.preprocessing;
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
        };
        Contract {
            network: "nn4".into(),
            dimension: 128,
            weights: weights.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: vec![threshold(0.5, 1e-3), threshold(0.8, 1e-2)],
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
    }

    #[test]
    fn the_threshold_is_the_loosest_that_is_strict_enough() {
        let far = |at| contract("a").threshold_at(at).map(|t| t.false_accept_rate);
        assert_eq!(far(1e-1), Some(1e-2));
        assert_eq!(far(1e-2), Some(1e-2));
        assert_eq!(far(5e-3), Some(1e-3));
        assert_eq!(far(1e-4), None);
    }
}
