//! A detector on photos that it does not learn from.

use facenet::{DetectorModel, FaceDetector, Limits, NotASetting, Search, read_image};
use facenet_core::{BoxError, Detector};
use facenet_eval::{DetectionReport, DetectionSamples, HeightRange, LabelledPhoto};
use rayon::prelude::*;

use crate::log::DetectorValidationRecord;

/// The least score of the faces that are measured: low enough for the whole curve of precision over recall.
const LEAST_SCORE: f32 = 0.02;

/// The figures of a model on photos; one that cannot be read counts as one without found faces.
pub(super) fn measure(model: &DetectorModel, photos: &[LabelledPhoto]) -> Result<DetectionReport, BoxError> {
    let search = Search { score: LEAST_SCORE, turns: false, ..Search::default() };
    let detector = FaceDetector::new(model).with_search(search).map_err(|e: NotASetting| Box::new(e))?;
    let found = photos.par_iter().map(|photo| match read_image(&photo.path, &Limits::default()) {
        Ok(image) => detector.detect(&image),
        Err(_) => Ok(Vec::new()),
    });
    let found: Vec<_> = found.collect::<Result<_, BoxError>>()?;
    let mut samples = DetectionSamples::default();
    for (found, photo) in found.iter().zip(photos) {
        samples.add(found, &photo.faces);
    }
    Ok(samples.report())
}

/// What the log keeps of a report.
pub(super) fn record(step: u64, report: &DetectionReport) -> DetectorValidationRecord {
    DetectorValidationRecord {
        step,
        average_precision: HeightRange::ALL.map(|range| report.range(range).average_precision),
        recall: report.range(HeightRange::All).recall,
        landmark_error: report.range(HeightRange::All).landmarks.as_ref().map(|landmarks| landmarks.mean),
    }
}
