//! What is said about people and about whose a face is.

use facenet_gallery::{
    AssignedBy, Change, Correction, CorrectionId, EventKind, FaceId, Moved, PersonId, StoreError, Verdict,
    is_tag,
};

use super::Step;
use crate::rows::{Faces, People, Rows};

/// What changes have to know.
#[derive(Debug, Default)]
struct Needed {
    people: Vec<PersonId>,
    /// People all of whose faces are needed.
    whole_people: Vec<PersonId>,
    faces: Vec<FaceId>,
    names: Vec<String>,
    corrections: bool,
}

impl Needed {
    fn of(changes: &[Change]) -> Self {
        let mut needed = Self::default();
        for change in changes {
            match change {
                Change::Rename(person, name) => {
                    needed.people.push(*person);
                    needed.names.extend(name.clone());
                }
                Change::Tag(person, _) | Change::Untag(person, _) => needed.people.push(*person),
                Change::Assign(face, person) => {
                    needed.faces.push(*face);
                    needed.people.extend(person.map(|(person, _)| person));
                }
                Change::Merge(from, into) => {
                    needed.people.extend([*from, *into]);
                    needed.whole_people.push(*from);
                    needed.corrections = true;
                }
                Change::DropEmpty(person) => {
                    needed.people.push(*person);
                    needed.whole_people.push(*person);
                    needed.corrections = true;
                }
                Change::Correct { faces, .. } => {
                    needed.faces.extend([faces.0, faces.1]);
                    needed.corrections = true;
                }
                Change::Uncorrect(_) => needed.corrections = true,
            }
        }
        for people in [&mut needed.people, &mut needed.whole_people] {
            people.sort_unstable();
            people.dedup();
        }
        needed.faces.sort_unstable();
        needed.faces.dedup();
        needed
    }
}

impl<R: Rows> Step<'_, R> {
    pub(super) fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError> {
        let needed = Needed::of(changes);
        self.read_people(People::Ids(&needed.people))?;
        let names: Vec<&str> = needed.names.iter().map(String::as_str).collect();
        self.read_people(People::Named(&names))?;
        self.read_faces(Faces::Ids(&needed.faces))?;
        self.read_faces(Faces::OfPeople(&needed.whole_people))?;
        if needed.corrections {
            self.read_corrections()?;
        }
        changes.iter().try_for_each(|change| self.change(change))?;
        self.desk.note(kind, changes.len());
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Rename(person, name) => self.rename(*person, name.clone()),
            Change::Tag(person, tag) => {
                self.need_person(*person)?;
                if !is_tag(tag) {
                    return Err(StoreError::NotAName { name: tag.clone() });
                }
                self.tag(*person, std::slice::from_ref(tag));
                Ok(())
            }
            Change::Untag(person, tag) => {
                self.need_person(*person)?;
                let person = self.desk.people.change(person).expect("it was just looked for");
                person.tags.retain(|known| known != tag);
                Ok(())
            }
            Change::Assign(face, person) => self.assign(*face, *person),
            Change::Merge(from, into) => self.merge(*from, *into),
            Change::DropEmpty(person) => {
                self.drop_empty(*person);
                Ok(())
            }
            Change::Correct { faces, verdict, moved } => self.correct(*faces, *verdict, *moved),
            Change::Uncorrect(id) => {
                self.desk.corrections.delete(*id);
                Ok(())
            }
        }
    }

    fn tag(&mut self, person: PersonId, tags: &[String]) {
        let person = self.desk.people.change(&person).expect("it was just looked for");
        person.tags.extend_from_slice(tags);
        person.tags.sort();
        person.tags.dedup();
    }

    fn assign(&mut self, face: FaceId, person: Option<(PersonId, AssignedBy)>) -> Result<(), StoreError> {
        if let Some((person, _)) = person {
            self.need_person(person)?;
        }
        self.need_face(face)?;
        self.desk.faces.change(&face).expect("it was just looked for").record.person = person;
        Ok(())
    }

    fn faces_of(&self, person: PersonId) -> Vec<FaceId> {
        let is_theirs = |face: &crate::desk::FaceRow| face.record.person.is_some_and(|(id, _)| id == person);
        self.desk.faces.iter().filter(|(_, face)| is_theirs(face)).map(|(id, _)| *id).collect()
    }

    fn merge(&mut self, from: PersonId, into: PersonId) -> Result<(), StoreError> {
        self.need_person(from)?;
        self.need_person(into)?;
        if from == into {
            return Ok(());
        }
        for face in self.faces_of(from) {
            self.assign(face, Some((into, AssignedBy::User)))?;
        }
        self.change_moved(|person| if person == from { Some(into) } else { Some(person) });
        let tags = self.desk.people.get(&from).map(|person| person.tags.clone()).unwrap_or_default();
        self.tag(into, &tags);
        self.delete_person(from);
        Ok(())
    }

    /// Changes who a moved face belonged to before.
    fn change_moved(&mut self, to: impl Fn(PersonId) -> Option<PersonId>) {
        let mut changed: Vec<Correction> =
            self.desk.corrections.iter().map(|(_, said)| said.clone()).collect();
        for said in &mut changed {
            let Some(Moved { before: Some((person, by)), face }) = said.moved else { continue };
            if to(person) != Some(person) {
                said.moved = Some(Moved { face, before: to(person).map(|person| (person, by)) });
                self.desk.corrections.put(said.id, said.clone());
            }
        }
    }

    fn drop_empty(&mut self, id: PersonId) {
        let is_unnamed = self.desk.people.get(&id).is_some_and(|person| person.name.is_none());
        if is_unnamed && self.faces_of(id).is_empty() {
            self.delete_person(id);
        }
    }

    /// Deletes a person without faces; the user's words were read.
    pub(super) fn delete_person(&mut self, id: PersonId) {
        self.change_moved(|person| (person != id).then_some(person));
        if let Some(name) = self.desk.people.get(&id).and_then(|person| person.name.clone()) {
            self.desk.names.remove(&name);
        }
        self.desk.people.delete(id);
    }

    fn correct(
        &mut self,
        (a, b): (FaceId, FaceId),
        verdict: Verdict,
        moved: Option<Moved>,
    ) -> Result<(), StoreError> {
        self.need_face(a)?;
        self.need_face(b)?;
        let faces = (a.min(b), a.max(b));
        // The newest word is the last one, also when it replaces an older one about the same two.
        self.forget_words_about(faces);
        self.desk.meta.last.correction += 1;
        let id = CorrectionId(self.desk.meta.last.correction);
        self.desk.corrections.put(id, Correction { id, faces, verdict, moved });
        Ok(())
    }

    pub(super) fn forget_words_about(&mut self, faces: (FaceId, FaceId)) {
        let about: Vec<CorrectionId> =
            self.desk.corrections.iter().filter(|(_, said)| said.faces == faces).map(|(id, _)| *id).collect();
        about.into_iter().for_each(|id| self.desk.corrections.delete(id));
    }
}
