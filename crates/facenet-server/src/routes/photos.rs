//! `/v1/photos`: photos come in by upload, of which only what was seen in them is kept.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use facenet_gallery::{AddedPhoto, NewPhoto, PhotoDigest, PhotoId, Removal, SqliteStore, Store, Subject};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::adding::{self, person_or_new};
use crate::app::App;
use crate::engine::Image;
use crate::problem::{ApiError, Problems};
use crate::records::{DryRun, FaceJson, Page, Paging, PhotoJson, RemovedJson};
use crate::routes::removal::{Deleted, delete};
use crate::touched::Touched;
use crate::upload::{Id, ImageForm, ImageJson, Params, Upload};

/// Whose photo it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// The name of a person, who is added if nobody has it, or `person:3`: the most confident face is theirs. A form or
    /// JSON may say it as a field.
    person: Option<String>,
}

/// A photo that was added.
#[derive(Serialize, ToSchema)]
pub(crate) struct Added {
    photo: PhotoJson,
    /// Whether it is new; otherwise its content was there, and it stays as it was.
    new: bool,
    faces: Vec<FaceJson>,
}

/// The photos of the gallery, in the order of their identifiers.
#[utoipa::path(
    get, path = "/v1/photos", tag = "photos", params(Paging),
    responses((status = 200, body = Page<PhotoJson>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<PhotoJson>>, ApiError> {
    let (limit, after) = paging.of()?;
    let desk = app.gallery()?;
    let photos = desk.ask(move |store| Ok(store.photos(PhotoId(after), limit + 1)?)).await?;
    let view = desk.view().await?;
    Ok(Json(Page::of(photos.into_iter(), limit, |photo| photo.id.0, |photo| PhotoJson::of(photo, &view))))
}

/// Adds a photo: its faces with their embeddings, and their pictures in a gallery that keeps those. The photo itself is not
/// kept.
#[utoipa::path(
    post, path = "/v1/photos", tag = "photos", params(Whose),
    request_body(content((ImageForm = "multipart/form-data"), (ImageJson = "application/json"), (Vec<u8> = "image/*"))),
    responses(
        (status = 201, body = Added),
        (status = 200, body = Added, description = "Its content was there already"),
        Problems
    )
)]
pub(crate) async fn add(
    State(app): State<App>,
    Params(whose): Params<Whose>,
    mut upload: Upload,
) -> Result<(StatusCode, Extension<Touched>, Json<Added>), ApiError> {
    let desk = app.gallery()?;
    desk.need_taking(&app.contract)?;
    let person = whose.person.or_else(|| upload.fields.remove("person"));
    if let Some(name) = upload.fields.keys().next() {
        return Err(ApiError::BadValue(format!("`{name}` is no field of a photo")));
    }
    let content = PhotoDigest(Sha256::digest(&upload.image).into());
    let known = desk.ask(move |store| Ok(store.photos_with(&[content])?.pop().flatten())).await?;
    let (id, new) = match known {
        Some(id) => (id, false),
        None => {
            let image = Image::new(upload.image, adding::aim(&desk.settings()));
            let look = app.queue.look(image).await?;
            let form = desk.settings().form;
            // Nobody is made known by a photo without a face.
            let person = person.filter(|_| !look.faces.is_empty());
            let add = move |store: &mut dyn Store| {
                let person = person.map(|name| person_or_new(store, &name)).transpose()?;
                let faces = adding::new_faces(look, form, person)?;
                Ok(store.add(&[NewPhoto { content, file: None, faces }])?.remove(0))
            };
            match desk.change(add).await? {
                AddedPhoto::New(id) => (id, true),
                AddedPhoto::Known(id) => (id, false),
            }
        }
    };
    let photo = shown(&app, id).await?;
    let view = desk.view().await?;
    let faces = view.faces_in(id).map(|face| FaceJson::of(face, desk.settings().keeps_crops)).collect();
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Extension(Touched(vec![Subject::Photo(id)])), Json(Added { photo, new, faces })))
}

/// A photo.
#[utoipa::path(
    get, path = "/v1/photos/{id}", tag = "photos", params(("id" = i64, Path)),
    responses((status = 200, body = PhotoJson), Problems)
)]
pub(crate) async fn get(State(app): State<App>, Id(id): Id) -> Result<Json<PhotoJson>, ApiError> {
    shown(&app, PhotoId(id)).await.map(Json)
}

/// Deletes a photo with all its faces, and every trace of them.
#[utoipa::path(
    delete, path = "/v1/photos/{id}", tag = "photos", params(("id" = i64, Path), DryRun),
    responses((status = 200, body = RemovedJson), Problems)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Id(id): Id,
    Params(dry_run): Params<DryRun>,
) -> Result<Deleted, ApiError> {
    delete(&app, Removal::Photos { photos: vec![PhotoId(id)], people: false }, dry_run).await
}

async fn shown(app: &App, id: PhotoId) -> Result<PhotoJson, ApiError> {
    let question = move |store: &SqliteStore| Ok(store.photo(id)?);
    let desk = app.gallery()?;
    let photo = desk.ask(question).await?;
    Ok(PhotoJson::of(photo, &*desk.view().await?))
}
