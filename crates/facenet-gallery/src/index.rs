//! Which of these faces are nearest? A vector index: exact up to a measured size, approximate beyond.
//!
//! An index is disposable. The gallery holds the truth; an index is built from it, saved beside it, and built again
//! when it is missing, stale, damaged or another gallery's.

mod file;
mod flat;
mod hnsw;
mod nearest;
mod recall;

use std::collections::HashSet;

use facenet_core::{Distance, Embedding, QuantisedEmbedding};
use rayon::prelude::*;

pub use self::file::{Binding, IndexFileError, State};
pub use self::recall::recall;
use self::{flat::Flat, hnsw::Hnsw};

/// The most faces that are scanned one by one by default. On two cores of an EPYC (Zen 4) a scan takes 24 ns a face, so about
/// as long for these as a search through HNSW with its recall of 0.99 (`docs/clustering.md`), and it is exact and built at
/// once.
pub const EXACT_UP_TO: usize = 20_000;

/// How an index holds its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats: four bytes a coordinate.
    #[default]
    Float,
    /// As [`QuantisedEmbedding`]: a byte a coordinate, a quarter of the memory. Distances are those of the rounded
    /// directions.
    Byte,
}

/// How an index is built and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexOptions {
    /// The coordinates of a vector; at least 1.
    pub dimension: usize,
    /// How vectors are held.
    pub precision: Precision,
    /// Up to so many faces are scanned one by one; beyond, an HNSW graph is built. 0 for always a graph.
    pub exact_up_to: usize,
    /// Edges of a face in the graph (`M` of Malkov and Yashunin 2018); the lowest layer has twice as many.
    pub connectivity: usize,
    /// Candidates that are looked at to place a face (`efConstruction`).
    pub expansion_add: usize,
    /// Candidates that are looked at to answer a search (`ef`); at least `k` of a search is taken. 0 for as many as
    /// find 99 of a hundred of the ten nearest, measured by made-up faces: 128 up to 300,000 faces, 256 beyond.
    pub expansion_search: usize,
}

/// Beyond so many faces a search looks at more candidates by default.
const MANY: usize = 300_000;

impl IndexOptions {
    /// The defaults for vectors of `dimension` coordinates; [`EXACT_UP_TO`] and `docs/clustering.md` say what they
    /// rest on.
    pub fn of(dimension: usize) -> Self {
        Self {
            dimension,
            precision: Precision::Float,
            exact_up_to: EXACT_UP_TO,
            connectivity: 16,
            expansion_add: 128,
            expansion_search: 0,
        }
    }

    /// The candidates of a search among so many faces.
    fn candidates(&self, faces: usize) -> usize {
        match self.expansion_search {
            0 if faces > MANY => 256,
            0 => 128,
            chosen => chosen,
        }
    }
}

/// A face that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// How far it is from the probe.
    pub distance: Distance,
    /// Which face.
    pub id: u64,
}

/// How an index finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexKind {
    /// Every face is compared: the answer is exact, and takes time in proportion to the faces.
    Exact,
    /// A walk through a graph of neighbours: the answer misses a few, and takes time that hardly grows.
    Hnsw,
}

/// Why vectors do not go into an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Vectors do not come in whole rows, one an id.
    #[error("found {values} numbers for {ids} faces of {dimension} coordinates, expected {}", ids * dimension)]
    Shape {
        /// The numbers found.
        values: usize,
        /// The ids found.
        ids: usize,
        /// The coordinates of a vector.
        dimension: usize,
    },
    /// A vector has no direction or is not of unit length.
    #[error("the vector of face {0} is not of unit length")]
    NotUnit(u64),
    /// A face is there already, or twice among those to add.
    #[error("face {0} is in the index already")]
    Twice(u64),
    /// The graph could not be built or searched, for example for want of memory.
    #[error("the approximate index failed: {0}")]
    Native(String),
}

