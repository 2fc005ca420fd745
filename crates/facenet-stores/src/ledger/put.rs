//! Records as they are, for copies.

use facenet_gallery::{FaceId, FaceRecord, PersonId, PhotoId, Record, StoreError, Subject};

use super::Step;
use crate::desk::{FaceRow, PhotoRow};
use crate::rows::{Faces, People, Photos, Rows};

impl<R: Rows> Step<'_, R> {
    pub(super) fn put(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.read_for(records)?;
        records.iter().try_for_each(|record| self.put_one(record))
    }

    /// Reads what the records refer to or replace.
    fn read_for(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let (mut people, mut photos, mut faces) = (Vec::<PersonId>::new(), Vec::<PhotoId>::new(), Vec::new());
        let (mut names, mut has_corrections) = (Vec::new(), false);
        for record in records {
            match record {
                Record::Person(person) => {
                    people.push(person.id);
                    names.extend(person.name.as_deref());
                }
                Record::Photo(_) | Record::Event(_) => {}
                Record::Face { record, .. } => {
                    people.extend(record.person.map(|(person, _)| person));
                    photos.push(record.photo);
                }
                Record::Correction(said) => {
                    faces.extend([said.faces.0, said.faces.1]);
                    has_corrections = true;
                }
            }
        }
        people.sort_unstable();
        people.dedup();
        photos.sort_unstable();
        photos.dedup();
        self.read_people(People::Ids(&people))?;
        self.read_people(People::Named(&names))?;
        for photo in self.rows.photos(Photos::Ids(&photos))? {
            self.desk.photos.load(photo.id, PhotoRow { content: photo.content, added: photo.added });
        }
        if has_corrections {
            faces.sort_unstable();
            faces.dedup();
            self.read_faces(Faces::Ids(&faces))?;
            self.read_corrections()?;
        }
        Ok(())
    }

    fn put_one(&mut self, record: &Record) -> Result<(), StoreError> {
        match record {
            Record::Person(person) => {
                let nameless = facenet_gallery::Person { name: None, ..person.clone() };
                if let Some(former) = self.desk.people.get(&person.id).and_then(|known| known.name.clone()) {
                    self.desk.names.remove(&former);
                }
                self.desk.people.put(person.id, nameless);
                self.rename(person.id, person.name.clone())?;
                raise(&mut self.desk.meta.last.person, person.id.0);
            }
            Record::Photo(photo) => {
                self.desk.photos.put(photo.id, PhotoRow { content: photo.content, added: photo.added });
                photo.files.iter().for_each(|file| self.keep_file(photo.id, Some(file)));
                raise(&mut self.desk.meta.last.photo, photo.id.0);
            }
            Record::Face { record, crop } => {
                self.put_face(record)?;
                self.keep_crop(record.id, crop.as_ref());
                raise(&mut self.desk.meta.last.face, record.id.0);
            }
            Record::Correction(said) => {
                for face in [said.faces.0, said.faces.1] {
                    self.need_face(face)?;
                }
                self.forget_words_about(said.faces);
                self.desk.corrections.put(said.id, said.clone());
                raise(&mut self.desk.meta.last.correction, said.id.0);
            }
            Record::Event(event) => {
                self.desk.events.put(event.id, event.clone());
                raise(&mut self.desk.meta.last.event, event.id);
            }
        }
        Ok(())
    }

    fn put_face(&mut self, record: &FaceRecord) -> Result<(), StoreError> {
        if let Some((person, _)) = record.person {
            self.need_person(person)?;
        }
        if self.desk.photos.get(&record.photo).is_none() {
            return self.no_such(Subject::Photo(record.photo));
        }
        let contract = match &record.older_model {
            None => self.desk.meta.contract,
            Some(id) => {
                let unknown =
                    || StoreError::UnknownModel { place: self.rows.place().into(), model: id.clone() };
                self.desk.meta.number_of(id).ok_or_else(unknown)?
            }
        };
        let id: FaceId = record.id;
        let record = FaceRecord { older_model: None, ..record.clone() };
        self.desk.faces.put(id, FaceRow { record, contract });
        Ok(())
    }
}

fn raise(last: &mut i64, id: i64) {
    *last = (*last).max(id);
}
