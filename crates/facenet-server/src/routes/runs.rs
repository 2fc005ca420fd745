//! `/v1/runs`: training runs, as they go on.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::runs::{self, Curve, RunJson};
use crate::upload::Id;

/// What a run's page may do when it is opened for itself: show its pictures and nothing else.
const POLICY: &str =
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    /// In the order in which the service was told of them.
    items: Vec<RunJson>,
}

/// A run and its figures.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunCurves {
    #[serde(flatten)]
    run: RunJson,
    /// By kind and field.
    curves: Vec<Curve>,
}

/// The training runs that the service was started with, and how far they are.
#[utoipa::path(get, path = "/v1/runs", tag = "runs", responses((status = 200, body = RunList), Problems))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<RunList>, ApiError> {
    let folders = app.settings.runs.clone();
    let looked = blocking(move || {
        let runs = (1..).zip(&folders).map(|(id, folder)| Ok(runs::look(id, folder)?.0));
        runs.collect::<std::io::Result<Vec<RunJson>>>()
    });
    Ok(Json(RunList { items: looked.await? }))
}

/// A run with its curves, as its log has them so far.
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs", params(("id" = i64, Path)),
    responses((status = 200, body = RunCurves), Problems)
)]
pub(crate) async fn get(State(app): State<App>, Id(id): Id) -> Result<Json<RunCurves>, ApiError> {
    let (id, folder) = run(&app, id)?;
    let (run, log) = blocking(move || runs::look(id, &folder)).await?;
    Ok(Json(RunCurves { run, curves: log.curves }))
}

/// The page that the run itself writes: its curves, distances, and the pictures of its hardest triplets.
#[utoipa::path(
    get, path = "/v1/runs/{id}/page", tag = "runs", params(("id" = i64, Path)),
    responses((status = 200, body = String, content_type = "text/html"), Problems)
)]
pub(crate) async fn page(State(app): State<App>, Id(id): Id) -> Result<Response, ApiError> {
    let (number, folder) = run(&app, id)?;
    let page = blocking(move || runs::page(&folder)).await?.ok_or(ApiError::NoRun(number as i64))?;
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// The identifier as a number, and the folder of the run.
fn run(app: &App, id: i64) -> Result<(usize, PathBuf), ApiError> {
    let number = usize::try_from(id).ok().filter(|number| *number > 0);
    let folder = number.and_then(|number| app.settings.runs.get(number - 1));
    number.zip(folder.cloned()).ok_or(ApiError::NoRun(id))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| ApiError::Internal("reading a run panicked".into()))?;
    done.map_err(|error| ApiError::Internal(format!("a run cannot be read: {error}")))
}
