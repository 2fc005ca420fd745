//! A gallery from Python: people that are remembered in a SQLite file.

mod add;
mod answers;
mod edit;
mod forget;
mod probes;
mod who;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use facenet_core::Embedding;
use facenet_gallery::{
    FaceId, Finder, Form, GalleryFilter, GroupOptions, Scope, Settings, SqliteStore, Store, StoreError,
    Template, Verdict, all_faces, regroup, remember_answer, take_back_answer,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(crate) use self::add::Added;
pub(crate) use self::answers::{GalleryFace, Grouped, Identified, Person, Removed};
use crate::contract::{Contract, Cut, cut};
use crate::crop::Crop;
use crate::engines::{DetectorSettings, Engines};
use crate::failure::{Failure, Kind, OrFail};
use crate::net::FaceNet;
use crate::photo::{Photo, Photos};

/// The false accept rate where every face is compared with many strangers.
const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// People that are remembered, in a SQLite file.
#[pyclass(frozen, module = "facenet")]
pub(crate) struct Gallery {
    /// None once it is closed.
    store: Mutex<Option<SqliteStore>>,
    engines: Arc<Engines>,
    path: PathBuf,
}

impl Gallery {
    /// Does something with the store, without Python's lock.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut SqliteStore) -> Result<T, Failure> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| {
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            let closed =
                || Failure::new(Kind::Gallery, format!("the gallery `{}` is closed", self.path.display()));
            work(store.as_mut().ok_or_else(closed)?)
        });
        Ok(done?)
    }

    fn of(store: SqliteStore, engines: Arc<Engines>, path: PathBuf) -> Result<Self, Failure> {
        let comparable = store.settings().contract.check_comparable(engines.contract());
        comparable
            .map_err(|source| StoreError::OtherContract { place: store.place().into(), source })
            .or_fail(Kind::Gallery)?;
        Ok(Self { store: Mutex::new(Some(store)), engines, path })
    }
}

fn engines(net: Option<&Bound<'_, FaceNet>>) -> Result<Arc<Engines>, Failure> {
    match net {
        Some(net) => Ok(Arc::clone(net.get().engines())),
        None => Ok(Arc::new(Engines::load(None, DetectorSettings::default())?)),
    }
}

#[pymethods]
impl Gallery {
    /// Makes an empty gallery.
    #[staticmethod]
    #[pyo3(signature = (path, net=None, *, embedding="float", crops=false, paths=true))]
    fn create(
        py: Python<'_>,
        path: PathBuf,
        net: Option<&Bound<'_, FaceNet>>,
        embedding: &str,
        crops: bool,
        paths: bool,
    ) -> PyResult<Self> {
        let form = match embedding {
            "float" => Form::Float,
            "byte" => Form::Byte,
            other => {
                let text = format!("embedding `{other}` is unknown: expected \"float\" or \"byte\"");
                return Err(PyValueError::new_err(text));
            }
        };
        let engines = engines(net)?;
        let contract = engines.contract().clone();
        let (older, upgrading_from) = (Vec::new(), None);
        let settings =
            Settings { contract, form, keeps_paths: paths, keeps_crops: crops, older, upgrading_from };
        let made = py.detach(|| {
            let store = SqliteStore::create(&path, &settings).or_fail(Kind::Gallery)?;
            Self::of(store, engines, path)
        });
        Ok(made?)
    }

    /// Opens a gallery.
    #[staticmethod]
    #[pyo3(signature = (path, net=None))]
    fn open(py: Python<'_>, path: PathBuf, net: Option<&Bound<'_, FaceNet>>) -> PyResult<Self> {
        let engines = engines(net)?;
        let opened = py.detach(|| {
            let store = SqliteStore::open(&path).or_fail(Kind::Gallery)?;
            Self::of(store, engines, path)
        });
        Ok(opened?)
    }

