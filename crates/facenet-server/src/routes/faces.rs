//! `/v1/faces`: the faces of the gallery.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use facenet_core::Distance;
use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, FaceRecord, PersonId, Removal, SqliteStore, Store, StoreError,
    Subject,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::records::{DryRun, FaceJson, Page, Paging, RemovedJson};
use crate::routes::identify::FALSE_ACCEPT_RATE;
use crate::routes::people::need_person;
use crate::routes::removal::{Deleted, delete};
use crate::shapes::{Choice, Threshold};
use crate::upload::{Body, Id, Params};

/// Which faces are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those of this person; `none` for those that are nobody's yet.
    person: Option<String>,
    /// Only those in this photo.
    photo: Option<i64>,
    /// How many items at most, from 1 to 500; 100 by default.
    limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// How many similar faces are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    /// From 1 to 100; 10 by default.
    k: Option<usize>,
}

/// Whose a face is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FacePatch {
    /// The person; `null` for nobody.
    person: Option<i64>,
}

/// Faces like one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Similar {
    /// Up to which distance they count as one person, if the model has such a threshold.
    threshold: Option<Threshold>,
    /// The nearest first.
    nearest: Vec<SimilarFace>,
}

/// A face like another.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimilarFace {
    face: FaceJson,
    /// Squared Euclidean distance, from 0 to 4.
    #[schema(value_type = f32)]
    distance: Distance,
    cosine: f32,
}

/// The faces of the gallery, in the order of their identifiers.
#[utoipa::path(
    get, path = "/v1/faces", tag = "faces", params(Wanted),
    responses((status = 200, body = Page<FaceJson>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<FaceJson>>, ApiError> {
    let (limit, after) = Paging::new(wanted.limit, wanted.cursor).of()?;
    let person = match wanted.person.as_deref() {
        None => None,
        Some("none") => Some(None),
        Some(id) => {
            let unknown =
                |_| ApiError::BadValue(format!("`{id}` is no person: expected a number, or `none`"));
            Some(Some(PersonId(id.parse().map_err(unknown)?)))
        }
    };
    let desk = app.gallery()?;
    let (view, keeps_crops) = (desk.view().await?, desk.settings().keeps_crops);
    let is_wanted = |face: &&FaceRecord| {
        let is_hers = person.is_none_or(|person| face.person.map(|(id, _)| id) == person);
        face.id.0 > after && is_hers && wanted.photo.is_none_or(|photo| face.photo.0 == photo)
    };
    let faces = view.faces().filter(is_wanted);
    Ok(Json(Page::of(faces, limit, |face| face.id.0, |face| FaceJson::of(face, keeps_crops))))
}

/// A face.
#[utoipa::path(
    get, path = "/v1/faces/{id}", tag = "faces", params(("id" = i64, Path)),
    responses((status = 200, body = FaceJson), Problems)
)]
pub(crate) async fn get(State(app): State<App>, Id(id): Id) -> Result<Json<FaceJson>, ApiError> {
    shown(&app, FaceId(id)).await
}

/// Says whose a face is.
#[utoipa::path(
    patch, path = "/v1/faces/{id}", tag = "faces", params(("id" = i64, Path)), request_body = FacePatch,
    responses((status = 200, body = FaceJson), Problems)
)]
pub(crate) async fn patch(
    State(app): State<App>,
    Id(id): Id,
    Body(FacePatch { person }): Body<FacePatch>,
) -> Result<Json<FaceJson>, ApiError> {
    let (id, person) = (FaceId(id), person.map(PersonId));
    let change = move |store: &mut dyn Store| {
        store.face(id)?;
        person.map_or(Ok(()), |person| need_person(store, person))?;
        let assign = Change::Assign(id, person.map(|person| (person, AssignedBy::User)));
        Ok(store.apply(EventKind::Assign, &[assign])?)
    };
    app.gallery()?.change(change).await?;
    shown(&app, id).await
}

/// Deletes a face and every trace of it. Its photo stays, so that adding that again does not bring the face back.
#[utoipa::path(
    delete, path = "/v1/faces/{id}", tag = "faces", params(("id" = i64, Path), DryRun),
    responses((status = 200, body = RemovedJson), Problems)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Id(id): Id,
    Params(dry_run): Params<DryRun>,
) -> Result<Deleted, ApiError> {
    delete(&app, Removal::Faces(vec![FaceId(id)]), dry_run).await
}

/// The picture of a face, in a gallery that keeps them.
#[utoipa::path(
    get, path = "/v1/faces/{id}/picture", tag = "faces", params(("id" = i64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), Problems)
)]
pub(crate) async fn picture(State(app): State<App>, Id(id): Id) -> Result<Response, ApiError> {
    let question = move |store: &SqliteStore| {
        let missing = StoreError::NoSuch { place: store.place().into(), subject: Subject::Face(FaceId(id)) };
        store.crops(&[FaceId(id)])?.pop().flatten().ok_or(ApiError::Store(missing))
    };
    let jpeg = app.gallery()?.ask(question).await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}

/// The faces that are nearest to a face.
#[utoipa::path(
    get, path = "/v1/faces/{id}/similar", tag = "faces", params(("id" = i64, Path), Count),
    responses((status = 200, body = Similar), Problems)
)]
pub(crate) async fn similar(
    State(app): State<App>,
    Id(id): Id,
    Params(count): Params<Count>,
) -> Result<Json<Similar>, ApiError> {
    let k = count.k.unwrap_or(10);
    if !(1..=100).contains(&k) {
        return Err(ApiError::BadValue(format!("`k` is {k}, but 1 to 100 are expected")));
    }
    let desk = app.gallery()?;
    let (view, keeps_crops) = (desk.view().await?, desk.settings().keeps_crops);
    let json = |(face, distance): (&FaceRecord, Distance)| SimilarFace {
        face: FaceJson::of(face, keeps_crops),
        distance,
        cosine: distance.cosine(),
    };
    let nearest = view.similar(FaceId(id), k)?.into_iter().map(json).collect();
    Ok(Json(Similar {
        threshold: Choice::default().of(&desk.settings().contract, FALSE_ACCEPT_RATE).ok(),
        nearest,
    }))
}

async fn shown(app: &App, id: FaceId) -> Result<Json<FaceJson>, ApiError> {
    let desk = app.gallery()?;
    let view = desk.view().await?;
    Ok(Json(FaceJson::of(view.face(id)?, desk.settings().keeps_crops)))
}
