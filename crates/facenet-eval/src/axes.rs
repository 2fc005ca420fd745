//! What pictures of verification share: room around the chart, head and legend, a logarithmic axis of FAR, bands.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::picture::{COLOURS, GRID, INK, PictureError, SIZE_PX, text};
use crate::{Band, Curve, Roc};

/// Room around the chart, for the numbers at its left and below, for the title, and for each row of the legend.
pub(crate) const MARGIN_PX: u32 = 24;
pub(crate) const X_LABELS_PX: u32 = 84;
pub(crate) const Y_LABELS_PX: u32 = 110;
pub(crate) const TITLE_PX: u32 = 84;
pub(crate) const LEGEND_ROW_PX: u32 = 38;

/// How much of its colour a band has, so that curve and grid stay visible.
const BAND_OPACITY: f64 = 0.18;

/// The finest FAR that is ever drawn; the paper's curves end here.
const FINEST_FAR: f64 = 1e-8;

/// A curve and, if it has one, the band behind it.
pub(crate) type Banded<'a> = (Curve<'a>, Option<&'a Band>);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart with its axes drawn.
pub(crate) type Chart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;

/// A whole picture: the title, a row of legend a line, and below it what `body` draws.
pub(crate) fn picture(
    title: &str,
    legend: &[(String, RGBColor)],
    body: impl FnOnce(&Area<'_>) -> Result<(), PictureError>,
) -> Result<String, PictureError> {
    if legend.is_empty() {
        return Err(PictureError::NoCurve);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        area.fill(&WHITE)?;
        let (head, rest) = area.split_vertically(TITLE_PX + LEGEND_ROW_PX * legend.len() as u32);
        draw_head(&head, title, legend)?;
        body(&rest)?;
        area.present()?;
    }
    Ok(svg)
}

fn draw_head(area: &Area<'_>, title: &str, legend: &[(String, RGBColor)]) -> Result<(), PictureError> {
    let left = (MARGIN_PX + Y_LABELS_PX).cast_signed();
    let middle_left = Pos::new(HPos::Left, VPos::Center);
    area.draw(&Text::new(title, (left, 48), text(40).pos(middle_left)))?;
    for (row, (label, colour)) in (0i32..).zip(legend) {
        let y = (TITLE_PX + row as u32 * LEGEND_ROW_PX + LEGEND_ROW_PX / 2).cast_signed();
        area.draw(&PathElement::new([(left, y), (left + 36, y)], colour.stroke_width(6)))?;
        area.draw(&Text::new(label.as_str(), (left + 52, y), text(26).pos(middle_left)))?;
    }
    Ok(())
}

/// What the axes say, and how their numbers are written.
pub(crate) struct Labels<'a> {
    pub(crate) x_title: &'a str,
    pub(crate) y_title: &'a str,
    /// The most numbers under the axis; none, one for every decade.
    pub(crate) x_labels: Option<usize>,
    pub(crate) x: &'a dyn Fn(&f64) -> String,
    pub(crate) y: &'a dyn Fn(&f64) -> String,
}

/// Axes and grid.
pub(crate) fn chart<'a, 'b, X, Y>(
    area: &'a Area<'b>,
    labels: &Labels<'_>,
    x: X,
    y: Y,
) -> Result<Chart<'a, 'b, X::CoordDescType, Y::CoordDescType>, PictureError>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN_PX)
        .margin_right(2 * MARGIN_PX)
        .x_label_area_size(X_LABELS_PX)
        .y_label_area_size(Y_LABELS_PX)
        .build_cartesian_2d(x, y)?;
    let mut mesh = chart.configure_mesh();
    if let Some(most) = labels.x_labels {
        mesh.x_labels(most);
    }
    mesh.x_desc(labels.x_title)
        .y_desc(labels.y_title)
        .x_label_formatter(&|at| (labels.x)(at))
        .y_label_formatter(&|at| (labels.y)(at))
        .label_style(text(26))
        .axis_desc_style(text(30))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    Ok(chart)
}

