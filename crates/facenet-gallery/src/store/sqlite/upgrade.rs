//! From one model to another, in the tables.

use facenet_core::{Adapter, Contract};
use rusqlite::Connection;

use super::SqliteStore;
use super::connect::{self, keep_contract};
use super::faults::Fault;
use super::write::Write;
use crate::store::embedding::{Form, StoredEmbedding};
use crate::store::error::StoreError;
use crate::store::record::{EventKind, Upgrade};
use crate::store::subject::FaceId;
use crate::store::upgrade::check_upgrade;

impl SqliteStore {
    pub(super) fn begin(&mut self, to: &Contract, how: Upgrade<'_>) -> Result<(), StoreError> {
        let from = self.settings.contract.clone();
        let form = self.settings.form;
        let faces_of = |model: &str| self.told(of_model(&self.connection, model));
        if !check_upgrade(&self.place, &self.settings, to, how, faces_of)? {
            return Ok(());
        }
        self.in_transaction(|write| {
            let new = keep_contract(&write.transaction, to)?;
            write.execute("UPDATE settings SET before = contract, contract = ?1", [new])?;
            let changed = match how {
                Upgrade::Harmonic => 0,
                Upgrade::Adapter(adapter) => adapt(write, adapter, form)?,
                Upgrade::Anew(faces) => embed_anew(write, faces, &from)?,
            };
            write.note(EventKind::Upgrade, changed)
        })?;
        self.reread()
    }

    pub(super) fn replace(&mut self, faces: &[(FaceId, StoredEmbedding)]) -> Result<(), StoreError> {
        self.need_upgrade()?;
        faces.iter().try_for_each(|(_, embedding)| self.check_kind(embedding))?;
        self.in_transaction(|write| {
            let contract = write.contract_row(None)?;
            faces.iter().try_for_each(|(face, embedding)| exchange(write, *face, embedding, contract))?;
            write.note(EventKind::Upgrade, faces.len())
        })
    }

    pub(super) fn undo(&mut self) -> Result<(), StoreError> {
        let before = self.need_upgrade()?.clone();
        let now = self.settings.contract.clone();
        let comparable = before.compare_with(&now).is_ok();
        self.in_transaction(|write| {
            let restored = write.execute(
                "UPDATE faces SET embedding = former.embedding, contract = former.contract
                    FROM former WHERE former.face = faces.id",
                [],
            )?;
            let added = of_model(&write.transaction, &now.id())?;
            if added > 0 && !comparable {
                let hint = "remove the faces that were added since the upgrade began, or finish it";
                return Err(Fault::LeftBehind { faces: added, model: now.id(), hint });
            }
            write.execute("UPDATE settings SET contract = before, before = NULL, unwiped = 1", [])?;
            forget_former(write)?;
            write.note(EventKind::Upgrade, restored)
        })?;
        self.reread()?;
        self.wipe_blindly()
    }

    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.need_upgrade()?;
        self.in_transaction(|write| {
            write.execute("UPDATE settings SET before = NULL, unwiped = 1", [])?;
            let forgotten = forget_former(write)?;
            write.note(EventKind::Upgrade, forgotten)
        })?;
        self.reread()?;
        self.wipe_blindly()
    }

    /// The contract before the upgrade that is under way.
    fn need_upgrade(&self) -> Result<&Contract, StoreError> {
        let before = self.settings.upgrading_from.as_ref();
        before.ok_or_else(|| StoreError::NotUpgrading { place: self.place.clone() })
    }

    fn reread(&mut self) -> Result<(), StoreError> {
        let read = self.told(connect::settings(&self.connection).map_err(Fault::from))?;
        self.settings = read.map_err(|error| StoreError::Damaged {
            place: self.place.clone(),
            what: format!("its contract cannot be read: {error}"),
        })?;
        Ok(())
    }
}

/// Gives a face another embedding, of the contract in this row, and keeps the one from before the upgrade.
fn exchange(
    write: &Write<'_>,
    face: FaceId,
    embedding: &StoredEmbedding,
    contract: i64,
) -> Result<(), Fault> {
    // What was there before the upgrade stays, whatever replaced it since.
    write.execute(
        "INSERT OR IGNORE INTO former (face, contract, embedding) SELECT id, contract, embedding FROM faces
            WHERE id = ?1 AND contract <> (SELECT contract FROM settings)",
        [face.0],
    )?;
    let sql = "UPDATE faces SET embedding = ?2, contract = ?3 WHERE id = ?1";
    write.execute(sql, (face.0, embedding.as_bytes(), contract)).map(drop)
}

/// Takes all embeddings into the new model's space.
fn adapt(write: &Write<'_>, adapter: &Adapter, form: Form) -> Result<usize, Fault> {
    let adapted = keep_contract(&write.transaction, &adapter.contract())?;
    let mut select = write.transaction.prepare("SELECT id, embedding FROM faces ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut faces = 0;
    while let Some(row) = rows.next()? {
        let face = FaceId(row.get(0)?);
        let former = StoredEmbedding::from_bytes(form, row.get(1)?).map_err(Fault::NotAnEmbedding)?;
        let embedding = adapter.apply(&former.embedding()).map_err(|_| Fault::NoDirection(face))?;
        exchange(write, face, &StoredEmbedding::of(&embedding, form), adapted)?;
        faces += 1;
    }
    Ok(faces)
}

/// Replaces all embeddings; an error when one is left.
fn embed_anew(
    write: &Write<'_>,
    faces: &[(FaceId, StoredEmbedding)],
    before: &Contract,
) -> Result<usize, Fault> {
    let contract = write.contract_row(None)?;
    faces.iter().try_for_each(|(face, embedding)| exchange(write, *face, embedding, contract))?;
    let sql = "SELECT count(*) FROM faces WHERE contract <> ?1";
    let left: i64 = write.transaction.query_row(sql, [contract], |row| row.get(0))?;
    if left == 0 {
        return Ok(faces.len());
    }
    let hint = "they have no photo any more: remove them, or upgrade by an adapter";
    Err(Fault::LeftBehind { faces: left.unsigned_abs(), model: before.id(), hint })
}

/// Deletes the former embeddings and the contracts that nothing is of any more; gives the number of the former.
fn forget_former(write: &Write<'_>) -> Result<usize, Fault> {
    let forgotten = write.execute("DELETE FROM former", [])?;
    write.execute(
        "DELETE FROM contracts WHERE id NOT IN (SELECT contract FROM settings UNION SELECT contract FROM faces)",
        [],
    )?;
    Ok(forgotten)
}

/// The number of faces whose embeddings are of this model.
fn of_model(connection: &Connection, id: &str) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM faces WHERE contract = (SELECT id FROM contracts WHERE name = ?1)";
    let count: i64 = connection.query_row(sql, [id], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}
