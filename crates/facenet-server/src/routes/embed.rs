//! `/v1/detect` and `/v1/embed`: the faces of an image, and their embeddings.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use facenet_core::Embedding;
use npyz::WriterBuilder;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{Aim, Image, Look};
use crate::problem::{ApiError, Problems};
use crate::shapes::Found;
use crate::upload::{ImageForm, ImageJson, Upload};

/// The media type of NumPy's files.
const NPY: &str = "application/x-npy";

/// The faces of an image.
#[derive(Serialize, ToSchema)]
pub(crate) struct Detected {
    /// The model's identifier.
    model: String,
    /// Width of the upright image, in pixels.
    width: u32,
    /// Height of the upright image, in pixels.
    height: u32,
    /// The faces, most confident first.
    faces: Vec<Found>,
    /// How many faces were left out, because there were more than are looked at.
    left_out: usize,
}

/// The faces of an image with their embeddings.
#[derive(Serialize, ToSchema)]
pub(crate) struct Embedded {
    /// The model's identifier.
    model: String,
    /// Width of the upright image, in pixels.
    width: u32,
    /// Height of the upright image, in pixels.
    height: u32,
    /// The faces, most confident first.
    faces: Vec<EmbeddedFace>,
    /// How many faces were left out, because there were more than are looked at.
    left_out: usize,
}

/// A face with its embedding.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmbeddedFace {
    #[serde(flatten)]
    found: Found,
    /// The embedding: a vector of unit length.
    embedding: Vec<f32>,
}

/// Finds the faces of an image.
#[utoipa::path(
    post, path = "/v1/detect", tag = "images",
    request_body(content((ImageForm = "multipart/form-data"), (ImageJson = "application/json"), (Vec<u8> = "image/*"))),
    responses((status = 200, body = Detected), Problems)
)]
pub(crate) async fn detect(State(app): State<App>, upload: Upload) -> Result<Json<Detected>, ApiError> {
    let look = app.queue.look(Image::new(upload.image, Aim::Faces)).await?;
    Ok(Json(Detected {
        model: app.contract.id(),
        width: look.width,
        height: look.height,
        faces: look.faces.iter().map(Found::from).collect(),
        left_out: look.left_out,
    }))
}

/// Finds the faces of an image and embeds them. With `Accept: application/x-npy` the answer is a NumPy file, `[faces,
/// dimension]`, in the same order.
#[utoipa::path(
    post, path = "/v1/embed", tag = "images",
    request_body(content((ImageForm = "multipart/form-data"), (ImageJson = "application/json"), (Vec<u8> = "image/*"))),
    responses(
        (status = 200, content((Embedded = "application/json"), (Vec<u8> = "application/x-npy"))),
        Problems
    )
)]
pub(crate) async fn embed(
    State(app): State<App>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, ApiError> {
    let look = app.queue.look(Image::new(upload.image, Aim::Embeddings)).await?;
    if wants_npy(&headers) {
        let bytes = npy(&embeddings(&look)?, app.contract.dimension);
        let bytes = bytes.map_err(|error| ApiError::Internal(format!("cannot write npy: {error}")))?;
        return Ok(([(header::CONTENT_TYPE, NPY)], bytes).into_response());
    }
    let vectors = embeddings(&look)?;
    let faces = look.faces.iter().zip(vectors).map(|(seen, embedding)| EmbeddedFace {
        found: seen.into(),
        embedding: embedding.as_slice().to_vec(),
    });
    let answer = Embedded {
        model: app.contract.id(),
        width: look.width,
        height: look.height,
        faces: faces.collect(),
        left_out: look.left_out,
    };
    Ok(Json(answer).into_response())
}

/// The embeddings of what was seen.
///
/// # Errors
/// When the engine gave none, although they were wanted.
pub(crate) fn embeddings(look: &Look) -> Result<Vec<&Embedding>, ApiError> {
    let missing = || ApiError::Internal("the engine gave a face without embedding".into());
    look.faces.iter().map(|face| face.embedding.as_ref().ok_or_else(missing)).collect()
}

fn wants_npy(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.split(';').next().map(str::trim) == Some(NPY))
}

/// The rows as a NumPy file.
fn npy(rows: &[&Embedding], dimension: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shape = [rows.len() as u64, dimension as u64];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
    writer.extend(rows.iter().flat_map(|row| row.as_slice().iter().copied()))?;
    writer.finish()?;
    Ok(bytes)
}
