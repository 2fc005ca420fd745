//! The approximate index: a hierarchy of graphs of neighbours (HNSW; Malkov and Yashunin 2018), by `usearch`.

use std::collections::HashSet;

use facenet_core::Distance;
use rayon::prelude::*;
use usearch::ffi::{Matches, MetricKind, ScalarKind};

use super::nearest::Nearest;
use super::{Hit, IndexError, IndexOptions, Precision, clamped, quantised};
use crate::rows::squared_distance;

/// Searches that may run at once beside those of our own threads, as of a server.
const OTHER_THREADS: usize = 64;

/// So many faces are added one after another: of those that find their places in a nearly empty graph at once, some do not
/// see each other, and none leads to them later.
const FIRST: usize = 1000;

/// A graph, and the ids in it.
pub(super) struct Hnsw {
    options: IndexOptions,
    graph: usearch::Index,
    ids: HashSet<u64>,
    /// Vectors that were taken out and are still in the graph's memory.
    removed: usize,
}

impl std::fmt::Debug for Hnsw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hnsw")
            .field("options", &self.options)
            .field("faces", &self.len())
            .finish_non_exhaustive()
    }
}

impl Hnsw {
    pub(super) fn new(options: IndexOptions) -> Result<Self, IndexError> {
        let (metric, quantization) = match options.precision {
            Precision::Float => (MetricKind::L2sq, ScalarKind::F32),
            Precision::Byte => (MetricKind::Cos, ScalarKind::I8),
        };
        let graph = usearch::Index::new(&usearch::IndexOptions {
            dimensions: options.dimension,
            metric,
            quantization,
            connectivity: options.connectivity,
            expansion_add: options.expansion_add,
            expansion_search: options.candidates(0),
            multi: false,
        });
        Ok(Self { options, graph: graph.map_err(native)?, ids: HashSet::new(), removed: 0 })
    }

    /// Adds checked rows, on all threads.
    pub(super) fn add(&mut self, ids: &[u64], rows: &[f32]) -> Result<(), IndexError> {
        self.reserve(self.ids.len() + self.removed + ids.len())?;
        let graph = &self.graph;
        let precision = self.options.precision;
        let add = |(&id, row): (&u64, &[f32])| match precision {
            Precision::Float => graph.add(id, row),
            Precision::Byte => graph.add(id, quantised(row).as_slice()),
        };
        let dimension = self.options.dimension;
        let (first, rest) = ids.split_at(FIRST.saturating_sub(graph.size()).min(ids.len()));
        let (first_rows, rest_rows) = rows.split_at(first.len() * dimension);
        first.iter().zip(first_rows.chunks_exact(dimension)).try_for_each(add).map_err(native)?;
        rest.par_iter().zip(rest_rows.par_chunks_exact(dimension)).try_for_each(add).map_err(native)?;
        self.ids.extend(ids);
        self.graph.change_expansion_search(self.options.candidates(self.len()));
        Ok(())
    }

    fn reserve(&self, faces: usize) -> Result<(), IndexError> {
        let threads = rayon::current_num_threads() + OTHER_THREADS;
        // Growing copies: by a half more each time, so that faces added one by one do not copy all again and again.
        let capacity = self.graph.capacity();
        let wanted = if faces <= capacity { capacity } else { faces.max(capacity + capacity / 2) };
        self.graph.reserve_capacity_and_threads(wanted, threads).map_err(native)
    }

    pub(super) fn remove(&mut self, id: u64) -> Result<bool, IndexError> {
        if !self.ids.remove(&id) {
            return Ok(false);
        }
        self.graph.remove(id).map_err(native)?;
        self.removed += 1;
        Ok(true)
    }

    pub(super) fn search(&self, probe: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
        if k == 0 || self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let matches = match self.options.precision {
            Precision::Float => self.graph.search(probe, k),
            Precision::Byte => self.graph.search(quantised(probe).as_slice(), k),
        };
        Ok(self.hits(&matches.map_err(native)?))
    }

