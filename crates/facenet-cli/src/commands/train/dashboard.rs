//! The figures of a run as text in colours: progress, curves, distances.

use std::ops::Range;

use facenet_train::{BINS, Histogram};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, LineGauge, Sparkline, Widget};

use super::figures::Figures;
use super::story;
use crate::numbers::grouped;

/// Rows of the whole dashboard; with fewer, or narrower than [`MIN_WIDTH`], the charts are left out.
pub(super) const HEIGHT: u16 = 16;

const MIN_WIDTH: u16 = 72;

/// Rows above the charts.
const HEAD: u16 = 4;

const SAME: Color = Color::Cyan;
const DIFFERENT: Color = Color::Yellow;

/// The dashboard.
#[derive(Debug)]
pub(super) struct Dashboard<'a>(pub(super) &'a Figures);

impl Widget for Dashboard<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let [title, bar, first, second, charts] =
            Layout::vertical([Constraint::Length(1); HEAD as usize].into_iter().chain([Constraint::Fill(1)]))
                .areas(area);
        self.title().render(title, buffer);
        self.bar().render(bar, buffer);
        self.batch().render(first, buffer);
        self.pace().render(second, buffer);
        if area.height < HEIGHT || area.width < MIN_WIDTH {
            return;
        }
        let bins = if area.width >= 110 { BINS } else { BINS / 2 };
        let histograms = Constraint::Length(bins as u16 + 1);
        let [loss, accuracy, distances] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1), histograms])
                .spacing(2)
                .areas(charts);
        curve("loss", &self.0.losses, 3, self.steps(), Color::Blue).render(loss, buffer);
        curve("accuracy, %", &self.0.accuracies, 1, self.steps(), Color::Green).render(accuracy, buffer);
        self.distances(bins, distances, buffer);
    }
}

impl Dashboard<'_> {
    fn title(&self) -> Line<'_> {
        let figures = self.0;
        let mut text = format!(
            "step {} of {}, {:.0} %   {} gone",
            grouped(figures.step as usize),
            grouped(figures.steps as usize),
            (100.0 * figures.share()).floor(),
            story::duration(figures.gone)
        );
        if let Some(left) = figures.left().filter(|_| figures.step < figures.steps) {
            text += &format!(", {} left", story::duration(left));
        }
        Line::from(vec![figures.name.as_str().bold(), "   ".into(), text.into()])
    }

    fn bar(&self) -> LineGauge<'_> {
        LineGauge::default()
            .ratio(self.0.share())
            .label("")
            .filled_symbol("━")
            .unfilled_symbol("─")
            .filled_style(Style::new().fg(Color::Green))
            .unfilled_style(Style::new().fg(Color::DarkGray))
    }

    /// The figures of the batches.
    fn batch(&self) -> Line<'_> {
        let Some(record) = &self.0.record else { return "waiting for the first figures".dim().into() };
        told(&[
            ("loss", format!("{:.4}", record.loss)),
            ("active", story::active(record)),
            ("triplets", grouped(record.triplets.round() as usize)),
            ("d(a,p)", story::distance(record.positive_distance)),
            ("d(a,n)", story::distance(record.negative_distance)),
        ])
    }

    /// The figures of the machine and of the validation.
    fn pace(&self) -> Line<'_> {
        let Some(record) = &self.0.record else { return Line::default() };
        let mut figures = vec![
            ("rate", format!("{:.4}", record.learning_rate)),
            ("faces/s", format!("{:.0}", record.faces_per_second)),
            ("waiting", format!("{:.0} %", 100.0 * record.waiting)),
        ];
        if let Some(bytes) = self.0.memory {
            figures.push(("memory", format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30))));
        }
        if let Some(validation) = &self.0.validation {
            figures.push(("validation", story::accuracy(validation)));
        }
        told(&figures)
    }

    fn steps(&self) -> Range<f64> {
        0.0..self.0.step.max(1) as f64
    }

    fn distances(&self, bins: usize, area: Rect, buffer: &mut Buffer) {
        let [same, different, axis] =
            Layout::vertical([Constraint::Fill(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let histogram = |of: fn(&facenet_train::Snapshot) -> &Histogram| self.0.snapshot.as_ref().map(of);
        bars("same person", histogram(|s| &s.positives), bins, SAME).render(same, buffer);
        bars("different", histogram(|s| &s.negatives), bins, DIFFERENT).render(different, buffer);
        for distance in 0..=4u16 {
            let x = axis.x + distance * (bins as u16) / 4;
            buffer.set_string(x, axis.y, distance.to_string(), Style::new().dim());
        }
        if let Some(threshold) = self.0.validation.as_ref().and_then(|validation| validation.threshold) {
            let x = axis.x + ((threshold / 4.0 * bins as f32) as u16).min(bins as u16);
            buffer.set_string(x, axis.y, "▲", Style::new().bold());
        }
    }
}

/// Names and values in one line.
fn told(figures: &[(&'static str, String)]) -> Line<'static> {
    let spans = figures.iter().flat_map(|(name, value)| {
        [Span::from(*name).dim(), Span::from(" "), Span::from(value.clone()).bold(), Span::from("   ")]
    });
    Line::from(spans.collect::<Vec<_>>())
}

fn titled(title: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).border_style(Style::new().dim()).title(Span::from(title).not_dim())
}

/// A curve over steps; of one value, a point.
fn curve<'a>(
    title: &str,
    points: &'a [(f64, f64)],
    digits: usize,
    steps: Range<f64>,
    colour: Color,
) -> Chart<'a> {
    let (low, high) = points.iter().fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p.1), h.max(p.1)));
    let (low, high) = match points {
        [] => (0.0, 1.0),
        _ if high - low < 1e-9 => (low - 0.1 * low.abs().max(0.1), high + 0.1 * high.abs().max(0.1)),
        _ => (low, high),
    };
    let label = |value: f64| if points.is_empty() { String::new() } else { format!("{value:.digits$}") };
    let (start, end) = (steps.start, steps.end);
    let graph = if points.len() > 1 { GraphType::Line } else { GraphType::Scatter };
    let data = Dataset::default().marker(Marker::Braille).graph_type(graph).style(colour).data(points);
    let title = if points.is_empty() { format!("{title}: none yet ") } else { format!("{title} ") };
    Chart::new(vec![data])
        .block(titled(title))
        .x_axis(
            Axis::default()
                .bounds([start, end])
                .labels([start, end].map(|step| grouped(step as usize)))
                .style(Style::new().dim()),
        )
        .y_axis(
            Axis::default().bounds([low, high]).labels([label(low), label(high)]).style(Style::new().dim()),
        )
}

/// A histogram, as high as its highest bar.
fn bars(title: &str, histogram: Option<&Histogram>, bins: usize, colour: Color) -> Sparkline<'static> {
    let title = match histogram {
        Some(histogram) => format!("{title}, {} ", grouped(histogram.total() as usize)),
        None => format!("{title} "),
    };
    let counts = histogram.map(|histogram| histogram.coarser(bins)).unwrap_or_default();
    Sparkline::default().block(titled(title)).data(counts).style(colour)
}

#[cfg(test)]
mod tests;
