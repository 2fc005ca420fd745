//! What a page shows at one moment, and its frame.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use super::chart::MEMORY;
use super::curves::{charts, last_step, last_validation};
use super::text::{duration, escaped, grouped, moment};
use super::{bars, triplets};
use crate::{Dataset, LossConfig, Record, Snapshot, TrainConfig};

/// A run at one moment.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) title: &'a str,
    pub(super) config: &'a TrainConfig,
    pub(super) dataset: &'a Dataset,
    pub(super) records: &'a [Record],
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) suspects: usize,
    pub(super) progress: Progress,
    pub(super) state: State<'a>,
    pub(super) written: SystemTime,
}

/// How far the run is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) step: u64,
    pub(super) steps: u64,
    /// Steps that were taken before this process took over.
    pub(super) first_step: u64,
    /// How long this process has been at it.
    pub(super) gone: Duration,
}

/// Whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State<'a> {
    Running,
    Finished,
    Stopped(&'a str),
}

impl Progress {
    /// The time for the steps that are left, at the mean pace of this process; none before its first step.
    fn left(&self) -> Option<Duration> {
        let taken = self.step.checked_sub(self.first_step).filter(|taken| *taken > 0)?;
        let left = self.steps.saturating_sub(self.step);
        Some(Duration::from_secs_f64(self.gone.as_secs_f64() * left as f64 / taken as f64))
    }

    /// In `[0, 100]`.
    fn percent(&self) -> u64 {
        (100 * self.step.min(self.steps)).checked_div(self.steps).unwrap_or(100)
    }
}

/// No script, no host: even a hole in the escaping of a name could load and run nothing.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Seconds after which a browser loads the page of a running run again.
const RELOAD_SECONDS: u32 = 10;

