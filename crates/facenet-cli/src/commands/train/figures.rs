//! The state of a run, gathered from its events.

use std::time::Duration;

use facenet_train::{Event, Snapshot, StepRecord, ValidationRecord};

/// What the dashboard shows.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// The run.
    pub(super) name: String,
    /// Steps taken.
    pub(super) step: u64,
    /// Steps in all.
    pub(super) steps: u64,
    /// Steps taken before this process took over.
    pub(super) first_step: u64,
    /// Since the first step of this process.
    pub(super) gone: Duration,
    /// Loss by step.
    pub(super) losses: Vec<(f64, f64)>,
    /// Validation accuracy in percent by step.
    pub(super) accuracies: Vec<(f64, f64)>,
    /// The latest means over steps.
    pub(super) record: Option<StepRecord>,
    /// The latest validation.
    pub(super) validation: Option<ValidationRecord>,
    /// The latest look at a batch.
    pub(super) snapshot: Option<Snapshot>,
    /// Bytes of memory that the program holds, where the system says it.
    pub(super) memory: Option<u64>,
}

impl Figures {
    /// Takes in an event that happened `gone` after the first step.
    pub(super) fn take(&mut self, event: &Event, gone: Duration) {
        self.gone = gone;
        match event {
            Event::Starts { step, steps } => {
                (self.step, self.first_step, self.steps) = (*step, *step, *steps);
            }
            Event::Step { step } => self.step = *step,
            Event::Logged(record) => {
                if record.loss.is_finite() {
                    self.losses.push((record.step as f64, f64::from(record.loss)));
                }
                self.record = Some((*record).clone());
                self.memory = memory();
            }
            Event::Validated(record) => {
                let accuracy = record.accuracy.map(|accuracy| (record.step as f64, 100.0 * accuracy));
                self.accuracies.extend(accuracy);
                self.validation = Some((*record).clone());
            }
            Event::Looked(snapshot) => self.snapshot = Some((*snapshot).clone()),
            _ => {}
        }
    }

    /// The time for the steps that are left, at the mean pace so far; none before the first step.
    pub(super) fn left(&self) -> Option<Duration> {
        let taken = self.step.checked_sub(self.first_step).filter(|taken| *taken > 0)?;
        let left = self.steps.saturating_sub(self.step);
        Some(Duration::from_secs_f64(self.gone.as_secs_f64() * left as f64 / taken as f64))
    }

    /// The share of steps that are taken, in `[0, 1]`.
    pub(super) fn share(&self) -> f64 {
        if self.steps == 0 { 0.0 } else { (self.step as f64 / self.steps as f64).min(1.0) }
    }
}

/// Bytes of memory that this process holds; none where the system does not say.
fn memory() -> Option<u64> {
    memory_in(&fs_err::read_to_string("/proc/self/status").ok()?)
}

/// The line `VmRSS:     12345 kB` of Linux's `/proc/self/status`.
fn memory_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_by_the_pace_since_this_process_took_over() {
        let mut figures = Figures::default();
        assert_eq!((figures.left(), figures.share()), (None, 0.0));
        figures.take(&Event::Starts { step: 50, steps: 100 }, Duration::ZERO);
        assert_eq!(figures.left(), None, "no step yet");
        figures.take(&Event::Step { step: 60 }, Duration::from_secs(20));
        assert_eq!((figures.left(), figures.share()), (Some(Duration::from_secs(80)), 0.6));
    }

    #[test]
    fn memory_is_read_from_its_line() {
        assert_eq!(memory_in("VmHWM:\t 99 kB\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!(memory_in("VmHWM:\t 99 kB\n"), None);
    }
}