    pub(super) fn search_among(
        &self,
        probe: &[f32],
        k: usize,
        keep: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Vec<Hit>, IndexError> {
        if k == 0 || self.ids.is_empty() {
            return Ok(Vec::new());
        }
        let matches = match self.options.precision {
            Precision::Float => self.graph.filtered_search(probe, k, keep),
            Precision::Byte => self.graph.filtered_search(quantised(probe).as_slice(), k, keep),
        };
        let hits = self.hits(&matches.map_err(native)?);
        if hits.len() < k { self.scan(probe, k, keep) } else { Ok(hits) }
    }

    /// Compares with every face that is kept.
    fn scan(
        &self,
        probe: &[f32],
        k: usize,
        keep: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Vec<Hit>, IndexError> {
        let mut nearest = Nearest::new(k);
        let probe_bytes = quantised(probe);
        for &id in self.ids.iter().filter(|&&id| keep(id)) {
            let distance = match self.options.precision {
                Precision::Float => clamped(squared_distance(probe, &self.vector(id)?)),
                Precision::Byte => probe_bytes.distance(&quantised(&self.vector(id)?)),
            };
            nearest.offer(Hit { distance, id });
        }
        Ok(nearest.sorted())
    }

    fn hits(&self, matches: &Matches) -> Vec<Hit> {
        let distance = |found: f32| -> Distance {
            match self.options.precision {
                Precision::Float => clamped(found),
                Precision::Byte => clamped(2.0 * found),
            }
        };
        let pairs = matches.keys.iter().zip(&matches.distances);
        let mut hits: Vec<Hit> = pairs.map(|(&id, &found)| Hit { distance: distance(found), id }).collect();
        hits.sort_unstable();
        hits
    }

    /// The unit vector of a face that is there.
    fn vector(&self, id: u64) -> Result<Vec<f32>, IndexError> {
        match self.options.precision {
            Precision::Float => {
                let mut row = vec![0.0f32; self.options.dimension];
                self.graph.get(id, &mut row).map_err(native)?;
                Ok(row)
            }
            Precision::Byte => {
                let mut row = vec![0i8; self.options.dimension];
                self.graph.get(id, &mut row).map_err(native)?;
                let norm = row.iter().map(|&q| f32::from(q).powi(2)).sum::<f32>().sqrt();
                Ok(row.iter().map(|&q| f32::from(q) / norm).collect())
            }
        }
    }

    /// A graph in whose memory nothing is left of what was taken out.
    fn without_remains(&self) -> Result<Self, IndexError> {
        let ids = self.sorted_ids();
        let mut rows = Vec::with_capacity(ids.len() * self.options.dimension);
        for &id in &ids {
            rows.extend(self.vector(id)?);
        }
        let mut fresh = Self::new(self.options)?;
        fresh.add(&ids, &rows)?;
        Ok(fresh)
    }

    /// Its bytes for a file; built anew first if anything was taken out.
    pub(super) fn write_out(&mut self) -> Result<(Vec<u64>, Vec<u8>), IndexError> {
        if self.removed > 0 {
            *self = self.without_remains()?;
        }
        let mut bytes = vec![0; self.graph.serialized_length()];
        self.graph.save_to_buffer(&mut bytes).map_err(native)?;
        Ok((self.sorted_ids(), bytes))
    }

    /// A graph from its bytes, whose checksum was right.
    pub(super) fn from_bytes(options: IndexOptions, ids: &[u64], bytes: &[u8]) -> Result<Self, IndexError> {
        let mut hnsw = Self::new(options)?;
        hnsw.graph.load_from_buffer(bytes).map_err(native)?;
        hnsw.ids.extend(ids);
        if hnsw.graph.size() != hnsw.len() || hnsw.graph.dimensions() != options.dimension {
            let (found, expected) = (hnsw.graph.size(), ids.len());
            return Err(IndexError::Native(format!("found {found} faces in the graph, expected {expected}")));
        }
        hnsw.graph.change_expansion_add(options.expansion_add);
        hnsw.graph.change_expansion_search(options.candidates(hnsw.len()));
        hnsw.reserve(hnsw.len())?;
        Ok(hnsw)
    }

    pub(super) fn look_at(&mut self, candidates: usize) {
        self.options.expansion_search = candidates;
        self.graph.change_expansion_search(self.options.candidates(self.len()));
    }

    fn sorted_ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.ids.iter().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }
}

/// The text of the library's exception; its type is not ours to show.
fn native(error: impl std::fmt::Display) -> IndexError {
    IndexError::Native(error.to_string())
}
