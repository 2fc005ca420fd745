//! The detection error trade-off as a picture: what is missed over what is falsely accepted, both logarithmic.

use plotters::prelude::*;

use crate::axes::{
    Area, Banded, Labels, band_shape, chart, coloured, decade_label, decade_of_one, decades, finest_far,
    legend, picture,
};
use crate::picture::{INK, PictureError, SIZE_PX};
use crate::{Band, Curve, Roc};

/// The finest share of missed genuine pairs that is ever drawn.
const FINEST_MISS: f64 = 1e-6;

/// Draws one or more DET curves as SVG, each with a band if it has one: 1 − VAL over FAR, lower is better.
///
/// Both axes are logarithmic, as in NIST's reports, and begin at the decade of one pair of their kind. The
/// diagonal, where a curve has its equal error rate, is drawn thin.
///
/// # Errors
/// When there is no curve.
pub fn det_svg(title: &str, banded: &[(Curve<'_>, Option<&Band>)]) -> Result<String, PictureError> {
    let far = finest_far(banded).ok_or(PictureError::NoCurve)?;
    let miss = banded.iter().map(|(curve, _)| finest_miss(curve.roc)).fold(1.0, f64::min);
    picture(title, &legend(banded), |area| draw_curves(area, banded, Finest { far, miss }))
}

/// Where the axes begin.
#[derive(Debug, Clone, Copy)]
struct Finest {
    far: f64,
    miss: f64,
}

fn draw_curves(area: &Area<'_>, banded: &[Banded<'_>], finest: Finest) -> Result<(), PictureError> {
    let labels = Labels {
        x_title: "FAR: impostor pairs accepted",
        y_title: "1 − VAL: genuine pairs refused",
        x_labels: None,
        x: &|far| decade_label(*far),
        y: &|miss| decade_label(*miss),
    };
    let mut chart = chart(area, &labels, decades(finest.far), decades(finest.miss))?;
    let corner = finest.far.max(finest.miss);
    chart.draw_series(LineSeries::new([(corner, corner), (1.0, 1.0)], INK.mix(0.4).stroke_width(2)))?;
    for ((curve, band), colour) in coloured(banded) {
        if let Some(band) = band {
            let height = |val: f64| (1.0 - val).max(finest.miss);
            chart.draw_series([band_shape(band, colour, finest.far, height)])?;
        }
        chart.draw_series(LineSeries::new(staircase(curve.roc, finest), colour.stroke_width(4)))?;
    }
    Ok(())
}

/// The power of ten at or below the share of one missed genuine pair, below 1.
fn finest_miss(roc: &Roc) -> f64 {
    decade_of_one(roc.genuine()).max(FINEST_MISS)
}

/// The curve inside the axes, thinned to the picture. It ends where nothing is missed any more.
fn staircase(roc: &Roc, finest: Finest) -> Vec<(f64, f64)> {
    let pixel = |(far, miss): (f64, f64)| {
        let across = |value: f64, from: f64| (value / from).ln() / (1.0 / from).ln();
        let place = |share: f64, px: u32| (share * f64::from(px)) as u32;
        (place(across(far, finest.far), SIZE_PX.0), place(across(miss, finest.miss), SIZE_PX.1))
    };
    let inside = |point: &crate::RocPoint| (point.far.max(finest.far), (1.0 - point.val).max(finest.miss));
    let mut line: Vec<_> = roc.points().iter().map(inside).collect();
    line.dedup_by_key(|point| pixel(*point));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};
    use crate::{BandPoint, Interval};

    fn roc(genuine: &[f32], impostors: &[f32]) -> Roc {
        Roc::of(&pairs(&[fold(genuine, impostors)]))
    }

    #[test]
    fn a_curve_falls_from_missing_everything_to_accepting_everything() {
        let line = staircase(&roc(&[0.5, 1.5], &[1.0, 2.0]), Finest { far: 0.1, miss: 0.1 });
        assert_eq!(line, [(0.1, 1.0), (0.1, 0.5), (0.5, 0.5), (0.5, 0.1), (1.0, 0.1)]);
    }

    #[test]
    fn axes_begin_at_the_decade_of_one_pair_of_their_kind() {
        let svg =
            det_svg("errors", &[(Curve { label: "m", roc: &roc(&[0.5; 20], &[2.0; 1000]) }, None)]).unwrap();
        for words in ["errors", "FAR:", "1 − VAL:", "\n1e-3\n", "\n1e-2\n", "\n1\n"] {
            assert!(svg.contains(words), "{words}");
        }
        assert_eq!(finest_miss(&roc(&[0.5; 20], &[2.0])), 0.01);
        assert!(!svg.contains("<polygon"));
    }

    #[test]
    fn a_band_is_drawn_behind_its_curve() {
        let point = |far, low, high| BandPoint { far, val: low, interval: Interval { low, high } };
        let band = Band { points: vec![point(0.1, 0.2, 0.4), point(1.0, 1.0, 1.0)] };
        let roc = roc(&[0.5; 10], &[2.0; 10]);
        let curve = Curve { label: "m", roc: &roc };
        let svg = det_svg("", &[(curve, Some(&band))]).unwrap();
        let (polygon, line) = (svg.find("<polygon").unwrap(), svg.rfind("<polyline").unwrap());
        assert!(polygon < line);
        assert!(crate::roc_svg_with_bands("", &[(curve, Some(&band))]).unwrap().contains("<polygon"));
    }

    #[test]
    fn no_curve_is_an_error() {
        assert!(matches!(det_svg("none", &[]), Err(PictureError::NoCurve)));
    }
}
