//! `/v1/model`: which model answers, and within which limits.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problems;
use crate::shapes::Threshold;

/// The model that answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Model {
    /// A short name that differs wherever embeddings are not comparable.
    id: String,
    /// The network's name.
    network: String,
    /// The number of coordinates of an embedding.
    dimension: usize,
    /// SHA-256 of the weights.
    weights: String,
    preprocessing: Preprocessing,
    /// The calibrated thresholds, from the strictest to the loosest.
    thresholds: Vec<Threshold>,
    /// What a distance says about the odds of one person, if that was fitted.
    calibration: Option<Calibration>,
    limits: Limits,
}

/// How a face becomes the network's input.
#[derive(Serialize, ToSchema)]
pub(crate) struct Preprocessing {
    version: u32,
    /// Edge of the network's square input, in pixels.
    edge_px: u32,
    /// The part of an aligned crop's edge that the network sees.
    field: f32,
}

/// `1 / (1 + exp(slope · (distance − midpoint)))` is the probability of one person at even odds.
#[derive(Serialize, ToSchema)]
pub(crate) struct Calibration {
    midpoint: f64,
    slope: f64,
    data: String,
}

/// What a request may cost.
#[derive(Serialize, ToSchema)]
pub(crate) struct Limits {
    /// The most bytes of a body.
    body_bytes: usize,
    /// The most pixels of an image.
    pixels: u64,
    /// The most faces of an image.
    faces: usize,
    /// The most seconds until an answer.
    answer_s: f64,
    /// Requests a second, on average.
    requests_per_second: f64,
}

/// The model that answers, its thresholds, and the limits of requests.
#[utoipa::path(get, path = "/v1/model", tag = "service", responses((status = 200, body = Model), Problems))]
pub(crate) async fn model(State(app): State<App>) -> Json<Model> {
    let (contract, limits) = (&app.contract, app.limits());
    let preprocessing = contract.preprocessing;
    Json(Model {
        id: contract.id(),
        network: contract.network.clone(),
        dimension: contract.dimension,
        weights: contract.weights.clone(),
        preprocessing: Preprocessing {
            version: preprocessing.version,
            edge_px: preprocessing.edge_px,
            field: preprocessing.field,
        },
        thresholds: contract.thresholds.iter().map(Threshold::from).collect(),
        calibration: contract.calibration.as_ref().map(|curve| Calibration {
            midpoint: curve.midpoint,
            slope: curve.slope,
            data: curve.data.clone(),
        }),
        limits: Limits {
            body_bytes: limits.body_bytes,
            pixels: limits.pixels,
            faces: limits.faces,
            answer_s: limits.answer_time.as_secs_f64(),
            requests_per_second: limits.requests_per_second,
        },
    })
}