/// A row of legend a curve: its name, AUC and EER.
pub(crate) fn legend(banded: &[Banded<'_>]) -> Vec<(String, RGBColor)> {
    let words = |Curve { label, roc }: &Curve<'_>| {
        format!("{label}  ·  AUC {:.4}  ·  EER {:.1} %", roc.auc(), 100.0 * roc.eer())
    };
    coloured(banded).map(|((curve, _), colour)| (words(curve), colour)).collect()
}

/// The curves with their colours.
pub(crate) fn coloured<'a, 'b>(banded: &'a [Banded<'b>]) -> impl Iterator<Item = (&'a Banded<'b>, RGBColor)> {
    banded.iter().zip(COLOURS.into_iter().cycle())
}

/// A logarithmic axis from a decade to 1.
///
/// A hair wider than the decades: rounding would else lose the tick at an end.
pub(crate) fn decades(
    from: f64,
) -> impl AsRangedCoord<Value = f64, CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>> {
    (0.999 * from..1.001).log_scale()
}

/// A band as a filled shape: its upper end from left to right, then its lower end back. `height` turns a VAL into what
/// is drawn.
pub(crate) fn band_shape(
    band: &Band,
    colour: RGBColor,
    finest: f64,
    height: impl Fn(f64) -> f64,
) -> Polygon<(f64, f64)> {
    Polygon::new(outline(band, finest, height), colour.mix(BAND_OPACITY).filled())
}

fn outline(band: &Band, finest: f64, height: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let inside = || band.points.iter().filter(|point| point.far >= finest);
    let high = inside().map(|point| (point.far, height(point.interval.high)));
    let low = inside().rev().map(|point| (point.far, height(point.interval.low)));
    high.chain(low).collect()
}

/// The finest decade of FAR of all curves; none without a curve.
pub(crate) fn finest_far(banded: &[Banded<'_>]) -> Option<f64> {
    banded.iter().map(|(curve, _)| finest_decade(curve.roc)).reduce(f64::min)
}

/// The power of ten at or below the smallest FAR that can be measured, below 1.
fn finest_decade(roc: &Roc) -> f64 {
    decade_of_one(roc.impostors()).max(FINEST_FAR)
}

/// The power of ten at or below the share of one of `pairs`, below 1.
pub(crate) fn decade_of_one(pairs: u64) -> f64 {
    let decades = (pairs as f64).log10().ceil().max(1.0);
    10f64.powi(-(decades as i32))
}

/// `1e-3`, and `1` for the whole.
pub(crate) fn decade_label(share: f64) -> String {
    if share > 0.5 { "1".into() } else { format!("{share:.0e}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::oracle::{fold, pairs};
    use crate::{BandPoint, Interval};

    #[test]
    fn the_axis_begins_at_the_decade_of_one_impostor() {
        for (impostors, expected) in [(1, 0.1), (10, 0.1), (11, 0.01), (100, 0.01), (3000, 1e-4)] {
            let roc = Roc::of(&pairs(&[fold(&[0.5], &vec![2.0; impostors])]));
            assert_eq!(finest_decade(&roc), expected, "{impostors}");
        }
        assert_eq!(decade_of_one(20), 0.01);
        assert_eq!(finest_far(&[]), None);
    }

    #[test]
    fn a_band_goes_there_above_and_back_below() {
        let point = |far, low, high| BandPoint { far, val: low, interval: Interval { low, high } };
        let band = Band { points: vec![point(0.01, 0.0, 0.1), point(0.1, 0.2, 0.4), point(1.0, 1.0, 1.0)] };
        assert_eq!(outline(&band, 0.1, |val| val), [(0.1, 0.4), (1.0, 1.0), (1.0, 1.0), (0.1, 0.2)]);
        assert_eq!(outline(&band, 0.1, |val| 1.0 - val)[0], (0.1, 0.6));
    }

    #[test]
    fn no_row_of_legend_is_no_picture() {
        assert!(matches!(picture("none", &[], |_| Ok(())), Err(PictureError::NoCurve)));
    }
}
