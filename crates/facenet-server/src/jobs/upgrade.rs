//! Bringing the gallery to the service's model, while it goes on to answer.
//!
//! From its first step on new faces are of the service's model; old ones are embedded anew from their photo or their kept
//! picture, step by step, and stay searchable in one ranking meanwhile. What was embedded is kept, so that the job may be
//! broken off and started again.

use std::path::Path;

use axum::body::Bytes;
use facenet_core::{Embedding, Face};
use facenet_gallery::{
    FaceId, FaceRecord, PhotoDigest, PhotoId, PhotoRecord, SqliteStore, Store, StoredEmbedding, Upgrade,
    all_faces, upgrade_order,
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Job;
use crate::app::App;
use crate::engine::{Aim, Image, Look, Place};
use crate::jobs::folder::look_patiently;
use crate::problem::ApiError;

/// Photos whose faces are embedded in one step.
const STEP: usize = 16;
/// The part of an aligned crop that a kept picture shows: only a model that sees just that can look at one.
const STANDARD_FIELD: f32 = 0.875;

/// What became of the faces of the former model.
#[derive(Debug, Default, Serialize)]
struct Upgraded {
    /// Embedded anew by this job.
    embedded: usize,
    /// Without an image any more: they keep the embedding that they have.
    without_image: usize,
    /// Faces of an older model that are left.
    older: u64,
    /// Whether the embeddings from before are deleted.
    finished: bool,
}

/// A face whose embedding is to be replaced, and where it may be seen.
struct Todo {
    id: FaceId,
    found: Face,
    /// Its kept picture, if the new model can look at it.
    picture: Option<Vec<u8>>,
}

/// A photo, if it is there still, and its faces.
type Photo = (Option<Bytes>, Vec<Todo>);

/// Embeds all older faces anew.
pub(super) async fn run(app: &App, job: &Job, finish: bool) -> Result<Value, ApiError> {
    let desk = app.gallery()?;
    let contract = app.contract.clone();
    let photos = desk
        .change(move |store| {
            if contract.check_comparable(&store.settings().contract).is_err() {
                store.begin_upgrade(&contract, Upgrade::Harmonic)?;
            }
            let mut faces = all_faces(store)?;
            faces.retain(|face| face.older_model.is_some());
            Ok(upgrade_order(faces))
        })
        .await?;
    job.expect(photos.len() as u64);
    let mut upgraded = Upgraded::default();
    for step in photos.chunks(STEP) {
        job.check()?;
        embed(app, step.to_vec(), &mut upgraded).await?;
        job.advance(step.len() as u64);
    }
    let (older, finished) = desk
        .change(move |store| {
            let older = store.counts()?.older;
            let is_due = finish && older == 0 && store.settings().upgrading_from.is_some();
            if is_due {
                store.finish_upgrade()?;
            }
            Ok((older, is_due))
        })
        .await?;
    let upgraded = Upgraded { older, finished, ..upgraded };
    serde_json::to_value(upgraded).map_err(|error| ApiError::Internal(error.to_string()))
}

/// Embeds the faces of some photos, and keeps that.
async fn embed(
    app: &App,
    photos: Vec<(PhotoId, Vec<FaceRecord>)>,
    upgraded: &mut Upgraded,
) -> Result<(), ApiError> {
    let desk = app.gallery()?;
    let faces: usize = photos.iter().map(|(_, faces)| faces.len()).sum();
    let limit = app.limits().body_bytes as u64;
    let read = move |store: &SqliteStore| photos.iter().map(|photo| read(store, photo, limit)).collect();
    let photos: Vec<Photo> = desk.ask(read).await?;
    // At the same time, so that the engine has batches.
    let anew = |(bytes, todo)| {
        let app = app.clone();
        tokio::spawn(async move { anew(&app, bytes, todo).await })
    };
    let mut embedded = Vec::new();
    for looking in photos.into_iter().map(anew).collect::<Vec<_>>() {
        let panicked = |_| Err(ApiError::Internal("a look panicked".into()));
        embedded.extend(looking.await.unwrap_or_else(panicked)?);
    }
    upgraded.embedded += embedded.len();
    upgraded.without_image += faces - embedded.len();
    let form = desk.settings().form;
    desk.change(move |store| {
        let stored = embedded.iter().map(|(face, embedding)| (*face, StoredEmbedding::of(embedding, form)));
        Ok(store.replace_embeddings(&stored.collect::<Vec<_>>())?)
    })
    .await
}

/// The embeddings of those of a photo's faces that can be seen.
async fn anew(
    app: &App,
    photo: Option<Bytes>,
    todo: Vec<Todo>,
) -> Result<Vec<(FaceId, Embedding)>, ApiError> {
    let mut embedded = Vec::new();
    let places: Vec<Face> = todo.iter().map(|face| face.found.clone()).collect();
    let of_photo = match photo {
        Some(bytes) => looked(app, bytes, Place::Known(places.into())).await?,
        None => None,
    };
    let mut of_photo = of_photo.map(|look| look.faces.into_iter().map(|face| face.embedding));
    for Todo { id, picture, .. } in todo {
        let mut found = of_photo.as_mut().and_then(Iterator::next).flatten();
        if let (None, Some(picture)) = (&found, picture) {
            let look = looked(app, picture.into(), Place::Whole).await?;
            found = look.and_then(|look| look.faces.into_iter().next()?.embedding);
        }
        embedded.extend(found.map(|embedding| (id, embedding)));
    }
    Ok(embedded)
}

/// What is seen there; none in what is no image.
async fn looked(app: &App, bytes: Bytes, place: Place) -> Result<Option<Look>, ApiError> {
    match look_patiently(app, Image { bytes, aim: Aim::Embeddings, place }).await {
        Ok(look) => Ok(Some(look)),
        Err(ApiError::Image(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A photo from the first of its files that still has its content, and what is to be done in it.
fn read(store: &dyn Store, (id, faces): &(PhotoId, Vec<FaceRecord>), limit: u64) -> Result<Photo, ApiError> {
    let photo = store.photo(*id)?;
    let settings = store.settings();
    let is_standard = |field: f32| (field - STANDARD_FIELD).abs() < 1e-6;
    let new_is_standard = is_standard(settings.contract.preprocessing.field);
    let ids: Vec<FaceId> = faces.iter().map(|face| face.id).collect();
    let pictures = store.crops(&ids)?;
    let todo = faces.iter().zip(pictures).map(|(face, picture)| {
        let shows_enough = new_is_standard && is_standard(settings.contract_of(face).preprocessing.field);
        Todo { id: face.id, found: face.found.clone(), picture: picture.filter(|_| shows_enough) }
    });
    Ok((content(&photo, limit), todo.collect()))
}

fn content(photo: &PhotoRecord, limit: u64) -> Option<Bytes> {
    photo.files.iter().find_map(|file| {
        let path = Path::new(&file.path);
        fs_err::metadata(path).ok().filter(|metadata| metadata.len() <= limit)?;
        let bytes = fs_err::read(path).ok()?;
        (PhotoDigest(Sha256::digest(&bytes).into()) == photo.content).then(|| bytes.into())
    })
}
