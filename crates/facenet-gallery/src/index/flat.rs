//! The exact index: a scan through memory in order, with the machine's vectors, on all threads where it is worth it.

use std::collections::HashMap;

use rayon::prelude::*;

use super::nearest::Nearest;
use super::{Hit, IndexOptions, Precision, clamped, quantised};
use crate::rows::squared_distance;

/// Faces that a thread takes at once: half a megabyte of floats, in a core's second cache.
const BLOCK: usize = 1024;

/// Below so many faces one thread is faster than waking others.
const PARALLEL_FROM: usize = 8 * BLOCK;

/// All vectors one after another.
#[derive(Debug)]
pub(super) struct Flat {
    dimension: usize,
    ids: Vec<u64>,
    positions: HashMap<u64, usize>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Float(Vec<f32>),
    Byte(Bytes),
}

#[derive(Debug, Default)]
struct Bytes {
    values: Vec<i8>,
    /// `1 / ‖q‖` of each row.
    scales: Vec<f32>,
}

/// A probe as the rows are.
enum Probe<'a> {
    Float(&'a [f32]),
    Byte(Vec<i8>, f32),
}

impl Flat {
    pub(super) fn new(options: IndexOptions) -> Self {
        let values = match options.precision {
            Precision::Float => Values::Float(Vec::new()),
            Precision::Byte => Values::Byte(Bytes::default()),
        };
        Self { dimension: options.dimension, ids: Vec::new(), positions: HashMap::new(), values }
    }

    /// Adds checked rows.
    pub(super) fn add(&mut self, ids: &[u64], rows: &[f32]) {
        self.positions.extend(ids.iter().copied().zip(self.ids.len()..));
        self.ids.extend(ids);
        match &mut self.values {
            Values::Float(values) => values.extend(rows),
            Values::Byte(bytes) => rows.chunks_exact(self.dimension).for_each(|row| bytes.push(row)),
        }
    }

    /// Takes a face out, with its vector: the last one comes to its place.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let Some(position) = self.positions.remove(&id) else { return false };
        self.ids.swap_remove(position);
        if let Some(moved) = self.ids.get(position) {
            self.positions.insert(*moved, position);
        }
        match &mut self.values {
            Values::Float(values) => swap_remove_row(values, position, self.dimension),
            Values::Byte(bytes) => {
                swap_remove_row(&mut bytes.values, position, self.dimension);
                bytes.scales.swap_remove(position);
            }
        }
        true
    }

    pub(super) fn search(&self, probe: &[f32], k: usize, keep: &(dyn Fn(u64) -> bool + Sync)) -> Vec<Hit> {
        let probe = self.probe(probe);
        let scan = |start: usize| {
            let mut nearest = Nearest::new(k);
            self.scan(&probe, start, &mut nearest, keep);
            nearest
        };
        let starts = || (0..self.len()).step_by(BLOCK);
        let nearest = if self.len() < PARALLEL_FROM {
            starts().map(scan).fold(Nearest::new(k), Nearest::merge)
        } else {
            starts().collect::<Vec<_>>().into_par_iter().map(scan).reduce(|| Nearest::new(k), Nearest::merge)
        };
        nearest.sorted()
    }

    /// A block of faces stays in the cache while several probes pass.
    pub(super) fn search_many(&self, probes: &[f32], k: usize) -> Vec<Vec<Hit>> {
        const TOGETHER: usize = 16;
        let answers = probes.par_chunks(TOGETHER * self.dimension).map(|few| {
            let probes: Vec<Probe<'_>> = few.chunks_exact(self.dimension).map(|p| self.probe(p)).collect();
            let mut nearest: Vec<Nearest> = probes.iter().map(|_| Nearest::new(k)).collect();
            for start in (0..self.len()).step_by(BLOCK) {
                for (probe, nearest) in probes.iter().zip(&mut nearest) {
                    self.scan(probe, start, nearest, &|_| true);
                }
            }
            nearest.into_iter().map(Nearest::sorted).collect::<Vec<_>>()
        });
        answers.flatten_iter().collect()
    }

    /// Offers the block that begins at `start`.
    fn scan(
        &self,
        probe: &Probe<'_>,
        start: usize,
        nearest: &mut Nearest,
        keep: &(dyn Fn(u64) -> bool + Sync),
    ) {
        let end = (start + BLOCK).min(self.len());
        let mut distances = [0.0; BLOCK];
        let distances = &mut distances[..end - start];
        let dimension = self.dimension;
        match (probe, &self.values) {
            (Probe::Float(probe), Values::Float(values)) => {
                let rows = &values[start * dimension..end * dimension];
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        for (distance, row) in distances.iter_mut().zip(rows.chunks_exact(dimension)) {
                            *distance = squared_distance(probe, row);
                        }
                    },
                );
            }
            (Probe::Byte(probe, scale), Values::Byte(bytes)) => {
                let rows = &bytes.values[start * dimension..end * dimension];
                let scales = &bytes.scales[start..end];
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        let rows = rows.chunks_exact(dimension).zip(scales);
                        for (distance, (row, row_scale)) in distances.iter_mut().zip(rows) {
                            *distance = 2.0 - 2.0 * (dot(probe, row) as f32 * (scale * row_scale));
                        }
                    },
                );
            }
            _ => unreachable!("a probe is made as the rows are"),
        }
        for (&id, &distance) in self.ids[start..end].iter().zip(distances.iter()) {
            if keep(id) {
                nearest.offer(Hit { distance: clamped(distance), id });
            }
        }
    }

    fn probe<'a>(&self, probe: &'a [f32]) -> Probe<'a> {
        match self.values {
            Values::Float(_) => Probe::Float(probe),
            Values::Byte(_) => {
                let bytes = quantised(probe).as_slice().to_vec();
                let scale = inverse_norm(&bytes);
                Probe::Byte(bytes, scale)
            }
        }
    }

    /// All ids and their unit vectors, as they lie.
    pub(super) fn all(&self) -> (Vec<u64>, Vec<f32>) {
        let values = match &self.values {
            Values::Float(values) => values.clone(),
            Values::Byte(bytes) => {
                let scales = bytes.scales.iter().flat_map(|&s| std::iter::repeat_n(s, self.dimension));
                bytes.values.iter().zip(scales).map(|(&q, scale)| f32::from(q) * scale).collect()
            }
        };
        (self.ids.clone(), values)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.positions.contains_key(&id)
    }
}

impl Bytes {
    fn push(&mut self, row: &[f32]) {
        let quantised = quantised(row);
        self.scales.push(inverse_norm(quantised.as_slice()));
        self.values.extend(quantised.as_slice());
    }
}

fn inverse_norm(values: &[i8]) -> f32 {
    1.0 / (dot(values, values) as f32).sqrt()
}

/// The sum of products, exact: 128 products of bytes stay far below 2³¹, and so do 131,000.
#[inline(always)]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

fn swap_remove_row<T: Copy>(values: &mut Vec<T>, position: usize, dimension: usize) {
    let last = values.len() - dimension;
    values.copy_within(last.., position * dimension);
    values.truncate(last);
}
