//! From one model's embeddings to another's, without the faces.

use serde::{Deserialize, Serialize};

use crate::{Contract, Embedding, Harmonic, NotADirection};

/// An affine map between the spaces of two models, whose result is scaled to unit length. It takes the embeddings of a
/// model that nobody can run any more, or whose photos are gone, to where another model would have put them,
/// approximately.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    facts: AdapterFacts,
    /// `[to, from]`, row by row.
    matrix: Vec<f32>,
    /// `[to]`.
    bias: Vec<f32>,
}

/// What an adapter is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterFacts {
    /// The model whose embeddings it takes.
    pub from: Contract,
    /// The model in whose space its results lie.
    pub to: Contract,
    /// The faces that it was learnt from.
    pub faces: u64,
    /// The mean squared distance, on faces that it was not learnt from, between what it gives and what the other model
    /// gives; in `[0, 4]`, 2 for chance.
    pub held_out_distance: f64,
    /// SHA-256 over the numbers of the map, in hexadecimal: two adapters between the same models differ in it.
    pub digest: String,
    /// How what it gives compares with embeddings of the model `to`; none until that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harmonic: Option<Harmonic>,
}

/// Numbers that are no adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an adapter from {from} to {to} coordinates has {matrix} and {bias} numbers, or one that is not finite"
)]
pub struct NotAnAdapter {
    /// Coordinates of what it takes.
    pub from: usize,
    /// Coordinates of what it gives.
    pub to: usize,
    /// Numbers of the matrix, expected `to · from`.
    pub matrix: usize,
    /// Numbers of the bias, expected `to`.
    pub bias: usize,
}

impl Adapter {
    /// Joins a matrix, `[to, from]` row by row, and a bias, `[to]`.
    ///
    /// # Errors
    /// When there are not as many finite numbers as the two contracts ask for.
    pub fn new(facts: AdapterFacts, matrix: Vec<f32>, bias: Vec<f32>) -> Result<Self, NotAnAdapter> {
        let (from, to) = (facts.from.dimension, facts.to.dimension);
        let finite = matrix.iter().chain(&bias).all(|value| value.is_finite());
        if matrix.len() != from * to || bias.len() != to || from == 0 || to == 0 || !finite {
            return Err(NotAnAdapter { from, to, matrix: matrix.len(), bias: bias.len() });
        }
        Ok(Self { facts, matrix, bias })
    }

    /// What it is of.
    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// The contract of what it gives, which may be compared with embeddings of the model `to` once that is measured.
    pub fn contract(&self) -> Contract {
        let AdapterFacts { from, to, digest, harmonic, .. } = &self.facts;
        Contract {
            network: format!("{}-adapted", from.network),
            dimension: to.dimension,
            weights: digest.clone(),
            preprocessing: from.preprocessing,
            mirrored: from.mirrored,
            thresholds: Vec::new(),
            calibration: None,
            harmonic: harmonic.iter().cloned().collect(),
        }
    }

    /// The same map, with what was measured of it.
    pub fn with_harmonic(mut self, harmonic: Harmonic) -> Self {
        self.facts.harmonic = Some(harmonic);
        self
    }

    /// The matrix, `[to, from]` row by row.
    pub fn matrix(&self) -> &[f32] {
        &self.matrix
    }

    /// The bias, `[to]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Takes an embedding of the one model into the space of the other.
    ///
    /// # Errors
    /// When the result has no direction.
    ///
    /// # Panics
    /// When the embedding has another number of coordinates than the model's.
    pub fn apply(&self, embedding: &Embedding) -> Result<Embedding, NotADirection> {
        let from = embedding.as_slice();
        assert_eq!(from.len(), self.facts.from.dimension, "an embedding of the adapter's model");
        let coordinate =
            |(row, bias): (&[f32], &f32)| bias + row.iter().zip(from).map(|(a, b)| a * b).sum::<f32>();
        Embedding::normalize(self.matrix.chunks_exact(from.len()).zip(&self.bias).map(coordinate).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HarmonicMeasure, Preprocessing};

    fn facts(from: usize, to: usize) -> AdapterFacts {
        let contract = |network: &str, dimension| Contract {
            network: network.into(),
            dimension,
            weights: String::new(),
            preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
            mirrored: false,
            thresholds: Vec::new(),
            calibration: None,
            harmonic: Vec::new(),
        };
        let (from, to) = (contract("a", from), contract("b", to));
        AdapterFacts { from, to, faces: 9, held_out_distance: 0.5, digest: "0f3a".into(), harmonic: None }
    }

    #[test]
    fn an_embedding_is_mapped_shifted_and_scaled_to_unit_length() {
        let adapter =
            Adapter::new(facts(2, 3), vec![0.0, 1.0, 2.0, 0.0, 0.0, 0.0], vec![0.0, 0.0, 1.0]).unwrap();
        let mapped = adapter.apply(&Embedding::normalize(vec![3.0, 4.0]).unwrap()).unwrap();
        // (0.8, 1.2, 1) before it is scaled.
        let norm = (0.64f32 + 1.44 + 1.0).sqrt();
        for (found, expected) in mapped.as_slice().iter().zip([0.8 / norm, 1.2 / norm, 1.0 / norm]) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn what_it_gives_compares_with_the_new_model_once_that_is_measured() {
        let adapter = Adapter::new(facts(3, 2), vec![1.0; 6], vec![0.0; 2]).unwrap();
        let to = adapter.facts().to.clone();
        assert_eq!(adapter.contract().id(), "a-adapted-2-0f3a");
        assert!(adapter.contract().compare_with(&to).is_err());
        let measured = HarmonicMeasure { old: 0.8, mixed: 0.85, new: 0.9, data: "drawn".into() };
        let (thresholds, calibration) = (Vec::new(), None);
        let harmonic = Harmonic { to: to.id(), thresholds, calibration, measured: Some(measured) };
        let adapter = adapter.with_harmonic(harmonic);
        assert!(adapter.contract().compare_with(&to).is_ok() && to.compare_with(&adapter.contract()).is_ok());
        assert!(adapter.facts().from.compare_with(&to).is_err());
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert!(Adapter::new(facts(2, 3), vec![0.0; 5], vec![0.0; 3]).is_err());
        assert!(Adapter::new(facts(2, 3), vec![0.0; 6], vec![0.0; 2]).is_err());
        assert!(Adapter::new(facts(1, 1), vec![f32::NAN], vec![0.0]).is_err());
        let nothing = Adapter::new(facts(1, 1), vec![0.0], vec![0.0]).unwrap();
        assert!(nothing.apply(&Embedding::normalize(vec![1.0]).unwrap()).is_err(), "it has no direction");
    }
}
