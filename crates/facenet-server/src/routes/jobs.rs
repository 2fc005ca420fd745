//! `/v1/jobs`: work that takes longer than a request.

use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::jobs::{JobJson, Task, Wanted};
use crate::problem::{ApiError, Problems};
use crate::routes::identify::FALSE_ACCEPT_RATE;
use crate::shapes::Choice;
use crate::upload::{Body, Id};

/// What to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum NewJob {
    /// Group the faces of the gallery by person. What the user said stays.
    Cluster {
        /// The largest share of pairs of strangers that may pass as one person.
        far: Option<f64>,
        /// Join up to this squared distance instead of a calibrated one.
        threshold: Option<f32>,
        /// Only faces that came since the last clustering, with whoever is near them; everybody else is left as they are.
        #[serde(default)]
        new_only: bool,
    },
    /// Add the photos of a folder of the server that its settings allow. Needs the scope `admin`.
    AddFolder {
        /// The absolute path of the folder.
        #[schema(value_type = String)]
        folder: PathBuf,
        /// Whether the folder that directly holds a photo is named like the person whose photo it is.
        #[serde(default)]
        by_folder: bool,
    },
    /// Bring the gallery to the service's model, which has to be harmonic to the gallery's, by embedding its faces anew. Needs
    /// the scope `admin`.
    Upgrade {
        /// Delete the embeddings from before at the end, if no face is left that needs them. It cannot be taken back then.
        #[serde(default)]
        finish: bool,
    },
}

/// The jobs.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobList {
    /// The newest first.
    items: Vec<JobJson>,
}

/// The last hundred jobs, the newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", responses((status = 200, body = JobList), Problems))]
pub(crate) async fn list(State(app): State<App>) -> Json<JobList> {
    Json(JobList { items: app.jobs.all().iter().map(|job| (&**job).into()).collect() })
}

/// Starts a job: clustering, adding a folder, or an upgrade. `GET` it until it has ended.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", request_body = NewJob,
    responses((status = 202, body = JobJson, headers(("location" = String, description = "Where it is"))), Problems)
)]
pub(crate) async fn start(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewJob>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<JobJson>), ApiError> {
    let desk = app.gallery()?;
    if desk.is_read_only() {
        return Err(ApiError::ReadOnly);
    }
    let task = match new {
        NewJob::Cluster { far, threshold, new_only } => {
            // That of the gallery's own model: the faces are compared with each other.
            let settings = desk.settings();
            let threshold = Choice { far, threshold }.of(&settings.contract, FALSE_ACCEPT_RATE)?;
            Task::Cluster(Wanted { threshold: threshold.distance, new_only })
        }
        NewJob::Upgrade { finish } => {
            caller.need(Scope::Admin)?;
            Task::Upgrade { finish }
        }
        NewJob::AddFolder { folder, by_folder } => {
            caller.need(Scope::Admin)?;
            desk.need_taking(&app.contract)?;
            Task::AddFolder { folder: allowed(&folder, &app.settings.folders)?, by_folder }
        }
    };
    let job = app.jobs.start(&app, task)?;
    let location = [(header::LOCATION, format!("/v1/jobs/{}", job.id()))];
    Ok((StatusCode::ACCEPTED, location, Json((&*job).into())))
}

/// A job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = i64, Path)),
    responses((status = 200, body = JobJson), Problems)
)]
pub(crate) async fn get(State(app): State<App>, Id(id): Id) -> Result<Json<JobJson>, ApiError> {
    Ok(Json((&*app.jobs.get(id.unsigned_abs())?).into()))
}

/// Cancels a job. It ends after the step it is at; what it has done is kept.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = i64, Path)),
    responses((status = 200, body = JobJson), Problems)
)]
pub(crate) async fn cancel(State(app): State<App>, Id(id): Id) -> Result<Json<JobJson>, ApiError> {
    let job = app.jobs.get(id.unsigned_abs())?;
    job.cancel();
    Ok(Json((&*job).into()))
}

/// The folder without links and dots, if it lies in one of those that are allowed. Whether one that is not allowed exists is
/// not told.
pub(crate) fn allowed(folder: &Path, folders: &[PathBuf]) -> Result<PathBuf, ApiError> {
    let real = fs_err::canonicalize(folder).ok().filter(|real| real.is_dir());
    let real = real.filter(|real| {
        folders
            .iter()
            .filter_map(|folder| fs_err::canonicalize(folder).ok())
            .any(|allowed| real.starts_with(allowed))
    });
    real.ok_or(ApiError::Folder)
}
