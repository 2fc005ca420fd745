//! What is said in JSON, where several routes say it.

use facenet_core::{Contract, Distance, Face, Point as CorePoint};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::engine::SeenFace;
use crate::problem::ApiError;

/// A rectangle in the upright image, in pixels from its top left corner; it may leave the image.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Box {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// A point in the upright image, in pixels from its top left corner.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Point {
    x: f32,
    y: f32,
}

/// Where a face is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Where it is.
    #[serde(rename = "box")]
    bounds: Box,
    /// Left eye, right eye, nose, left and right mouth corner; left as seen in the picture.
    landmarks: Option<Vec<Point>>,
    /// How sure the detector is, from 0 to 1.
    score: f32,
}

/// A face that was found in an image that was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Found {
    #[serde(flatten)]
    place: Place,
    /// How good its picture is, from 0 to 1.
    quality: f32,
    /// What is wrong with its picture, the worst first: `too-small`, `blurred`, `turned-away`, `underexposed`,
    /// `overexposed`, `cut-off`.
    reasons: Vec<String>,
}

/// Up to which distance two faces count as one person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Threshold {
    /// The squared Euclidean distance, from 0 to 4, inclusive.
    #[schema(value_type = f32)]
    pub(crate) distance: Distance,
    /// The share of pairs of strangers that would pass; none for a distance that was chosen by hand.
    false_accept_rate: Option<f64>,
    /// The data that this was measured on.
    data: Option<String>,
}

/// How the threshold is chosen.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Choice {
    /// The largest share of pairs of strangers that may pass as one person, above 0 and at most 1.
    pub(crate) far: Option<f64>,
    /// Accept up to this squared distance, from 0 to 4, instead of a calibrated one.
    pub(crate) threshold: Option<f32>,
}

impl From<&Face> for Place {
    fn from(face: &Face) -> Self {
        let point = |point: &CorePoint| Point { x: point.x, y: point.y };
        let bounds = face.bounds;
        Self {
            bounds: Box { x: bounds.x, y: bounds.y, width: bounds.width, height: bounds.height },
            landmarks: face.landmarks.as_ref().map(|five| five.iter().map(point).collect()),
            score: face.score,
        }
    }
}

impl From<&SeenFace> for Found {
    fn from(seen: &SeenFace) -> Self {
        Self { place: (&seen.face).into(), quality: seen.quality, reasons: seen.reasons.clone() }
    }
}

impl From<&facenet_core::Threshold> for Threshold {
    fn from(threshold: &facenet_core::Threshold) -> Self {
        Self {
            distance: threshold.distance,
            false_accept_rate: Some(threshold.false_accept_rate),
            data: Some(threshold.data.clone()),
        }
    }
}

impl Choice {
    /// The threshold for embeddings under `contract`: as was asked for, or calibrated to `default_far`.
    ///
    /// # Errors
    /// When a value is out of its range, or the model has none that is strict enough.
    pub(crate) fn of(self, contract: &Contract, default_far: f64) -> Result<Threshold, ApiError> {
        if self.far.is_some() && self.threshold.is_some() {
            return Err(ApiError::BadValue("`far` and `threshold` exclude each other".into()));
        }
        if let Some(distance) = self.threshold {
            let distance = Distance::new(distance).map_err(|error| ApiError::BadValue(error.to_string()))?;
            return Ok(Threshold { distance, false_accept_rate: None, data: None });
        }
        let far = self.far.unwrap_or(default_far);
        if !(far > 0.0 && far <= 1.0) {
            let words = format!("`far` is {far}, but a number above 0 and at most 1 is expected");
            return Err(ApiError::BadValue(words));
        }
        contract.threshold_at(far).map(Threshold::from).ok_or(ApiError::NoThreshold(far))
    }
}
