//! The figures of a detector.

use serde::Serialize;

use super::LEAST_OVERLAP;

/// False faces a photo at which recall is told.
const FALSE_FACES: f64 = 0.1;

/// Labelled faces by their height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeightRange {
    /// Of any height.
    All,
    /// Below 24 pixels.
    Below24,
    /// From 24 to 64 pixels, both included.
    From24To64,
    /// Above 64 pixels.
    Above64,
}

impl HeightRange {
    /// All ranges, in the order of reports.
    pub const ALL: [Self; 4] = [Self::All, Self::Below24, Self::From24To64, Self::Above64];

    /// Whether a height in pixels lies in the range.
    pub fn holds(self, height: f32) -> bool {
        match self {
            Self::All => true,
            Self::Below24 => height < 24.0,
            Self::From24To64 => (24.0..=64.0).contains(&height),
            Self::Above64 => height > 64.0,
        }
    }

    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Below24 => "< 24 px",
            Self::From24To64 => "24-64 px",
            Self::Above64 => "> 64 px",
        }
    }
}

/// The figures for faces of a range of heights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RangeReport {
    /// The range.
    pub range: HeightRange,
    /// Labelled faces.
    pub faces: usize,
    /// The area under the curve of precision over recall, precision being the best at that recall or a higher one; none
    /// without faces.
    pub average_precision: Option<f64>,
    /// The share of faces that are found where one photo in ten has a false face; none without faces.
    pub recall: Option<f64>,
    /// The score from which faces count at that recall; none where nothing was found.
    pub score: Option<f32>,
    /// Precision over recall, from the most confident face on, where no lower score has more of both.
    pub curve: Vec<PrecisionRecall>,
    /// How far the landmarks of found faces lie off; none where none are known or given.
    pub landmarks: Option<LandmarkError>,
}

/// What counts from a score on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PrecisionRecall {
    /// The score.
    pub score: f32,
    /// The share of labelled faces that are found.
    pub recall: f64,
    /// The share of found faces that are right.
    pub precision: f64,
}

/// How far landmarks lie off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LandmarkError {
    /// Faces that were found and whose landmarks are known, profiles left out.
    pub faces: usize,
    /// Mean over faces of the five points' mean distance, over the distance of the eyes.
    pub mean: f64,
    /// The median of the same.
    pub median: f64,
}

impl LandmarkError {
    pub(super) fn of(mut errors: Vec<f32>) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        errors.sort_by(f32::total_cmp);
        let sum: f64 = errors.iter().map(|error| f64::from(*error)).sum();
        let median = f64::from(errors[errors.len() / 2]);
        Some(Self { faces: errors.len(), mean: sum / errors.len() as f64, median })
    }
}

/// The figures of a detector on a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectionReport {
    /// Photos.
    pub photos: usize,
    /// Intersection over union from which a found face is a labelled one.
    pub least_overlap: f32,
    /// In the order of [`HeightRange::ALL`].
    pub ranges: Vec<RangeReport>,
}

impl DetectionReport {
    pub(super) fn of(photos: usize, ranges: Vec<RangeReport>) -> Self {
        Self { photos, least_overlap: LEAST_OVERLAP, ranges }
    }

    /// The figures of a range.
    ///
    /// # Panics
    /// Never: a report has all ranges.
    pub fn range(&self, range: HeightRange) -> &RangeReport {
        self.ranges.iter().find(|of| of.range == range).expect("a report has all ranges")
    }

    /// The report as JSON, with the keys of its fields.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("figures are plain data")
    }
}

impl std::fmt::Display for DetectionReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} photos, faces found at IoU {}", self.photos, self.least_overlap)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<10} {:>7} {:>8} {:>28} {:>7} {:>11}",
            "height", "faces", "AP", "recall at 1 false in 10", "score", "landmarks"
        )?;
        let figure = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        for RangeReport { range, faces, average_precision, recall, score, landmarks, .. } in &self.ranges {
            writeln!(
                f,
                "{:<10} {:>7} {:>8} {:>28} {:>7} {:>11}",
                range.name(),
                faces,
                figure(*average_precision),
                figure(*recall),
                figure(score.map(f64::from)),
                figure(landmarks.as_ref().map(|landmarks| landmarks.median))
            )?;
        }
        writeln!(f)?;
        match &self.range(HeightRange::All).landmarks {
            Some(LandmarkError { faces, mean, .. }) => write!(
                f,
                "landmarks: how far they lie off in the median, over the eyes' distance; {mean:.3} on average of {faces} faces"
            ),
            None => write!(f, "landmarks: none to compare"),
        }
    }
}

