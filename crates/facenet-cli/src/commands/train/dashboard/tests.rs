use std::time::Duration;

use facenet_train::{Event, Snapshot, StepRecord, ValidationRecord};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn record(step: u64, loss: f32) -> StepRecord {
    StepRecord {
        step,
        loss,
        learning_rate: 0.05,
        triplets: 1204.4,
        active: Some(0.4512),
        accuracy: None,
        positive_distance: Some(0.612),
        negative_distance: Some(1.204),
        faces: 256.0,
        skipped: 0,
        faces_per_second: 131.6,
        waiting: 0.02,
    }
}

fn snapshot() -> Snapshot {
    let counts = |centre: i64, scale: i64| -> Vec<i64> {
        (0..BINS as i64).map(|bin| (scale - (bin - centre).pow(2) * scale / 64).max(0)).collect()
    };
    let json = serde_json::json!({
        "step": 400, "positives": counts(7, 30), "negatives": counts(19, 900), "hardest": []
    });
    serde_json::from_value(json).unwrap()
}

/// 400 steps of a run of 1,000 that began anew, 20 minutes later.
fn run() -> Figures {
    let mut figures = Figures { name: "lite".into(), ..Figures::default() };
    let gone = |step: u64| Duration::from_secs(3 * step);
    figures.take(&Event::Starts { step: 0, steps: 1000 }, Duration::ZERO);
    for step in (10..=400).step_by(10) {
        figures.take(&Event::Step { step }, gone(step));
        figures.take(&Event::Logged(&record(step, 0.05 + 0.2 / (1.0 + step as f32 / 80.0))), gone(step));
    }
    figures.take(&Event::Looked(&snapshot()), gone(400));
    for (step, accuracy) in [(100, 0.58), (200, 0.63), (300, 0.66), (400, 0.675)] {
        let record = ValidationRecord {
            step,
            accuracy: Some(accuracy),
            standard_error: Some(0.005),
            auc: 0.7,
            threshold: Some(1.32),
        };
        figures.take(&Event::Validated(&record), gone(400));
    }
    figures.memory = Some(3 << 29);
    figures
}

fn drawn(figures: &Figures, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| frame.render_widget(Dashboard(figures), frame.area())).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_run_in_its_middle() {
    insta::assert_snapshot!(drawn(&run(), 100, HEIGHT));
}

#[test]
fn a_wide_terminal_shows_every_bin() {
    insta::assert_snapshot!(drawn(&run(), 130, HEIGHT));
}

#[test]
fn a_run_that_has_just_begun() {
    let mut figures = Figures { name: "lite".into(), ..Figures::default() };
    figures.take(&Event::Starts { step: 0, steps: 1000 }, Duration::ZERO);
    insta::assert_snapshot!(drawn(&figures, 80, HEIGHT));
}

#[test]
fn a_small_terminal_shows_the_figures_without_charts() {
    let text = drawn(&run(), 60, HEAD);
    assert!(text.contains("step 400 of 1,000, 40 %") && text.contains("loss 0.08"), "{text}");
    assert!(!text.contains("same person"), "{text}");
    for (width, height) in
        [(0, 0), (1, 1), (3, HEIGHT), (MIN_WIDTH, 2), (MIN_WIDTH - 1, HEIGHT), (MIN_WIDTH, HEIGHT)]
    {
        // That it does not panic is the test: terminals can be of any size.
        let area = Rect::new(0, 0, width, height);
        Dashboard(&run()).render(area, &mut Buffer::empty(area));
    }
}

#[test]
fn a_flat_curve_a_single_value_and_empty_histograms_are_drawn() {
    let mut figures = Figures::default();
    figures.take(&Event::Starts { step: 0, steps: 2 }, Duration::ZERO);
    for step in [1, 2] {
        figures.take(&Event::Logged(&record(step, 0.0)), Duration::ZERO);
        let empty = Snapshot {
            step,
            positives: Histogram::empty(),
            negatives: Histogram::empty(),
            hardest: Vec::new(),
        };
        figures.take(&Event::Looked(&empty), Duration::ZERO);
        assert!(drawn(&figures, 80, HEIGHT).contains("same person, 0"));
    }
}
