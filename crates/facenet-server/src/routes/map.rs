//! `/v1/map`: the faces of the gallery in the plane, to look at.

use axum::Json;
use axum::extract::State;
use facenet_gallery::{MapMethod, Person, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::records::Who;
use crate::upload::Params;

/// How many faces are shown where nothing else is asked for: a map of these takes a second.
const FACES: usize = 2_000;
/// The most faces of a map: time grows with their square.
const MOST: usize = 5_000;

/// Which map is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// How faces come into the plane; `neighbours` by default.
    #[serde(default)]
    method: Method,
    /// How many faces at most, from 1 to 5000; 2000 by default.
    limit: Option<usize>,
}

/// How faces come into the plane.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// So that the nearest stay near (UMAP). How far groups lie apart means little.
    #[default]
    Neighbours,
    /// The two directions in which the embeddings vary most.
    Principal,
}

/// The faces of the gallery in the plane.
#[derive(Serialize, ToSchema)]
pub(crate) struct MapJson {
    method: Method,
    /// How many faces the gallery has.
    faces: usize,
    /// Whether only some of them are shown.
    sampled: bool,
    /// The people whose faces are shown, in the order of their identifiers.
    people: Vec<Who>,
    /// In the order of the faces' identifiers.
    points: Vec<PointJson>,
}

/// Where a face lies.
#[derive(Serialize, ToSchema)]
pub(crate) struct PointJson {
    face: i64,
    /// Whose it is.
    person: Option<i64>,
    /// From -1 to 1.
    x: f32,
    /// From -1 to 1.
    y: f32,
}

/// The faces of the gallery in the plane: faces that are alike lie near to each other. Of a large gallery some faces are
/// shown. The same faces give the same map, which is kept until they change.
#[utoipa::path(
    get, path = "/v1/map", tag = "gallery", params(Wanted),
    responses((status = 200, body = MapJson), Problems)
)]
pub(crate) async fn map(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<MapJson>, ApiError> {
    let limit = wanted.limit.unwrap_or(FACES);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::BadValue(format!("`limit` is {limit}, but 1 to {MOST} are expected")));
    }
    let view = app.gallery()?.view().await?;
    let making = app.maps.of(&view, wanted.method.into(), limit);
    let layout = tokio::time::timeout(app.limits().answer_time, making).await;
    let layout = layout.map_err(|_| ApiError::Deadline)??;
    let point = |(face, [x, y]): &(_, [f32; 2])| {
        let person = view.face(*face).ok()?.person.map(|(person, _)| person.0);
        Some(PointJson { face: face.0, person, x: *x, y: *y })
    };
    let points: Vec<PointJson> = layout.places.iter().filter_map(point).collect();
    let mut people: Vec<PersonId> = points.iter().filter_map(|point| point.person.map(PersonId)).collect();
    people.sort_unstable();
    people.dedup();
    Ok(Json(MapJson {
        method: wanted.method,
        faces: view.faces().len(),
        sampled: view.faces().len() > points.len(),
        people: people
            .iter()
            .filter_map(|id| view.person(*id).ok())
            .map(|person: &Person| person.into())
            .collect(),
        points,
    }))
}

impl From<Method> for MapMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Neighbours => Self::Neighbours,
            Method::Principal => Self::Principal,
        }
    }
}
