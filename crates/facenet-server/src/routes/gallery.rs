//! `/v1/gallery` and `/v1/events`: the gallery as a whole, and what was done to it.

use axum::Json;
use axum::extract::State;
use facenet_core::Contract;
use facenet_gallery::Store;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::records::{Page, Paging};
use crate::routes::identify::FALSE_ACCEPT_RATE;
use crate::shapes::{Choice, Threshold};
use crate::upload::Params;

/// The gallery.
#[derive(Serialize, ToSchema)]
pub(crate) struct GalleryJson {
    /// The model's identifier.
    model: String,
    /// The model before an upgrade that is not finished.
    upgrading_from: Option<String>,
    /// Whether the service has another model than the gallery, and an upgrade would bring the gallery to it.
    upgrade: bool,
    counts: Counts,
    /// Whether the paths of photos are kept.
    keeps_paths: bool,
    /// Whether small pictures of the faces are kept.
    keeps_crops: bool,
    /// Whether it may not be changed.
    read_only: bool,
    /// The threshold that counts where none is asked for.
    threshold: Option<Threshold>,
    /// Folders of the server whose photos may be added.
    folders: Vec<String>,
}

/// How much it holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    people: u64,
    photos: u64,
    faces: u64,
    /// Faces that are nobody's yet.
    unassigned: u64,
    /// Faces whose embeddings are of an older model than the gallery's.
    older: u64,
    corrections: u64,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventJson {
    id: i64,
    /// When, in seconds since 1970.
    at: i64,
    /// What: `add`, `rename`, `remove` …
    kind: &'static str,
    /// To how many records.
    records: i64,
}

/// The gallery: how much it holds, and what it keeps.
#[utoipa::path(get, path = "/v1/gallery", tag = "gallery", responses((status = 200, body = GalleryJson), Problems))]
pub(crate) async fn gallery(State(app): State<App>) -> Result<Json<GalleryJson>, ApiError> {
    let desk = app.gallery()?;
    let counts = desk.ask(|store| Ok(store.counts()?)).await?;
    let settings = desk.settings();
    Ok(Json(GalleryJson {
        model: settings.contract.id(),
        upgrading_from: settings.upgrading_from.as_ref().map(Contract::id),
        upgrade: app.contract.check_comparable(&settings.contract).is_err(),
        counts: Counts {
            people: counts.people,
            photos: counts.photos,
            faces: counts.faces,
            unassigned: counts.unassigned,
            older: counts.older,
            corrections: counts.corrections,
        },
        keeps_paths: settings.keeps_paths,
        keeps_crops: settings.keeps_crops,
        read_only: desk.is_read_only(),
        threshold: Choice::default().of(&app.contract, FALSE_ACCEPT_RATE).ok(),
        folders: app.settings.folders.iter().map(|folder| folder.display().to_string()).collect(),
    }))
}

/// What was done to the gallery, the newest first.
#[utoipa::path(
    get, path = "/v1/events", tag = "gallery", params(Paging),
    responses((status = 200, body = Page<EventJson>), Problems)
)]
pub(crate) async fn events(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<EventJson>>, ApiError> {
    let (limit, before) = paging.of()?;
    let events = app.gallery()?.ask(|store| Ok(store.events()?)).await?;
    let older = events.into_iter().rev().filter(|event| before == 0 || event.id < before);
    Ok(Json(Page::of(
        older,
        limit,
        |event| event.id,
        |event| EventJson { id: event.id, at: event.at, kind: event.kind.name(), records: event.records },
    )))
}
