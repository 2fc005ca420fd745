//! Photos as Python has them: paths, bytes, arrays, pictures of Pillow.

use std::path::PathBuf;

use facenet::{Limits, decode, read_image_bytes};
use facenet_core::RgbImage;
use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Kind, OrFail};

/// A photo that needs Python no more.
#[derive(Debug)]
pub(crate) enum Photo {
    /// A file.
    File(PathBuf),
    /// A file's content.
    Bytes(Vec<u8>),
    /// Pixels.
    Pixels(RgbImage),
}

/// One photo, or several.
pub(crate) enum Photos<'py> {
    /// A photo for itself.
    One(Photo),
    /// Anything that can be iterated over.
    Many(Bound<'py, pyo3::types::PyIterator>),
}

impl<'py> Photos<'py> {
    /// What `object` is: a photo, or an iterable of photos. An array of four dimensions is the latter.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let is_stack = object.cast::<PyUntypedArray>().is_ok_and(|array| array.ndim() == 4);
        match is_photo(object) && !is_stack {
            true => Ok(Self::One(Photo::of(object)?)),
            false => Ok(Self::Many(object.try_iter().map_err(|_| not_a_photo(object))?)),
        }
    }
}

impl Photo {
    /// The photo that `object` is.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if is_path(object) {
            return Ok(Self::File(object.extract()?));
        }
        if is_bytes(object) {
            let bytes = object.py().get_type::<PyBytes>().call1((object,))?;
            return Ok(Self::Bytes(bytes.extract()?));
        }
        if object.cast::<PyUntypedArray>().is_ok() {
            return Ok(Self::Pixels(of_array(object)?));
        }
        if is_pillow(object) {
            return Ok(Self::Pixels(of_pillow(object)?));
        }
        Err(not_a_photo(object))
    }

    /// The pixels, upright.
    ///
    /// # Errors
    /// When a file cannot be read or is no image.
    pub(crate) fn image(self) -> Result<RgbImage, Failure> {
        match self {
            Self::File(path) => facenet::read_image(&path, &Limits::default()).or_fail(Kind::Image),
            Self::Bytes(bytes) => decode(&bytes, &Limits::default()).or_fail(Kind::Image),
            Self::Pixels(image) => Ok(image),
        }
    }

    /// The pixels with SHA-256 of the file; of pixels, that of their size and values.
    ///
    /// # Errors
    /// When a file cannot be read or is no image.
    pub(crate) fn image_and_digest(self) -> Result<(RgbImage, [u8; 32]), Failure> {
        match self {
            Self::File(path) => {
                let bytes = read_image_bytes(&path, &Limits::default()).or_fail(Kind::Image)?;
                let image = decode(&bytes, &Limits::default())
                    .or_fail(Kind::Image)
                    .map_err(|failure| failure.within(&format!("cannot use `{}`", path.display())))?;
                Ok((image, Sha256::digest(&bytes).into()))
            }
            Self::Bytes(bytes) => {
                let image = decode(&bytes, &Limits::default()).or_fail(Kind::Image)?;
                Ok((image, Sha256::digest(&bytes).into()))
            }
            Self::Pixels(image) => {
                let mut digest = Sha256::new();
                digest.update(image.width().to_le_bytes());
                digest.update(image.height().to_le_bytes());
                digest.update(image.as_raw());
                Ok((image, digest.finalize().into()))
            }
        }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}

fn is_photo(object: &Bound<'_, PyAny>) -> bool {
    is_path(object) || is_bytes(object) || object.cast::<PyUntypedArray>().is_ok() || is_pillow(object)
}

fn is_path(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyString>() || object.hasattr("__fspath__").unwrap_or(false)
}

fn is_bytes(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
        || object.is_instance_of::<PyMemoryView>()
}

/// By what is used of it, so that Pillow is needed by nobody who does not bring its pictures.
fn is_pillow(object: &Bound<'_, PyAny>) -> bool {
    ["convert", "mode", "tobytes", "getexif"].iter().all(|name| object.hasattr(name).unwrap_or(false))
}

fn not_a_photo(object: &Bound<'_, PyAny>) -> PyErr {
    let found = object.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "found a `{found}`, expected a path, bytes, a NumPy array of bytes, a picture of Pillow, or a list of these"
    ))
}

/// `[height, width, 3]` or `[height, width]`, in any layout.
fn of_array(object: &Bound<'_, PyAny>) -> PyResult<RgbImage> {
    let Ok(array) = object.cast::<PyArrayDyn<u8>>() else {
        let found = object.getattr("dtype")?;
        return Err(PyValueError::new_err(format!(
            "an image is an array of uint8, but this one is of {found}\n\
             hint: bring values into 0 to 255 and pass `array.astype(\"uint8\")`"
        )));
    };
    let array = array.try_readonly()?;
    let wrong = || {
        let shape = array.shape();
        PyValueError::new_err(format!(
            "an image is [height, width, 3] or [height, width], but this array is {shape:?}"
        ))
    };
    let (height, width, channels) = match *array.shape() {
        [height, width] => (height, width, 1),
        [height, width, channels @ (1 | 3)] => (height, width, channels),
        _ => return Err(wrong()),
    };
    let size = |edge: usize| u32::try_from(edge).ok().filter(|edge| *edge > 0).ok_or_else(wrong);
    let (width, height) = (size(width)?, size(height)?);
    // The one copy: a picture is worked on without Python's lock, and whoever holds the array may change it.
    // (A slice is also given of Fortran's order, which is not row by row.)
    let values: Vec<u8> = match (array.as_slice(), channels) {
        (Ok(values), 3) if array.is_c_contiguous() => values.to_vec(),
        (_, 3) => array.as_array().iter().copied().collect(),
        _ => array.as_array().iter().flat_map(|value| [*value; 3]).collect(),
    };
    Ok(RgbImage::from_raw(width, height, values).expect("three values a pixel"))
}

/// As a file of it would be read: upright, its transparent parts white.
fn of_pillow(object: &Bound<'_, PyAny>) -> PyResult<RgbImage> {
    let py = object.py();
    let image = py.import("PIL.ImageOps")?.call_method1("exif_transpose", (object,))?;
    let image = image.call_method1("convert", ("RGBA",))?;
    let white = py.import("PIL.Image")?.call_method1("new", ("RGBA", image.getattr("size")?, "white"))?;
    white.call_method1("alpha_composite", (&image,))?;
    let image = white.call_method1("convert", ("RGB",))?;
    let (width, height): (u32, u32) = image.getattr("size")?.extract()?;
    let values: Vec<u8> = image.call_method0("tobytes")?.cast_into::<PyBytes>()?.as_bytes().to_vec();
    RgbImage::from_raw(width, height, values)
        .ok_or_else(|| PyValueError::new_err("a picture of Pillow without pixels"))
}
