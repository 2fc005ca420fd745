//! What a run writes down, a JSON object a line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facenet::write_beside;
use facenet_eval::VerificationReport;
use serde::{Deserialize, Serialize};

use crate::loss::Measured;
use crate::miner::MeanDistances;
use crate::{LoadedBatch, Mined};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// The means over some steps.
    Step(StepRecord),
    /// Figures on the validation pairs.
    Validation(ValidationRecord),
    /// The means over some steps of a detector.
    Detector(DetectorRecord),
    /// A detector's figures on the validation photos.
    DetectorValidation(DetectorValidationRecord),
    /// An image that could not be read.
    Unreadable {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Means over the steps since the record before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Steps taken.
    pub step: u64,
    /// The loss.
    pub loss: f32,
    /// The learning rate of the last step.
    pub learning_rate: f32,
    /// Triplets a batch; 0 with losses that have none.
    pub triplets: f64,
    /// The share of anchor-positive pairs that still have a negative inside the margin; none without pairs.
    pub active: Option<f64>,
    /// The share of faces that a classification loss assigned to the right person; none with other losses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Mean squared distance of a face to another of the same person, over whole batches; none without such.
    pub positive_distance: Option<f32>,
    /// Mean squared distance of a face to those of others, over whole batches; none without such.
    pub negative_distance: Option<f32>,
    /// Faces a batch.
    pub faces: f64,
    /// Images that could not be read and were replaced or left out.
    pub skipped: usize,
    /// Faces a second, waiting included.
    pub faces_per_second: f64,
    /// The share of the time that the training waited for batches.
    pub waiting: f64,
}

/// Means over the steps of a detector since the record before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorRecord {
    /// Steps taken.
    pub step: u64,
    /// The loss: the sum of its parts.
    pub loss: f32,
    /// Of scores.
    pub score_loss: f32,
    /// Of boxes, weighted.
    pub box_loss: f32,
    /// Of landmarks, weighted.
    pub landmark_loss: f32,
    /// Intersection over union of a box with its face.
    pub overlap: f32,
    /// Places that belong to a face, a batch.
    pub positives: f64,
    /// The learning rate of the last step.
    pub learning_rate: f32,
    /// Scenes a second, waiting included.
    pub scenes_per_second: f64,
    /// The share of the time that the training waited for batches.
    pub waiting: f64,
}

/// A detector's figures on the validation photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorValidationRecord {
    /// Steps taken.
    pub step: u64,
    /// Average precision over all faces, and over those below 24, from 24 to 64, and above 64 pixels high; none of a
    /// range without faces.
    pub average_precision: [Option<f64>; 4],
    /// The share of faces found where one photo in ten has a false one.
    pub recall: Option<f64>,
    /// Mean landmark error over the eyes' distance.
    pub landmark_error: Option<f64>,
}

/// Figures on the validation pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationRecord {
    /// Steps taken.
    pub step: u64,
    /// Accuracy over folds; none when the pairs have one fold.
    pub accuracy: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Area under the ROC curve.
    pub auc: f64,
    /// The squared distance up to which a pair counts as the same person, mean over folds; none when the pairs have
    /// one fold, and in logs from before it was written down.
    #[serde(default)]
    pub threshold: Option<f32>,
}

impl ValidationRecord {
    /// The figures of a report.
    pub fn of(step: u64, report: &VerificationReport) -> Self {
        Self {
            step,
            accuracy: report.accuracy.as_ref().map(|a| a.mean),
            standard_error: report.accuracy.as_ref().map(|a| a.standard_error),
            auc: report.auc,
            threshold: report.accuracy.as_ref().map(|a| {
                a.folds.iter().map(|fold| fold.threshold.value()).sum::<f32>() / a.folds.len() as f32
            }),
        }
    }
}

impl Record {
    /// The step a record belongs to, if to one.
    fn step(&self) -> Option<u64> {
        match self {
            Self::Step(record) => Some(record.step),
            Self::Validation(record) => Some(record.step),
            Self::Detector(record) => Some(record.step),
            Self::DetectorValidation(record) => Some(record.step),
            Self::Unreadable { .. } => None,
        }
    }
}

