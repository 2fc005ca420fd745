//! Curves over steps as SVG inside a page, coloured by its style sheet.

use std::fmt::Write;
use std::ops::RangeInclusive;

use super::axis::{Axis, RIGHT, SIZE};
use super::text::{escaped, grouped};

/// The most points of a drawn curve: about one each unit of width. More are averaged.
const MAX_POINTS: usize = 400;

/// Curves over the same steps.
#[derive(Debug, Default)]
pub(super) struct Chart {
    /// The figure's name.
    pub(super) title: &'static str,
    /// What the axis counts: `%`, `faces/s`; may be empty.
    pub(super) unit: &'static str,
    /// The curves; the first is drawn on top.
    pub(super) curves: Vec<Curve>,
    /// What the vertical axis covers at least.
    pub(super) covers: Option<RangeInclusive<f64>>,
}

/// One curve.
#[derive(Debug, Default)]
pub(super) struct Curve {
    /// Its name in the legend.
    pub(super) name: &'static str,
    /// `same`, `different`, or `main`: the class that gives the colour.
    pub(super) class: &'static str,
    /// By step.
    pub(super) points: Vec<Point>,
    /// Digits after the point when a value is told.
    pub(super) digits: usize,
}

/// A value at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) step: f64,
    pub(super) value: f64,
    /// How far the value may be off in both directions; 0 if that is not known.
    pub(super) error: f64,
}

impl Chart {
    /// The chart as a `<figure>`.
    pub(super) fn figure(&self) -> String {
        let mut out = String::new();
        write!(out, "<figure class=\"card\"><figcaption><h2>{}</h2>", self.title).expect(MEMORY);
        self.legend(&mut out);
        out.push_str("</figcaption>\n");
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            out.push_str("<p class=\"nothing\">Nothing was measured yet.</p></figure>\n");
            return out;
        }
        self.picture(&mut out);
        out.push_str("</figure>\n");
        out
    }

    /// The latest value of each curve; with several curves, also which is which.
    fn legend(&self, out: &mut String) {
        out.push_str("<p class=\"legend\">");
        for curve in &self.curves {
            let Some(last) = curve.points.last() else { continue };
            let (class, name) = match self.curves.len() {
                1 => ("value", String::new()),
                _ => (curve.class, format!("{} ", escaped(curve.name))),
            };
            let key = if self.curves.len() > 1 { "key " } else { "" };
            write!(
                out,
                "<span class=\"{key}{class}\">{name}<b>{:.*}{}</b>",
                curve.digits, last.value, self.unit
            )
            .expect(MEMORY);
            if last.error > 0.0 {
                write!(out, " ± {:.*}", curve.digits, last.error).expect(MEMORY);
            }
            out.push_str("</span> ");
        }
        out.push_str("</p>");
    }

    fn picture(&self, out: &mut String) {
        let all = || self.curves.iter().flat_map(|curve| &curve.points);
        let x = Axis::horizontal(0.0, all().map(|p| p.step).fold(1.0, f64::max));
        let y = self.value_axis();
        let told = self.curves.iter().filter_map(|curve| {
            let last = curve.points.last()?;
            Some(format!("{} {:.*}{}", curve.name, curve.digits, last.value, self.unit))
        });
        let label = format!("{} over steps; latest: {}", self.title, told.collect::<Vec<_>>().join(", "));
        open(out, &label);
        grid(out, &x, &y);
        let (ticks, _) = x.ticks();
        for tick in ticks.into_iter().filter(|tick| tick.fract() == 0.0) {
            below(out, x.at(tick), &grouped(tick as u64));
        }
        for curve in self.curves.iter().rev() {
            line(out, curve, &x, &y);
        }
        out.push_str("</svg>\n");
    }

    /// From the lowest to the highest value, with some room.
    fn value_axis(&self) -> Axis {
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let (mut low, mut high) = points.fold((f64::MAX, f64::MIN), |(low, high), p| {
            (low.min(p.value - p.error), high.max(p.value + p.error))
        });
        if let Some(covers) = &self.covers {
            (low, high) = (low.min(*covers.start()), high.max(*covers.end()));
        }
        let room = if high > low { 0.06 * (high - low) } else { high.abs().max(1.0) * 0.1 };
        // No room below an axis that begins at 0: nothing lies there.
        Axis::vertical(if low == 0.0 { 0.0 } else { low - room }, high + room)
    }
}

/// Why writing into text cannot fail.
pub(super) const MEMORY: &str = "memory takes text";

