//! A run as a picture: loss, accuracy, distances.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::log::{DetectorRecord, Record};

const SIZE: (u32, u32) = (900, 960);
const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const RED: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const GREEN: RGBColor = RGBColor(0x2e, 0x8b, 0x57);
const INK: RGBColor = RGBColor(0x22, 0x26, 0x2a);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xe9);

/// A line of a chart: its name, its colour, and its points by step.
struct Line {
    name: &'static str,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

/// The curves of a log as SVG: of an embedding the loss, the validation accuracy, and the mean distances within and
/// between people; of a detector the parts of its loss, and its average precision.
///
/// # Errors
/// When the picture cannot be drawn.
pub(crate) fn draw(records: &[Record]) -> Result<String, String> {
    let of_detector = records.iter().any(|record| matches!(record, Record::Detector(_)));
    let charts = if of_detector { detector_charts(records) } else { embedding_charts(records) };
    let mut picture = String::new();
    {
        let root = SVGBackend::with_string(&mut picture, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let areas = root.split_evenly((charts.len(), 1));
        for (area, (title, lines)) in areas.iter().zip(&charts) {
            chart(area, title, lines).map_err(|e| e.to_string())?;
        }
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(picture)
}

type Chart = (&'static str, Vec<Line>);

fn embedding_charts(records: &[Record]) -> Vec<Chart> {
    let distances = vec![
        line("same person", BLUE, records, |r| step(r, |s| s.positive_distance.map(f64::from))),
        line("different people", RED, records, |r| step(r, |s| s.negative_distance.map(f64::from))),
    ];
    vec![
        ("Triplet loss", vec![line("loss", BLUE, records, |r| step(r, |s| Some(f64::from(s.loss))))]),
        ("Validation accuracy, %", vec![line("accuracy", BLUE, records, accuracy)]),
        ("Mean squared distance in a batch", distances),
    ]
}

fn detector_charts(records: &[Record]) -> Vec<Chart> {
    let part = |name, colour, value: fn(&DetectorRecord) -> f32| {
        line(name, colour, records, |record| match record {
            Record::Detector(record) => Some((record.step as f64, f64::from(value(record)))),
            _ => None,
        })
    };
    let precision = |name, colour, range: usize| {
        line(name, colour, records, |record| match record {
            Record::DetectorValidation(record) => {
                Some((record.step as f64, record.average_precision[range]?))
            }
            _ => None,
        })
    };
    let losses = vec![
        part("scores", BLUE, |r| r.score_loss),
        part("boxes", RED, |r| r.box_loss),
        part("landmarks", GREEN, |r| r.landmark_loss),
    ];
    let precisions = vec![
        precision("below 24 pixels", RED, 1),
        precision("24 to 64 pixels", BLUE, 2),
        precision("above 64 pixels", GREEN, 3),
    ];
    vec![("Loss", losses), ("Average precision on the validation photos", precisions)]
}

fn step(record: &Record, value: impl Fn(&crate::log::StepRecord) -> Option<f64>) -> Option<(f64, f64)> {
    match record {
        Record::Step(record) => Some((record.step as f64, value(record)?)),
        _ => None,
    }
}

fn accuracy(record: &Record) -> Option<(f64, f64)> {
    match record {
        Record::Validation(record) => Some((record.step as f64, record.accuracy? * 100.0)),
        _ => None,
    }
}

fn line(
    name: &'static str,
    colour: RGBColor,
    records: &[Record],
    point: impl Fn(&Record) -> Option<(f64, f64)>,
) -> Line {
    Line { name, colour, points: records.iter().filter_map(point).collect() }
}

type Area<'a, 'b> = DrawingArea<SVGBackend<'b>, Shift>;

fn chart(area: &Area, title: &str, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().map(|p| p.0).fold(1.0, f64::max);
    let (low, high) = points().fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p.1), h.max(p.1)));
    let (low, high) = if low < high { (low, high) } else { (0.0, high.max(1.0)) };
    let room = (high - low) * 0.08;

    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18, &INK))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last, low - room..high + room)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 14, &INK))
        .x_desc("step")
        .x_label_formatter(&|step| format!("{step:.0}"))
        .draw()?;
    for line in lines {
        let colour = line.colour;
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    if lines.len() > 1 {
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.9))
            .border_style(GRID)
            .label_font(("sans-serif", 14, &INK))
            .draw()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ValidationRecord;

    #[test]
    fn a_run_of_no_of_one_and_of_many_records_is_drawn() {
        let record = |step| {
            Record::Validation(ValidationRecord {
                step,
                accuracy: Some(0.8),
                standard_error: None,
                auc: 0.9,
                threshold: None,
            })
        };
        for count in [0, 1, 30] {
            let picture = draw(&(0..count).map(record).collect::<Vec<_>>()).unwrap();
            assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
            assert!(picture.contains("Validation accuracy"));
        }
    }
}
