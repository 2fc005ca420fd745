//! The faces that a gallery is asked about.

use facenet_core::Embedding;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{self, Matrix};
use crate::crop::Crop;
use crate::engines::{Engines, Found};
use crate::photo::Photo;

/// The embeddings of a photo's faces, with what was found there; or those of an array of embeddings.
///
/// # Errors
/// When it is neither, or of another model.
pub(super) fn of(
    object: &Bound<'_, PyAny>,
    crop: Crop,
    engines: &Engines,
) -> PyResult<Vec<(Embedding, Option<Found>)>> {
    let dimension = engines.contract().dimension;
    if let Some(embedding) = arrays::single(object, dimension)? {
        return Ok(vec![(embedding, None)]);
    }
    if is_matrix(object)? {
        let matrix: Matrix<'_> = object.extract()?;
        let (_, found) = matrix.size();
        if found != dimension {
            return Err(arrays::other_dimension(found, dimension).into());
        }
        let rows = arrays::embeddings(&matrix.rows(), dimension)?;
        return Ok(rows.into_iter().map(|row| (row, None)).collect());
    }
    let photo = Photo::of(object)?;
    let looked = object.py().detach(|| engines.look(vec![photo], crop, false))?.remove(0)?;
    let probe = |found: Found| found.embedding.clone().map(|embedding| (embedding, Some(found)));
    Ok(looked.faces.into_iter().filter_map(probe).collect())
}

/// Whether an array holds embeddings: a grey picture has two dimensions too, but its values are bytes.
fn is_matrix(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(array) = object.cast::<PyUntypedArray>() else { return Ok(false) };
    let kind: String = array.dtype().getattr("kind")?.extract()?;
    Ok(array.ndim() == 2 && kind == "f")
}