/// Opens a picture of the size of a chart.
pub(super) fn open(out: &mut String, label: &str) {
    let ((width, height), label) = (SIZE, escaped(label));
    writeln!(out, "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">")
        .expect(MEMORY);
}

/// A line and a label for each tick of the vertical axis.
pub(super) fn grid(out: &mut String, x: &Axis, y: &Axis) {
    let (ticks, digits) = y.ticks();
    for tick in ticks {
        let at = y.at(tick);
        writeln!(out, "<path class=\"grid\" d=\"M{:.1} {at:.1}H{:.1}\"/>", x.start, x.end).expect(MEMORY);
        let (right, middle) = (x.start - 7.0, at + 4.0);
        writeln!(out, "<text class=\"end\" x=\"{right:.1}\" y=\"{middle:.1}\">{tick:.digits$}</text>")
            .expect(MEMORY);
    }
}

/// A label of the horizontal axis.
pub(super) fn below(out: &mut String, at: f64, label: &str) {
    // At the ends, the label stays inside the picture.
    let at = at.min(SIZE.0 - RIGHT - 3.0 * label.len() as f64 + RIGHT / 2.0);
    writeln!(out, "<text class=\"mid\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>", SIZE.1 - 6.0)
        .expect(MEMORY);
}

fn line(out: &mut String, curve: &Curve, x: &Axis, y: &Axis) {
    let points = thinned(&curve.points);
    let Some(last) = curve.points.last() else { return };
    let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
        let places = points.map(|(step, value)| format!("{:.1} {:.1}", x.at(step), y.at(value)));
        places.collect::<Vec<_>>().join("L")
    };
    let class = curve.class;
    if points.iter().any(|p| p.error > 0.0) {
        let over = points.iter().map(|p| (p.step, p.value + p.error));
        let under = points.iter().rev().map(|p| (p.step, p.value - p.error));
        let d = path(&mut over.chain(under));
        writeln!(out, "<path class=\"band {class}\" d=\"M{d}Z\"/>").expect(MEMORY);
    }
    let d = path(&mut points.iter().map(|p| (p.step, p.value)));
    writeln!(out, "<path class=\"line {class}\" d=\"M{d}\"/>").expect(MEMORY);
    let (cx, cy) = (x.at(last.step), y.at(last.value));
    writeln!(out, "<circle class=\"dot {class}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\"/>").expect(MEMORY);
}

/// At most [`MAX_POINTS`] points, each the mean of as many neighbours.
fn thinned(points: &[Point]) -> Vec<Point> {
    let neighbours = points.len().div_ceil(MAX_POINTS).max(1);
    let mean =
        |of: fn(&Point) -> f64, chunk: &[Point]| chunk.iter().map(of).sum::<f64>() / chunk.len() as f64;
    points
        .chunks(neighbours)
        .map(|chunk| Point {
            step: mean(|p| p.step, chunk),
            value: mean(|p| p.value, chunk),
            error: mean(|p| p.error, chunk),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: f64, value: f64) -> Point {
        Point { step, value, error: 0.0 }
    }

    #[test]
    fn a_curve_of_one_point_and_a_flat_one_have_a_place() {
        for points in [vec![point(0.0, 0.0)], vec![point(5.0, 0.2)], vec![point(1.0, 3.0), point(2.0, 3.0)]] {
            let curve = Curve { name: "loss", class: "main", points, digits: 2 };
            let html = Chart { title: "Loss", curves: vec![curve], ..Chart::default() }.figure();
            assert!(html.contains("<circle"), "{html}");
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
    }

    #[test]
    fn a_chart_without_a_value_says_so() {
        let html = Chart { title: "Loss", curves: vec![Curve::default()], ..Chart::default() }.figure();
        assert!(html.contains("Nothing was measured yet") && !html.contains("<svg"), "{html}");
    }

    #[test]
    fn an_error_is_a_band_around_the_curve_and_the_axis_covers_it() {
        let points =
            vec![Point { step: 0.0, value: 60.0, error: 2.0 }, Point { step: 10.0, value: 70.0, error: 1.0 }];
        let curve = Curve { name: "accuracy", class: "main", points, digits: 1 };
        let chart = Chart { title: "Accuracy", unit: " %", curves: vec![curve], covers: None };
        let axis = chart.value_axis();
        assert!(axis.low < 58.0 && axis.high > 71.0, "{axis:?}");
        let html = chart.figure();
        assert!(html.contains("<path class=\"band main\""), "{html}");
        assert!(html.contains("<b>70.0 %</b> ± 1.0"), "{html}");
    }

    #[test]
    fn many_points_are_averaged_and_few_are_kept() {
        let points: Vec<Point> = (0..1000).map(|step| point(f64::from(step), f64::from(step % 2))).collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), 334);
        assert_eq!(thin[0], Point { step: 1.0, value: 1.0 / 3.0, error: 0.0 });
        assert_eq!(thinned(&points[..400]), points[..400]);
        assert_eq!(thinned(&[]), []);
    }
}
