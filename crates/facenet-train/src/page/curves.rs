//! The curves of a log, a chart for each.

use super::chart::{Chart, Curve, Point};
use crate::{Record, StepRecord, ValidationRecord};

/// The charts of a page, in its order.
pub(super) fn charts(records: &[Record]) -> [Chart; 5] {
    let curve = |name, class, digits, of: fn(&StepRecord) -> Option<f64>| Curve {
        name,
        class,
        points: steps(records, of),
        digits,
    };
    [
        Chart {
            title: "Triplet loss",
            curves: vec![curve("loss", "main", 4, |r| Some(f64::from(r.loss)))],
            covers: Some(0.0..=0.0),
            ..Chart::default()
        },
        Chart {
            title: "Validation accuracy",
            unit: " %",
            curves: vec![Curve { name: "accuracy", class: "main", points: accuracy(records), digits: 2 }],
            covers: None,
        },
        Chart {
            title: "Mean squared distance",
            curves: vec![
                curve("same person", "same", 3, |r| r.positive_distance.map(f64::from)),
                curve("different people", "different", 3, |r| r.negative_distance.map(f64::from)),
            ],
            covers: Some(0.0..=0.0),
            ..Chart::default()
        },
        Chart {
            title: "Learning rate",
            curves: vec![curve("rate", "main", 5, |r| Some(f64::from(r.learning_rate)))],
            covers: Some(0.0..=0.0),
            ..Chart::default()
        },
        Chart {
            title: "Speed",
            unit: " faces/s",
            curves: vec![curve("speed", "main", 0, |r| Some(r.faces_per_second))],
            covers: Some(0.0..=0.0),
        },
    ]
}

/// The latest means over steps.
pub(super) fn last_step(records: &[Record]) -> Option<&StepRecord> {
    records.iter().rev().find_map(|record| match record {
        Record::Step(record) => Some(record),
        _ => None,
    })
}

/// The latest validation.
pub(super) fn last_validation(records: &[Record]) -> Option<&ValidationRecord> {
    records.iter().rev().find_map(|record| match record {
        Record::Validation(record) => Some(record),
        _ => None,
    })
}

/// What is no number stays out of a curve.
fn steps(records: &[Record], of: fn(&StepRecord) -> Option<f64>) -> Vec<Point> {
    let point = |record: &Record| match record {
        Record::Step(record) => {
            let value = of(record).filter(|value| value.is_finite())?;
            Some(Point { step: record.step as f64, value, error: 0.0 })
        }
        _ => None,
    };
    records.iter().filter_map(point).collect()
}

fn accuracy(records: &[Record]) -> Vec<Point> {
    let point = |record: &Record| match record {
        Record::Validation(record) => Some(Point {
            step: record.step as f64,
            value: 100.0 * record.accuracy?,
            error: 100.0 * record.standard_error.unwrap_or(0.0),
        }),
        _ => None,
    };
    records.iter().filter_map(point).collect()
}
