//! Deleting, with all that hangs on what is deleted.

use std::collections::BTreeSet;

use facenet_gallery::{
    Correction, EventKind, FaceId, Gone, Moved, PersonId, PhotoId, PhotoRecord, Removal, Removed, StoreError,
    Subject,
};

use super::{Ledger, Step};
use crate::desk::FileRow;
use crate::rows::{Faces, People, Photos, Rows};

impl<R: Rows> Step<'_, R> {
    /// What a removal deletes.
    pub(super) fn targets(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        let (mut people, mut photos, mut faces) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        match what {
            Removal::People(ids) => {
                self.read_people(People::Ids(ids))?;
                ids.iter().try_for_each(|id| self.need_person(*id))?;
                people.extend(ids.iter().copied());
                faces.extend(self.read_faces(Faces::OfPeople(ids))?);
                photos.extend(self.emptied_photos(&faces)?);
            }
            Removal::Photos { photos: ids, people: with_people } => {
                let found: BTreeSet<PhotoId> = self.read_photos(ids)?.iter().map(|photo| photo.id).collect();
                if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
                    return self.no_such(Subject::Photo(*missing));
                }
                photos.extend(ids.iter().copied());
                faces.extend(self.read_faces(Faces::OfPhotos(ids))?);
                if *with_people {
                    people.extend(self.emptied_people(&faces)?);
                }
            }
            Removal::Faces(ids) => {
                self.read_faces(Faces::Ids(ids))?;
                for id in ids {
                    self.need_face(*id)?;
                }
                faces.extend(ids.iter().copied());
            }
        }
        let touched: BTreeSet<PhotoId> = photos.iter().copied().chain(self.photos_of(&faces)).collect();
        let touched: Vec<PhotoId> = touched.into_iter().collect();
        let mut contents: Vec<_> = self.read_photos(&touched)?.iter().map(|photo| photo.content).collect();
        contents.sort();
        Ok(Removed {
            people: people.into_iter().collect(),
            photos: photos.into_iter().collect(),
            faces: faces.into_iter().collect(),
            contents,
            ..Removed::default()
        })
    }

    /// Reads photos with their files.
    fn read_photos(&mut self, ids: &[PhotoId]) -> Result<Vec<PhotoRecord>, StoreError> {
        let photos = self.rows.photos(Photos::Ids(ids))?;
        for (photo, file) in photos.iter().flat_map(|photo| photo.files.iter().map(|file| (photo.id, file))) {
            let row = FileRow { photo, size: file.size, changed_ns: file.changed_ns };
            self.desk.files.load(file.path.clone(), row);
        }
        Ok(photos)
    }

    fn photos_of(&self, faces: &BTreeSet<FaceId>) -> BTreeSet<PhotoId> {
        faces.iter().filter_map(|id| Some(self.desk.faces.get(id)?.record.photo)).collect()
    }

    /// The photos all of whose faces go.
    fn emptied_photos(&mut self, faces: &BTreeSet<FaceId>) -> Result<Vec<PhotoId>, StoreError> {
        let photos: Vec<PhotoId> = self.photos_of(faces).into_iter().collect();
        let all = self.read_faces(Faces::OfPhotos(&photos))?;
        let stays = all.into_iter().filter(|face| !faces.contains(face)).collect();
        let kept = self.photos_of(&stays);
        Ok(photos.into_iter().filter(|photo| !kept.contains(photo)).collect())
    }

    /// The people all of whose faces go.
    fn emptied_people(&mut self, faces: &BTreeSet<FaceId>) -> Result<Vec<PersonId>, StoreError> {
        let person = |step: &Self, id: &FaceId| Some(step.desk.faces.get(id)?.record.person?.0);
        let people: BTreeSet<PersonId> = faces.iter().filter_map(|id| person(self, id)).collect();
        let people: Vec<PersonId> = people.into_iter().collect();
        let all = self.read_faces(Faces::OfPeople(&people))?;
        let stays = all.iter().filter(|face| !faces.contains(face));
        let kept: BTreeSet<PersonId> = stays.filter_map(|id| person(self, id)).collect();
        Ok(people.into_iter().filter(|person| !kept.contains(person)).collect())
    }

    pub(super) fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        let removed = self.targets(what)?;
        self.read_corrections()?;
        self.read_people(People::Ids(&removed.people))?;
        let faces: BTreeSet<FaceId> = removed.faces.iter().copied().collect();
        self.forget_words(&faces);
        for face in faces {
            self.desk.faces.delete(face);
            self.desk.crops.delete(face);
            self.desk.former.delete(face);
        }
        let photos: BTreeSet<PhotoId> = removed.photos.iter().copied().collect();
        let files = self.desk.files.iter().filter(|(_, file)| photos.contains(&file.photo));
        let files: Vec<String> = files.map(|(path, _)| path.clone()).collect();
        files.into_iter().for_each(|path| self.desk.files.delete(path));
        photos.into_iter().for_each(|photo| self.desk.photos.delete(photo));
        removed.people.iter().for_each(|person| self.delete_person(*person));
        self.desk.meta.unwiped = true;
        let all = removed.faces.len() + removed.photos.len() + removed.people.len();
        self.desk.note(EventKind::Remove, all);
        Ok(removed)
    }

    /// Forgets what the user said about faces that go, and that one of them was moved.
    fn forget_words(&mut self, faces: &BTreeSet<FaceId>) {
        let said: Vec<Correction> = self.desk.corrections.iter().map(|(_, said)| said.clone()).collect();
        for mut said in said {
            if faces.contains(&said.faces.0) || faces.contains(&said.faces.1) {
                self.desk.corrections.delete(said.id);
            } else if said.moved.is_some_and(|Moved { face, .. }| faces.contains(&face)) {
                said.moved = None;
                self.desk.corrections.put(said.id, said);
            }
        }
    }
}

impl<R: Rows> Ledger<R> {
    pub(super) fn look_for(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        let meta = self.rows.meta()?;
        let (last, id, is_there) = match subject {
            Subject::Person(id) => {
                (meta.last.person, id.0, !self.rows.people(People::Ids(&[id]))?.is_empty())
            }
            Subject::Photo(id) => (meta.last.photo, id.0, !self.rows.photos(Photos::Ids(&[id]))?.is_empty()),
            Subject::Face(id) => {
                let rest = self.rows.crops(&[id])?.iter().any(Option::is_some);
                (meta.last.face, id.0, rest || !self.rows.faces(Faces::Ids(&[id]))?.is_empty())
            }
        };
        Ok(Gone {
            subject,
            was_there: id <= last,
            is_there,
            is_unwiped: meta.unwiped,
            unused_bytes: 0,
            stale_indexes: Vec::new(),
            beyond: Some(self.rows.beyond().into()),
        })
    }
}
