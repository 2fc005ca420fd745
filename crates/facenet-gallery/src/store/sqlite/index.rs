//! The index beside the file: disposable, and never trusted over the tables.

use std::cell::RefMut;
use std::collections::HashSet;
use std::path::PathBuf;

use facenet_core::Embedding;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::SqliteStore;
use super::faults::Fault;
use super::read::check_model;
use crate::index::{
    Binding, Hit, Index, IndexError, IndexFileError, IndexKind, IndexOptions, Precision, State,
};
use crate::store::embedding::{Form, StoredEmbedding};
use crate::store::error::StoreError;

/// Faces that are read and added at a time.
const STEP: usize = 10_000;

/// What there is of an index beside a gallery.
#[derive(Debug)]
pub enum IndexState {
    /// None: a search compares with every face.
    Missing,
    /// One that searches go through.
    Usable {
        /// How it finds.
        kind: IndexKind,
        /// The faces in its file.
        faces: u64,
        /// The faces that were added since, which a search adds in memory.
        missing: u64,
    },
    /// One that is passed over, and why. Building it anew replaces it.
    Unusable(IndexFileError),
    /// The gallery's faces are of several models, so that no index can rank them.
    SeveralModels,
}

/// What was read for searching, and when.
#[derive(Debug, Default)]
pub(super) struct Searching {
    /// What other connections and this one had changed then.
    seen: Option<(i64, u64)>,
    index: Option<(Index, State)>,
    /// Faces that have a person.
    assigned: HashSet<u64>,
}

impl SqliteStore {
    /// Where its index lies, if there is one.
    pub fn index_path(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".index");
        self.path.with_file_name(name)
    }

    /// The options that its index is built by, unless others are asked for.
    pub fn index_options(&self) -> IndexOptions {
        let precision = match self.settings.form {
            Form::Float => Precision::Float,
            Form::Byte => Precision::Byte,
        };
        IndexOptions { precision, ..IndexOptions::of(self.settings.contract.dimension) }
    }

    /// What there is of an index.
    ///
    /// # Errors
    /// When the gallery cannot be read.
    pub fn index_state(&self) -> Result<IndexState, StoreError> {
        if self.has_several_models() {
            return Ok(IndexState::SeveralModels);
        }
        let binding = self.told(binding(&self.connection, self))?;
        Ok(match self.usable(&binding)? {
            Ok((index, state)) => IndexState::Usable {
                kind: index.kind(),
                faces: state.faces,
                missing: binding.state.faces - state.faces,
            },
            Err(IndexFileError::Missing { .. }) => IndexState::Missing,
            Err(error) => IndexState::Unusable(error),
        })
    }

    /// Makes the index, or brings one that can be used up to date, and saves it. `progress` is told the faces in it.
    ///
    /// # Errors
    /// [`StoreError::SeveralModels`] when the gallery's faces are of several models; when it cannot be read, or the index
    /// cannot be built or written.
    pub fn build_index(&mut self, anew: bool, progress: &mut dyn FnMut(u64)) -> Result<Index, StoreError> {
        if self.has_several_models() {
            return Err(StoreError::SeveralModels { place: self.place.clone() });
        }
        if self.is_read_only {
            return Err(StoreError::ReadOnly { place: self.place.clone() });
        }
        loop {
            let binding = self.told(binding(&self.connection, self))?;
            let (mut index, state) = match self.usable(&binding)? {
                Ok(known) if !anew => known,
                _ => {
                    let empty = Index::build(self.index_options(), &[], &[]);
                    (empty.map_err(|error| self.failed(error))?, State { faces: 0, last: 0 })
                }
            };
            progress(index.len() as u64);
            let last = self.grow(&mut index, state.last, progress)?;
            let state = State { faces: index.len() as u64, last };
            if self.keep(&mut index, &Binding { state, ..binding })? {
                *self.searching.borrow_mut() = Searching::default();
                return Ok(index);
            }
        }
    }

    /// Saves the index, unless faces were removed since it was read: what is gone must not come to the disk again. Whether
    /// it was saved.
    fn keep(&self, index: &mut Index, binding: &Binding) -> Result<bool, StoreError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        // No other program can remove faces while this is held.
        let transaction = self.told(transaction.map_err(Fault::from))?;
        let now = self.told(self::binding(&transaction, self))?;
        self.told(check_model(&transaction, &self.settings.contract))?;
        if !self.told(follows(&transaction, &binding.state, &now.state))? {
            return Ok(false);
        }
        let saved = index.save(&self.index_path(), binding);
        saved.map(|()| true).map_err(|source| StoreError::Index { place: self.place.clone(), source })
    }

    /// The faces nearest to `probe` among those with a person, through the index; none when there is no index to use.
    pub(super) fn nearest_by_index(
        &self,
        probe: &Embedding,
        k: usize,
    ) -> Result<Option<Vec<Hit>>, StoreError> {
        if self.has_several_models() || probe.dimension() != self.settings.contract.dimension {
            return Ok(None);
        }
        self.told(check_model(&self.connection, &self.settings.contract))?;
        let searching = self.refreshed()?;
        let Some((index, _)) = &searching.index else { return Ok(None) };
        let assigned = &searching.assigned;
        let is_assigned = |id| assigned.contains(&id);
        let hits = index.search_among(probe.as_slice(), k, &is_assigned);
        hits.map(Some).map_err(|error| self.failed(error))
    }

    /// What searching needs, read anew if the gallery was changed.
    fn refreshed(&self) -> Result<RefMut<'_, Searching>, StoreError> {
        let mut searching = self.searching.borrow_mut();
        let seen = Some((self.changes_by_others()?, self.connection.total_changes()));
        if searching.seen == seen {
            return Ok(searching);
        }
        let binding = self.told(binding(&self.connection, self))?;
        let known = match searching.index.take() {
            Some((index, state)) if self.told(follows(&self.connection, &state, &binding.state))? => {
                Some((index, state))
            }
            _ => self.usable(&binding)?.ok(),
        };
        searching.index = match known {
            Some((mut index, state)) => {
                let last = self.grow(&mut index, state.last, &mut |_| ())?;
                let state = State { faces: index.len() as u64, last };
                Some((index, state))
            }
            None => None,
        };
        searching.assigned =
            if searching.index.is_some() { self.told(assigned(&self.connection))? } else { HashSet::new() };
        searching.seen = seen;
        Ok(searching)
    }

    /// The index in the file and the state that it is of, if the gallery has only grown since.
    fn usable(&self, binding: &Binding) -> Result<Result<(Index, State), IndexFileError>, StoreError> {
        let path = self.index_path();
        let (index, state) = match Index::load(&path, self.index_options(), binding) {
            Ok(loaded) => loaded,
            Err(error) => return Ok(Err(error)),
        };
        if index.len() as u64 != state.faces {
            let why = format!("it holds {} faces, but says {}", index.len(), state.faces);
            return Ok(Err(IndexFileError::Damaged { path, why }));
        }
        if !self.told(follows(&self.connection, &state, &binding.state))? {
            let why = "faces were removed since it was built".into();
            return Ok(Err(IndexFileError::Settings { path, why }));
        }
        Ok(Ok((index, state)))
    }

    /// Adds the faces with identifiers above `last`, and gives the highest.
    fn grow(&self, index: &mut Index, last: u64, progress: &mut dyn FnMut(u64)) -> Result<u64, StoreError> {
        let mut after = last;
        loop {
            let (ids, rows) = self.told(vectors(&self.connection, after, self.settings.form))?;
            let Some(&highest) = ids.last() else { return Ok(after) };
            index.add(&ids, &rows).map_err(|error| self.failed(error))?;
            after = highest;
            progress(index.len() as u64);
        }
    }

    fn has_several_models(&self) -> bool {
        !self.settings.older.is_empty() || self.settings.upgrading_from.is_some()
    }

    fn failed(&self, error: IndexError) -> StoreError {
        StoreError::Index { place: self.place.clone(), source: error.into() }
    }
}

