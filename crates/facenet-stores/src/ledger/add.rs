//! New people and photos.

use std::collections::HashMap;

use facenet_gallery::{
    AddedPhoto, EventKind, FaceId, FaceRecord, FileRecord, NewFace, NewPhoto, Person, PersonId, PhotoDigest,
    PhotoId, StoreError, is_name,
};

use super::Step;
use crate::desk::{FaceRow, FileRow, Jpeg, PhotoRow, now};
use crate::rows::{People, Rows};

impl<R: Rows> Step<'_, R> {
    pub(super) fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError> {
        let known: Vec<&str> = names.iter().copied().flatten().collect();
        self.read_people(People::Named(&known))?;
        let mut added = Vec::new();
        for name in names {
            self.desk.meta.last.person += 1;
            let id = PersonId(self.desk.meta.last.person);
            self.desk.people.put(id, Person { id, name: None, tags: Vec::new() });
            self.rename(id, name.map(str::to_owned))?;
            added.push(id);
        }
        Ok(added)
    }

    /// Gives a person a name, or takes it; whoever has the name was read.
    pub(super) fn rename(&mut self, id: PersonId, name: Option<String>) -> Result<(), StoreError> {
        if let Some(name) = &name {
            if !is_name(name) {
                return Err(StoreError::NotAName { name: name.clone() });
            }
            if self.desk.names.get(name).is_some_and(|owner| *owner != id) {
                return Err(StoreError::NameTaken { place: self.rows.place().into(), name: name.clone() });
            }
        }
        self.need_person(id)?;
        let person = self.desk.people.change(&id).expect("it was just looked for");
        let former = std::mem::replace(&mut person.name, name.clone());
        if let Some(former) = former {
            self.desk.names.remove(&former);
        }
        self.desk.names.extend(name.map(|name| (name, id)));
        Ok(())
    }

    pub(super) fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError> {
        let contents: Vec<PhotoDigest> = photos.iter().map(|photo| photo.content).collect();
        let found = self.rows.photos_with(&contents)?;
        let mut known: HashMap<PhotoDigest, PhotoId> =
            contents.into_iter().zip(found).filter_map(|(content, id)| Some((content, id?))).collect();
        let mut people: Vec<PersonId> =
            photos.iter().flat_map(|photo| &photo.faces).filter_map(|face| Some(face.person?.0)).collect();
        people.sort_unstable();
        people.dedup();
        self.read_people(People::Ids(&people))?;
        let mut added = Vec::new();
        for photo in photos {
            if let Some(id) = known.get(&photo.content) {
                self.keep_file(*id, photo.file.as_ref());
                added.push(AddedPhoto::Known(*id));
                continue;
            }
            self.desk.meta.last.photo += 1;
            let id = PhotoId(self.desk.meta.last.photo);
            known.insert(photo.content, id);
            self.desk.photos.put(id, PhotoRow { content: photo.content, added: now() });
            self.keep_file(id, photo.file.as_ref());
            photo.faces.iter().try_for_each(|face| self.add_face(id, face))?;
            added.push(AddedPhoto::New(id));
        }
        let new = added.iter().filter(|photo| matches!(photo, AddedPhoto::New(_))).count();
        if new > 0 {
            self.desk.note(EventKind::Add, new);
        }
        Ok(added)
    }

    fn add_face(&mut self, photo: PhotoId, face: &NewFace) -> Result<(), StoreError> {
        if let Some((person, _)) = face.person {
            self.need_person(person)?;
        }
        self.desk.meta.last.face += 1;
        let id = FaceId(self.desk.meta.last.face);
        let record = FaceRecord {
            id,
            photo,
            found: face.found.clone(),
            quality: face.quality,
            embedding: face.embedding.clone(),
            older_model: None,
            person: face.person,
        };
        self.desk.faces.put(id, FaceRow { record, contract: self.desk.meta.contract });
        self.keep_crop(id, face.crop.as_ref());
        Ok(())
    }

    pub(super) fn keep_crop(&mut self, face: FaceId, crop: Option<&Vec<u8>>) {
        if let Some(crop) = crop.filter(|_| self.settings.keeps_crops) {
            self.desk.crops.put(face, Jpeg(crop.clone()));
        }
    }

    /// Remembers that a photo lies in a file; what lay there before does no more.
    pub(super) fn keep_file(&mut self, photo: PhotoId, file: Option<&FileRecord>) {
        if let Some(file) = file.filter(|_| self.settings.keeps_paths) {
            let FileRecord { path, size, changed_ns } = file.clone();
            self.desk.files.put(path, FileRow { photo, size, changed_ns });
        }
    }
}
