//! What a model promises, and the thresholds that it was calibrated to.

use facenet_core::{Contract as CoreContract, Distance};
use pyo3::prelude::*;

use crate::failure::{Failure, Kind, OrFail};

/// What makes embeddings comparable, and the thresholds that were calibrated for them.
#[pyclass(frozen, eq, module = "facenet")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contract(pub(crate) CoreContract);

/// A distance up to which two faces count as one person, and how that was found.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug, Clone)]
pub(crate) struct Threshold {
    distance: f32,
    false_accept_rate: f64,
    data: String,
}

/// A threshold with what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) distance: Distance,
    /// None for one that was given by hand.
    pub(crate) false_accept_rate: Option<f64>,
    /// The data that it was calibrated on.
    pub(crate) data: Option<String>,
}

#[pymethods]
impl Contract {
    /// A short name that differs wherever embeddings are not comparable.
    #[getter]
    fn id(&self) -> String {
        self.0.id()
    }

    #[getter]
    fn network(&self) -> &str {
        &self.0.network
    }

    #[getter]
    fn dimension(&self) -> usize {
        self.0.dimension
    }

    #[getter]
    fn weights(&self) -> &str {
        &self.0.weights
    }

    #[getter]
    fn edge_px(&self) -> u32 {
        self.0.preprocessing.edge_px
    }

    #[getter]
    fn thresholds(&self) -> Vec<Threshold> {
        let threshold = |t: &facenet_core::Threshold| Threshold {
            distance: t.distance.value(),
            false_accept_rate: t.false_accept_rate,
            data: t.data.clone(),
        };
        self.0.thresholds.iter().map(threshold).collect()
    }

    /// The threshold that `far` gives.
    fn threshold(&self, far: f64) -> PyResult<f32> {
        Ok(cut(&self.0, Some(far), None, far)?.distance.value())
    }

    /// The probability that two faces at this distance are one person, at even odds before looking.
    fn probability(&self, distance: f32) -> PyResult<Option<f64>> {
        let distance = Distance::new(distance).or_fail(Kind::Data)?;
        Ok(self.0.calibration.as_ref().map(|curve| curve.probability(distance)))
    }

    /// The contract as JSON.
    fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("a contract holds text and numbers")
    }

    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        Ok(Self(serde_json::from_str(text).or_fail(Kind::Data)?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<Self>().getattr("from_json")?, (self.to_json(),)))
    }

    fn __repr__(&self) -> String {
        format!("<facenet.Contract {}>", self.0.id())
    }
}

#[pymethods]
impl Threshold {
    fn __repr__(&self) -> String {
        let Self { distance, false_accept_rate, data } = self;
        format!("<facenet.Threshold {distance:.3}: false accept rate {false_accept_rate:.3e} on {data}>")
    }
}

/// The threshold for embeddings under `contract`: `threshold` if it is given, or the loosest that was calibrated to at most
/// `far`, or else to at most `default_far`.
///
/// # Errors
/// When both are given, one is out of its range, or the model has none that is strict enough.
pub(crate) fn cut(
    contract: &CoreContract,
    far: Option<f64>,
    threshold: Option<f32>,
    default_far: f64,
) -> Result<Cut, Failure> {
    let refused = |text: String| Failure::new(Kind::Threshold, text);
    if let Some(distance) = threshold {
        if far.is_some() {
            return Err(refused("found both `far` and `threshold`, expected one of them".into()));
        }
        let distance = Distance::new(distance).or_fail(Kind::Threshold)?;
        return Ok(Cut { distance, false_accept_rate: None, data: None });
    }
    let far = far.unwrap_or(default_far);
    if !(far > 0.0 && far <= 1.0) {
        return Err(refused(format!("`far={far}` is no rate: expected a number above 0 and at most 1")));
    }
    if let Some(found) = contract.threshold_at(far) {
        return Ok(Cut {
            distance: found.distance,
            false_accept_rate: Some(found.false_accept_rate),
            data: Some(found.data.clone()),
        });
    }
    let model = contract.id();
    Err(refused(match contract.thresholds.iter().map(|t| t.false_accept_rate).reduce(f64::min) {
        Some(strictest) => format!(
            "the model `{model}` has no threshold for a false accept rate of {far}: its strictest is calibrated to \
             {strictest}\n\
             hint: pass `far={strictest}`, or choose a distance with `threshold=`"
        ),
        None => format!(
            "the model `{model}` has no calibrated thresholds\n\
             hint: choose a squared distance from 0 to 4 yourself, for example `threshold=1.1`"
        ),
    }))
}
