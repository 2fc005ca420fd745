//! What a gallery tells, as Python sees it.

use std::collections::HashMap;

use facenet_core::Distance;
use facenet_gallery::{AssignedBy, FaceRecord, Identification, Regrouped, Store, all_faces};
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::engines::Found;
use crate::face::{Face, read_only};
use crate::failure::{Failure, Kind, OrFail};

/// A person.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The identifier, never given twice.
    id: i64,
    /// The name; none while it is not known.
    name: Option<String>,
    /// The name, or `person:3`.
    label: String,
    tags: Vec<String>,
    /// How many faces are theirs.
    faces: usize,
}

/// A face in a gallery.
#[pyclass(frozen, get_all, module = "facenet")]
pub(crate) struct GalleryFace {
    id: i64,
    photo: i64,
    r#box: (f32, f32, f32, f32),
    score: f32,
    quality: Option<f32>,
    embedding: Py<PyArray1<f32>>,
    /// Whose it is; none while it is nobody's.
    person: Option<i64>,
    /// `user` or `machine`.
    by: Option<&'static str>,
}

/// Who a face is.
#[pyclass(frozen, get_all, module = "facenet")]
pub(crate) struct Identified {
    /// The nearest person, if at most the threshold away.
    person: Option<String>,
    /// The distance to the nearest person; none in an empty gallery.
    distance: Option<f32>,
    threshold: f32,
    /// The nearest people and their distances, nearest first, whether accepted or not.
    nearest: Vec<(String, f32)>,
    /// The face in the photo; none where embeddings were asked about.
    face: Option<Py<Face>>,
}

/// What became of the faces of a gallery.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug)]
pub(crate) struct Grouped {
    /// Faces that were looked at.
    faces: usize,
    /// Of those, faces that were nobody's before.
    new_faces: usize,
    people: usize,
    new_people: usize,
    /// Faces that no other was joined to.
    alone: usize,
    threshold: f32,
}

/// What was deleted, and what a search for its traces found.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug, Default)]
pub(crate) struct Removed {
    people: Vec<i64>,
    photos: Vec<i64>,
    faces: Vec<i64>,
    /// Pieces of what was deleted that were looked for in the files, and how many were there before and after.
    pieces: u64,
    found_before: u64,
    found_after: u64,
}

/// All people with their numbers of faces.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn people(store: &dyn Store) -> Result<Vec<Person>, Failure> {
    let mut faces: HashMap<_, usize> = HashMap::new();
    for face in all_faces(store).or_fail(Kind::Gallery)? {
        if let Some((person, _)) = face.person {
            *faces.entry(person).or_default() += 1;
        }
    }
    let person = |person: facenet_gallery::Person| Person {
        id: person.id.0,
        label: person.label(),
        faces: faces.get(&person.id).copied().unwrap_or_default(),
        name: person.name,
        tags: person.tags,
    };
    Ok(store.people().or_fail(Kind::Gallery)?.into_iter().map(person).collect())
}

impl GalleryFace {
    /// Takes a record.
    pub(super) fn new(py: Python<'_>, face: FaceRecord) -> Self {
        let bounds = face.found.bounds;
        let by = |by| match by {
            AssignedBy::User => "user",
            AssignedBy::Machine => "machine",
        };
        Self {
            id: face.id.0,
            photo: face.photo.0,
            r#box: (bounds.x, bounds.y, bounds.width, bounds.height),
            score: face.found.score,
            quality: face.quality,
            embedding: read_only(py, face.embedding.embedding().into()),
            person: face.person.map(|(person, _)| person.0),
            by: face.person.map(|(_, who)| by(who)),
        }
    }
}

impl Identified {
    /// Takes an answer.
    pub(super) fn new(
        py: Python<'_>,
        answer: Identification,
        face: Option<Found>,
        threshold: f32,
    ) -> PyResult<Self> {
        let nearest: Vec<(String, f32)> =
            answer.nearest.into_iter().map(|found| (found.person, found.distance.value())).collect();
        Ok(Self {
            person: answer.person,
            distance: nearest.first().map(|(_, distance)| *distance),
            threshold,
            nearest,
            face: face.map(|found| Py::new(py, Face::new(py, found))).transpose()?,
        })
    }
}

impl Grouped {
    /// Takes what regrouping did.
    pub(super) fn new(done: &Regrouped, threshold: Distance) -> Self {
        let Regrouped { faces, new_faces, people, new_people, alone } = *done;
        Self { faces, new_faces, people, new_people, alone, threshold: threshold.value() }
    }
}

impl Removed {
    /// Adds what else was deleted.
    pub(super) fn take(&mut self, removed: facenet_gallery::Removed) {
        self.people.extend(removed.people.iter().map(|id| id.0));
        self.photos.extend(removed.photos.iter().map(|id| id.0));
        self.faces.extend(removed.faces.iter().map(|id| id.0));
        self.pieces += removed.pieces;
        self.found_before += removed.found_before;
        self.found_after += removed.found_after;
    }
}

#[pymethods]
impl Person {
    fn __repr__(&self) -> String {
        format!("<facenet.Person {}: {} faces>", self.label, self.faces)
    }
}

#[pymethods]
impl GalleryFace {
    fn __repr__(&self) -> String {
        let whose = self.person.map_or("nobody's".into(), |person| format!("of person:{person}"));
        format!("<facenet.GalleryFace face:{} {whose}>", self.id)
    }
}

#[pymethods]
impl Identified {
    fn __repr__(&self) -> String {
        let who = self.person.as_deref().unwrap_or("nobody");
        let distance = self.distance.map_or("none".into(), |distance| format!("{distance:.3}"));
        format!("<facenet.Identified {who}: distance {distance}, threshold {:.3}>", self.threshold)
    }
}

#[pymethods]
impl Grouped {
    fn __repr__(&self) -> String {
        let Self { faces, people, new_people, alone, .. } = self;
        format!("<facenet.Grouped {faces} faces: {people} people, {new_people} of them new, {alone} alone>")
    }
}

#[pymethods]
impl Removed {
    fn __repr__(&self) -> String {
        let (people, photos, faces) = (self.people.len(), self.photos.len(), self.faces.len());
        format!(
            "<facenet.Removed {people} people, {photos} photos, {faces} faces; traces before {}, after {}>",
            self.found_before, self.found_after
        )
    }
}
