//! What a model says of the older embeddings that its own may be compared with.

use serde::{Deserialize, Serialize};

use crate::{Calibration, Contract, Incompatible, Threshold};

/// An older model whose embeddings may be compared with those of a newer one, because the newer was trained to that
/// (Schroff et al. 2015, §7). A part of the newer one's contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harmonic {
    /// [`Contract::id`] of the older model.
    pub to: String,
    /// Thresholds between a new embedding and an old one, from the strictest false accept rate to the loosest; empty
    /// until they are calibrated.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    /// What a distance between a new embedding and an old one says about the odds of one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How well the two were found to work together; none until it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<HarmonicMeasure>,
}

/// Verification on the same pairs, old with old, new with old, new with new: accuracies over ten folds, in `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonicMeasure {
    /// Both faces by the old model.
    pub old: f64,
    /// One face by each model.
    pub mixed: f64,
    /// Both faces by the new model.
    pub new: f64,
    /// The data that it was measured on.
    pub data: String,
}

/// How the embeddings of two contracts compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparability<'a> {
    /// They are of one model.
    Same,
    /// One model was trained to be harmonic to the other, and says this of mixed pairs.
    Harmonic(&'a Harmonic),
}

impl Contract {
    /// How an embedding of `self` compares with one of `other`. It does not matter which of the two is the newer one.
    ///
    /// # Errors
    /// When they are of different models, neither of which is harmonic to the other and measured to be so.
    pub fn compare_with<'a>(&'a self, other: &'a Self) -> Result<Comparability<'a>, Incompatible> {
        let Err(incompatible) = self.check_comparable(other) else { return Ok(Comparability::Same) };
        let stated = self.harmonic_to(&other.id()).or_else(|| other.harmonic_to(&self.id()));
        match stated {
            // A statement about another size cannot be true of these embeddings.
            Some(harmonic) if self.dimension == other.dimension && harmonic.measured.is_some() => {
                Ok(Comparability::Harmonic(harmonic))
            }
            _ => Err(incompatible),
        }
    }

    /// What this contract says of the model with the [`id`](Contract::id) `to`, if it is harmonic to it.
    pub fn harmonic_to(&self, to: &str) -> Option<&Harmonic> {
        self.harmonic.iter().find(|harmonic| harmonic.to == to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preprocessing;

    fn contract(weights: &str, dimension: usize, to: Option<&Contract>) -> Contract {
        let harmonic = to.map(|to| Harmonic {
            to: to.id(),
            thresholds: Vec::new(),
            calibration: None,
            measured: Some(HarmonicMeasure { old: 0.8, mixed: 0.85, new: 0.9, data: "drawn".into() }),
        });
        Contract {
            network: "lite".into(),
            dimension,
            weights: weights.into(),
            preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
            mirrored: false,
            thresholds: Vec::new(),
            calibration: None,
            harmonic: harmonic.into_iter().collect(),
        }
    }

    #[test]
    fn only_models_of_which_one_is_harmonic_to_the_other_compare() {
        let old = contract("aa", 128, None);
        let new = contract("bb", 128, Some(&old));
        assert_eq!(old.compare_with(&old), Ok(Comparability::Same));
        assert_eq!(new.compare_with(&old), Ok(Comparability::Harmonic(&new.harmonic[0])));
        assert_eq!(old.compare_with(&new), new.compare_with(&old));
        let other = contract("cc", 128, None);
        let error = new.compare_with(&other).unwrap_err();
        assert_eq!((error.left, error.right), (new.id(), other.id()));
    }

    #[test]
    fn what_was_not_measured_is_not_believed() {
        let old = contract("aa", 128, None);
        let mut new = contract("bb", 128, Some(&old));
        new.harmonic[0].measured = None;
        assert!(new.compare_with(&old).is_err());
    }

    #[test]
    fn harmony_is_not_handed_on() {
        let first = contract("aa", 128, None);
        let second = contract("bb", 128, Some(&first));
        let third = contract("cc", 128, Some(&second));
        assert!(third.compare_with(&first).is_err(), "it was neither trained nor measured");
    }

    #[test]
    fn embeddings_of_different_sizes_never_compare() {
        let old = contract("aa", 128, None);
        assert!(contract("bb", 64, Some(&old)).compare_with(&old).is_err());
    }
}
