//! How well faces are found: average precision by face height, recall at few false faces, landmark error.

mod labels;
mod matching;
mod picture;
mod report;

pub use labels::{LabelledFace, LabelledPhoto, LabelsError, read_detection_labels, read_wider_labels};
pub use matching::DetectionSamples;
pub use picture::precision_recall_svg;
pub use report::{DetectionReport, HeightRange, LandmarkError, PrecisionRecall, RangeReport};

/// Intersection over union from which a found face is a labelled one. Lower than the usual 0.5, because the boxes of
/// different data sets differ in how tight they are.
pub const LEAST_OVERLAP: f32 = 0.4;
