//! Verification: are these two faces the same person? Measured from the distances of labelled pairs.
//!
//! A pair is accepted if its distance is at most the threshold (inclusive; Schroff et al. 2015, eq. 5). All
//! thresholds here come from the same candidates: the distances that occur cut the range `[0, 4]` into
//! intervals inside which no decision changes, and each interval gives its middle.

mod accuracy;
mod cut;
mod d_prime;
mod mean;
mod operating_point;
mod roc;
mod scored;
mod uncertainty;
mod view1;

pub(crate) use self::accuracy::weighed_accuracy;
pub use self::accuracy::{CrossValidation, FoldAccuracy};
pub(crate) use self::cut::{Cut, Weighed, cuts};
pub use self::mean::FoldMean;
pub use self::operating_point::{OperatingPoint, ValAtFar};
pub use self::roc::{Roc, RocPoint};
pub(crate) use self::scored::Tally;
pub use self::scored::{NotMeasurable, ScoredPair, ScoredPairs};
pub use self::uncertainty::{Band, BandPoint, Uncertainty, ValInterval};
pub use self::view1::TransferredThreshold;

#[cfg(test)]
pub(crate) mod oracle;
