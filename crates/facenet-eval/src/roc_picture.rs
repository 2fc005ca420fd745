//! The ROC as a picture: VAL over FAR, the false accepts on a logarithmic axis.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axes::{
    Area, Banded, Labels, band_shape, chart, coloured, decade_label, decades, finest_far, legend, picture,
};
use crate::picture::{PictureError, SIZE_PX, text};
use crate::{Band, Roc};

/// The decades of FAR at which a curve is marked.
const MARKED_FARS: [f64; 3] = [1e-1, 1e-2, 1e-3];

/// One model's curve in a picture.
#[derive(Debug, Clone, Copy)]
pub struct Curve<'a> {
    /// The model's name in the legend.
    pub label: &'a str,
    /// What was measured.
    pub roc: &'a Roc,
}

/// Draws one or more ROC curves as SVG, with the operating points at FAR 1e-3, 1e-2 and 1e-1 marked.
///
/// The axis of FAR begins at the decade of `1 / impostors`, finer than which nothing was measured. A single
/// curve's marks also say their VAL; a legend under the title names every curve with its AUC and EER.
///
/// # Errors
/// When there is no curve.
pub fn roc_svg(title: &str, curves: &[Curve<'_>]) -> Result<String, PictureError> {
    roc_svg_with_bands(title, &curves.iter().map(|&curve| (curve, None)).collect::<Vec<_>>())
}

/// As [`roc_svg`], with a band behind each curve that has one.
///
/// # Errors
/// When there is no curve.
pub fn roc_svg_with_bands(
    title: &str,
    banded: &[(Curve<'_>, Option<&Band>)],
) -> Result<String, PictureError> {
    let finest = finest_far(banded).ok_or(PictureError::NoCurve)?;
    picture(title, &legend(banded), |area| draw_curves(area, banded, finest))
}

fn draw_curves(area: &Area<'_>, banded: &[Banded<'_>], finest: f64) -> Result<(), PictureError> {
    let labels = Labels {
        x_title: "FAR: impostor pairs accepted",
        y_title: "VAL: genuine pairs accepted",
        x_labels: None,
        x: &|far| decade_label(*far),
        y: &|val| format!("{:.0} %", 100.0 * val),
    };
    let mut chart = chart(area, &labels, decades(finest), 0.0..1.0)?;
    for ((curve, band), colour) in coloured(banded) {
        if let Some(band) = band {
            chart.draw_series([band_shape(band, colour, finest, |val| val)])?;
        }
        chart.draw_series(LineSeries::new(line(curve.roc, finest), colour.stroke_width(4)))?;
        let marks = marks(curve.roc);
        chart.draw_series(marks.iter().map(|&mark| Circle::new(mark, 9, colour.filled())))?;
        if banded.len() == 1 {
            let words = |val| format!("{:.1} %", 100.0 * val);
            chart.draw_series(marks.iter().map(|&(far, val)| {
                let (offset, position) = beside(val);
                EmptyElement::at((far, val)) + Text::new(words(val), offset, text(26).pos(position))
            }))?;
        }
    }
    Ok(())
}

/// Where a mark's words stand: below to the right, where a rising curve leaves room, or above to the left where
/// the axis would be in the way. In pixels from the mark, and the corner of the words that lies there.
fn beside(val: f64) -> ((i32, i32), Pos) {
    if val > 0.06 {
        ((12, 10), Pos::new(HPos::Left, VPos::Top))
    } else {
        ((-12, -10), Pos::new(HPos::Right, VPos::Bottom))
    }
}

/// The curve from the left border on, without the points that fall on the pixel of the one before: ten million
/// pairs and a thousand give pictures of about one size.
fn line(roc: &Roc, finest: f64) -> Vec<(f64, f64)> {
    let pixel = |(far, val): (f64, f64)| {
        let across = (far / finest).ln() / (1.0 / finest).ln();
        ((across * f64::from(SIZE_PX.0)) as u32, (val * f64::from(SIZE_PX.1)) as u32)
    };
    let points = roc.points();
    let inside = points.partition_point(|point| point.far <= finest);
    let border = points[..inside].last().map(|point| (finest, point.val));
    let mut line: Vec<_> =
        border.into_iter().chain(points[inside..].iter().map(|point| (point.far, point.val))).collect();
    line.dedup_by_key(|point| pixel(*point));
    line.push((1.0, 1.0)); // the last point, which may have shared its pixel
    line
}

/// The VAL at the marked FARs that can be measured.
fn marks(roc: &Roc) -> Vec<(f64, f64)> {
    MARKED_FARS.into_iter().filter_map(|far| Some((far, roc.operating_point(far)?.val))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};

    fn roc(genuine: &[f32], impostors: &[f32]) -> Roc {
        Roc::of(&pairs(&[fold(genuine, impostors)]))
    }

    /// 2,000 pairs of each kind whose distances overlap.
    fn overlapping() -> Roc {
        let from = |start: f32| (0..2000u16).map(|i| start + f32::from(i) / 1000.0).collect::<Vec<_>>();
        roc(&from(0.5), &from(1.75))
    }

    #[test]
    fn a_picture_names_title_curve_axes_and_operating_points() {
        let svg = roc_svg("Pairs <1 & 2>", &[Curve { label: "nn4", roc: &overlapping() }]).unwrap();
        // 1,250 of 2,000 genuine pairs are nearer than any impostor; then one of each kind follows the other,
        // so that 2, 20 and 200 impostors (FAR 1e-3, 1e-2, 1e-1) come with as many more genuine pairs.
        for words in
            ["Pairs &lt;1 &amp; 2&gt;", "nn4", "AUC 0.", "FAR:", "VAL:", "1e-3", "62.6 %", "63.5 %", "72.5 %"]
        {
            assert!(svg.contains(words), "{words}");
        }
        assert_eq!(svg.matches("<circle").count(), MARKED_FARS.len());
    }

    #[test]
    fn several_curves_have_several_colours_and_share_the_finest_axis() {
        let (fine, coarse) = (overlapping(), roc(&[0.5], &[2.0; 10]));
        let curves = [Curve { label: "fine", roc: &fine }, Curve { label: "coarse", roc: &coarse }];
        let svg = roc_svg("two", &curves).unwrap();
        for found in ["fine", "coarse", "#0072B2", "#D55E00", "1e-4"] {
            assert!(svg.contains(found), "{found}");
        }
    }

    #[test]
    fn every_decade_has_its_number_on_the_axis() {
        for impostors in [1, 100, 1000, 10_000, 100_000] {
            let curve = Curve { label: "", roc: &roc(&[0.5], &vec![2.0; impostors]) };
            let svg = roc_svg("", &[curve]).unwrap();
            let decades = 1..=impostors.ilog10().max(1);
            for number in decades.map(|decade| format!("1e-{decade}")).chain(["1".into()]) {
                assert!(svg.contains(&format!("\n{number}\n")), "{number} with {impostors} impostors");
            }
        }
    }

    #[test]
    fn no_curve_is_an_error() {
        assert!(matches!(roc_svg("none", &[]), Err(PictureError::NoCurve)));
    }

    #[test]
    fn a_curve_runs_from_the_left_border_to_the_corner_even_of_one_point() {
        assert_eq!(line(&roc(&[0.0], &[0.0]), 0.1), [(1.0, 1.0), (1.0, 1.0)]);
        let curve = line(&roc(&[0.5, 2.5], &[2.0, 3.0]), 0.1);
        assert_eq!(curve, [(0.1, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0), (1.0, 1.0)]);
    }

    #[test]
    fn only_what_can_be_measured_is_marked() {
        assert_eq!(marks(&roc(&[0.5], &[2.0; 9])), []);
        assert_eq!(marks(&roc(&[0.5], &[2.0; 100])), [(0.1, 1.0), (0.01, 1.0)]);
        assert_eq!(marks(&roc(&[0.5], &[0.5; 100])), []);
    }

    #[test]
    fn a_long_curve_is_thinned_to_the_picture() {
        let fine: Vec<f32> = (0..50_000u16).map(|i| f32::from(i) / 20_000.0).collect();
        assert!(line(&roc(&fine, &fine), 1e-5).len() < (SIZE_PX.0 + SIZE_PX.1) as usize);
    }
}