impl Document<'_> {
    /// The whole file.
    pub(super) fn html(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        self.header(&mut out);
        out.push_str("<main>\n<div class=\"charts\">\n");
        let [loss, accuracy, means, rate, speed] = charts(self.records);
        let threshold = last_validation(self.records).and_then(|validation| validation.threshold);
        for figure in [loss.figure(), accuracy.figure(), bars::figure(self.snapshot, threshold)] {
            out.push_str(&figure);
        }
        for chart in [means, speed, rate] {
            out.push_str(&chart.figure());
        }
        out.push_str("</div>\n");
        out.push_str(&triplets::section(self.snapshot, self.dataset));
        self.settings(&mut out);
        write!(out, "</main>\n<footer>Written {}", moment(self.written)).expect(MEMORY);
        if self.state == State::Running {
            write!(out, "; loads itself again every {RELOAD_SECONDS} seconds while the run goes on")
                .expect(MEMORY);
        }
        out.push_str(". This page is one file: it holds its pictures.</footer>\n</body>\n</html>\n");
        out
    }

    fn head(&self, out: &mut String) {
        out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">").expect(MEMORY);
        if self.state == State::Running {
            writeln!(out, "<meta http-equiv=\"refresh\" content=\"{RELOAD_SECONDS}\">").expect(MEMORY);
        }
        let (title, percent) = (escaped(self.title), self.progress.percent());
        writeln!(out, "<title>{title}: {percent} %</title>").expect(MEMORY);
        writeln!(out, "<style>\n{}</style>\n</head>\n<body>", include_str!("page.css")).expect(MEMORY);
    }

    fn header(&self, out: &mut String) {
        let (class, state) = match self.state {
            State::Running => ("running", "Training".to_owned()),
            State::Finished => ("finished", "Finished".to_owned()),
            State::Stopped(reason) => ("stopped", format!("Stopped: {}", escaped(reason))),
        };
        writeln!(out, "<header>\n<p class=\"state {class}\">{state}</p>").expect(MEMORY);
        writeln!(out, "<h1>{}</h1>\n<p class=\"summary\">{}</p>", escaped(self.title), self.summary())
            .expect(MEMORY);
        let Progress { step, steps, .. } = self.progress;
        let percent = self.progress.percent();
        writeln!(
            out,
            "<progress max=\"{}\" value=\"{step}\" aria-label=\"Steps taken\">{percent} %</progress>\n<dl>",
            steps.max(1)
        )
        .expect(MEMORY);
        for (name, value) in self.figures() {
            writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>").expect(MEMORY);
        }
        out.push_str("</dl>\n</header>\n");
    }

    /// The figures of the moment, those that are known.
    fn figures(&self) -> Vec<(&'static str, String)> {
        let Progress { step, steps, gone, .. } = self.progress;
        let mut figures = vec![(
            "steps",
            format!("{} <small>of {}, {} %</small>", grouped(step), grouped(steps), self.progress.percent()),
        )];
        figures.push(("gone", duration(gone)));
        if let (State::Running, Some(left)) = (self.state, self.progress.left()) {
            figures.push(("left", duration(left)));
        }
        if let Some(last) = last_step(self.records) {
            figures.push(("triplet loss", format!("{:.4}", last.loss)));
            figures.push(("triplets a batch", grouped(last.triplets.round() as u64)));
            if let Some(active) = last.active {
                figures.push(("pairs still active", format!("{:.1} %", 100.0 * active)));
            }
        }
        if let Some(accuracy) = last_validation(self.records).and_then(|last| last.accuracy) {
            figures.push(("validation accuracy", format!("{:.2} %", 100.0 * accuracy)));
        }
        let unreadable = self.records.iter().filter(|r| matches!(r, Record::Unreadable { .. })).count();
        for (name, count) in [("unreadable images", unreadable), ("suspected labels", self.suspects)] {
            if count > 0 {
                figures.push((name, grouped(count as u64)));
            }
        }
        figures
    }

    /// What is trained on what, in a line.
    fn summary(&self) -> String {
        let TrainConfig { network, batch, loss, stages, .. } = self.config;
        let then = stages.iter().map(|stage| format!(", from step {} {}", stage.from, told(&stage.loss)));
        format!(
            "Network {}, {} dimensions; {} faces of {} people; batches of {} × {} faces + {}; loss {}{}",
            escaped(&network.name),
            network.dimension,
            grouped(self.dataset.image_count() as u64),
            grouped(self.dataset.identities().len() as u64),
            batch.identities,
            batch.faces,
            batch.negatives,
            told(loss),
            then.collect::<String>(),
        )
    }

    fn settings(&self, out: &mut String) {
        let settings = escaped(&self.config.to_toml());
        writeln!(
            out,
            "<details class=\"card\"><summary>All settings</summary>\n<pre>{settings}</pre></details>"
        )
        .expect(MEMORY);
    }
}

/// A loss in a few words: its kind, and for triplets which.
fn told(loss: &LossConfig) -> String {
    let facts = serde_json::to_value(loss).expect("settings are plain data");
    let word = |key: &str| facts.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    match (word("kind").unwrap_or_default(), word("rule")) {
        // JSON holds 64 bits; a setting has 32, and is shown as it was written.
        (kind, Some(rule)) => {
            format!("{kind} ({rule}, margin {})", facts["margin"].as_f64().unwrap_or_default() as f32)
        }
        (kind, None) => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_told_as_it_was_written() {
        assert_eq!(told(&LossConfig::default()), "triplet (semi-hard-random, margin 0.2)");
    }

    #[test]
    fn the_time_left_is_told_by_the_pace_since_this_process_took_over() {
        let progress = |step, first_step, seconds| Progress {
            step,
            steps: 100,
            first_step,
            gone: Duration::from_secs(seconds),
        };
        assert_eq!(progress(60, 50, 20).left(), Some(Duration::from_secs(80)));
        assert_eq!(progress(50, 50, 3).left(), None, "no step yet");
        assert_eq!(progress(100, 0, 10).left(), Some(Duration::ZERO));
        assert_eq!(progress(60, 50, 20).percent(), 60);
        assert_eq!(Progress { steps: 0, ..progress(0, 0, 0) }.percent(), 100);
    }
}
