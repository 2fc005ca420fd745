//! A face as Python sees it.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;

use crate::engines::Found;

/// A face that was found in a photo.
#[pyclass(frozen, get_all, module = "facenet")]
pub(crate) struct Face {
    /// `(x, y, width, height)`, in pixels of the upright photo.
    r#box: (f32, f32, f32, f32),
    /// Left eye, right eye, nose, left and right corner of the mouth, as seen in the picture.
    landmarks: Option<Vec<(f32, f32)>>,
    /// The detector's confidence.
    score: f32,
    /// How good the picture is, and what is wrong with it.
    quality: f32,
    reasons: Vec<&'static str>,
    /// The embedding, which cannot be written to; none where only faces were asked for.
    embedding: Option<Py<PyArray1<f32>>>,
}

impl Face {
    /// Takes what was found.
    pub(crate) fn new(py: Python<'_>, found: Found) -> Self {
        let Found { face, quality, embedding, picture: _ } = found;
        let points = |points: [facenet_core::Point; 5]| points.iter().map(|p| (p.x, p.y)).collect();
        let bounds = face.bounds;
        Self {
            r#box: (bounds.x, bounds.y, bounds.width, bounds.height),
            landmarks: face.landmarks.map(points),
            score: face.score,
            quality: quality.value,
            reasons: quality.reasons.iter().map(|reason| reason.words()).collect(),
            embedding: embedding.map(|embedding| read_only(py, embedding.into())),
        }
    }
}

#[pymethods]
impl Face {
    fn __repr__(&self) -> String {
        let (x, y, width, height) = self.r#box;
        format!(
            "<facenet.Face at ({x:.0}, {y:.0}), {width:.0} x {height:.0} pixels, score {:.2}, quality {:.2}>",
            self.score, self.quality
        )
    }
}

/// A vector as an array that cannot be written to: faces are shared.
pub(crate) fn read_only(py: Python<'_>, values: Vec<f32>) -> Py<PyArray1<f32>> {
    let array = PyArray1::from_vec(py, values);
    array.readwrite().make_nonwriteable();
    array.unbind()
}
