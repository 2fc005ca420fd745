//! From one model to another.

use facenet_core::{Adapter, Contract};
use facenet_gallery::{EventKind, FaceId, StoreError, StoredEmbedding, Upgrade, check_upgrade};

use super::{Ledger, Step};
use crate::desk::Former;
use crate::rows::{Faces, FormerOf, Rows};

/// Faces that are read at a time.
const BATCH: usize = 10_000;

impl<R: Rows> Ledger<R> {
    pub(super) fn begin(&mut self, to: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        let (rows, numbers) = (&self.rows, &self.meta);
        let faces_of = |model: &str| numbers.number_of(model).map_or(Ok(0), |number| rows.faces_of(number));
        if !check_upgrade(rows.place(), &self.settings, to, how, faces_of)? {
            return Ok(());
        }
        rows.check_dimension(to.dimension)?;
        self.change(|step| {
            let from = step.desk.meta.contract;
            step.desk.meta.before = Some(from);
            step.desk.meta.contract = step.desk.meta.keep_contract(to);
            let changed = match how {
                Upgrade::Harmonic => 0,
                Upgrade::Adapter(adapter) => step.adapt(adapter)?,
                Upgrade::Anew(faces) => step.embed_anew(faces, from)?,
            };
            step.desk.note(EventKind::Upgrade, changed);
            Ok(())
        })
    }

    pub(super) fn replace(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        self.need_upgrade()?;
        for (_, embedding) in faces {
            self.settings.check_kind(self.rows.place(), embedding)?;
        }
        self.change(|step| {
            let ids: Vec<FaceId> = faces.iter().map(|(face, _)| *face).collect();
            step.read_for_exchange(&ids)?;
            let contract = step.desk.meta.contract;
            for (face, embedding) in faces {
                step.exchange(*face, embedding.clone(), contract);
            }
            step.desk.note(EventKind::Upgrade, faces.len());
            Ok(())
        })
    }

    pub(super) fn undo(&mut self) -> Result<(), StoreError> {
        let before = self.need_upgrade()?.clone();
        let now = self.settings.contract.clone();
        let comparable = before.compare_with(&now).is_ok();
        self.change(|step| {
            let restored = step.restore()?;
            let added = step.faces_of_model(step.desk.meta.contract)?;
            if added > 0 && !comparable {
                let hint = "remove the faces that were added since the upgrade began, or finish it";
                let place = step.rows.place().to_owned();
                return Err(StoreError::LeftBehind { place, faces: added, model: now.id(), hint });
            }
            let model = step.desk.meta.contract;
            step.desk.meta.contract = step.desk.meta.before.take().unwrap_or(model);
            step.desk.meta.unwiped = true;
            step.forget_unused()?;
            step.desk.note(EventKind::Upgrade, restored);
            Ok(())
        })?;
        self.wipe()?;
        self.rows.prepare_search()
    }

    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.need_upgrade()?;
        self.change(|step| {
            let former = step.rows.former(FormerOf::All)?;
            let forgotten = former.len();
            former.into_iter().for_each(|(face, _)| step.desk.former.delete(face));
            step.desk.meta.before = None;
            step.desk.meta.unwiped = true;
            step.forget_unused()?;
            step.desk.note(EventKind::Upgrade, forgotten);
            Ok(())
        })?;
        self.wipe()?;
        self.rows.prepare_search()
    }

    /// The contract before the upgrade that is under way.
    fn need_upgrade(&self) -> Result<&Contract, StoreError> {
        let before = self.settings.upgrading_from.as_ref();
        before.ok_or_else(|| StoreError::NotUpgrading { place: self.rows.place().into() })
    }
}

