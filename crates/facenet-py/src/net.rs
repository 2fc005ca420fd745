//! `FaceNet`: a model and a detector.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::arrays;
use crate::contract::{Contract, cut};
use crate::crop::Crop;
use crate::engines::{DetectorSettings, Engines, Looked, WINDOW};
use crate::face::Face;
use crate::failure::Failure;
use crate::photo::{Photo, Photos};
use crate::verdict::Verdict;

/// The false accept rate where one face is compared with one other.
const FALSE_ACCEPT_RATE: f64 = 1e-2;

/// A model that embeds faces, and a detector that finds them.
#[pyclass(frozen, module = "facenet")]
pub(crate) struct FaceNet {
    engines: Arc<Engines>,
    /// What it was made of, to be made again in another process.
    model: Option<PathBuf>,
    detector: DetectorSettings,
}

impl FaceNet {
    /// Loads the model.
    pub(crate) fn load(model: Option<PathBuf>, detector: DetectorSettings) -> Result<Self, Failure> {
        let engines = Arc::new(Engines::load(model.as_deref(), detector.clone())?);
        Ok(Self { engines, model, detector })
    }

    /// Its engines.
    pub(crate) fn engines(&self) -> &Arc<Engines> {
        &self.engines
    }

    fn embedding(
        &self,
        object: &Bound<'_, PyAny>,
        crop: Crop,
        name: &str,
    ) -> PyResult<facenet_core::Embedding> {
        if let Some(embedding) = arrays::single(object, self.engines.contract().dimension)? {
            return Ok(embedding);
        }
        let photo = Photo::of(object)?;
        let place = place_of(&photo, name);
        let embedded = object.py().detach(|| self.engines.embed(vec![photo], crop))?.remove(0);
        Ok(embedded.map_err(|failure| failure.within(&place))?)
    }
}

#[pymethods]
impl FaceNet {
    #[new]
    #[pyo3(signature = (model=None, *, detector=None, min_score=None, min_face_px=0.0))]
    fn new(
        py: Python<'_>,
        model: Option<PathBuf>,
        detector: Option<PathBuf>,
        min_score: Option<f32>,
        min_face_px: f32,
    ) -> PyResult<Self> {
        let detector = DetectorSettings { file: detector, min_score, min_face_px };
        Ok(py.detach(|| Self::load(model, detector))?)
    }

    #[getter]
    fn contract(&self) -> Contract {
        Contract(self.engines.contract().clone())
    }

