//! Measures embeddings: verification by the protocols of Labeled Faces in the Wild, YouTube Faces, the `.bin` sets and
//! the paper's hold-out sets; VAL at FAR, ROC and DET with intervals over people; calibration. With tables and
//! pictures. No machine-learning framework, no async; of the disk only lists of pairs, sets and reports.
//!
//! ```
//! use facenet_core::Distance;
//! use facenet_eval::{PairsFile, Roc, VerificationReport};
//!
//! // Two folds, each with one pair of the same person and one of two people.
//! let file = "2 1
//! ada 1 2
//! ada 1 bob 1
//! cyd 1 2
//! cyd 2 dan 1
//! ";
//! let pairs = PairsFile::parse(file, "pairs.txt".as_ref())?;
//! let scored = pairs.score(|left, right| {
//!     let value = if left.person() == right.person() { 0.4 } else { 1.6 };
//!     Distance::new(value).ok()
//! })?;
//!
//! let report = VerificationReport::measure("a perfect model", "pairs.txt", &scored);
//! assert_eq!(report.accuracy.as_ref().map(|a| a.mean), Some(1.0));
//! assert_eq!(Roc::of(&scored).auc(), 1.0);
//! println!("{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod all_pairs;
mod calibration;
mod compat;
mod det_picture;
mod issame;
mod output;
mod pairs;
mod picture;
mod report;
mod roc_picture;
mod verification;
mod videos;

pub use all_pairs::{
    AllPairsFigures, Bounds, DotProducts, HoldOut, HoldOutReport, HoldOutSplit, LabelledFaces, NotOneSpace,
    PairSet, Pairing, PlainProducts, Side,
};
pub use calibration::{
    Calibrated, CalibrationError, NotMonotone, PAIRS_TIMES_FAR, ReliabilityBin, calibrate, fit_probability,
    reliability, reliability_svg,
};
pub use compat::{COMPAT_FAR, Centring, CompatError, CompatPair, CompatReport};
pub use det_picture::det_svg;
pub use issame::{IssameError, IssameSet, PickleError};
pub use output::{WriteError, write_file};
pub use pairs::{
    FileLine, ImageRef, LocatedImages, MissingImages, NotAnImageRef, Pair, PairsAudit, PairsError, PairsFile,
    WrongLine,
};
pub use picture::PictureError;
pub use report::{PairCounts, TARGET_FARS, VerificationReport};
pub use roc_picture::{Curve, roc_svg, roc_svg_with_bands};
pub use verification::{
    Band, BandPoint, Bootstrap, CrossValidation, FoldAccuracy, FoldMean, Interval, NotMeasurable,
    OperatingPoint, Roc, RocPoint, ScoredPair, ScoredPairs, TransferredThreshold, Uncertainty, ValAtFar,
    ValInterval,
};
pub use videos::{
    FIRST_FRAMES, FramesError, SplitsError, VideoDistance, VideoPair, VideoPairs, VideoRef, VideoSummary,
};
