//! The pairs of sets of faces, and passes over their distances, tile by tile on all threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::histogram::{BINS, Counts, FLOATS_A_BIN, LOW_BITS, distance_bits};
use super::{DotProducts, FaceMatrix, NotOneSpace, Side};

/// Edge of a tile, in faces: its distances (256 KB) stay in the cache between product and count.
const TILE: usize = 256;

/// Marks a bin that the second pass does not look into.
const UNWANTED: u16 = u16::MAX;

/// All pairs between two sets of faces, or within one.
#[derive(Debug, Clone)]
pub struct PairSet {
    /// Sorted by person, so that the genuine pairs of a row lie side by side.
    left: FaceMatrix,
    /// Sorted by person; none for the pairs within `left`.
    right: Option<FaceMatrix>,
}

/// A rectangle of the table of all pairs.
struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl PairSet {
    /// Every face of `left` with every face of `right`, whether or not a face is in both (Schroff et al. 2015, §4.1:
    /// 100,000 × 100,000 pairs).
    ///
    /// # Errors
    /// When the sets have different dimensions.
    pub fn between(left: &FaceMatrix, right: &FaceMatrix) -> Result<Self, NotOneSpace> {
        let (expected, found) = (left.dimension(), right.dimension());
        if found != expected {
            return Err(NotOneSpace { found, expected });
        }
        Ok(Self { left: by_person(left), right: Some(by_person(right)) })
    }

    /// Every face of `faces` with every other one, each pair once.
    pub fn within(faces: &FaceMatrix) -> Self {
        Self { left: by_person(faces), right: None }
    }

    /// The number of pairs.
    pub fn pairs(&self) -> u64 {
        let left = self.left.len() as u64;
        self.right.as_ref().map_or(left * left.saturating_sub(1) / 2, |right| left * right.len() as u64)
    }

    fn right(&self) -> &FaceMatrix {
        self.right.as_ref().unwrap_or(&self.left)
    }

    /// The pairs in bins of 1,024 neighbouring floats.
    pub(super) fn count_bins(&self, products: &dyn DotProducts) -> Counts {
        self.pass(products, BINS, |bits| Some((bits >> LOW_BITS) as usize))
    }

    /// The pairs in the single floats of `bins`, in their order.
    pub(super) fn count_floats(&self, products: &dyn DotProducts, bins: &[usize]) -> Counts {
        let mut wanted = vec![UNWANTED; BINS];
        for (place, &bin) in bins.iter().enumerate() {
            wanted[bin] = u16::try_from(place).expect("a handful of bins are looked into");
        }
        self.pass(products, bins.len() * FLOATS_A_BIN, |bits| match wanted[(bits >> LOW_BITS) as usize] {
            UNWANTED => None,
            place => Some(place as usize * FLOATS_A_BIN + bits as usize % FLOATS_A_BIN),
        })
    }

    /// Counts each pair in the slot that `slot` gives its distance. One table of counts a thread, whatever the number
    /// of pairs; whole numbers add up to the same in any order.
    fn pass(
        &self,
        products: &dyn DotProducts,
        slots: usize,
        slot: impl Fn(u32) -> Option<usize> + Sync,
    ) -> Counts {
        let (rows, columns) = (self.left.len().div_ceil(TILE), self.right().len().div_ceil(TILE));
        let next = AtomicUsize::new(0);
        let work = |_| {
            let (mut counts, mut bits) = (Counts::new(slots), vec![0f32; TILE * TILE]);
            while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < rows * columns)
            {
                let (row, column) = (index / columns, index % columns);
                if self.right.is_some() || row <= column {
                    self.count_tile(&self.tile(row, column), products, &mut bits, &mut counts, &slot);
                }
            }
            counts
        };
        let tables = (0..rayon::current_num_threads()).into_par_iter().map(work);
        tables.reduce_with(|sum, table| sum.merge(&table)).unwrap_or_else(|| Counts::new(slots))
    }

    fn tile(&self, row: usize, column: usize) -> Tile {
        let range = |tile: usize, len: usize| tile * TILE..len.min((tile + 1) * TILE);
        Tile { rows: range(row, self.left.len()), columns: range(column, self.right().len()) }
    }

    fn count_tile(
        &self,
        Tile { rows, columns }: &Tile,
        products: &dyn DotProducts,
        buffer: &mut [f32],
        counts: &mut Counts,
        slot: &impl Fn(u32) -> Option<usize>,
    ) {
        let left = Side { values: self.left.coordinates(rows.clone()), rows: rows.len() };
        let right = Side { values: self.right().coordinates(columns.clone()), rows: columns.len() };
        let buffer = &mut buffer[..rows.len() * columns.len()];
        products.products(left, right, self.left.dimension(), buffer);

        for (row, products) in rows.clone().zip(buffer.chunks_exact(columns.len())) {
            // Within one set, a pair stands above the diagonal once.
            let from = if self.right.is_some() { columns.start } else { columns.start.max(row + 1) };
            let own = self.own_columns(row, from..columns.end);
            let slots = |columns_of: Range<usize>| {
                products[columns_of.start - columns.start..columns_of.end - columns.start]
                    .iter()
                    .filter_map(|&product| slot(distance_bits(product)))
            };
            if from < columns.end {
                slots(from..own.start).for_each(|slot| counts.add_impostor(slot));
                slots(own.clone()).for_each(|slot| counts.add_genuine(slot));
                slots(own.end..columns.end).for_each(|slot| counts.add_impostor(slot));
            }
        }
    }

    /// The part of `columns` that shows the person of `row`.
    fn own_columns(&self, row: usize, columns: Range<usize>) -> Range<usize> {
        if columns.is_empty() {
            return columns.start..columns.start;
        }
        let (person, people) = (self.left.people()[row], &self.right().people()[columns.clone()]);
        let first = people.partition_point(|&other| other < person);
        let last = people.partition_point(|&other| other <= person);
        columns.start + first..columns.start + last
    }
}

fn by_person(faces: &FaceMatrix) -> FaceMatrix {
    let mut order: Vec<usize> = (0..faces.len()).collect();
    order.sort_by_key(|&face| faces.people()[face]);
    faces.select(&order)
}
