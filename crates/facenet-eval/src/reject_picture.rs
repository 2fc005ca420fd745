//! The error against the share of rejected pairs as a picture.

use crate::RejectCurve;
use crate::chart::{Axes, Line, percent, svg};
use crate::picture::PictureError;

/// Draws the equal error rate and the share of genuine pairs that are missed, over the share of pairs that are rejected, as
/// SVG.
///
/// # Errors
/// When neither can be measured.
pub fn reject_svg(title: &str, curve: &RejectCurve) -> Result<String, PictureError> {
    let line = |label: &str, value: fn(&crate::RejectPoint) -> Option<f64>| {
        let points = curve.points.iter().filter_map(|point| Some((point.rejected, value(point)?)));
        Line { label: label.into(), points: points.collect() }
    };
    let lines = [
        line("equal error rate", |point| point.eer),
        line("genuine pairs missed", |point| point.false_non_match),
    ];
    let lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    let highest = lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    let axes = Axes {
        x_title: "share of pairs rejected, worst quality first",
        y_title: "error among the pairs that are left",
        x: (0.0, 0.5),
        y: (0.0, (1.1 * highest).clamp(0.01, 1.0)),
        log_x: false,
        log_y: false,
        x_label: percent,
        y_label: percent,
    };
    svg(title, &axes, &lines)
}

#[cfg(test)]
mod tests {
    use facenet_core::Distance;

    use super::*;
    use crate::ScoredPair;

    #[test]
    fn both_errors_are_lines_with_their_names() {
        let pair = |at: usize| {
            let distance = Distance::new(0.001 * at as f32 + if at.is_multiple_of(2) { 0.4 } else { 0.9 });
            (ScoredPair { distance: distance.unwrap(), same: at.is_multiple_of(2) }, at as f32 / 400.0)
        };
        let curve = RejectCurve::of(&(0..400).map(pair).collect::<Vec<_>>()).unwrap();
        let svg = reject_svg("Quality", &curve).unwrap();
        assert!(svg.contains("equal error rate") && svg.contains("genuine pairs missed"));
        let nothing = RejectCurve { pairs: 0, threshold: None, points: Vec::new() };
        assert!(matches!(reject_svg("Quality", &nothing), Err(PictureError::NoCurve)));
    }
}
