//! Work that takes longer than a request: one job at a time, with progress, until it is done or cancelled. A job that had not
//! ended when the service did goes on when it is started again.

mod cluster;
mod folder;
mod job;
mod record;
mod upgrade;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use facenet_core::Distance;
use facenet_gallery::FaceId;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) use self::cluster::Wanted;
pub(crate) use self::job::{Job, JobJson};
use self::record::Record;
use crate::app::App;
use crate::journal::Journal;
use crate::problem::ApiError;

/// How many jobs may wait or run: more than a person starts by hand.
const OPEN: usize = 16;
/// How many jobs are remembered.
const REMEMBERED: usize = 100;

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Group the faces of the gallery by person.
    Cluster(Wanted),
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
            let _turn = app.jobs.turn_of(&job).await;
            job.run(&app).await;
            // Anew, so that a path that it had is in the file no more.
            if !job.is_open()
                && let Err(error) = app.jobs.lock().rewrite()
            {
                (app.settings.report)(&format!("the end of job {} cannot be kept: {error}", job.id));
            }
        });
    }

    /// Waits until it is the job's turn: after all that were started before, in whatever order their tasks begin.
    async fn turn_of(&self, job: &Job) -> SemaphorePermit<'_> {
        loop {
            let turn = self.turn.0.acquire().await.expect("it is never closed");
            let is_next = !self.all().iter().any(|other| other.id < job.id && other.is_open());
            if is_next || job.is_paused() {
                return turn;
            }
            drop(turn);
            tokio::task::yield_now().await;
        }
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
        self.all().iter().for_each(|job| job.pause());
    }

    /// What the last clustering would ask.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_questions(&self, questions: Vec<Question>) {
        *self.questions.lock().unwrap_or_else(PoisonError::into_inner) = questions;
    }

    /// What a clustering of new faces would ask beside what is asked already, about other pairs.
    fn add_questions(&self, questions: Vec<Question>) {
        let mut all = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|old| questions.iter().all(|new| new.faces != old.faces));
        all.extend(questions);
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

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
