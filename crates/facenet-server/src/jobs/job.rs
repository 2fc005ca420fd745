//! One job: how far it is, and how it ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Task, cluster, folder, now, upgrade};
use crate::app::App;
use crate::problem::{ApiError, Problem};

/// A job.
pub(crate) struct Job {
    pub(super) id: u64,
    pub(super) task: Task,
    pub(super) created: u64,
    is_resumed: bool,
    is_cancelled: AtomicBool,
    /// Whether it is to pause until the service is started again.
    is_paused: AtomicBool,
    done: AtomicU64,
    /// 0 while it is not known.
    total: AtomicU64,
    state: Mutex<State>,
}

/// How a job stands.
#[derive(Clone)]
pub(super) enum State {
    Waiting,
    Running,
    Ended { at: u64, how: Ending },
}

/// How a job ended.
#[derive(Clone)]
pub(super) enum Ending {
    Done(Value),
    Failed(Problem),
    Cancelled,
}

/// A job as clients see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobJson {
    id: u64,
    /// `cluster`, `add-folder` or `upgrade`.
    kind: &'static str,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// How many steps are done.
    done: u64,
    /// How many there are, once that is known.
    total: Option<u64>,
    /// When it was asked for, in seconds since 1970.
    created: u64,
    /// Whether it was in work when the service ended, and begins again where it was.
    resumed: bool,
    /// When it ended, in seconds since 1970.
    finished: Option<u64>,
    /// What came of it, if it is done.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed, if it did.
    problem: Option<Problem>,
}

impl Job {
    pub(super) fn new(id: u64, task: Task, created: u64) -> Self {
        Self {
            id,
            task,
            created,
            is_resumed: false,
            is_cancelled: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            state: Mutex::new(State::Waiting),
        }
    }

    pub(super) fn resumed(self) -> Self {
        Self { is_resumed: true, ..self }
    }

    /// The identifier.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Tells it to end as soon as it can.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        let mut state = self.lock();
        if let State::Waiting = *state {
            *state = State::Ended { at: now(), how: Ending::Cancelled };
        }
    }

    /// Tells it to pause as soon as it can, until the service is started again.
    pub(super) fn pause(&self) {
        self.is_paused.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state(), State::Ended { .. })
    }

    pub(super) fn state(&self) -> State {
        self.lock().clone()
    }

    pub(super) fn set(&self, state: State) {
        *self.lock() = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does its work, if it is open and not to pause.
    pub(super) async fn run(&self, app: &App) {
        if !self.is_open() || self.is_paused() {
            return;
        }
        self.set(State::Running);
        let ended = match &self.task {
            Task::Cluster(wanted) => cluster::run(app, self, *wanted).await,
            Task::AddFolder { folder, by_folder } => folder::run(app, self, folder, *by_folder).await,
            Task::Upgrade { finish } => upgrade::run(app, self, *finish).await,
        };
        let how = match ended {
            Ok(result) => Ending::Done(result),
            Err(ApiError::Cancelled) => Ending::Cancelled,
            Err(ApiError::Stopping) => return self.set(State::Waiting),
            Err(error) => Ending::Failed(error.problem()),
        };
        self.set(State::Ended { at: now(), how });
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Says how many steps there are.
    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Says that so many more steps are done.
    pub(super) fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Says that no step is done.
    pub(super) fn begin_again(&self) {
        self.done.store(0, Ordering::Relaxed);
    }

    /// An error if it was told to end, or to pause.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(ApiError::Cancelled);
        }
        if self.is_paused() { Err(ApiError::Stopping) } else { Ok(()) }
    }
}

impl From<&Job> for JobJson {
    fn from(job: &Job) -> Self {
        let total = job.total();
        let (name, finished, result, problem) = match job.state() {
            State::Waiting => ("waiting", None, None, None),
            State::Running => ("running", None, None, None),
            State::Ended { at, how: Ending::Done(result) } => ("done", Some(at), Some(result), None),
            State::Ended { at, how: Ending::Failed(problem) } => ("failed", Some(at), None, Some(problem)),
            State::Ended { at, how: Ending::Cancelled } => ("cancelled", Some(at), None, None),
        };
        Self {
            id: job.id,
            kind: match job.task {
                Task::Cluster(_) => "cluster",
                Task::AddFolder { .. } => "add-folder",
                Task::Upgrade { .. } => "upgrade",
            },
            state: name,
            done: job.done(),
            total: Some(total).filter(|total| *total > 0),
            created: job.created,
            resumed: job.is_resumed,
            finished,
            result,
            problem,
        }
    }
}
