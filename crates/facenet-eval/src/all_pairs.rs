//! All pairs between sets of labelled faces, in bounded memory: the paper's hold-out protocol.
//!
//! A hundred thousand faces against a hundred thousand are 10¹⁰ distances, which nobody can store or sort. They
//! are computed in tiles, and twice. The first pass counts them in bins by the high bits of the float, whose order
//! as a whole number is its order as a distance. That places every figure in a bin; the second pass counts the
//! single floats of these bins alone, and makes thresholds, FAR and VAL exact. A distance is the same bits in both
//! passes, since a tile is always computed alike.

mod figures;
mod histogram;
mod hold_out;
mod matrix;
mod passes;
mod products;

pub use self::figures::{AllPairsFigures, Bounds};
pub use self::hold_out::{HoldOut, HoldOutReport, HoldOutSplit, Pairing};
pub use self::matrix::{FaceMatrix, NotOneSpace};
pub use self::passes::PairSet;
pub use self::products::{DotProducts, PlainProducts, Side};

#[cfg(test)]
mod tests;
