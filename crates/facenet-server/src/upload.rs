//! What clients send: images in three forms, and JSON; each within the limits of bytes and time.

use std::collections::BTreeMap;
use std::future::Future;

use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Multipart, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::ApiError;

/// One image and what was said with it.
pub(crate) struct Upload {
    pub(crate) image: Bytes,
    /// Other fields of a form or of JSON.
    pub(crate) fields: BTreeMap<String, String>,
}

/// Two images to compare.
pub(crate) struct Pair {
    pub(crate) left: Bytes,
    pub(crate) right: Bytes,
}

/// An image as JSON has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct ImageJson {
    /// The image in base64.
    image: String,
}

/// Two images as JSON has them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct PairJson {
    /// One image in base64.
    left: String,
    /// The other image in base64.
    right: String,
}

/// An image as a form has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct ImageForm {
    #[schema(value_type = String, format = Binary, content_media_type = "image/jpeg")]
    image: Vec<u8>,
}

/// Two images as a form has them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes")]
pub(crate) struct PairForm {
    #[schema(value_type = String, format = Binary, content_media_type = "image/jpeg")]
    left: Vec<u8>,
    #[schema(value_type = String, format = Binary, content_media_type = "image/jpeg")]
    right: Vec<u8>,
}

/// JSON, whose faults are told as problems.
pub(crate) struct Body<T>(pub(crate) T);

/// The query, whose faults are told as problems.
pub(crate) struct Params<T>(pub(crate) T);

/// The number in the path: an identifier.
pub(crate) struct Id(pub(crate) i64);

/// What a form or JSON has: images by their names, and texts.
#[derive(Default)]
struct Fields {
    images: BTreeMap<String, Bytes>,
    texts: BTreeMap<String, String>,
}

impl FromRequest<App> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = content_type(&request);
        if kind.starts_with("image/") || kind == "application/octet-stream" {
            let bytes = Bytes::from_request(request, app);
            let image = in_time(app, async { bytes.await.map_err(|e| of_bytes(&e, app)) }).await?;
            return some(image).map(|image| Self { image, fields: BTreeMap::new() });
        }
        let mut fields = in_time(app, fields(request, &kind, &["image"], app)).await?;
        let image = some(fields.images.remove("image").unwrap_or_default())?;
        Ok(Self { image, fields: fields.texts })
    }
}

impl FromRequest<App> for Pair {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = content_type(&request);
        let mut fields = in_time(app, fields(request, &kind, &["left", "right"], app)).await?;
        let mut side = |name| {
            let image = fields.images.remove(name).filter(|image| !image.is_empty());
            image.ok_or_else(|| {
                ApiError::BadValue(format!("two images are compared, but `{name}` is missing"))
            })
        };
        Ok(Self { left: side("left")?, right: side("right")? })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = content_type(&request);
        let json = Json::<T>::from_request(request, app);
        let told = |rejection| match rejection {
            JsonRejection::MissingJsonContentType(_) => ApiError::MediaType(kind.clone()),
            JsonRejection::BytesRejection(rejection) => of_bytes(&rejection, app),
            JsonRejection::JsonDataError(error) => ApiError::BadValue(error.body_text()),
            other => ApiError::BadRequest(other.body_text()),
        };
        in_time(app, async { json.await.map_err(told) }).await.map(|Json(value)| Self(value))
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let told = |rejection: QueryRejection| ApiError::BadRequest(rejection.body_text());
        Query::<T>::from_request_parts(parts, app).await.map(|Query(value)| Self(value)).map_err(told)
    }
}

impl FromRequestParts<App> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let told = |rejection: PathRejection| ApiError::BadRequest(rejection.body_text());
        let Path(id) = Path::<i64>::from_request_parts(parts, app).await.map_err(told)?;
        match id > 0 {
            true => Ok(Self(id)),
            false => Err(ApiError::BadRequest(format!("`{id}` is no identifier: they are above 0"))),
        }
    }
}

fn content_type(request: &Request) -> String {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn some(image: Bytes) -> Result<Bytes, ApiError> {
    if image.is_empty() { Err(ApiError::NoImage) } else { Ok(image) }
}

/// Gives a slow client no more time than is allowed.
async fn in_time<T>(app: &App, body: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::time::timeout(app.limits().body_time, body).await.unwrap_or(Err(ApiError::SlowBody))
}

fn of_bytes(rejection: &BytesRejection, app: &App) -> ApiError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge(app.limits().body_bytes),
        _ => ApiError::BadRequest("the body was cut off".into()),
    }
}

fn of_multipart(error: &MultipartError, app: &App) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge(app.limits().body_bytes),
        _ => ApiError::BadRequest(error.body_text()),
    }
}

/// The fields of a form or of JSON; those called `images` are images.
async fn fields(request: Request, kind: &str, images: &[&str], app: &App) -> Result<Fields, ApiError> {
    match kind {
        "multipart/form-data" => of_form(request, images, app).await,
        "application/json" => {
            let bytes = Bytes::from_request(request, app).await.map_err(|error| of_bytes(&error, app))?;
            of_json(&bytes, images)
        }
        other => Err(ApiError::MediaType(other.into())),
    }
}

async fn of_form(request: Request, images: &[&str], app: &App) -> Result<Fields, ApiError> {
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|rejection| ApiError::BadRequest(rejection.body_text()))?;
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(|error| of_multipart(&error, app))? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(|error| of_multipart(&error, app))?;
        if images.contains(&name.as_str()) {
            fields.images.insert(name, bytes);
        } else {
            let text = String::from_utf8(bytes.into());
            let text = text.map_err(|_| ApiError::BadValue(format!("the field `{name}` is no text")))?;
            fields.texts.insert(name, text);
        }
    }
    Ok(fields)
}

fn of_json(bytes: &[u8], images: &[&str]) -> Result<Fields, ApiError> {
    let json: Value =
        serde_json::from_slice(bytes).map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let Value::Object(object) = json else {
        return Err(ApiError::BadValue("the body is no JSON object".into()));
    };
    let mut fields = Fields::default();
    for (name, value) in object {
        let Value::String(text) = value else {
            return Err(ApiError::BadValue(format!("`{name}` is no text")));
        };
        if images.contains(&name.as_str()) {
            let decoded = STANDARD.decode(text);
            let decoded =
                decoded.map_err(|error| ApiError::BadValue(format!("`{name}` is no base64: {error}")))?;
            fields.images.insert(name, decoded.into());
        } else {
            fields.texts.insert(name, text);
        }
    }
    Ok(fields)
}
