//! The answer to: are these two the same person?

use facenet_core::{Contract, Embedding};
use pyo3::prelude::*;

use crate::contract::Cut;

/// Whether two faces count as one person, and what that rests on. It is true if they do.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug)]
pub(crate) struct Verdict {
    same: bool,
    distance: f32,
    cosine: f32,
    /// Of one person, at even odds before looking; none where the model has no fitted curve.
    probability: Option<f64>,
    threshold: f32,
    /// What the threshold was calibrated to, and on what; none for one that was given by hand.
    false_accept_rate: Option<f64>,
    data: Option<String>,
}

impl Verdict {
    /// Judges two faces: the same person if at most the threshold apart.
    pub(crate) fn of(contract: &Contract, left: &Embedding, right: &Embedding, cut: Cut) -> Self {
        let distance = left.distance(right);
        Self {
            same: distance <= cut.distance,
            distance: distance.value(),
            cosine: distance.cosine(),
            probability: contract.calibration.as_ref().map(|curve| curve.probability(distance)),
            threshold: cut.distance.value(),
            false_accept_rate: cut.false_accept_rate,
            data: cut.data,
        }
    }
}

#[pymethods]
impl Verdict {
    /// So that `if net.verify(a, b)` asks what it seems to ask.
    fn __bool__(&self) -> bool {
        self.same
    }

    fn __repr__(&self) -> String {
        let who = if self.same { "same person" } else { "different people" };
        format!("<facenet.Verdict {who}: distance {:.3}, threshold {:.3}>", self.distance, self.threshold)
    }
}
