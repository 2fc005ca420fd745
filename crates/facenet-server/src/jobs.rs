//! Work that takes longer than a request: one job at a time, with progress, until it is done or cancelled. A job that had not
//! ended when the service did goes on when it is started again.

mod cluster;
mod folder;
mod record;
mod upgrade;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use facenet_core::Distance;
use facenet_gallery::FaceId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use self::record::Record;
use crate::app::App;
use crate::journal::Journal;
use crate::problem::{ApiError, Problem};

/// How many jobs may wait or run: more than a person starts by hand.
const OPEN: usize = 16;
/// How many jobs are remembered.
const REMEMBERED: usize = 100;

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Group the faces of the gallery by person.
    Cluster {
        /// Up to which distance they count as one.
        threshold: Distance,
    },
    /// Add the photos of a folder of the server.
    AddFolder {
        /// The folder, which was allowed when the job was started.
        folder: PathBuf,
        /// Whether the folder that directly holds a photo is named like its person.
        by_folder: bool,
    },
    /// Bring the gallery to the service's model.
    Upgrade {
        /// Whether the embeddings from before are deleted at the end, if none is still needed.
        finish: bool,
    },
}

/// The last jobs.
#[derive(Default)]
pub(crate) struct Jobs {
    list: Mutex<List>,
    /// One at a time: two would only slow each other down.
    turn: Turn,
    questions: Mutex<Vec<Question>>,
}

struct Turn(Semaphore);

#[derive(Default)]
struct List {
    jobs: VecDeque<Arc<Job>>,
    last_id: u64,
    /// Where they outlive the service; none where it has no place to write to.
    journal: Option<Journal<Record>>,
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
    is_resumed: bool,
    is_cancelled: AtomicBool,
    /// Whether it is to pause until the service is started again.
    is_paused: AtomicBool,
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

impl Jobs {
    /// Those that the file at `path` has from before, and which it will have.
    ///
    /// # Errors
    /// When the file cannot be read and written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (journal, records) = Journal::<Record>::open(path)?;
        let mut list = List { journal: Some(journal), ..List::default() };
        for record in records {
            list.last_id = list.last_id.max(record.id);
            let job = Arc::new(record.job());
            match list.jobs.iter().position(|known| known.id == job.id) {
                Some(place) => list.jobs[place] = job,
                None => list.jobs.push_front(job),
            }
        }
        list.jobs.truncate(REMEMBERED);
        list.rewrite()?;
        Ok(Self { list: Mutex::new(list), ..Self::default() })
    }

    /// Lets all jobs that had not ended go on, in their order.
    pub(crate) fn resume(&self, app: &App) {
        self.all().iter().rev().filter(|job| job.is_open()).for_each(|job| self.spawn(app, job));
    }

    /// Starts a job, or lets it wait for its turn.
    ///
    /// # Errors
    /// When too many wait, or it cannot be remembered.
    pub(crate) fn start(&self, app: &App, task: Task) -> Result<Arc<Job>, ApiError> {
        let job = {
            let mut list = self.lock();
            if list.jobs.iter().filter(|job| job.is_open()).count() >= OPEN {
                return Err(ApiError::Overloaded);
            }
            list.last_id += 1;
            let job = Arc::new(Job::new(list.last_id, task, now()));
            list.remember(&job)
                .map_err(|error| ApiError::Internal(format!("a job cannot be kept: {error}")))?;
            list.jobs.push_front(Arc::clone(&job));
            list.jobs.truncate(REMEMBERED);
            job
        };
        self.spawn(app, &job);
        Ok(job)
    }

    fn spawn(&self, app: &App, job: &Arc<Job>) {
        let (app, job) = (app.clone(), Arc::clone(job));
        tokio::spawn(async move {
            let _turn = app.jobs.turn.0.acquire().await.expect("it is never closed");
            job.run(&app).await;
            // Anew, so that a path that it had is in the file no more.
            if !job.is_open()
                && let Err(error) = app.jobs.lock().rewrite()
            {
                (app.settings.report)(&format!("the end of job {} cannot be kept: {error}", job.id));
            }
        });
    }

    /// All jobs, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<Job>> {
        self.lock().jobs.iter().map(Arc::clone).collect()
    }

    /// The job with this identifier.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn get(&self, id: u64) -> Result<Arc<Job>, ApiError> {
        self.all().into_iter().find(|job| job.id == id).ok_or(ApiError::NoJob(id))
    }

    /// Tells all jobs to pause: what they have done is kept, and the rest done when the service is started again.
    pub(crate) fn pause_all(&self) {
        self.all().iter().for_each(|job| job.is_paused.store(true, Ordering::Relaxed));
    }

    /// What the last clustering would ask.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_questions(&self, questions: Vec<Question>) {
        *self.questions.lock().unwrap_or_else(PoisonError::into_inner) = questions;
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl List {
    /// Writes down how a job stands.
    fn remember(&mut self, job: &Job) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.append(&Record::of(job))?;
        if journal.has_grown() { self.rewrite() } else { Ok(()) }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let records: Vec<Record> = self.jobs.iter().rev().map(|job| Record::of(job)).collect();
        self.journal.as_mut().map_or(Ok(()), |journal| journal.rewrite(records.iter()))
    }
}

impl Job {
    fn new(id: u64, task: Task, created: u64) -> Self {
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

    fn resumed(self) -> Self {
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

    fn is_open(&self) -> bool {
        !matches!(self.state(), State::Ended { .. })
    }

    fn state(&self) -> State {
        self.lock().clone()
    }

    fn set(&self, state: State) {
        *self.lock() = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, app: &App) {
        if !self.is_open() || self.is_paused.load(Ordering::Relaxed) {
            return;
        }
        self.set(State::Running);
        let ended = match &self.task {
            Task::Cluster { threshold } => cluster::run(app, self, *threshold).await,
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

    fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Says how many steps there are.
    fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Says that so many more steps are done.
    fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Says that no step is done.
    fn begin_again(&self) {
        self.done.store(0, Ordering::Relaxed);
    }

    /// An error if it was told to end, or to pause.
    fn check(&self) -> Result<(), ApiError> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(ApiError::Cancelled);
        }
        if self.is_paused.load(Ordering::Relaxed) { Err(ApiError::Stopping) } else { Ok(()) }
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
                Task::Cluster { .. } => "cluster",
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

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
