//! The rules of a gallery over the rows that a server keeps: one set of rules for every server.
//!
//! A change reads what it needs onto a [`Desk`], works there, and is committed as a whole.

mod add;
mod change;
mod check;
mod put;
mod remove;
mod upgrade;

use std::collections::BTreeMap;

use facenet_core::{Contract, Embedding};
use facenet_gallery::{
    AddedPhoto, Change, Correction, Counts, Event, EventKind, FaceId, FaceRecord, FileRecord, Gone, Hit,
    NewPhoto, Person, PersonId, PhotoDigest, PhotoId, PhotoRecord, Record, Removal, Removed, Settings, Store,
    StoreError, StoredEmbedding, Subject, Upgrade,
};

use crate::desk::{Desk, FaceRow};
use crate::meta::Meta;
use crate::rows::{Faces, People, Photos, Rows};

/// A gallery that a server keeps.
#[derive(Debug)]
pub(crate) struct Ledger<R> {
    rows: R,
    settings: Settings,
    meta: Meta,
}

impl<R: Rows> Ledger<R> {
    /// Opens the gallery; what an interrupted deletion left is wiped.
    pub(crate) fn open(rows: R) -> Result<Self, StoreError> {
        let meta = rows.meta()?;
        let settings = settings(&rows, &meta)?;
        let mut ledger = Self { rows, settings, meta };
        if ledger.meta.unwiped {
            match ledger.wipe() {
                // It stays marked, and can be read meanwhile.
                Err(StoreError::Busy { .. } | StoreError::Full { .. } | StoreError::Remains { .. }) => {}
                other => other?,
            }
        }
        Ok(ledger)
    }

    /// Does `work` as a whole or not at all.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&mut Step<'_, R>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let meta = self.rows.lock()?;
        let mut desk = Desk::of(meta);
        let worked = self.check_model(&desk.meta).and_then(|()| {
            let mut step = Step { rows: &self.rows, settings: &self.settings, desk: &mut desk };
            work(&mut step)
        });
        match worked {
            Ok(done) => {
                self.rows.commit(&desk)?;
                self.settings = settings(&self.rows, &desk.meta)?;
                self.meta = desk.meta;
                Ok(done)
            }
            Err(error) => {
                self.rows.give_up();
                Err(error)
            }
        }
    }

    /// Checks that the gallery is of the known model still: another program may have brought it to another.
    fn check_model(&self, now: &Meta) -> Result<(), StoreError> {
        let found = now.model().id();
        if found == self.settings.contract.id() {
            return Ok(());
        }
        Err(StoreError::ModelChanged { place: self.rows.place().into(), model: found })
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        self.rows.wipe()?;
        let mut desk = Desk::of(self.rows.lock()?);
        desk.meta.unwiped = false;
        self.rows.commit(&desk)?;
        self.meta = desk.meta;
        Ok(())
    }

    fn records(&self, rows: Vec<FaceRow>) -> Vec<FaceRecord> {
        let older: BTreeMap<i64, String> =
            self.meta.contracts.iter().map(|(number, contract)| (*number, contract.id())).collect();
        let record = |row: FaceRow| FaceRecord {
            older_model: (row.contract != self.meta.contract)
                .then(|| older.get(&row.contract).cloned())
                .flatten(),
            ..row.record
        };
        rows.into_iter().map(record).collect()
    }
}

fn settings(rows: &impl Rows, meta: &Meta) -> Result<Settings, StoreError> {
    meta.settings(|number| Ok(rows.faces_of(number)? > 0))
}

/// A change that is under way.
struct Step<'a, R> {
    rows: &'a R,
    settings: &'a Settings,
    desk: &'a mut Desk,
}

impl<R: Rows> Step<'_, R> {
    fn no_such<T>(&self, subject: Subject) -> Result<T, StoreError> {
        Err(StoreError::NoSuch { place: self.rows.place().into(), subject })
    }

    fn read_people(&mut self, which: People<'_>) -> Result<(), StoreError> {
        for person in self.rows.people(which)? {
            if let Some(name) = &person.name
                && self.desk.people.get(&person.id).is_none()
            {
                self.desk.names.entry(name.clone()).or_insert(person.id);
            }
            self.desk.people.load(person.id, person);
        }
        Ok(())
    }

    fn read_faces(&mut self, which: Faces<'_>) -> Result<Vec<FaceId>, StoreError> {
        let rows = self.rows.faces(which)?;
        let ids = rows.iter().map(|row| row.record.id).collect();
        rows.into_iter().for_each(|row| self.desk.faces.load(row.record.id, row));
        Ok(ids)
    }

    fn read_corrections(&mut self) -> Result<(), StoreError> {
        self.rows.corrections()?.into_iter().for_each(|said| self.desk.corrections.load(said.id, said));
        Ok(())
    }

    fn need_person(&self, id: PersonId) -> Result<(), StoreError> {
        self.desk.people.get(&id).map_or_else(|| self.no_such(Subject::Person(id)), |_| Ok(()))
    }

    fn need_face(&self, id: FaceId) -> Result<&FaceRow, StoreError> {
        self.desk.faces.get(&id).map_or_else(|| self.no_such(Subject::Face(id)), Ok)
    }
}

