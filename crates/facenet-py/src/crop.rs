//! Where the face lies in an image, as the argument `crop` names it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Where the face lies in an image; the same words as the option `--crop` of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Crop {
    /// Wherever the detector finds a face; it is turned upright by its landmarks.
    Detect,
    /// Wherever the detector finds a face; the square around its box as it lies.
    Box,
    /// A centred square of half the shorter edge.
    Center,
    /// An aligned crop with the margin that training crops have.
    None,
    /// An aligned crop without margin.
    Tight,
}

impl<'py> FromPyObject<'_, 'py> for Crop {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text: String = object.extract()?;
        match text.as_str() {
            "detect" => Ok(Self::Detect),
            "box" => Ok(Self::Box),
            "center" => Ok(Self::Center),
            "none" | "aligned" => Ok(Self::None),
            "tight" => Ok(Self::Tight),
            _ => Err(PyValueError::new_err(format!(
                "crop `{text}` is unknown: expected \"detect\", \"box\", \"center\", \"none\" or \"tight\""
            ))),
        }
    }
}