/// Faces by their vectors: unit vectors of one contract, each under an id of the caller's.
///
/// ```
/// use facenet_gallery::{Index, IndexOptions};
///
/// let mut index = Index::build(IndexOptions::of(2), &[7, 9], &[1.0, 0.0, 0.0, 1.0])?;
/// assert_eq!(index.search(&[0.6, 0.8], 1)?[0].id, 9);
/// index.remove(9)?;
/// assert_eq!(index.search(&[0.6, 0.8], 5)?.len(), 1);
/// # Ok::<(), facenet_gallery::IndexError>(())
/// ```
#[derive(Debug)]
pub struct Index {
    options: IndexOptions,
    store: Store,
}

#[derive(Debug)]
enum Store {
    Exact(Flat),
    Hnsw(Hnsw),
}

impl Index {
    /// An index of `ids`, whose vectors are the rows of `rows`, `[ids, dimension]`.
    ///
    /// An exact one is the same for the same input. A graph is built by all threads at once, so two builds of it can
    /// differ in what they miss.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn build(options: IndexOptions, ids: &[u64], rows: &[f32]) -> Result<Self, IndexError> {
        let mut index = Self { options, store: Store::Exact(Flat::new(options)) };
        index.add(ids, rows)?;
        Ok(index)
    }

    /// Adds faces. An exact index that outgrows its size becomes a graph.
    ///
    /// # Errors
    /// When `rows` is not `[ids, dimension]`, a row is not of unit length (by more than 0.001), or an id is there
    /// already; the index is then as before. When the graph cannot be built, it may hold a part of them.
    pub fn add(&mut self, ids: &[u64], rows: &[f32]) -> Result<(), IndexError> {
        self.check(ids, rows)?;
        if let Store::Exact(flat) = &self.store
            && flat.len() + ids.len() > self.options.exact_up_to
        {
            let mut hnsw = Hnsw::new(self.options)?;
            let (held, vectors) = flat.all();
            hnsw.add(&held, &vectors)?;
            self.store = Store::Hnsw(hnsw);
        }
        match &mut self.store {
            Store::Exact(flat) => flat.add(ids, rows),
            Store::Hnsw(hnsw) => return hnsw.add(ids, rows),
        }
        Ok(())
    }

    fn check(&self, ids: &[u64], rows: &[f32]) -> Result<(), IndexError> {
        let dimension = self.options.dimension;
        if ids.len() * dimension != rows.len() || dimension == 0 {
            return Err(IndexError::Shape { values: rows.len(), ids: ids.len(), dimension });
        }
        if let Some((&id, _)) = ids.iter().zip(rows.chunks_exact(dimension)).find(|(_, row)| !is_unit(row)) {
            return Err(IndexError::NotUnit(id));
        }
        let mut new = HashSet::with_capacity(ids.len());
        match ids.iter().find(|&&id| self.contains(id) || !new.insert(id)) {
            Some(&id) => Err(IndexError::Twice(id)),
            None => Ok(()),
        }
    }

    /// Takes a face out; whether it was there. It is found no more; in a graph its vector stays in memory, but never
    /// reaches a file: [`save`](Self::save) builds the graph anew.
    ///
    /// # Errors
    /// When the graph refuses.
    pub fn remove(&mut self, id: u64) -> Result<bool, IndexError> {
        match &mut self.store {
            Store::Exact(flat) => Ok(flat.remove(id)),
            Store::Hnsw(hnsw) => hnsw.remove(id),
        }
    }

    /// The `k` faces nearest to `probe`, a unit vector: nearest first, at equal distance by id; fewer when there are
    /// fewer.
    ///
    /// # Errors
    /// When the graph refuses.
    ///
    /// # Panics
    /// When the probe's dimension is not the index's.
    pub fn search(&self, probe: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
        assert_eq!(probe.len(), self.options.dimension, "a probe of another contract was searched");
        match &self.store {
            Store::Exact(flat) => Ok(flat.search(probe, k, &|_| true)),
            Store::Hnsw(hnsw) => hnsw.search(probe, k),
        }
    }

    /// As [`search`](Self::search), among the faces that `keep` says yes to.
    ///
    /// A graph is walked through all faces and answers with those kept; where that finds fewer than `k`, as with a
    /// rare tag, those kept are scanned instead.
    ///
    /// # Errors
    /// When the graph refuses.
    ///
    /// # Panics
    /// When the probe's dimension is not the index's.
    pub fn search_among(
        &self,
        probe: &[f32],
        k: usize,
        keep: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Vec<Hit>, IndexError> {
        assert_eq!(probe.len(), self.options.dimension, "a probe of another contract was searched");
        match &self.store {
            Store::Exact(flat) => Ok(flat.search(probe, k, keep)),
            Store::Hnsw(hnsw) => hnsw.search_among(probe, k, keep),
        }
    }

    /// [`search`](Self::search) for each row of `probes`, `[probes, dimension]`, on all threads.
    ///
    /// # Errors
    /// When the graph refuses.
    ///
    /// # Panics
    /// When `probes` does not come in whole rows.
    pub fn search_many(&self, probes: &[f32], k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        assert_eq!(probes.len() % self.options.dimension, 0, "probes of another contract were searched");
        match &self.store {
            Store::Exact(flat) => Ok(flat.search_many(probes, k)),
            Store::Hnsw(hnsw) => {
                probes.par_chunks_exact(self.options.dimension).map(|probe| hnsw.search(probe, k)).collect()
            }
        }
    }

    /// From now on looks at so many candidates to answer a search
    /// ([`expansion_search`](IndexOptions::expansion_search)): more find more and take longer. An exact index finds all anyway.
    pub fn look_at(&mut self, candidates: usize) {
        self.options.expansion_search = candidates;
        if let Store::Hnsw(hnsw) = &mut self.store {
            hnsw.look_at(candidates);
        }
    }

    /// The number of faces.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Exact(flat) => flat.len(),
            Store::Hnsw(hnsw) => hnsw.len(),
        }
    }

    /// Whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the face is there.
    pub fn contains(&self, id: u64) -> bool {
        match &self.store {
            Store::Exact(flat) => flat.contains(id),
            Store::Hnsw(hnsw) => hnsw.contains(id),
        }
    }

    /// How it finds.
    pub fn kind(&self) -> IndexKind {
        match &self.store {
            Store::Exact(_) => IndexKind::Exact,
            Store::Hnsw(_) => IndexKind::Hnsw,
        }
    }

    /// How it was built.
    pub fn options(&self) -> IndexOptions {
        self.options
    }
}

/// Checks that `rows` are whole rows of `dimension` coordinates and of unit length; a face is its row's number.
pub(crate) fn check_units(dimension: usize, rows: &[f32]) -> Result<(), IndexError> {
    if dimension == 0 || !rows.len().is_multiple_of(dimension) {
        return Err(IndexError::Shape { values: rows.len(), ids: rows.len() / dimension.max(1), dimension });
    }
    match rows.chunks_exact(dimension).position(|row| !is_unit(row)) {
        Some(face) => Err(IndexError::NotUnit(face as u64)),
        None => Ok(()),
    }
}

/// Within a thousandth, which rounding stays far below.
fn is_unit(row: &[f32]) -> bool {
    (row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 2e-3
}

/// `row`, a unit vector, in a byte a coordinate.
fn quantised(row: &[f32]) -> QuantisedEmbedding {
    QuantisedEmbedding::from(&Embedding::normalize(row.to_vec()).expect("a unit vector has a direction"))
}

/// A squared distance that rounding may have taken out of its range.
fn clamped(value: f32) -> Distance {
    Distance::new(value.clamp(0.0, 4.0)).expect("a clamped number; vectors are finite")
}

#[cfg(test)]
mod tests;