/// Steps since the last record.
#[derive(Debug, Default)]
pub(crate) struct Window {
    steps: usize,
    loss: f64,
    triplets: usize,
    active: Mean,
    accuracy: Mean,
    positive: Mean,
    negative: Mean,
    faces: usize,
    skipped: usize,
    waited: Duration,
    worked: Duration,
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Window {
    pub(crate) fn add(
        &mut self,
        measured: &Measured,
        distances: Option<MeanDistances>,
        batch: &LoadedBatch,
        waited: Duration,
        worked: Duration,
    ) {
        self.steps += 1;
        self.loss += f64::from(measured.value);
        self.triplets += measured.mined.as_ref().map_or(0, |mined| mined.triplets.len());
        self.active.add(measured.mined.as_ref().and_then(Mined::active));
        self.accuracy.add(measured.accuracy.map(f64::from));
        self.positive.add(distances.map(|means| f64::from(means.positive)));
        self.negative.add(distances.map(|means| f64::from(means.negative)));
        self.faces += batch.labels.len();
        self.skipped += batch.skipped;
        self.waited += waited;
        self.worked += worked;
    }

    pub(crate) fn finish(self, step: u64, learning_rate: f32) -> StepRecord {
        let steps = self.steps.max(1) as f64;
        let seconds = (self.waited + self.worked).as_secs_f64().max(1e-9);
        StepRecord {
            step,
            loss: (self.loss / steps) as f32,
            learning_rate,
            triplets: self.triplets as f64 / steps,
            active: self.active.get(),
            accuracy: self.accuracy.get(),
            positive_distance: self.positive.get().map(|v| v as f32),
            negative_distance: self.negative.get().map(|v| v as f32),
            faces: self.faces as f64 / steps,
            skipped: self.skipped,
            faces_per_second: self.faces as f64 / seconds,
            waiting: self.waited.as_secs_f64() / seconds,
        }
    }
}

/// The log of a run, appended to.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: fs_err::File,
}

/// Why the log cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be read or written.
    #[error("cannot keep the log `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Log {
    /// Opens the log of a run that goes on after `step`: what was written after it is forgotten, since those steps
    /// are taken again, and so is a last line that was cut off.
    pub(crate) fn open(path: &Path, step: u64) -> Result<Self, LogError> {
        let wrong = |source| LogError::Io { path: path.into(), source };
        let kept: String = read_records(path)
            .map_err(wrong)?
            .iter()
            .filter(|record| record.step().is_none_or(|at| at <= step))
            .map(|record| serde_json::to_string(record).expect("records are plain data") + "\n")
            .collect();
        write_beside(path, kept.as_bytes()).map_err(wrong)?;
        let file = fs_err::OpenOptions::new().append(true).open(path).map_err(wrong)?;
        Ok(Self { path: path.into(), file })
    }

    pub(crate) fn append(&mut self, record: &Record) -> Result<(), LogError> {
        let line = serde_json::to_string(record).expect("records are plain data") + "\n";
        self.file
            .write_all(line.as_bytes())
            .map_err(|source| LogError::Io { path: self.path.clone(), source })
    }

    pub(crate) fn records(&self) -> Result<Vec<Record>, LogError> {
        read_records(&self.path).map_err(|source| LogError::Io { path: self.path.clone(), source })
    }
}

/// The records of a log; none when there is no file. Lines that are no record are left out: a process that was killed
/// can leave half a line.
fn read_records(path: &Path) -> std::io::Result<Vec<Record>> {
    match fs_err::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validation(step: u64) -> Record {
        Record::Validation(ValidationRecord {
            step,
            accuracy: Some(0.5),
            standard_error: None,
            auc: 0.5,
            threshold: None,
        })
    }

    #[test]
    fn steps_that_will_be_taken_again_and_half_a_line_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        let unreadable = Record::Unreadable { place: "a/1.jpg".into(), reason: "truncated".into() };
        for record in [validation(10), unreadable.clone(), validation(20), validation(30)] {
            log.append(&record).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{{\"kind\":\"valid")).unwrap();

        let mut log = Log::open(&path, 20).unwrap();
        log.append(&validation(25)).unwrap();
        assert_eq!(log.records().unwrap(), [validation(10), unreadable, validation(20), validation(25)]);
    }
}
