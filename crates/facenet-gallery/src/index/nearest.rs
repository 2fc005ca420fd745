//! The best few of many.

use std::collections::BinaryHeap;

use super::Hit;

/// The `k` nearest hits so far, in memory that does not grow with what is offered.
#[derive(Debug)]
pub(super) struct Nearest {
    k: usize,
    /// The farthest on top.
    heap: BinaryHeap<Hit>,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Keeps `hit` if it is among the `k` nearest.
    #[inline]
    pub(super) fn offer(&mut self, hit: Hit) {
        if self.heap.len() < self.k {
            self.heap.push(hit);
        } else if let Some(mut farthest) = self.heap.peek_mut()
            && hit < *farthest
        {
            *farthest = hit;
        }
    }

    /// Both, as one.
    pub(super) fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|hit| self.offer(hit));
        self
    }

    /// Nearest first, at equal distance by id.
    pub(super) fn sorted(self) -> Vec<Hit> {
        self.heap.into_sorted_vec()
    }
}
