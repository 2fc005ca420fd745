//! VAL over what was varied, as a picture: a panel an axis, a line a FAR, and the paper's points.

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{ExperimentReport, ExperimentRow, Group, paper};
use crate::axes::{Area, Labels, chart, picture};
use crate::picture::{COLOURS, INK, PictureError, text};

/// The most numbers under all panels: more would run into each other.
const LABELS: usize = 12;

/// What is drawn of one FAR, or of the paper.
struct Series {
    label: String,
    colour: RGBColor,
    of_paper: bool,
    points: Vec<Point>,
}

/// A point with its standard error, where it has one.
struct Point {
    at: f64,
    name: String,
    val: f64,
    error: Option<f64>,
}

impl ExperimentReport {
    /// Draws VAL with its standard error over what was varied, as SVG: a panel an axis, a line a FAR, and the paper's
    /// points in the colour of ink.
    ///
    /// # Errors
    /// When no row has a figure, neither of ours nor of the paper.
    pub fn svg(&self) -> Result<String, PictureError> {
        let panels: Vec<(Group, Vec<Series>)> =
            self.groups().into_iter().map(|group| (group, self.series(group))).collect();
        picture(self.kind.title(), &legend(&panels), |body| {
            for (area, (group, series)) in body.split_evenly((1, panels.len())).iter().zip(&panels) {
                draw_panel(area, *group, series, LABELS / panels.len())?;
            }
            Ok(())
        })
    }

    fn series(&self, group: Group) -> Vec<Series> {
        let rows = || self.rows.iter().filter(|row| row.group == group);
        let measured = |far: f64, row: &ExperimentRow| {
            let val = row.figures.as_ref()?.val(far)?;
            Some(Point { at: row.at, name: row.name.clone(), val: val.mean, error: Some(val.standard_error) })
        };
        let ours = self.fars.iter().zip(COLOURS).map(|(&far, colour)| Series {
            label: format!("FAR {far:.0e}"),
            colour,
            of_paper: false,
            points: rows().filter_map(|row| measured(far, row)).collect(),
        });
        let paper = Series {
            label: "the paper, FAR 1e-3".into(),
            colour: INK,
            of_paper: true,
            points: paper::rows(self.kind)
                .into_iter()
                .filter(|row| row.group == group)
                .map(|row| Point {
                    at: row.at,
                    name: row.name.into(),
                    val: row.val.val,
                    error: row.val.standard_error,
                })
                .collect(),
        };
        ours.chain([paper])
            .map(|mut series| {
                series.points.sort_by(|a, b| a.at.total_cmp(&b.at));
                series
            })
            .collect()
    }
}

/// Every series that has a point in some panel, once.
fn legend(panels: &[(Group, Vec<Series>)]) -> Vec<(String, RGBColor)> {
    let mut legend: Vec<(String, RGBColor)> = Vec::new();
    for series in panels.iter().flat_map(|(_, series)| series).filter(|series| !series.points.is_empty()) {
        if !legend.iter().any(|(label, _)| *label == series.label) {
            legend.push((series.label.clone(), series.colour));
        }
    }
    legend
}

fn draw_panel(area: &Area<'_>, group: Group, series: &[Series], labels: usize) -> Result<(), PictureError> {
    let places = || series.iter().flat_map(|series| &series.points).map(|point| point.at);
    let (least, most) = (places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max));
    if least > most {
        return Ok(());
    }
    if group.is_logarithmic() {
        // A tenth of the way more at both ends, and more than nothing around a single point.
        let room = (most / least).powf(0.1).max(1.2);
        draw_axes(area, group, series, labels, (least / room..most * room).log_scale())
    } else {
        let room = (0.06 * (most - least)).max(1e-3 * most.abs()).max(1e-3);
        draw_axes(area, group, series, labels, least - room..most + room)
    }
}

fn draw_axes<X>(
    area: &Area<'_>,
    group: Group,
    series: &[Series],
    most: usize,
    x: X,
) -> Result<(), PictureError>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let labels = Labels {
        x_title: group.title(),
        y_title: "VAL",
        x_labels: Some(most),
        x: &|at| group.label(*at),
        y: &|val| format!("{:.0} %", 100.0 * val),
    };
    let mut chart = chart(area, &labels, x, 0.0..1.0)?;
    for (rank, Series { colour, of_paper, points, .. }) in series.iter().enumerate() {
        // The points of the other FARs lie below those of the first.
        let is_named = !group.is_a_curve() && (rank == 0 || *of_paper);
        if group.is_a_curve() {
            let line = points.iter().map(|point| (point.at, point.val));
            let width = if *of_paper { 2 } else { 4 };
            chart.draw_series(LineSeries::new(line, colour.stroke_width(width)))?;
        }
        for Point { at, name, val, error } in points {
            if let Some(error) = error {
                let ends = [(*at, (val - error).max(0.0)), (*at, (val + error).min(1.0))];
                chart.draw_series([PathElement::new(ends, colour.stroke_width(2))])?;
            }
            let style = if *of_paper { colour.stroke_width(2) } else { colour.filled() };
            chart.draw_series([Circle::new((*at, *val), 7, style)])?;
            if is_named {
                let beside = text(22).pos(Pos::new(HPos::Left, VPos::Center));
                let words = EmptyElement::at((*at, *val)) + Text::new(name.clone(), (14, -12), beside);
                chart.draw_series([words])?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::ExperimentKind;
    use super::super::report::tests::dimensions;
    use super::*;

    #[test]
    fn a_picture_names_title_axis_fars_and_the_paper() {
        let svg = dimensions().svg().unwrap();
        for words in
            ["VAL by dimension", "coordinates of an embedding", "FAR 1e-1", "FAR 1e-3", "the paper", "100 %"]
        {
            assert!(svg.contains(words), "{words}");
        }
        // Two of our rows are finished, at two FARs each; the paper has four.
        assert_eq!(svg.matches("<circle").count(), 2 * 2 + 4);
    }

    #[test]
    fn networks_are_named_points_without_a_line() {
        let mut report = dimensions();
        report.kind = ExperimentKind::Network;
        for row in &mut report.rows {
            row.group = Group::MultiplyAdds;
        }
        let svg = report.svg().unwrap();
        for name in ["\n32\n", "\nnn1\n", "\nnns2\n"] {
            assert!(svg.contains(name), "{name}");
        }
    }

    #[test]
    fn a_single_point_is_drawn_on_either_kind_of_axis() {
        for group in [Group::Pixels, Group::Rotation] {
            let mut report = dimensions();
            report.kind = ExperimentKind::Invariance;
            report.rows.truncate(1);
            report.rows[0].group = group;
            report.rows[0].at = if group == Group::Pixels { 1600.0 } else { 0.0 };
            assert_eq!(report.svg().unwrap().matches("<circle").count(), 2, "{group:?}");
        }
    }

    #[test]
    fn nothing_measured_and_nothing_of_the_paper_is_no_picture() {
        let mut report = dimensions();
        report.kind = ExperimentKind::Invariance;
        report.rows.retain(|row| row.figures.is_none());
        assert!(matches!(report.svg(), Err(PictureError::NoCurve)));
    }
}