impl<R: Rows> Store for Ledger<R> {
    fn place(&self) -> &str {
        self.rows.place()
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn size(&self) -> Result<Option<u64>, StoreError> {
        self.rows.size()
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.rows.counts(self.meta.contract)
    }

    fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.rows.people(People::All)
    }

    fn add_people(&mut self, names: &[Option<&str>]) -> Result<Vec<PersonId>, StoreError> {
        self.change(|step| step.add_people(names))
    }

    fn photos_with(&self, contents: &[PhotoDigest]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.rows.photos_with(contents)
    }

    fn photos_at(&self, files: &[FileRecord]) -> Result<Vec<Option<PhotoId>>, StoreError> {
        self.rows.photos_at(files)
    }

    fn add(&mut self, photos: &[NewPhoto]) -> Result<Vec<AddedPhoto>, StoreError> {
        for face in photos.iter().flat_map(|photo| &photo.faces) {
            self.settings.check_kind(self.rows.place(), &face.embedding)?;
        }
        let added = self.change(|step| step.add(photos))?;
        self.rows.prepare_search()?;
        Ok(added)
    }

    fn photos(&self, after: PhotoId, limit: usize) -> Result<Vec<PhotoRecord>, StoreError> {
        self.rows.photos(Photos::After(after, limit))
    }

    fn faces(&self, after: FaceId, limit: usize) -> Result<Vec<FaceRecord>, StoreError> {
        let rows = self.rows.faces(Faces::After(after, limit))?;
        // After reading: what was read is of the model that is known here, or nobody gets it.
        self.check_model(&self.rows.meta()?)?;
        Ok(self.records(rows))
    }

    fn nearest(&self, probe: &Embedding, k: usize) -> Result<Option<Vec<Hit>>, StoreError> {
        if !self.settings.older.is_empty() || probe.dimension() != self.settings.contract.dimension {
            return Ok(None);
        }
        let hits = self.rows.nearest(probe, k)?;
        self.check_model(&self.rows.meta()?)?;
        Ok(Some(hits))
    }

    fn prepare_search(&mut self) -> Result<(), StoreError> {
        self.rows.prepare_search()
    }

    fn crops(&self, faces: &[FaceId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.crops(faces)
    }

    fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        self.rows.corrections()
    }

    fn events(&self) -> Result<Vec<Event>, StoreError> {
        self.rows.events()
    }

    fn apply(&mut self, kind: EventKind, changes: &[Change]) -> Result<(), StoreError> {
        self.change(|step| step.apply(kind, changes))
    }

    fn would_remove(&self, what: &Removal) -> Result<Removed, StoreError> {
        let mut desk = Desk::of(self.rows.meta()?);
        let mut step = Step { rows: &self.rows, settings: &self.settings, desk: &mut desk };
        step.targets(what)
    }

    fn remove(&mut self, what: &Removal) -> Result<Removed, StoreError> {
        let removed = self.change(|step| step.remove(what))?;
        self.wipe()?;
        Ok(removed)
    }

    fn put(&mut self, records: &[Record]) -> Result<(), StoreError> {
        for record in records {
            if let Record::Face { record, .. } = record {
                self.settings.check_kind(self.rows.place(), &record.embedding)?;
            }
        }
        self.change(|step| step.put(records))
    }

    fn begin_upgrade(&mut self, contract: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        self.begin(contract, how)
    }

    fn replace_embeddings(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        self.replace(faces)
    }

    fn undo_upgrade(&mut self) -> Result<(), StoreError> {
        self.undo()
    }

    fn finish_upgrade(&mut self) -> Result<(), StoreError> {
        self.finish()
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        self.faults()
    }

    fn check_gone(&mut self, subject: Subject) -> Result<Gone, StoreError> {
        self.look_for(subject)
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.change(|step| {
            step.desk.note(EventKind::Compact, 0);
            Ok(())
        })?;
        self.wipe()?;
        self.rows.prepare_search()
    }
}
