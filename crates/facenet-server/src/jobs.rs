//! Work that takes longer than a request: one job at a time, with progress, until it is done or cancelled.

mod cluster;
mod folder;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use facenet_core::Distance;
use facenet_gallery::FaceId;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{ApiError, Problem};

/// How many jobs may wait or run: more than a person starts by hand.
const OPEN: usize = 16;
/// How many jobs are remembered.
const REMEMBERED: usize = 100;

/// What to do.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// Group the faces of the gallery by person.
    Cluster {
        /// Up to which distance they count as one.
        threshold: Distance,
    },
    /// Add the photos of a folder of the server.
    AddFolder {
        /// The folder, which is allowed.
        folder: PathBuf,
        /// Whether the folder that directly holds a photo is named like its person.
        by_folder: bool,
    },
}

/// All jobs since the start of the service.
pub(crate) struct Jobs {
    list: Mutex<List>,
    /// One at a time: two would only slow each other down.
    turn: Semaphore,
    questions: Mutex<Vec<Question>>,
}

#[derive(Default)]
struct List {
    jobs: VecDeque<Arc<Job>>,
    last_id: u64,
}

/// Two faces that may be one person.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) faces: (FaceId, FaceId),
    pub(crate) distance: Distance,
    pub(crate) why: &'static str,
}

/// A job.
pub(crate) struct Job {
    id: u64,
    task: Task,
    created: u64,
    is_cancelled: AtomicBool,
    done: AtomicU64,
    /// 0 while it is not known.
    total: AtomicU64,
    state: Mutex<State>,
}

#[derive(Clone)]
enum State {
    Waiting,
    Running,
    Ended { at: u64, how: Ending },
}

#[derive(Clone)]
enum Ending {
    Done(Value),
    Failed(Problem),
    Cancelled,
}

/// A job as clients see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobJson {
    id: u64,
    /// `cluster` or `add-folder`.
    kind: &'static str,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// How many steps are done.
    done: u64,
    /// How many there are, once that is known.
    total: Option<u64>,
    /// When it was asked for, in seconds since 1970.
    created: u64,
    /// When it ended, in seconds since 1970.
    finished: Option<u64>,
    /// What came of it, if it is done.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// Why it failed, if it did.
    problem: Option<Problem>,
}

impl Jobs {
    pub(crate) fn new() -> Self {
        Self { list: Mutex::default(), turn: Semaphore::new(1), questions: Mutex::default() }
    }

    /// Starts a job, or lets it wait for its turn.
    ///
    /// # Errors
    /// When too many wait.
    pub(crate) fn start(&self, app: &App, task: Task) -> Result<Arc<Job>, ApiError> {
        let job = {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            if list.jobs.iter().filter(|job| job.is_open()).count() >= OPEN {
                return Err(ApiError::Overloaded);
            }
            list.last_id += 1;
            let job = Arc::new(Job::new(list.last_id, task));
            list.jobs.push_front(Arc::clone(&job));
            list.jobs.truncate(REMEMBERED);
            job
        };
        let (app, of_task) = (app.clone(), Arc::clone(&job));
        tokio::spawn(async move {
            let _turn = app.jobs.turn.acquire().await.expect("it is never closed");
            of_task.run(&app).await;
        });
        Ok(job)
    }

    /// All jobs, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<Job>> {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.jobs.iter().map(Arc::clone).collect()
    }

    /// The job with this identifier.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn get(&self, id: u64) -> Result<Arc<Job>, ApiError> {
        self.all().into_iter().find(|job| job.id == id).ok_or(ApiError::NoJob(id))
    }

    /// Tells all jobs to end: what they have done is kept.
    pub(crate) fn cancel_all(&self) {
        self.all().iter().for_each(|job| job.cancel());
    }

    /// What the last clustering would ask.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_questions(&self, questions: Vec<Question>) {
        *self.questions.lock().unwrap_or_else(PoisonError::into_inner) = questions;
    }
}

impl Job {
    fn new(id: u64, task: Task) -> Self {
        Self {
            id,
            task,
            created: now(),
            is_cancelled: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            state: Mutex::new(State::Waiting),
        }
    }

    /// The identifier.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Tells it to end as soon as it can.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Waiting = *state {
            *state = State::Ended { at: now(), how: Ending::Cancelled };
        }
    }

    fn is_open(&self) -> bool {
        !matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Ended { .. })
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn run(&self, app: &App) {
        if !self.is_open() {
            return;
        }
        self.set(State::Running);
        let ended = match &self.task {
            Task::Cluster { threshold } => cluster::run(app, self, *threshold).await,
            Task::AddFolder { folder, by_folder } => folder::run(app, self, folder, *by_folder).await,
        };
        let how = match ended {
            Ok(result) => Ending::Done(result),
            Err(ApiError::Cancelled) => Ending::Cancelled,
            Err(error) => Ending::Failed(error.problem()),
        };
        self.set(State::Ended { at: now(), how });
    }

    /// Says how many steps there are.
    fn expect(&self, total: usize) {
        self.total.store(total as u64, Ordering::Relaxed);
    }

    /// Says that so many more steps are done.
    fn advance(&self, steps: usize) {
        self.done.fetch_add(steps as u64, Ordering::Relaxed);
    }

    /// An error if it was told to end.
    fn check(&self) -> Result<(), ApiError> {
        if self.is_cancelled.load(Ordering::Relaxed) { Err(ApiError::Cancelled) } else { Ok(()) }
    }
}

impl From<&Job> for JobJson {
    fn from(job: &Job) -> Self {
        let state = job.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let total = job.total.load(Ordering::Relaxed);
        let (name, finished, result, problem) = match state {
            State::Waiting => ("waiting", None, None, None),
            State::Running => ("running", None, None, None),
            State::Ended { at, how: Ending::Done(result) } => ("done", Some(at), Some(result), None),
            State::Ended { at, how: Ending::Failed(problem) } => ("failed", Some(at), None, Some(problem)),
            State::Ended { at, how: Ending::Cancelled } => ("cancelled", Some(at), None, None),
        };
        Self {
            id: job.id,
            kind: match job.task {
                Task::Cluster { .. } => "cluster",
                Task::AddFolder { .. } => "add-folder",
            },
            state: name,
            done: job.done.load(Ordering::Relaxed),
            total: Some(total).filter(|total| *total > 0),
            created: job.created,
            finished,
            result,
            problem,
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
