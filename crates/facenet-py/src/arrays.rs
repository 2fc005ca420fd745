//! Embeddings in NumPy arrays.

use std::borrow::Cow;

use facenet_core::Embedding;
use numpy::{AllowTypeChange, PyArray2, PyArrayLike1, PyArrayLike2, PyArrayMethods, PyUntypedArray};
use numpy::{PyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::failure::{Failure, Kind, OrFail};

/// How far from 1 the length of a vector may be. NumPy's own sums, of other precision or order, differ by less.
const UNIT_WITHIN: f32 = 1e-3;

/// Embeddings `[faces, dimension]` of an argument: numbers of any kind that NumPy can bring to `float32`.
pub(crate) struct Matrix<'py>(PyArrayLike2<'py, f32, AllowTypeChange>);

impl<'py> FromPyObject<'_, 'py> for Matrix<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let wrong = |_| {
            let shape =
                object.getattr("shape").map_or_else(|_| String::new(), |shape| format!("of shape {shape} "));
            Failure::new(
                Kind::Data,
                format!("embeddings are an array [faces, dimension] of numbers, but this {shape}is none"),
            )
        };
        Ok(Self(object.extract().map_err(wrong)?))
    }
}

impl Matrix<'_> {
    /// Its faces and coordinates.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.0.shape()[0], self.0.shape()[1])
    }

    /// The coordinates, row by row: those of the array itself where it is contiguous `float32`.
    pub(crate) fn rows(&self) -> Cow<'_, [f32]> {
        // A slice is also given of Fortran's order, which is not row by row.
        match self.0.as_slice() {
            Ok(rows) if self.0.is_c_contiguous() => Cow::Borrowed(rows),
            _ => Cow::Owned(self.0.as_array().iter().copied().collect()),
        }
    }
}

/// Checks that every row is of unit length.
///
/// # Errors
/// When one is not; it is named.
pub(crate) fn check_units(rows: &[f32], dimension: usize) -> Result<(), Failure> {
    let length = |row: &[f32]| row.iter().map(|value| value * value).sum::<f32>().sqrt();
    // NaN is not within.
    let is_unit = |row: &[f32]| (length(row) - 1.0).abs() <= UNIT_WITHIN;
    let Some(row) = rows.chunks_exact(dimension.max(1)).position(|row| !is_unit(row)) else { return Ok(()) };
    let found = length(&rows[row * dimension..][..dimension]);
    Err(Failure::new(
        Kind::Data,
        format!(
            "row {row} has the length {found}, but embeddings have the length 1\n\
             hint: those of other models may have to be scaled: `x / np.linalg.norm(x, axis=1, keepdims=True)`"
        ),
    ))
}

/// The rows as embeddings.
///
/// # Errors
/// When one is not of unit length.
pub(crate) fn embeddings(rows: &[f32], dimension: usize) -> Result<Vec<Embedding>, Failure> {
    check_units(rows, dimension)?;
    let rows = rows.chunks_exact(dimension.max(1));
    rows.map(|row| Embedding::normalize(row.to_vec()).or_fail(Kind::Data)).collect()
}

/// A single embedding, if `object` is an array of one dimension.
///
/// # Errors
/// When it is one of another number of coordinates, or not of unit length.
pub(crate) fn single(object: &Bound<'_, PyAny>, dimension: usize) -> PyResult<Option<Embedding>> {
    if !object.cast::<PyUntypedArray>().is_ok_and(|array| array.ndim() == 1) {
        return Ok(None);
    }
    let row: PyArrayLike1<'_, f32, AllowTypeChange> = object.extract()?;
    let row: Vec<f32> = row.as_array().iter().copied().collect();
    if row.len() != dimension {
        return Err(other_dimension(row.len(), dimension).into());
    }
    Ok(embeddings(&row, dimension)?.pop())
}

/// The error of embeddings that cannot be of a model.
pub(crate) fn other_dimension(found: usize, expected: usize) -> Failure {
    let text = format!("embeddings of {found} coordinates are not of this model, which makes {expected}");
    Failure::new(Kind::Data, text)
}

/// Rows as an array `[faces, dimension]`; the values are handed over, not copied.
pub(crate) fn to_array(
    py: Python<'_>,
    rows: Vec<f32>,
    dimension: usize,
) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let faces = rows.len() / dimension.max(1);
    PyArray1::from_vec(py, rows).reshape([faces, dimension])
}
