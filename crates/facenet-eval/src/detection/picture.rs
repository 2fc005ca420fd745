//! Precision over recall as a picture.

use super::{DetectionReport, PrecisionRecall};
use crate::chart::{Axes, Line, percent, svg};
use crate::picture::PictureError;

/// Draws precision over recall of each range of heights that has faces and found ones, as SVG.
///
/// # Errors
/// When there is no such range.
pub fn precision_recall_svg(title: &str, report: &DetectionReport) -> Result<String, PictureError> {
    let with_curve = report.ranges.iter().filter(|range| !range.curve.is_empty() && range.faces > 0);
    let lines = with_curve.map(|range| {
        // From no recall on, and down at the end: beyond the last face found there is no precision.
        let start = range.curve.first().map(|point| (0.0, point.precision));
        let end = range.curve.last().map(|point| (point.recall, 0.0));
        let ap = range.average_precision.unwrap_or_default();
        Line {
            label: format!("{} ({} faces), AP {ap:.3}", range.range.name(), range.faces),
            points: start.into_iter().chain(steps(&range.curve)).chain(end).collect(),
        }
    });
    let axes = Axes {
        x_title: "recall: labelled faces that are found",
        y_title: "precision: found faces that are right",
        x: (0.0, 1.0),
        y: (0.0, 1.0),
        log_x: false,
        log_y: false,
        x_label: percent,
        y_label: percent,
    };
    svg(title, &axes, &lines.collect::<Vec<_>>())
}

/// A curve as steps: a precision holds back to the recall of the point before.
fn steps(curve: &[PrecisionRecall]) -> Vec<(f64, f64)> {
    let mut before = 0.0;
    let corners = curve.iter().flat_map(|&PrecisionRecall { recall, precision, .. }| {
        [(std::mem::replace(&mut before, recall), precision), (recall, precision)]
    });
    corners.collect()
}

#[cfg(test)]
mod tests {
    use facenet_core::{BoundingBox, Face};

    use super::*;
    use crate::{DetectionSamples, LabelledFace};

    #[test]
    fn a_picture_names_the_ranges_that_have_faces() {
        let bounds = BoundingBox { x: 0.0, y: 0.0, width: 30.0, height: 30.0 };
        let mut samples = DetectionSamples::default();
        let face = Face { bounds, landmarks: None, score: 0.9 };
        samples.add(&[face], &[LabelledFace { bounds, landmarks: None, ignored: false }]);
        let svg = precision_recall_svg("Faces", &samples.report()).unwrap();
        for found in ["all (1 faces), AP 1.000", "24-64 px (1 faces), AP 1.000", "recall"] {
            assert!(svg.contains(found), "{found}");
        }
        assert!(!svg.contains("&gt; 64 px"));
    }

    #[test]
    fn without_found_faces_there_is_nothing_to_draw() {
        let report = DetectionSamples::default().report();
        assert!(matches!(precision_recall_svg("Faces", &report), Err(PictureError::NoCurve)));
    }

    #[test]
    fn steps_keep_a_precision_back_to_the_recall_before() {
        let point = |recall, precision| PrecisionRecall { score: 0.5, recall, precision };
        assert_eq!(
            steps(&[point(0.25, 1.0), point(0.5, 0.5)]),
            [(0.0, 1.0), (0.25, 1.0), (0.25, 0.5), (0.5, 0.5)]
        );
    }
}
