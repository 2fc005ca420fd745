//! `/v1/identify`: who is in an image, out of the gallery.

use axum::extract::State;
use axum::{Extension, Json};
use facenet_core::Distance;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::engine::{Aim, Image};
use crate::gallery::Near;
use crate::problem::{ApiError, Problems};
use crate::records::Who;
use crate::routes::embed::embeddings;
use crate::shapes::{Choice, Found, Threshold};
use crate::touched::Touched;
use crate::upload::{ImageForm, ImageJson, Params, Upload};

/// The default false accept rate: every face is compared with the whole gallery.
pub(crate) const FALSE_ACCEPT_RATE: f64 = 1e-3;
/// The most people that are named for a face.
const MOST: usize = 100;

/// How people are looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// How many of the nearest people to name, from 1 to 100; 3 by default.
    k: Option<usize>,
    /// The largest share of pairs of strangers that may pass as one person, above 0 and at most 1.
    far: Option<f64>,
    /// Accept up to this squared distance, from 0 to 4, instead of a calibrated one.
    threshold: Option<f32>,
    /// Only people with all these tags, separated by commas.
    tag: Option<String>,
}

/// Who is in an image.
#[derive(Serialize, ToSchema)]
pub(crate) struct Identified {
    /// The model's identifier.
    model: String,
    /// Width of the upright image, in pixels.
    width: u32,
    /// Height of the upright image, in pixels.
    height: u32,
    threshold: Threshold,
    /// The faces, most confident first.
    faces: Vec<IdentifiedFace>,
    /// How many faces were left out, because there were more than are looked at.
    left_out: usize,
}

/// A face and who it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentifiedFace {
    #[serde(flatten)]
    found: Found,
    /// Who it is; none for nobody of the gallery.
    person: Option<Who>,
    /// The nearest people, nearest first.
    nearest: Vec<NearJson>,
}

/// A person near to a face.
#[derive(Serialize, ToSchema)]
pub(crate) struct NearJson {
    person: Who,
    /// Squared Euclidean distance to the person's nearest face, from 0 to 4.
    #[schema(value_type = f32)]
    distance: Distance,
    cosine: f32,
    /// The person's nearest face.
    face: i64,
}

/// Says who is in an image: for each face the nearest people of the gallery, and the nearest as its person if at most the
/// threshold away.
#[utoipa::path(
    post, path = "/v1/identify", tag = "images", params(Search),
    request_body(content((ImageForm = "multipart/form-data"), (ImageJson = "application/json"), (Vec<u8> = "image/*"))),
    responses((status = 200, body = Identified), Problems)
)]
pub(crate) async fn identify(
    State(app): State<App>,
    Params(search): Params<Search>,
    upload: Upload,
) -> Result<(Extension<Touched>, Json<Identified>), ApiError> {
    let desk = app.gallery()?;
    let (k, tags) = (search.k.unwrap_or(3), search.tags());
    if !(1..=MOST).contains(&k) {
        return Err(ApiError::BadValue(format!("`k` is {k}, but 1 to {MOST} are expected")));
    }
    let choice = Choice { far: search.far, threshold: search.threshold };
    let threshold = choice.of(&app.contract, FALSE_ACCEPT_RATE)?;
    let look = app.queue.look(Image::new(upload.image, Aim::Embeddings)).await?;
    let view = desk.view().await?;
    let faces: Vec<IdentifiedFace> = embeddings(&look)?
        .into_iter()
        .zip(&look.faces)
        .map(|(probe, seen)| identified(&view.nearest(probe, k, &tags), seen.into(), threshold.distance))
        .collect();
    let touched = faces.iter().filter_map(|face| face.person.as_ref()).map(Who::subject).collect();
    let identified = Identified {
        model: app.contract.id(),
        width: look.width,
        height: look.height,
        threshold,
        faces,
        left_out: look.left_out,
    };
    Ok((Extension(Touched(touched)), Json(identified)))
}

impl Search {
    fn tags(&self) -> Vec<String> {
        let tags = self.tag.iter().flat_map(|tags| tags.split(','));
        tags.map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }
}

fn identified(near: &[Near<'_>], found: Found, threshold: Distance) -> IdentifiedFace {
    let person = near.first().filter(|best| best.distance <= threshold).map(|best| best.person.into());
    let json = |near: &Near<'_>| NearJson {
        person: near.person.into(),
        distance: near.distance,
        cosine: near.distance.cosine(),
        face: near.face.0,
    };
    IdentifiedFace { found, person, nearest: near.iter().map(json).collect() }
}
