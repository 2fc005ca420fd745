//! Lines over axes that may be logarithmic, as SVG: what all pictures of a report share.
//!
//! Letters are large for the size of the picture, so that they can be read on a phone.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::picture::{COLOURS, GRID, INK, PictureError, text};

/// Width and height, in pixels.
const CHART_PX: (u32, u32) = (960, 640);

const MARGIN_PX: u32 = 16;
const Y_LABELS_PX: u32 = 96;
const X_LABELS_PX: u32 = 72;
const TITLE_PX: u32 = 56;
const LEGEND_ROW_PX: u32 = 32;
const LETTERS_PX: u32 = 24;

/// A line and its name.
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What the axes say, and where they begin and end.
pub(crate) struct Axes {
    pub(crate) x_title: &'static str,
    pub(crate) y_title: &'static str,
    pub(crate) x: (f64, f64),
    pub(crate) y: (f64, f64),
    /// Whether x is logarithmic.
    pub(crate) log_x: bool,
    /// Whether y is logarithmic.
    pub(crate) log_y: bool,
    pub(crate) x_label: fn(f64) -> String,
    pub(crate) y_label: fn(f64) -> String,
}

/// Draws `lines`, each in its colour, with a legend under the title.
///
/// # Errors
/// When there is no line.
pub(crate) fn svg(title: &str, axes: &Axes, lines: &[Line]) -> Result<String, PictureError> {
    if lines.is_empty() {
        return Err(PictureError::NoCurve);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, CHART_PX).into_drawing_area();
        area.fill(&WHITE)?;
        let (head, body) = area.split_vertically(TITLE_PX + LEGEND_ROW_PX * lines.len() as u32);
        draw_head(&head, title, lines)?;
        // A hair wider than the decades: rounding would else lose the tick at an end.
        let decades = |(low, high): (f64, f64)| (0.999 * low..1.001 * high).log_scale();
        let even = |(low, high): (f64, f64)| low..high;
        match (axes.log_x, axes.log_y) {
            (true, true) => draw_lines(&body, axes, lines, decades(axes.x), decades(axes.y))?,
            (true, false) => draw_lines(&body, axes, lines, decades(axes.x), even(axes.y))?,
            (false, true) => draw_lines(&body, axes, lines, even(axes.x), decades(axes.y))?,
            (false, false) => draw_lines(&body, axes, lines, even(axes.x), even(axes.y))?,
        }
        area.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn coloured(lines: &[Line]) -> impl Iterator<Item = (&Line, RGBColor)> {
    lines.iter().zip(COLOURS.into_iter().cycle())
}

fn draw_head(area: &Area<'_>, title: &str, lines: &[Line]) -> Result<(), PictureError> {
    let left = (MARGIN_PX + Y_LABELS_PX).cast_signed();
    let middle_left = Pos::new(HPos::Left, VPos::Center);
    area.draw(&Text::new(title, (left, 34), text(30).pos(middle_left)))?;
    for (row, (line, colour)) in (0i32..).zip(coloured(lines)) {
        let y = (TITLE_PX + row as u32 * LEGEND_ROW_PX + LEGEND_ROW_PX / 2).cast_signed();
        area.draw(&PathElement::new([(left, y), (left + 32, y)], colour.stroke_width(5)))?;
        area.draw(&Text::new(line.label.as_str(), (left + 44, y), text(LETTERS_PX).pos(middle_left)))?;
    }
    Ok(())
}

fn draw_lines<X, Y>(area: &Area<'_>, axes: &Axes, lines: &[Line], x: X, y: Y) -> Result<(), PictureError>
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
    chart
        .configure_mesh()
        .x_desc(axes.x_title)
        .y_desc(axes.y_title)
        .x_label_formatter(&|value| (axes.x_label)(*value))
        .y_label_formatter(&|value| (axes.y_label)(*value))
        .label_style(text(LETTERS_PX))
        .axis_desc_style(text(LETTERS_PX))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    for (line, colour) in coloured(lines) {
        let points = || line.points.iter().map(|&(x, y)| (x, y.clamp(axes.y.0, axes.y.1)));
        chart.draw_series(LineSeries::new(points(), colour.stroke_width(4)))?;
        // A line of one point would not be seen.
        if line.points.len() == 1 {
            chart.draw_series(points().map(|point| Circle::new(point, 7, colour.filled())))?;
        }
    }
    Ok(())
}

/// `12 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// `1e-3`, and `1` for the whole.
pub(crate) fn decade(share: f64) -> String {
    if share > 0.5 { "1".into() } else { format!("{share:.0e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(log_y: bool) -> Axes {
        let y = if log_y { (1e-3, 1.0) } else { (0.0, 1.0) };
        Axes {
            x_title: "across",
            y_title: "up",
            x: (1e-2, 1.0),
            y,
            log_x: true,
            log_y,
            x_label: decade,
            y_label: percent,
        }
    }

    fn line(label: &str, points: &[(f64, f64)]) -> Line {
        Line { label: label.into(), points: points.into() }
    }

    #[test]
    fn a_chart_names_title_axes_and_lines_safely() {
        for log_y in [false, true] {
            let lines = [line("a < b", &[(0.01, 0.5), (1.0, 1.0)]), line("point", &[(0.1, 0.0)])];
            let svg = svg("A & B", &axes(log_y), &lines).unwrap();
            for found in
                ["A &amp; B", "a &lt; b", "point", "across", "up", "1e-2", "#0072B2", "#D55E00", "<circle"]
            {
                assert!(svg.contains(found), "{found}");
            }
        }
    }

    #[test]
    fn no_line_is_an_error() {
        assert!(matches!(svg("none", &axes(false), &[]), Err(PictureError::NoCurve)));
    }
}
