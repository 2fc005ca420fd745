//! Which faces are one person?

use facenet_gallery::{Clustering, GroupFaces, GroupOptions, Knowledge, Why, threshold_for_wrong_pairs};
use numpy::{AllowTypeChange, PyArray1, PyArrayLike1};
use pyo3::prelude::*;

use crate::arrays::{Matrix, check_units, other_dimension};
use crate::contract::{Contract, Cut, cut};
use crate::engines::{DetectorSettings, Engines};
use crate::failure::{Failure, Kind, OrFail};

/// The false accept rate where every face is compared with all others.
const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// What clustering found.
#[pyclass(frozen, module = "facenet")]
pub(crate) struct Clusters {
    labels: Py<PyArray1<i64>>,
    /// The faces of each cluster, the most central first.
    members: Vec<Vec<usize>>,
    suggestions: Vec<Suggestion>,
    threshold: f32,
}

/// Two clusters that may be one person: a question for somebody who knows them.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug, Clone)]
pub(crate) struct Suggestion {
    /// A face of the one.
    a: usize,
    /// A face of the other.
    b: usize,
    /// The mean distance between the clusters' faces.
    distance: f32,
    /// `some-alike`, `just-beyond` or `poor`.
    why: &'static str,
}

#[pymethods]
impl Clusters {
    /// The cluster of each face, from 0 in the order of their first face.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        self.labels.bind(py).clone()
    }

    /// The faces of each cluster, largest cluster first, the most central face first and the most doubtful last.
    #[getter]
    fn members(&self) -> Vec<Vec<usize>> {
        self.members.clone()
    }

    /// Pairs of clusters that may be one person, the nearest first.
    #[getter]
    fn suggestions(&self) -> Vec<Suggestion> {
        self.suggestions.clone()
    }

    /// The distance up to which clusters were joined.
    #[getter]
    fn threshold(&self) -> f32 {
        self.threshold
    }

    fn __len__(&self) -> usize {
        self.members.len()
    }

    fn __repr__(&self) -> String {
        let faces: usize = self.members.iter().map(Vec::len).sum();
        format!("<facenet.Clusters {} of {faces} faces, threshold {:.3}>", self.members.len(), self.threshold)
    }
}

#[pymethods]
impl Suggestion {
    fn __repr__(&self) -> String {
        format!("<facenet.Suggestion {} and {}: {:.3}, {}>", self.a, self.b, self.distance, self.why)
    }
}

/// Clusters embeddings.
#[pyfunction]
#[pyo3(
    signature = (
        embeddings, *, far=None, threshold=None, wrong_pairs=None, contract=None, photos=None, quality=None,
        min_quality=0.0, must_link=Vec::new(), cannot_link=Vec::new()
    ),
    text_signature = "(embeddings, *, far=None, threshold=None, wrong_pairs=None, contract=None, photos=None, \
        quality=None, min_quality=0.0, must_link=(), cannot_link=())"
)]
#[expect(clippy::too_many_arguments, reason = "Python's keyword arguments are the struct")]
pub(crate) fn cluster(
    py: Python<'_>,
    embeddings: Matrix<'_>,
    far: Option<f64>,
    threshold: Option<f32>,
    wrong_pairs: Option<f64>,
    contract: Option<&Bound<'_, Contract>>,
    photos: Option<Vec<Bound<'_, PyAny>>>,
    quality: Option<PyArrayLike1<'_, f32, AllowTypeChange>>,
    min_quality: f32,
    must_link: Vec<(usize, usize)>,
    cannot_link: Vec<(usize, usize)>,
) -> PyResult<Clusters> {
    let (_, dimension) = embeddings.size();
    let contract = contract.map(|contract| &contract.get().0);
    let cut = choose(contract, dimension, far, threshold, wrong_pairs)?;
    let options = GroupOptions { min_quality, ..GroupOptions::at(cut.distance) };
    let photos = photos.map(|photos| numbered(py, photos)).transpose()?.unwrap_or_default();
    let quality = quality.map(|quality| quality.as_array().to_vec()).unwrap_or_default();
    let knowledge = Knowledge { same: must_link, different: cannot_link };
    let rows = embeddings.rows();

    let found = py.detach(|| {
        check_units(&rows, dimension)?;
        let faces = GroupFaces { rows: &rows, photos: &photos, quality: &quality };
        let found = Clustering::of(dimension, faces, knowledge, options).or_fail(Kind::Data)?;
        Ok::<_, Failure>((found.labels(), found.clusters(), found.suggestions()))
    });
    let (labels, clusters, suggestions) = found?;
    let suggestion = |s: &facenet_gallery::Suggestion| Suggestion {
        a: s.a,
        b: s.b,
        distance: s.distance.value(),
        why: match s.why {
            Why::SomeAlike => "some-alike",
            Why::JustBeyond => "just-beyond",
            Why::Poor => "poor",
        },
    };
    Ok(Clusters {
        labels: PyArray1::from_vec(py, labels.into_iter().map(i64::from).collect()).unbind(),
        members: clusters.iter().map(|cluster| cluster.faces().collect()).collect(),
        suggestions: suggestions.iter().map(suggestion).collect(),
        threshold: cut.distance.value(),
    })
}

/// The threshold: a distance, or what a rate or a share means for the model of the embeddings.
fn choose(
    contract: Option<&facenet_core::Contract>,
    dimension: usize,
    far: Option<f64>,
    threshold: Option<f32>,
    wrong_pairs: Option<f64>,
) -> Result<Cut, Failure> {
    if wrong_pairs.is_some() && (far.is_some() || threshold.is_some()) {
        let text =
            "found `wrong_pairs` and another threshold, expected one of `far`, `threshold` and `wrong_pairs`";
        return Err(Failure::new(Kind::Threshold, text));
    }
    // A distance by hand needs no model; so embeddings of any other program can be clustered too.
    let shipped;
    let contract = match (contract, threshold) {
        (Some(contract), _) => contract,
        (None, _) => {
            shipped = Engines::load(None, DetectorSettings::default())?;
            shipped.contract()
        }
    };
    if threshold.is_none() && dimension != contract.dimension {
        return Err(other_dimension(dimension, contract.dimension));
    }
    let Some(share) = wrong_pairs else { return cut(contract, far, threshold, FALSE_ACCEPT_RATE) };
    let curve = contract.calibration.as_ref();
    let distance = curve.and_then(|curve| threshold_for_wrong_pairs(curve, share)).ok_or_else(|| {
        let text = match curve {
            Some(_) => format!(
                "`wrong_pairs={share}` was not measured: expected one of {:?}",
                facenet_gallery::STATED_SHARES
            ),
            None => format!("the model `{}` has no fitted curve, which `wrong_pairs` needs", contract.id()),
        };
        Failure::new(Kind::Threshold, text)
    })?;
    Ok(Cut { distance, false_accept_rate: None, data: None })
}

/// A number for each different value, by Python's own idea of equal.
pub(crate) fn numbered(py: Python<'_>, values: Vec<Bound<'_, PyAny>>) -> PyResult<Vec<u64>> {
    let numbers = pyo3::types::PyDict::new(py);
    let number = |value: Bound<'_, PyAny>| {
        if let Some(number) = numbers.get_item(&value)? {
            return number.extract();
        }
        let number = numbers.len() as u64;
        numbers.set_item(value, number)?;
        Ok(number)
    };
    values.into_iter().map(number).collect()
}