/// What an index of the gallery as it is now is bound to.
fn binding(connection: &Connection, store: &SqliteStore) -> Result<Binding, Fault> {
    let sql = "SELECT hex(gallery), (SELECT count(*) FROM faces),
        (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'faces') FROM settings";
    let binding = connection.prepare_cached(sql)?.query_row([], |row| {
        let (gallery, faces, last): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let state = State { faces: faces.unsigned_abs(), last: last.unsigned_abs() };
        Ok(Binding { gallery, contract: store.settings.contract.id(), state })
    });
    Ok(binding?)
}

/// Whether from one state to the other faces were added at most.
fn follows(connection: &Connection, from: &State, to: &State) -> Result<bool, Fault> {
    let sql = "SELECT count(*) FROM faces WHERE id > ?1";
    let added: i64 = connection.prepare_cached(sql)?.query_row([from.last as i64], |row| row.get(0))?;
    Ok(from.last <= to.last && to.faces == from.faces + added.unsigned_abs())
}

/// The identifiers and unit vectors of the next faces.
fn vectors(connection: &Connection, after: u64, form: Form) -> Result<(Vec<u64>, Vec<f32>), Fault> {
    let sql = "SELECT id, embedding FROM faces WHERE id > ?1 ORDER BY id LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query((after as i64, STEP as i64))?;
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    while let Some(row) = found.next()? {
        ids.push(row.get::<_, i64>(0)?.unsigned_abs());
        let stored = StoredEmbedding::from_bytes(form, row.get(1)?).map_err(Fault::NotAnEmbedding)?;
        rows.extend_from_slice(stored.embedding().as_slice());
    }
    Ok((ids, rows))
}

fn assigned(connection: &Connection) -> Result<HashSet<u64>, Fault> {
    let mut select = connection.prepare_cached("SELECT id FROM faces WHERE person IS NOT NULL")?;
    let ids = select.query_map([], |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