    /// Closes it; a gallery that is closed twice stays so.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.store.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyAny>) {
        self.close(py);
    }

    #[getter]
    fn contract(&self) -> Contract {
        Contract(self.engines.contract().clone())
    }

    /// How much it holds.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.with(py, |store| store.counts().or_fail(Kind::Gallery))?;
        let all = PyDict::new(py);
        all.set_item("people", counts.people)?;
        all.set_item("photos", counts.photos)?;
        all.set_item("faces", counts.faces)?;
        all.set_item("unassigned", counts.unassigned)?;
        all.set_item("corrections", counts.corrections)?;
        Ok(all)
    }

    /// All people, in the order of their identifiers.
    fn people(&self, py: Python<'_>) -> PyResult<Vec<Person>> {
        self.with(py, |store| answers::people(store))
    }

    /// The faces of a person, or all.
    #[pyo3(signature = (person=None))]
    fn faces(&self, py: Python<'_>, person: Option<String>) -> PyResult<Vec<GalleryFace>> {
        let faces = self.with(py, |store| {
            let person = person.map(|person| who::person(store, &person)).transpose()?;
            let mut faces = all_faces(store).or_fail(Kind::Gallery)?;
            faces.retain(|face| person.is_none_or(|id| face.person.is_some_and(|(of, _)| of == id)));
            Ok(faces)
        })?;
        Ok(faces.into_iter().map(|face| GalleryFace::new(py, face)).collect())
    }

    /// Adds a photo with its faces, or several.
    #[pyo3(
        signature = (photos, *, person=None, crop=Crop::Detect, min_quality=0.0),
        text_signature = "($self, photos, *, person=None, crop='detect', min_quality=0.0)"
    )]
    fn add<'py>(
        &self,
        py: Python<'py>,
        photos: &Bound<'py, PyAny>,
        person: Option<String>,
        crop: Crop,
        min_quality: f32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = add::Options { person, crop, min_quality };
        let add =
            |photos: Vec<Photo>| self.with(py, |store| add::add(store, &self.engines, photos, &options));
        match Photos::of(photos)? {
            Photos::One(photo) => {
                let added = add(vec![photo])?.remove(0);
                Ok(Bound::new(py, added)?.into_any())
            }
            Photos::Many(photos) => {
                let (mut all, mut step) = (Vec::new(), Vec::new());
                for photo in photos {
                    step.push(Photo::of(&photo?)?);
                    if step.len() == crate::engines::WINDOW {
                        all.extend(add(std::mem::take(&mut step))?);
                        py.check_signals()?;
                    }
                }
                all.extend(add(step)?);
                all.into_pyobject(py)
            }
        }
    }

    /// Who is in a photo: an answer for each face; or for each row of an array of embeddings.
    #[pyo3(
        signature = (photo, *, far=None, threshold=None, k=3, tags=Vec::new(), crop=Crop::Detect),
        text_signature = "($self, photo, *, far=None, threshold=None, k=3, tags=(), crop='detect')"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments are the struct")]
    fn identify(
        &self,
        py: Python<'_>,
        photo: &Bound<'_, PyAny>,
        far: Option<f64>,
        threshold: Option<f32>,
        k: usize,
        tags: Vec<String>,
        crop: Crop,
    ) -> PyResult<Vec<Identified>> {
        let contract = self.engines.contract();
        let cut = cut(contract, far, threshold, FALSE_ACCEPT_RATE)?;
        let probes = probes::of(photo, crop, &self.engines)?;
        let answers = self.with(py, |store| {
            let finder = Finder::of(store, contract, GalleryFilter { tags }, Template::Best);
            let finder = finder.or_fail(Kind::Gallery)?;
            let answer = |probe: &Embedding| finder.identify(probe, cut.distance, k);
            let answers: Result<Vec<_>, _> = probes.iter().map(|(embedding, _)| answer(embedding)).collect();
            answers.or_fail(Kind::Gallery)
        })?;
        let threshold = cut.distance.value();
        let faces = probes.into_iter().map(|(_, face)| face);
        answers
            .into_iter()
            .zip(faces)
            .map(|(answer, face)| Identified::new(py, answer, face, threshold))
            .collect()
    }

    /// Groups the faces by person, or only those that came since the last time; what the user said stays.
    #[pyo3(signature = (*, far=None, threshold=None, new_only=false))]
    fn cluster(
        &self,
        py: Python<'_>,
        far: Option<f64>,
        threshold: Option<f32>,
        new_only: bool,
    ) -> PyResult<Grouped> {
        let Cut { distance, .. } = cut(self.engines.contract(), far, threshold, FALSE_ACCEPT_RATE)?;
        let options = GroupOptions::at(distance);
        let scope = if new_only { Scope::New(options) } else { Scope::All };
        let done = self.with(py, |store| {
            regroup(store, scope, |faces| {
                let found = faces.by_average(options).or_fail(Kind::Data)?;
                Ok::<_, Failure>(found.clusters().iter().map(|cluster| cluster.faces().collect()).collect())
            })
        })?;
        Ok(Grouped::new(&done, distance))
    }

    /// Gives a person a name, or takes it.
    fn rename(&self, py: Python<'_>, who: &str, name: Option<String>) -> PyResult<()> {
        self.with(py, |store| edit::rename(store, who, name))
    }

    /// Makes two people one.
    fn merge(&self, py: Python<'_>, who: &str, into: &str) -> PyResult<()> {
        self.with(py, |store| edit::merge(store, who, into))
    }

    /// Makes faces a person of their own, or another's; gives that person's identifier.
    #[pyo3(signature = (faces, *, name=None, to=None))]
    fn split(
        &self,
        py: Python<'_>,
        faces: Vec<i64>,
        name: Option<String>,
        to: Option<String>,
    ) -> PyResult<i64> {
        if name.is_some() && to.is_some() {
            return Err(PyValueError::new_err("found both `name` and `to`, expected one of them"));
        }
        self.with(py, |store| edit::split(store, &faces, name.as_deref(), to.as_deref()))
    }

    /// Says of two faces that they are one person, or not; it binds until it is taken back.
    fn correct(&self, py: Python<'_>, a: i64, b: i64, same: bool) -> PyResult<()> {
        if a == b {
            return Err(PyValueError::new_err(format!("face {a} is itself: expected two faces")));
        }
        let verdict = if same { Verdict::Same } else { Verdict::Different };
        self.with(py, |store| {
            who::need_face(store, FaceId(a))?;
            who::need_face(store, FaceId(b))?;
            remember_answer(store, (FaceId(a), FaceId(b)), verdict).or_fail(Kind::Gallery)
        })
    }

    /// Takes the last word about two faces back; gives them, or none when there is none.
    fn undo(&self, py: Python<'_>) -> PyResult<Option<(i64, i64)>> {
        let last = self.with(py, |store| take_back_answer(store).or_fail(Kind::Gallery))?;
        Ok(last.map(|last| (last.faces.0.0, last.faces.1.0)))
    }

    /// Deletes people, photos and faces with every trace of them in the gallery's files.
    #[pyo3(signature = (*what, dry_run=false))]
    fn remove(&self, py: Python<'_>, what: Vec<String>, dry_run: bool) -> PyResult<Removed> {
        self.with(py, |store| forget::remove(store, &what, dry_run))
    }

    fn __repr__(&self) -> String {
        format!("<facenet.Gallery {}>", self.path.display())
    }
}
