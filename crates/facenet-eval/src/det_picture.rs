//! The detection error trade-off as a picture: what is missed over what is falsely accepted, both logarithmic.

use plotters::prelude::*;

use crate::picture::{COLOURS, GRID, INK, PictureError, SIZE_PX, text};
use crate::roc_picture::{
    Area, BAND_OPACITY, LEGEND_ROW_PX, MARGIN_PX, TITLE_PX, Y_LABELS_PX, decade_label, draw_head,
    finest_decade, outline,
};
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
    let curves: Vec<Curve<'_>> = banded.iter().map(|(curve, _)| *curve).collect();
    let least = |of: fn(&Roc) -> f64| {
        curves.iter().map(|curve| of(curve.roc)).reduce(f64::min).ok_or(PictureError::NoCurve)
    };
    let finest = Finest { far: least(finest_decade)?, miss: least(finest_miss)? };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        area.fill(&WHITE)?;
        let (head, body) = area.split_vertically(TITLE_PX + LEGEND_ROW_PX * curves.len() as u32);
        draw_head(&head, title, &curves)?;
        draw_curves(&body, banded, finest)?;
        area.present()?;
    }
    Ok(svg)
}

/// Where the axes begin.
#[derive(Debug, Clone, Copy)]
struct Finest {
    far: f64,
    miss: f64,
}

fn draw_curves(
    area: &Area<'_>,
    banded: &[(Curve<'_>, Option<&Band>)],
    finest: Finest,
) -> Result<(), PictureError> {
    let axis = |from: f64| (0.999 * from..1.001).log_scale();
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN_PX)
        .margin_right(2 * MARGIN_PX)
        .x_label_area_size(84)
        .y_label_area_size(Y_LABELS_PX)
        .build_cartesian_2d(axis(finest.far), axis(finest.miss))?;
    chart
        .configure_mesh()
        .x_desc("FAR: impostor pairs accepted")
        .y_desc("1 − VAL: genuine pairs refused")
        .x_label_formatter(&|far| decade_label(*far))
        .y_label_formatter(&|miss| decade_label(*miss))
        .label_style(text(26))
        .axis_desc_style(text(30))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    let corner = finest.far.max(finest.miss);
    chart.draw_series(LineSeries::new([(corner, corner), (1.0, 1.0)], INK.mix(0.4).stroke_width(2)))?;
    for ((curve, band), colour) in banded.iter().zip(COLOURS.into_iter().cycle()) {
        if let Some(band) = band {
            let outline = outline(band, finest.far, |val| (1.0 - val).max(finest.miss));
            chart.draw_series([Polygon::new(outline, colour.mix(BAND_OPACITY).filled())])?;
        }
        chart.draw_series(LineSeries::new(staircase(curve.roc, finest), colour.stroke_width(4)))?;
    }
    Ok(())
}

/// The power of ten at or below the share of one missed genuine pair, below 1.
fn finest_miss(roc: &Roc) -> f64 {
    let decades = (roc.genuine() as f64).log10().ceil().max(1.0);
    10f64.powi(-(decades as i32)).max(FINEST_MISS)
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
        assert_eq!(outline(&band, 0.1, |val| val), [(0.1, 0.4), (1.0, 1.0), (1.0, 1.0), (0.1, 0.2)]);
        assert!(crate::roc_svg_with_bands("", &[(curve, Some(&band))]).unwrap().contains("<polygon"));
    }

    #[test]
    fn no_curve_is_an_error() {
        assert!(matches!(det_svg("none", &[]), Err(PictureError::NoCurve)));
    }
}