impl<R: Rows> Step<'_, R> {
    fn read_for_exchange(&mut self, ids: &[FaceId]) -> Result<(), StoreError> {
        self.read_faces(Faces::Ids(ids))?;
        for (face, former) in self.rows.former(FormerOf::Ids(ids))? {
            self.desk.former.load(face, former);
        }
        Ok(())
    }

    /// Gives a face another embedding, and keeps the one from before the upgrade. A face that is gone is passed over.
    fn exchange(&mut self, face: FaceId, embedding: StoredEmbedding, contract: i64) {
        let model = self.desk.meta.contract;
        let is_kept = self.desk.former.get(&face).is_some();
        let Some(row) = self.desk.faces.change(&face) else { return };
        let former = std::mem::replace(&mut row.record.embedding, embedding);
        let of = std::mem::replace(&mut row.contract, contract);
        self.count(of, contract);
        // What was there before the upgrade stays, whatever replaced it since.
        if of != model && !is_kept {
            self.desk.former.put(face, Former { contract: of, embedding: former });
        }
    }

    /// Takes all embeddings into the new model's space.
    fn adapt(&mut self, adapter: &Adapter) -> Result<usize, StoreError> {
        let adapted = self.desk.meta.keep_contract(&adapter.contract());
        let all = self.read_all_faces()?;
        for face in &all {
            let former = self.need_face(*face)?.record.embedding.embedding();
            let no_direction = |_| StoreError::NoDirection { place: self.rows.place().into(), face: *face };
            let embedding = adapter.apply(&former).map_err(no_direction)?;
            self.exchange(*face, StoredEmbedding::of(&embedding, self.settings.form), adapted);
        }
        Ok(all.len())
    }

    /// Replaces all embeddings; an error when one is left.
    fn embed_anew(&mut self, faces: &[(FaceId, StoredEmbedding)], before: i64) -> Result<usize, StoreError> {
        self.read_all_faces()?;
        let contract = self.desk.meta.contract;
        for (face, embedding) in faces {
            self.exchange(*face, embedding.clone(), contract);
        }
        let left = self.desk.faces.iter().filter(|(_, face)| face.contract != contract).count();
        if left == 0 {
            return Ok(faces.len());
        }
        let hint = "they have no photo any more: remove them, or upgrade by an adapter";
        let (place, model) = (self.rows.place().to_owned(), self.desk.meta.contracts[&before].id());
        Err(StoreError::LeftBehind { place, faces: left as u64, model, hint })
    }

    fn read_all_faces(&mut self) -> Result<Vec<FaceId>, StoreError> {
        let mut all = Vec::new();
        loop {
            let after = all.last().copied().unwrap_or(FaceId(0));
            let more = self.read_faces(Faces::After(after, BATCH))?;
            if more.is_empty() {
                return Ok(all);
            }
            all.extend(more);
        }
    }

    /// Gives faces their former embeddings back; their number.
    fn restore(&mut self) -> Result<usize, StoreError> {
        let former = self.rows.former(FormerOf::All)?;
        for chunk in former.chunks(BATCH) {
            let ids: Vec<FaceId> = chunk.iter().map(|(face, _)| *face).collect();
            self.read_faces(Faces::Ids(&ids))?;
            for (face, former) in chunk {
                if let Some(row) = self.desk.faces.change(face) {
                    row.record.embedding = former.embedding.clone();
                    let of = std::mem::replace(&mut row.contract, former.contract);
                    self.count(of, former.contract);
                }
                self.desk.former.delete(*face);
            }
        }
        Ok(former.len())
    }

    /// The number of faces of a model after what this step has changed.
    fn faces_of_model(&self, contract: i64) -> Result<u64, StoreError> {
        let change = self.desk.model_changes.get(&contract).copied().unwrap_or(0);
        Ok(self.rows.faces_of(contract)?.saturating_add_signed(change))
    }

    /// Deletes the contracts that nothing is of any more.
    fn forget_unused(&mut self) -> Result<(), StoreError> {
        for number in self.desk.meta.contracts.keys().copied().collect::<Vec<_>>() {
            if number != self.desk.meta.contract && self.faces_of_model(number)? == 0 {
                self.desk.meta.contracts.remove(&number);
            }
        }
        Ok(())
    }

    /// Counts that a face is of another model now.
    fn count(&mut self, of: i64, now: i64) {
        *self.desk.model_changes.entry(of).or_default() -= 1;
        *self.desk.model_changes.entry(now).or_default() += 1;
    }
}
