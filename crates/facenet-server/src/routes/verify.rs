//! `/v1/verify`: are these two the same person?

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use facenet_core::Distance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{Aim, Image, SeenFace};
use crate::problem::{ApiError, Problems};
use crate::shapes::{Choice, Found, Threshold};
use crate::upload::{Pair, PairForm, PairJson, Params};

/// The default false accept rate: one face is compared with one other.
const FALSE_ACCEPT_RATE: f64 = 1e-2;

/// Whether two images show the same person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verdict {
    /// Whether the distance is at most the threshold.
    same: bool,
    /// Squared Euclidean distance, from 0 to 4; lower is more alike.
    #[schema(value_type = f32)]
    distance: Distance,
    /// The cosine of the angle between the embeddings, from -1 to 1.
    cosine: f32,
    /// Of one person, at even odds before looking; none where the model has no fitted curve.
    probability: Option<f64>,
    threshold: Threshold,
    /// The model's identifier.
    model: String,
    left: Found,
    right: Found,
}

/// Decides whether two images show the same person: the most confident face of each counts.
#[utoipa::path(
    post, path = "/v1/verify", tag = "images", params(Choice),
    request_body(content((PairForm = "multipart/form-data"), (PairJson = "application/json"))),
    responses((status = 200, body = Verdict), Problems)
)]
pub(crate) async fn verify(
    State(app): State<App>,
    Params(choice): Params<Choice>,
    pair: Pair,
) -> Result<Json<Verdict>, ApiError> {
    let threshold = choice.of(&app.contract, FALSE_ACCEPT_RATE)?;
    let (left, right) = tokio::join!(first(&app, pair.left, " `left`"), first(&app, pair.right, " `right`"));
    let (left, right) = (left?, right?);
    let missing = || ApiError::Internal("the engine gave a face without embedding".into());
    let (a, b) =
        (left.embedding.as_ref().ok_or_else(missing)?, right.embedding.as_ref().ok_or_else(missing)?);
    let distance = a.distance(b);
    Ok(Json(Verdict {
        same: distance <= threshold.distance,
        distance,
        cosine: distance.cosine(),
        probability: app.contract.calibration.as_ref().map(|curve| curve.probability(distance)),
        threshold,
        model: app.contract.id(),
        left: (&left).into(),
        right: (&right).into(),
    }))
}

/// The most confident face of an image.
async fn first(app: &App, bytes: Bytes, which: &'static str) -> Result<SeenFace, ApiError> {
    let look = app.queue.look(Image::new(bytes, Aim::Embeddings)).await?;
    look.faces.into_iter().next().ok_or(ApiError::NoFace(which))
}
