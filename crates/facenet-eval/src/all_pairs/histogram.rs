//! Counts of distances by the bits of their floats.

use crate::verification::Tally;

/// The low bits of a float that the first pass ignores: 1,024 neighbouring floats fall into one bin.
pub(super) const LOW_BITS: u32 = 10;

/// Bins of the first pass: those of 0 to 4, and 4 itself.
pub(super) const BINS: usize = ((4f32.to_bits() >> LOW_BITS) + 1) as usize;

/// Floats in a bin.
pub(super) const FLOATS_A_BIN: usize = 1 << LOW_BITS;

/// The distance of an inner product of unit vectors, `2 − 2·product`, kept in `[0, 4]` against rounding: its bits.
///
/// Products of embeddings are finite, so this is never NaN; it is never −0 either, whose bits would be out of order.
pub(super) fn distance_bits(product: f32) -> u32 {
    (2.0 - 2.0 * product).clamp(0.0, 4.0).abs().to_bits()
}

/// Counts in slots of either kind; the slots of the two kinds lie apart, since genuine pairs are rare.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    genuine: Vec<u64>,
    impostors: Vec<u64>,
}

impl Counts {
    pub(super) fn new(slots: usize) -> Self {
        Self { genuine: vec![0; slots], impostors: vec![0; slots] }
    }

    pub(super) fn slots(&self) -> usize {
        self.genuine.len()
    }

    pub(super) fn get(&self, slot: usize) -> Tally {
        Tally { genuine: self.genuine[slot], impostors: self.impostors[slot] }
    }

    pub(super) fn add_impostor(&mut self, slot: usize) {
        self.impostors[slot] += 1;
    }

    pub(super) fn add_genuine(&mut self, slot: usize) {
        self.genuine[slot] += 1;
    }

    pub(super) fn merge(mut self, other: &Self) -> Self {
        self.genuine.iter_mut().zip(&other.genuine).for_each(|(sum, n)| *sum += n);
        self.impostors.iter_mut().zip(&other.impostors).for_each(|(sum, n)| *sum += n);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_ordered_as_distances_and_the_ends_have_a_bin() {
        let bits: Vec<u32> = [1.0, 0.999, 0.5, 0.0, -0.5, -1.0].map(distance_bits).into();
        assert!(bits.is_sorted());
        assert_eq!((bits[0], bits[5]), (0, 4f32.to_bits()));
        assert_eq!((bits[5] >> LOW_BITS) as usize, BINS - 1);
        // Rounding leaves the range by a little; it must not leave the bins.
        assert_eq!((distance_bits(1.000_001), distance_bits(-1.000_001)), (0, 4f32.to_bits()));
    }
}