/// The figures of so many labelled faces, of which `found` are right or wrong, in `photos`.
pub(super) fn of_range(
    range: HeightRange,
    faces: usize,
    mut found: Vec<(f32, bool)>,
    landmarks: Option<LandmarkError>,
    photos: usize,
) -> RangeReport {
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let points = points(&found, faces);
    let allowed = FALSE_FACES * photos as f64;
    let operating = points.iter().rfind(|point| point.wrong as f64 <= allowed);
    let some = |value: f64| (faces > 0).then_some(value);
    let mut curve: Vec<PrecisionRecall> = Vec::new();
    for point in points.iter().rev() {
        let precision = point.right as f64 / (point.right + point.wrong) as f64;
        let recall = point.right as f64 / faces.max(1) as f64;
        let point = PrecisionRecall { score: point.score, recall, precision };
        match curve.last_mut() {
            Some(last) if precision <= last.precision => {}
            // Fewer false faces at the same recall.
            Some(last) if last.recall == recall => *last = point,
            _ => curve.push(point),
        }
    }
    curve.reverse();
    let mut before = 0.0;
    let area = curve
        .iter()
        .map(|point| (point.recall - std::mem::replace(&mut before, point.recall)) * point.precision);
    let average_precision = some(area.sum());
    RangeReport {
        range,
        faces,
        average_precision,
        recall: some(operating.map_or(0.0, |point| point.right as f64 / faces.max(1) as f64)),
        score: operating.map(|point| point.score),
        curve,
        landmarks,
    }
}

/// What counts from a score on.
struct Threshold {
    score: f32,
    right: usize,
    wrong: usize,
}

/// The counts at each score, from the highest on; equal scores count together.
fn points(found: &[(f32, bool)], faces: usize) -> Vec<Threshold> {
    let (mut right, mut wrong) = (0, 0);
    let mut points: Vec<Threshold> = Vec::new();
    for (score, is_right) in found {
        if *is_right {
            right += 1;
        } else {
            wrong += 1;
        }
        match points.last_mut() {
            Some(last) if last.score == *score => (last.right, last.wrong) = (right, wrong),
            _ => points.push(Threshold { score: *score, right, wrong }),
        }
    }
    debug_assert!(right <= faces, "no more faces are found than there are");
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(faces: usize, found: &[(f32, bool)], photos: usize) -> RangeReport {
        of_range(HeightRange::All, faces, found.to_vec(), None, photos)
    }

    #[test]
    fn average_precision_worked_out_by_hand() {
        // Right, wrong, right of 4 faces: precision 1 at recall 1/4, 1/2, 2/3 at recall 1/2.
        let found = [(0.9, true), (0.8, false), (0.7, true)];
        let of = report(4, &found, 10);
        let point = |score, recall, precision| PrecisionRecall { score, recall, precision };
        assert_eq!(of.curve, [point(0.9, 0.25, 1.0), point(0.7, 0.5, 2.0 / 3.0)]);
        assert!((of.average_precision.unwrap() - (0.25 + 0.25 * 2.0 / 3.0)).abs() < 1e-12);
        // One false face is allowed in ten photos.
        assert_eq!((of.recall, of.score), (Some(0.5), Some(0.7)));
        // What comes after the last right one adds nothing.
        let more = [&found[..], &[(0.6, false), (0.5, false)]].concat();
        assert_eq!(report(4, &more, 10).curve, of.curve);
        // None in nine.
        assert_eq!(report(4, &found, 9).recall, Some(0.25));
    }

    #[test]
    fn precision_is_the_best_at_a_recall_or_a_higher_one() {
        // Wrong, right, right: 1/2 at recall 1/2, then 2/3 at recall 1, which holds for all of it.
        let of = report(2, &[(0.9, false), (0.8, true), (0.7, true)], 1);
        assert!((of.average_precision.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn perfect_nothing_found_and_nothing_there() {
        assert_eq!(report(1, &[(0.5, true)], 1).average_precision, Some(1.0));
        let none = report(3, &[], 1);
        assert_eq!((none.average_precision, none.recall, none.score), (Some(0.0), Some(0.0), None));
        let nobody = report(0, &[(0.5, false)], 1);
        assert_eq!((nobody.average_precision, nobody.recall), (None, None));
    }

    #[test]
    fn equal_scores_count_together_in_whatever_order_they_come() {
        let one = report(1, &[(0.5, true), (0.5, false)], 10);
        let other = report(1, &[(0.5, false), (0.5, true)], 10);
        assert_eq!(one, other);
        assert_eq!(one.average_precision, Some(0.5));
    }

    #[test]
    fn heights_at_the_borders() {
        let of = |height| HeightRange::ALL[1..].iter().position(|range| range.holds(height)).unwrap();
        assert_eq!([23.9, 24.0, 64.0, 64.1].map(of), [0, 1, 1, 2]);
    }

    #[test]
    fn the_landmark_error_is_mean_and_median_and_none_of_none() {
        assert_eq!(LandmarkError::of(vec![]), None);
        let error = LandmarkError::of(vec![0.5, 0.0, 0.25]).unwrap();
        assert_eq!((error.faces, error.mean, error.median), (3, 0.25, 0.25));
    }
}
