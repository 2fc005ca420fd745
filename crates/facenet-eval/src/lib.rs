//! Measures embeddings: verification by the protocols of Labeled Faces in the Wild, YouTube Faces, the `.bin` sets and
//! the paper's hold-out sets, with VAL at FAR, ROC, DET and calibration; identification; clustering; by groups of people,
//! and beside another model. With intervals over people, tables, pictures and a page. No machine-learning framework, no
//! async; of the disk only lists of pairs, sets, tables and reports.
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
mod axes;
mod bootstrap;
mod calibration;
mod chart;
mod clustering;
mod comparison;
mod compat;
mod det_picture;
mod detection;
mod experiment;
mod facts;
mod hardest;
mod harmonic;
mod identification;
mod issame;
mod output;
mod page;
mod pairs;
mod picture;
mod png;
mod reject;
mod reject_picture;
mod report;
mod roc_picture;
mod slices;
mod verification;
mod videos;
mod weighted;

pub use all_pairs::{
    AllPairsFigures, Bounds, DotProducts, FaceMatrix, HoldOut, HoldOutReport, HoldOutSplit, NotOneSpace,
    PairSet, Pairing, PlainProducts, Side,
};
pub use bootstrap::{Bootstrap, Estimate, Interval, Multiplicities};
pub use calibration::{
    Calibrated, CalibrationError, NotMonotone, PAIRS_TIMES_FAR, ReliabilityBin, calibrate, fit_probability,
    reliability, reliability_svg,
};
pub use clustering::{Agreement, ClusteringReport, ClusteringRun, ClusteringScores, NotAClustering};
pub use comparison::{Comparison, Difference, NotTheSamePairs, Verdict};
pub use compat::{COMPAT_FAR, Centring, CompatError, CompatPair, CompatReport};
pub use det_picture::det_svg;
pub use detection::{
    DetectionReport, DetectionSamples, HeightRange, LEAST_OVERLAP, LabelledFace, LabelledPhoto, LabelsError,
    LandmarkError, PrecisionRecall, RangeReport, precision_recall_svg, read_detection_labels,
    read_wider_labels,
};
pub use experiment::{
    CellError, CellFigures, CellStore, ExperimentKind, ExperimentReport, ExperimentRow, FactColumn, FactUnit,
    Group, ImageChange, NotAChange, PaperVal,
};
pub use facts::facts_csv;
pub use hardest::HardestPairs;
pub use harmonic::{
    HarmonicCurves, HarmonicEmbeddings, HarmonicError, HarmonicNames, HarmonicReport, SHARES,
    UpgradedGallery, mixed_pairs, upgraded_galleries,
};
pub use identification::{
    CmcPoint, Draw, DrawMean, Enrolment, FnirAtFpir, GalleryReport, IdentificationError,
    IdentificationOptions, IdentificationReport, LabelledFaces, MOST_ENROLLED, OpenSetPoint, RANKS, RankRate,
    Searches, TARGET_FPIRS, cmc_svg, fnir_svg,
};
pub use issame::{IssameError, IssameSet, PickleError};
pub use output::{WriteError, write_file};
pub use page::{Faces, Part, ReportPage};
pub use pairs::{
    FileLine, ImageRef, LocatedImages, MissingImages, NotAnImageRef, Pair, PairsAudit, PairsError, PairsFile,
    WrongLine,
};
pub use picture::PictureError;
pub use png::png;
pub use reject::{RejectCurve, RejectPoint};
pub use reject_picture::reject_svg;
pub use report::{PairCounts, TARGET_FARS, VerificationReport};
pub use roc_picture::{Curve, roc_svg, roc_svg_with_bands};
pub use slices::{Column, GroupFigures, Metadata, MetadataError, SHARED_FAR, Slices};
pub use verification::{
    Band, BandPoint, CrossValidation, FoldAccuracy, FoldMean, NotMeasurable, OperatingPoint, Roc, RocPoint,
    ScoredPair, ScoredPairs, TransferredThreshold, Uncertainty, ValAtFar, ValInterval,
};
pub use videos::{
    FIRST_FRAMES, FramesError, SplitsError, VideoDistance, VideoPair, VideoPairs, VideoRef, VideoSummary,
};
pub use weighted::{Figure, Figures, NamedPair, NotPersonPairs, PeopleNumbers, PersonPair, PersonPairs};
