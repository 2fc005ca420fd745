//! What a gallery holds, in memory, for questions.

mod follow;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use facenet_core::{Contract, Distance, Embedding};
use facenet_gallery::{
    Entry, FaceId, FaceRecord, Gallery, Person, PersonId, PhotoId, Scales, Settings, Store, StoreError,
    Subject, all_faces,
};

/// What a gallery holds.
#[derive(Clone)]
pub(crate) struct View {
    people: BTreeMap<PersonId, Person>,
    /// In the order of their identifiers.
    faces: Vec<Arc<FaceRecord>>,
    /// The indices of a person's faces, in order.
    of_person: HashMap<PersonId, Vec<usize>>,
    of_photo: HashMap<PhotoId, Vec<usize>>,
    settings: Settings,
    /// What probes are embedded by: the gallery's own model, or one that is harmonic to it.
    probe: Contract,
    /// The assigned faces; people and sources go by their identifiers. Made when it is asked for.
    search: Arc<OnceLock<Gallery>>,
    place: String,
}

/// A person near to a probe.
pub(crate) struct Near<'a> {
    pub(crate) person: &'a Person,
    pub(crate) distance: Distance,
    /// The person's nearest face.
    pub(crate) face: FaceId,
}

impl View {
    /// Reads all of the store but pictures and paths, for probes under `probe`.
    pub(super) fn of(store: &dyn Store, probe: &Contract) -> Result<Self, StoreError> {
        let people = store.people()?.into_iter().map(|person| (person.id, person)).collect();
        let mut view = Self {
            people,
            faces: Vec::new(),
            of_person: HashMap::new(),
            of_photo: HashMap::new(),
            settings: store.settings().clone(),
            probe: probe.clone(),
            search: Arc::default(),
            place: store.place().into(),
        };
        all_faces(store)?.into_iter().for_each(|face| view.enter(face));
        Ok(view)
    }

    /// Adds a face after all others.
    fn enter(&mut self, face: FaceRecord) {
        let index = self.faces.len();
        self.of_photo.entry(face.photo).or_default().push(index);
        if let Some((person, _)) = face.person {
            self.of_person.entry(person).or_default().push(index);
        }
        self.faces.push(Arc::new(face));
    }

    /// The people, in the order of their identifiers.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The person with this identifier.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn person(&self, id: PersonId) -> Result<&Person, StoreError> {
        self.people.get(&id).ok_or_else(|| self.no_such(Subject::Person(id)))
    }

    /// All faces, in the order of their identifiers.
    pub(crate) fn faces(&self) -> impl ExactSizeIterator<Item = &FaceRecord> {
        self.faces.iter().map(|face| &**face)
    }

    /// The face with this identifier.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn face(&self, id: FaceId) -> Result<&FaceRecord, StoreError> {
        self.index(id).map(|index| &*self.faces[index]).ok_or_else(|| self.no_such(Subject::Face(id)))
    }

    fn index(&self, id: FaceId) -> Option<usize> {
        self.faces.binary_search_by_key(&id, |face| face.id).ok()
    }

    /// A person's faces, in the order of their identifiers.
    pub(crate) fn faces_of(&self, id: PersonId) -> impl Iterator<Item = &FaceRecord> {
        self.of_person.get(&id).into_iter().flatten().map(|index| &*self.faces[*index])
    }

    /// A photo's faces, in the order of their identifiers.
    pub(crate) fn faces_in(&self, id: PhotoId) -> impl Iterator<Item = &FaceRecord> {
        self.of_photo.get(&id).into_iter().flatten().map(|index| &*self.faces[*index])
    }

    /// The face that shows a person best; none without faces.
    pub(crate) fn cover(&self, id: PersonId) -> Option<FaceId> {
        let quality = |face: &&FaceRecord| face.quality.unwrap_or(face.found.score);
        let best = self.faces_of(id).max_by(|a, b| {
            quality(a).total_cmp(&quality(b)).then(b.id.cmp(&a.id)) // of equals the first
        });
        best.map(|face| face.id)
    }

    /// A person's faces with their distances from the middle of all of them, the nearest first. A single face is its own
    /// middle. Faces that lie so opposite that they have no middle are in the order of their identifiers, at no distance.
    pub(crate) fn faces_by_doubt(&self, id: PersonId) -> Vec<(&FaceRecord, Option<Distance>)> {
        let embeddings: Vec<Embedding> = self.faces_of(id).map(|face| face.embedding.embedding()).collect();
        let middle = middle(&embeddings);
        let away = |embedding: &Embedding| middle.as_ref().map(|middle| middle.distance(embedding));
        let mut faces: Vec<_> = self.faces_of(id).zip(embeddings.iter().map(away)).collect();
        faces.sort_by_key(|(face, distance)| (*distance, face.id));
        faces
    }

    /// The `k` people nearest to `probe` of those who have all of `tags`, nearest first.
    pub(crate) fn nearest(&self, probe: &Embedding, k: usize, tags: &[String]) -> Vec<Near<'_>> {
        let wanted = if tags.is_empty() { k } else { self.people.len() };
        let near = self.search().nearest_people(probe, wanted).into_iter().map(|found| {
            let person = PersonId(found.person.parse().expect("people go by their identifiers"));
            let face = found.source.to_str().and_then(|id| id.parse().ok()).map(FaceId);
            let face = face.expect("faces go by their identifiers");
            Near { person: &self.people[&person], distance: found.distance, face }
        });
        near.filter(|near| tags.iter().all(|tag| near.person.tags.contains(tag))).take(k).collect()
    }

    fn search(&self) -> &Gallery {
        self.search.get_or_init(|| {
            let mut gallery = Gallery::new(self.probe.clone());
            self.faces().for_each(|face| find(&mut gallery, &self.settings, face));
            gallery
        })
    }

    /// The `k` faces nearest to the one with this identifier, without itself, nearest first. While some are of an older
    /// model, distances are told as within the gallery's own; faces that cannot be compared are left out.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn similar(&self, id: FaceId, k: usize) -> Result<Vec<(&FaceRecord, Distance)>, StoreError> {
        let face = self.face(id)?;
        let (probe, scales) = (face.embedding.embedding(), Scales::of(&self.settings));
        let others = self.faces().filter(|face| face.id != id);
        let away = |other: &FaceRecord| {
            let distance = probe.distance(&other.embedding.embedding());
            scales.told(distance, face.older_model.as_deref(), other.older_model.as_deref())
        };
        let mut near: Vec<_> = others.filter_map(|face| Some((face, away(face)?))).collect();
        near.sort_by_key(|(face, distance)| (*distance, face.id));
        near.truncate(k);
        Ok(near)
    }

    fn no_such(&self, subject: Subject) -> StoreError {
        StoreError::NoSuch { place: self.place.clone(), subject }
    }
}

/// Lets a face be found, if it is somebody's.
fn find(gallery: &mut Gallery, settings: &Settings, face: &FaceRecord) {
    let Some((person, _)) = face.person else { return };
    let (person, source) = (person.0.to_string(), face.id.0.to_string().into());
    let entry = Entry { person, source, embedding: face.embedding.embedding() };
    gallery.add(settings.contract_of(face), entry).expect("the store keeps to its contracts");
}

/// The direction of the sum; none where that is nowhere.
fn middle(embeddings: &[Embedding]) -> Option<Embedding> {
    let mut sum = vec![0.0; embeddings.first()?.dimension()];
    for embedding in embeddings {
        sum.iter_mut().zip(embedding.as_slice()).for_each(|(sum, value)| *sum += value);
    }
    Embedding::normalize(sum).ok()
}
