//! What happened, in lines: above the dashboard, or all there is without one.

use std::time::Duration;

use facenet_train::{Event, StepRecord, ValidationRecord};

/// A line about an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// For those who want to know.
    Note(String),
    /// For everybody: something went wrong.
    Problem(String),
}

/// The line about an event, `gone` after the start; none about what only the figures tell.
pub(super) fn line(event: &Event, gone: Duration) -> Option<Line> {
    Some(match event {
        Event::Data { identities, images, ignored } => {
            Line::Note(format!("data: {images} faces of {identities} people, {ignored} other files ignored"))
        }
        Event::Starts { step, .. } if *step > 0 => Line::Note(format!("resumed after step {step}")),
        Event::Validated(record) => Line::Note(format!(
            "step {}: validation accuracy {}, AUC {:.4}, after {}",
            record.step,
            accuracy(record),
            record.auc,
            duration(gone)
        )),
        Event::MinedOffline { step, triplets, images } => {
            Line::Note(format!("step {step}: {triplets} triplets mined offline from {images} images"))
        }
        Event::Suspected { step, images, sheet } => Line::Note(format!(
            "step {step}: {images} images look wrongly labelled to every checkpoint: {}",
            sheet.display()
        )),
        Event::Unreadable(image) => Line::Problem(format!("facenet: {}: {}", image.place, image.reason)),
        Event::Collapsed { step } => Line::Problem(format!(
            "step {step}: the embedding has collapsed: all faces lie in nearly one point; if it does not recover, \
             the run will stop"
        )),
        _ => return None,
    })
}

/// The figures of some steps in one line.
pub(super) fn figures(record: &StepRecord) -> String {
    format!(
        "step {}  loss {:.4}  active {}  d(a,p) {}  d(a,n) {}  rate {:.4}  {:.0} faces/s ({:.0} % waiting)",
        record.step,
        record.loss,
        active(record),
        distance(record.positive_distance),
        distance(record.negative_distance),
        record.learning_rate,
        record.faces_per_second,
        record.waiting * 100.0,
    )
}

/// `81.25 % ± 0.50`, or `-`.
pub(super) fn accuracy(record: &ValidationRecord) -> String {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    match (record.accuracy, record.standard_error) {
        (Some(mean), Some(error)) => format!("{} ± {:.2}", percent(mean), error * 100.0),
        _ => "-".into(),
    }
}

/// The share of pairs with something left to learn, or `-`.
pub(super) fn active(record: &StepRecord) -> String {
    record.active.map_or("-".into(), |share| format!("{:.1} %", share * 100.0))
}

/// A mean distance, or `-`.
pub(super) fn distance(value: Option<f32>) -> String {
    value.map_or("-".into(), |v| format!("{v:.3}"))
}

/// A time in its two largest units: `8 s`, `12 min 05 s`, `2 h 03 min`, `3 d 04 h`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, min, s) => format!("{min} min {s:02} s"),
        (0, h, min, _) => format!("{h} h {min:02} min"),
        (d, h, ..) => format!("{d} d {h:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_to_everybody_and_notes_to_those_who_want_them() {
        let second = Duration::from_secs(61);
        let data = Event::Data { identities: 2, images: 5, ignored: 1 };
        let note = |text: &str| Some(Line::Note(text.into()));
        assert_eq!(line(&data, second), note("data: 5 faces of 2 people, 1 other files ignored"));
        assert_eq!(line(&Event::Starts { step: 0, steps: 9 }, second), None);
        assert_eq!(line(&Event::Starts { step: 3, steps: 9 }, second), note("resumed after step 3"));
        assert_eq!(line(&Event::Step { step: 3 }, second), None);
        assert!(matches!(line(&Event::Collapsed { step: 3 }, second), Some(Line::Problem(_))));
    }

    #[test]
    fn a_validation_without_folds_has_no_accuracy() {
        let mut record = ValidationRecord {
            step: 4,
            accuracy: Some(0.5),
            standard_error: Some(0.01),
            auc: 0.5,
            threshold: None,
        };
        let text = |record: &ValidationRecord| line(&Event::Validated(record), Duration::from_secs(61));
        let note = |text: &str| Some(Line::Note(text.into()));
        let expected = "step 4: validation accuracy 50.00 % ± 1.00, AUC 0.5000, after 1 min 01 s";
        assert_eq!(text(&record), note(expected));
        record.accuracy = None;
        assert_eq!(text(&record), note("step 4: validation accuracy -, AUC 0.5000, after 1 min 01 s"));
    }

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 00 s"),
            (3600, "1 h 00 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d 00 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
