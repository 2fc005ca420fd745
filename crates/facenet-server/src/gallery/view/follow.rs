//! What is in memory follows what was done to the store, without reading all of it again.

use std::sync::Arc;

use facenet_gallery::{AssignedBy, Change, FaceId, Person, PersonId, Store, StoreError};

use super::{View, find};
use crate::gallery::noted::Done;

/// Faces that are read at a time.
const BATCH: usize = 10_000;

impl View {
    /// The view after what was done; none when it is better read anew.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(in crate::gallery) fn after(
        mut self,
        done: &[Done],
        store: &dyn Store,
    ) -> Result<Option<Self>, StoreError> {
        for step in done {
            match step {
                Done::People(people) => self.add_people(people),
                Done::Changes(changes) => changes.iter().for_each(|change| self.change(change)),
                Done::Photos => self.read_on(store)?,
                Done::Embeddings(faces) => faces.iter().try_for_each(|face| self.read_again(store, *face))?,
                Done::Much => return Ok(None),
            }
        }
        Ok(Some(self))
    }

    fn add_people(&mut self, people: &[(PersonId, Option<String>)]) {
        for (id, name) in people {
            self.people.insert(*id, Person { id: *id, name: name.clone(), tags: Vec::new() });
        }
    }

    /// Reads the faces after those that are known.
    fn read_on(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let last = self.faces.last().map_or(FaceId(0), |face| face.id);
            let faces = store.faces(last, BATCH)?;
            if faces.is_empty() {
                return Ok(());
            }
            for face in faces {
                self.enter(face);
                self.found(self.faces.len() - 1);
            }
        }
    }

    /// Reads a face again, if it is there still.
    fn read_again(&mut self, store: &dyn Store, id: FaceId) -> Result<(), StoreError> {
        if let Some(index) = self.index(id) {
            self.faces[index] = Arc::new(store.face(id)?);
            self.search = Arc::default();
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Rename(person, name) => {
                if let Some(person) = self.people.get_mut(person) {
                    person.name.clone_from(name);
                }
            }
            Change::Tag(person, tag) => {
                if let Some(person) = self.people.get_mut(person)
                    && let Err(place) = person.tags.binary_search(tag)
                {
                    person.tags.insert(place, tag.clone());
                }
            }
            Change::Untag(person, tag) => {
                if let Some(person) = self.people.get_mut(person) {
                    person.tags.retain(|known| known != tag);
                }
            }
            Change::Assign(face, person) => {
                if let Some(index) = self.index(*face) {
                    self.assign(index, *person);
                }
            }
            Change::Merge(from, into) if from == into => {}
            Change::Merge(from, into) => self.merge(*from, *into),
            Change::DropEmpty(person) => {
                let has_face = self.of_person.get(person).is_some_and(|faces| !faces.is_empty());
                let is_named = self.people.get(person).is_some_and(|person| person.name.is_some());
                if !has_face && !is_named {
                    self.people.remove(person);
                    self.of_person.remove(person);
                }
            }
            // Corrections are not in memory.
            Change::Correct { .. } | Change::Uncorrect(_) => {}
        }
    }

    fn assign(&mut self, index: usize, person: Option<(PersonId, AssignedBy)>) {
        let before = std::mem::replace(&mut Arc::make_mut(&mut self.faces[index]).person, person);
        let (before, after) = (before.map(|(id, _)| id), person.map(|(id, _)| id));
        if before == after {
            return;
        }
        if let Some(faces) = before.and_then(|before| self.of_person.get_mut(&before)) {
            faces.retain(|known| *known != index);
        }
        if let Some(after) = after {
            let faces = self.of_person.entry(after).or_default();
            faces.insert(faces.partition_point(|known| *known < index), index);
        }
        match before {
            None => self.found(index),
            Some(_) => self.search = Arc::default(),
        }
    }

    fn merge(&mut self, from: PersonId, into: PersonId) {
        for index in self.of_person.get(&from).cloned().unwrap_or_default() {
            self.assign(index, Some((into, AssignedBy::User)));
        }
        self.of_person.remove(&from);
        let tags = self.people.remove(&from).map(|person| person.tags).unwrap_or_default();
        tags.into_iter().for_each(|tag| self.change(&Change::Tag(into, tag)));
    }

    /// Lets a face be found that was nobody's, or is new.
    fn found(&mut self, index: usize) {
        // While others search, or before anybody did, it is made anew when it is asked for.
        match Arc::get_mut(&mut self.search).and_then(|search| search.get_mut()) {
            Some(gallery) => find(gallery, &self.settings, &self.faces[index]),
            None => self.search = Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::{BoundingBox, Contract, Embedding, Face, Preprocessing};
    use facenet_gallery::{
        EventKind, Form, NewFace, NewPhoto, PhotoDigest, Removal, Settings, SqliteStore, StoredEmbedding,
    };

    use super::*;
    use crate::gallery::noted::Noted;

    fn contract() -> Contract {
        Contract {
            network: "drawn".into(),
            dimension: 2,
            weights: "aa".into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: vec![],
            calibration: None,
            mirrored: false,
            harmonic: vec![],
        }
    }

    fn direction(degrees: u64) -> Embedding {
        let radians = (degrees as f32).to_radians();
        Embedding::normalize(vec![radians.cos(), radians.sin()]).unwrap()
    }

    fn photo(number: u64, person: Option<PersonId>) -> NewPhoto {
        let face = NewFace {
            found: Face {
                bounds: BoundingBox { x: 0.0, y: 0.0, width: 8.0, height: 8.0 },
                landmarks: None,
                score: 0.5,
            },
            quality: None,
            embedding: StoredEmbedding::of(&direction(number * 7), Form::Float),
            crop: None,
            person: person.map(|person| (person, AssignedBy::User)),
        };
        let mut content = [0; 32];
        content[..8].copy_from_slice(&number.to_le_bytes());
        NewPhoto { content: PhotoDigest(content), file: None, faces: vec![face] }
    }

    /// All that can be asked of a view.
    fn told(view: &View) -> Vec<String> {
        let people = view.people().map(|person| {
            let faces: Vec<i64> = view.faces_of(person.id).map(|face| face.id.0).collect();
            format!("{person:?} {faces:?} {:?}", view.cover(person.id))
        });
        let faces = view.faces().map(|face| format!("{face:?} {}", view.faces_in(face.photo).count()));
        let mut told: Vec<String> = people.chain(faces).collect();
        for degrees in [0, 45, 90, 180] {
            let near = view.nearest(&direction(degrees), 100, &[]);
            // Of faces at one place either may be named.
            told.extend(
                near.iter().map(|near| format!("{degrees}: {:?} {:?}", near.person.id, near.distance)),
            );
        }
        told
    }

    #[test]
    fn a_view_that_follows_is_the_one_that_would_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            contract: contract(),
            form: Form::Float,
            keeps_paths: true,
            keeps_crops: false,
            older: vec![],
            upgrading_from: None,
        };
        let mut store = SqliteStore::create(&folder.path().join("g"), &settings).unwrap();
        let mut view = Some(View::of(&store, &contract()).unwrap());
        let mut drawn = 1u64;
        for version in 1..400 {
            let mut draw = |below: u64| {
                drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (drawn >> 33) % below
            };
            let (a, b) = (PersonId(draw(9) as i64 + 1), PersonId(draw(9) as i64 + 1));
            let face = FaceId(draw(40) as i64 + 1);
            let changes = match draw(10) {
                0 | 1 => vec![Change::Assign(face, Some((a, AssignedBy::User)))],
                2 => vec![Change::Assign(face, None), Change::DropEmpty(a)],
                3 => vec![Change::Rename(a, Some(format!("name {version}")))],
                4 => vec![Change::Rename(a, None), Change::Tag(a, "b".into()), Change::Tag(a, "a".into())],
                5 => vec![Change::Untag(a, "b".into()), Change::DropEmpty(b)],
                6 => vec![Change::Merge(a, b)],
                _ => vec![],
            };
            let mut noted = Noted::of(&mut store);
            // Much of it fails, since people and faces are not there; that has to leave both as they were.
            drop(match draw(8) {
                0 => noted.add_people(&[None, Some(&format!("new {version}"))]).map(drop),
                1 => noted.add(&[photo(version, (version % 2 == 0).then_some(a))]).map(drop),
                2 if version % 50 == 0 => noted.remove(&Removal::Faces(vec![face])).map(drop),
                _ if changes.is_empty() => noted.add(&[photo(version, None)]).map(drop),
                _ => noted.apply(EventKind::Assign, &changes),
            });
            let done = noted.into_done();
            let read = View::of(&store, &contract()).unwrap();
            let followed = view.take().unwrap().after(&done, &store).unwrap();
            // What is not followed is read.
            let followed = followed.unwrap_or_else(|| read.clone());
            assert_eq!(told(&followed), told(&read), "after {done:?}");
            view = Some(followed);
        }
        let view = view.unwrap();
        assert!(view.people().count() > 3 && view.faces().count() > 100, "there was something to follow");
    }
}
