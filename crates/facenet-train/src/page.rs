//! A run as a page: one HTML file that needs nothing else, written anew while the run goes on.

mod axis;
mod bars;
mod chart;
mod curves;
mod document;
mod text;
mod thumbnail;
mod triplets;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use facenet::write_beside;

use crate::{Dataset, Record, Snapshot, TrainConfig};
use document::{Document, Progress, State};

/// The least time between two writings of a page: a browser asks for it every ten seconds.
const EVERY: Duration = Duration::from_secs(5);

/// The page of a run, kept up to date while the run goes on.
///
/// It shows progress, curves, the distances in the latest batch and its hardest triplets as pictures. It asks no host
/// for anything, holds no script, and loads itself again every ten seconds until it is closed.
#[derive(Debug)]
pub struct LivePage {
    path: PathBuf,
    title: String,
    config: TrainConfig,
    dataset: Arc<Dataset>,
    records: Vec<Record>,
    snapshot: Option<Snapshot>,
    suspects: usize,
    first_step: u64,
    started: Instant,
    written: Option<Instant>,
}

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All steps were taken.
    Finished,
    /// Something stopped it: what, in words.
    Stopped(String),
}

impl LivePage {
    /// The page at `path` of a run named `title` that goes on after `step` steps, with the `records` of its log so
    /// far. Nothing is written yet.
    pub fn new(
        path: PathBuf,
        title: String,
        config: TrainConfig,
        dataset: Arc<Dataset>,
        records: Vec<Record>,
        step: u64,
    ) -> Self {
        Self {
            path,
            title,
            config,
            dataset,
            records,
            snapshot: None,
            suspects: 0,
            first_step: step,
            started: Instant::now(),
            written: None,
        }
    }

    /// Takes in what was logged.
    pub fn add(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Takes in a look at the latest batch.
    pub fn look(&mut self, snapshot: Snapshot) {
        self.snapshot = Some(snapshot);
    }

    /// Takes in how many images are suspected to be wrongly labelled.
    pub fn set_suspects(&mut self, count: usize) {
        self.suspects = count;
    }

    /// Writes the page as it is after `step` steps, unless it was written in the last five seconds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn refresh(&mut self, step: u64) -> io::Result<()> {
        if self.written.is_some_and(|written| written.elapsed() < EVERY) {
            return Ok(());
        }
        self.write(step, State::Running)?;
        // After the writing: a slow disk must not be kept busy with pages.
        self.written = Some(Instant::now());
        Ok(())
    }

    /// Writes the page for the last time, after `step` steps: it stays as it is then.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn close(&self, step: u64, end: &End) -> io::Result<()> {
        self.write(
            step,
            match end {
                End::Finished => State::Finished,
                End::Stopped(reason) => State::Stopped(reason),
            },
        )
    }

    fn write(&self, step: u64, state: State<'_>) -> io::Result<()> {
        let progress = Progress {
            step,
            steps: self.config.schedule.steps,
            first_step: self.first_step,
            gone: self.started.elapsed(),
        };
        let document = Document {
            title: &self.title,
            config: &self.config,
            dataset: &self.dataset,
            records: &self.records,
            snapshot: self.snapshot.as_ref(),
            suspects: self.suspects,
            progress,
            state,
            written: SystemTime::now(),
        };
        write_beside(&self.path, document.html().as_bytes())
    }
}

#[cfg(test)]
mod tests;