    /// One embedding an image, as an array `[images, dimension]` of `float32`.
    #[pyo3(signature = (images, *, crop=Crop::None), text_signature = "($self, images, *, crop='none')")]
    fn embed<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyAny>,
        crop: Crop,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let mut rows = Vec::new();
        for_each_window(images, |photos, first| {
            let places: Vec<String> = places(&photos, first);
            let embedded = py.detach(|| self.engines.embed(photos, crop))?;
            for (embedding, place) in embedded.into_iter().zip(places) {
                rows.extend_from_slice(embedding.map_err(|failure| failure.within(&place))?.as_slice());
            }
            Ok(())
        })?;
        arrays::to_array(py, rows, self.engines.contract().dimension)
    }

    /// The faces of a photo, most confident first, without embeddings.
    #[pyo3(signature = (image, *, crop=Crop::Detect), text_signature = "($self, image, *, crop='detect')")]
    fn detect(&self, py: Python<'_>, image: &Bound<'_, PyAny>, crop: Crop) -> PyResult<Vec<Face>> {
        let photo = Photo::of(image)?;
        let found = py.detach(|| self.engines.detect(photo, crop))?;
        Ok(found.into_iter().map(|found| Face::new(py, found)).collect())
    }

    /// The faces of a photo with their embeddings, most confident first; of several photos, a list for each.
    #[pyo3(
        signature = (images, *, crop=Crop::Detect, return_exceptions=false),
        text_signature = "($self, images, *, crop='detect', return_exceptions=False)"
    )]
    fn faces<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyAny>,
        crop: Crop,
        return_exceptions: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = PyList::empty(py);
        let is_one = for_each_window(images, |photos, first| {
            let places: Vec<String> = places(&photos, first);
            let looked = py.detach(|| self.engines.look(photos, crop, false))?;
            for (looked, place) in looked.into_iter().zip(places) {
                match looked {
                    Ok(Looked { faces, .. }) => {
                        let faces: Vec<Face> = faces.into_iter().map(|face| Face::new(py, face)).collect();
                        all.append(faces)?;
                    }
                    Err(failure) if return_exceptions => {
                        all.append(PyErr::from(failure.within(&place)).into_value(py))?;
                    }
                    Err(failure) => return Err(failure.within(&place).into()),
                }
            }
            Ok(())
        })?;
        if is_one { all.get_item(0) } else { Ok(all.into_any()) }
    }

    /// Whether two images, or embeddings, show the same person.
    #[pyo3(
        signature = (a, b, *, far=None, threshold=None, crop=Crop::Detect),
        text_signature = "($self, a, b, *, far=None, threshold=None, crop='detect')"
    )]
    fn verify(
        &self,
        a: &Bound<'_, PyAny>,
        b: &Bound<'_, PyAny>,
        far: Option<f64>,
        threshold: Option<f32>,
        crop: Crop,
    ) -> PyResult<Verdict> {
        let contract = self.engines.contract();
        let cut = cut(contract, far, threshold, FALSE_ACCEPT_RATE)?;
        let (left, right) =
            (self.embedding(a, crop, "the first image")?, self.embedding(b, crop, "the second image")?);
        Ok(Verdict::of(contract, &left, &right, cut))
    }

    /// Another process makes it anew from the same files.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let DetectorSettings { file, min_score, min_face_px } = self.detector.clone();
        let arguments = (self.model.clone(), file, min_score, min_face_px);
        (py.get_type::<Self>().getattr("_of")?, arguments).into_pyobject(py).map(Bound::into_any)
    }

    #[staticmethod]
    fn _of(
        py: Python<'_>,
        model: Option<PathBuf>,
        detector: Option<PathBuf>,
        min_score: Option<f32>,
        min_face_px: f32,
    ) -> PyResult<Self> {
        Self::new(py, model, detector, min_score, min_face_px)
    }

    fn __repr__(&self) -> String {
        format!("<facenet.FaceNet {}>", self.engines.contract().id())
    }
}

/// Gives the photos of an argument to `each`, a window at a time, with the number of those before; tells whether the
/// argument was a single photo. Between windows Python may interrupt.
fn for_each_window<'py>(
    images: &Bound<'py, PyAny>,
    mut each: impl FnMut(Vec<Photo>, usize) -> PyResult<()>,
) -> PyResult<bool> {
    let photos = match Photos::of(images)? {
        Photos::One(photo) => return each(vec![photo], 0).map(|()| true),
        Photos::Many(photos) => photos,
    };
    let (mut window, mut before) = (Vec::new(), 0);
    for photo in photos {
        window.push(Photo::of(&photo?)?);
        if window.len() == WINDOW {
            each(std::mem::take(&mut window), before)?;
            before += WINDOW;
            images.py().check_signals()?;
        }
    }
    if !window.is_empty() {
        each(window, before)?;
    }
    Ok(false)
}

/// What each photo is called in an error.
fn places(photos: &[Photo], first: usize) -> Vec<String> {
    let name = |(number, photo): (usize, &Photo)| place_of(photo, &format!("image {}", first + number));
    photos.iter().enumerate().map(name).collect()
}

/// A file by its path, for whoever looks for it; anything else by where it came.
fn place_of(photo: &Photo, name: &str) -> String {
    photo.path().map_or_else(|| name.into(), |path| format!("{name}, `{}`", path.display()))
}
