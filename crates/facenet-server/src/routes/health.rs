//! `/v1/health`: whether the service is well.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problems;

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// Whether there is a gallery.
    gallery: bool,
    /// Images that wait for the engine.
    waiting: usize,
}

/// Whether the service is well. Needs no key.
#[utoipa::path(get, path = "/v1/health", tag = "service", responses((status = 200, body = Health), Problems))]
pub(crate) async fn health(State(app): State<App>) -> Json<Health> {
    let waiting = app.queue.counts().waiting.load(Ordering::Relaxed);
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), gallery: app.gallery.is_some(), waiting })
}
