//! Jobs as they outlive the service.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Task;
use super::job::{Ending, Job, State};
use crate::problem::Problem;

/// A job in its file. Of one that has ended there is no path: those may hold names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) task: Task,
    pub(super) created: u64,
    pub(super) done: u64,
    pub(super) total: u64,
    /// When and how it ended; none while it has not.
    pub(super) ended: Option<(u64, Recorded)>,
}

/// How a job ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Recorded {
    Done(Value),
    Failed(Problem),
    Cancelled,
}

impl Record {
    pub(super) fn of(job: &Job) -> Self {
        let ended = match job.state() {
            State::Waiting | State::Running => None,
            State::Ended { at, how } => Some((at, how.into())),
        };
        Self {
            id: job.id,
            task: if ended.is_some() { job.task.without_path() } else { job.task.clone() },
            created: job.created,
            done: job.done(),
            total: job.total(),
            ended,
        }
    }

    /// The job as it was; one that has not ended waits for its turn.
    pub(super) fn job(self) -> Job {
        let job = Job::new(self.id, self.task, self.created);
        match self.ended {
            None => job.resumed(),
            Some((at, how)) => {
                job.expect(self.total);
                job.advance(self.done);
                job.set(State::Ended { at, how: how.into() });
                job
            }
        }
    }
}

impl From<Ending> for Recorded {
    fn from(how: Ending) -> Self {
        match how {
            Ending::Done(mut result) => {
                // What failed is told by its path.
                if let Some(failures) = result.get_mut("failures") {
                    *failures = Value::Array(Vec::new());
                }
                Self::Done(result)
            }
            Ending::Failed(problem) => Self::Failed(problem),
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Recorded> for Ending {
    fn from(how: Recorded) -> Self {
        match how {
            Recorded::Done(result) => Self::Done(result),
            Recorded::Failed(problem) => Self::Failed(problem),
            Recorded::Cancelled => Self::Cancelled,
        }
    }
}

impl Task {
    fn without_path(&self) -> Self {
        match self {
            Self::AddFolder { by_folder, .. } => {
                Self::AddFolder { folder: PathBuf::new(), by_folder: *by_folder }
            }
            other => other.clone(),
        }
    }
}
