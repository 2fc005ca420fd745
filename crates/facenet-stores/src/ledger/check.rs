//! What could be wrong with the rows.

use std::collections::HashSet;

use facenet_gallery::{FaceId, PersonId, PhotoId, Store, StoreError, StoredEmbedding};

use super::Ledger;
use crate::rows::{Faces, Photos, Rows};

/// Rows that are read at a time.
const BATCH: usize = 10_000;

impl<R: Rows> Ledger<R> {
    pub(super) fn faults(&self) -> Result<Vec<String>, StoreError> {
        let mut faults = Vec::new();
        let people: HashSet<PersonId> = self.people()?.into_iter().map(|person| person.id).collect();
        let (mut photos, mut after) = (HashSet::new(), PhotoId(0));
        loop {
            let batch = self.rows.photos(Photos::After(after, BATCH))?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            photos.extend(batch.into_iter().map(|photo| photo.id));
        }
        let (mut faces, mut after) = (HashSet::new(), FaceId(0));
        loop {
            let batch = self.rows.faces(Faces::After(after, BATCH))?;
            let Some(last) = batch.last() else { break };
            after = last.record.id;
            for row in batch {
                let face = row.record;
                faces.insert(face.id);
                if !photos.contains(&face.photo) {
                    faults.push(format!("{} refers to {}, which is not there", face.id, face.photo));
                }
                if let Some((person, _)) = face.person.filter(|(person, _)| !people.contains(person)) {
                    faults.push(format!("{} refers to {person}, who is not there", face.id));
                }
                let Some(contract) = self.meta.contracts.get(&row.contract) else {
                    faults.push(format!("{} is of a model that is not there", face.id));
                    continue;
                };
                let bytes = face.embedding.as_bytes().to_vec();
                let fault = StoredEmbedding::fault(self.meta.form, bytes, contract.dimension);
                faults.extend(fault.map(|why| format!("{}: {why}", face.id)));
            }
        }
        for said in self.rows.corrections()? {
            for face in [said.faces.0, said.faces.1].iter().filter(|face| !faces.contains(face)) {
                faults.push(format!("{} refers to {face}, which is not there", said.id));
            }
        }
        Ok(faults)
    }
}
