//! `/v1/corrections` and `/v1/questions`: what the user says about pairs of faces, and what is worth asking.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use facenet_core::Distance;
use facenet_gallery::{Correction, FaceId, Store, remember_answer, take_back_answer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::records::{FaceJson, Page, Paging, Word};
use crate::upload::{Body, Params};

/// What the user says of two faces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCorrection {
    /// The two faces.
    faces: [i64; 2],
    verdict: Word,
}

/// What the user said of two faces; it binds until it is taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectionJson {
    id: i64,
    /// The two faces, the smaller identifier first.
    faces: [i64; 2],
    verdict: Word,
    /// The face that changed its person by it.
    moved: Option<MovedJson>,
}

/// A face and whose it was before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MovedJson {
    face: i64,
    /// Whose it was; none for nobody's.
    before: Option<i64>,
}

/// Questions to the user.
#[derive(Serialize, ToSchema)]
pub(crate) struct Questions {
    /// The nearest first.
    items: Vec<QuestionJson>,
}

/// Two faces that may be one person.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuestionJson {
    a: FaceJson,
    b: FaceJson,
    /// The mean squared distance between the two groups of faces.
    #[schema(value_type = f32)]
    distance: Distance,
    /// Why it is a question: `some-alike`, `just-beyond` or `poor`.
    why: &'static str,
}

/// All that the user said about pairs of faces, oldest first.
#[utoipa::path(
    get, path = "/v1/corrections", tag = "corrections", params(Paging),
    responses((status = 200, body = Page<CorrectionJson>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<CorrectionJson>>, ApiError> {
    let (limit, after) = paging.of()?;
    let corrections = app.gallery()?.ask(|store| Ok(store.corrections()?)).await?;
    let later = corrections.into_iter().filter(|correction| correction.id.0 > after);
    Ok(Json(Page::of(later, limit, |correction| correction.id.0, CorrectionJson::from)))
}

/// Says of two faces that they are the same person, or not. The nearest conclusion is drawn at once: see `moved`.
#[utoipa::path(
    post, path = "/v1/corrections", tag = "corrections", request_body = NewCorrection,
    responses((status = 201, body = CorrectionJson), Problems)
)]
pub(crate) async fn add(
    State(app): State<App>,
    Body(new): Body<NewCorrection>,
) -> Result<(StatusCode, Json<CorrectionJson>), ApiError> {
    let [a, b] = new.faces.map(FaceId);
    if a == b {
        return Err(ApiError::BadValue(format!("{a} is itself: two faces are expected")));
    }
    let change = move |store: &mut dyn Store| {
        remember_answer(store, (a, b), new.verdict.into())?;
        let pair = (a.min(b), a.max(b));
        let kept = store.corrections()?.into_iter().find(|correction| correction.faces == pair);
        kept.ok_or_else(|| ApiError::Internal("a correction was not kept".into()))
    };
    let kept = app.gallery()?.change(change).await?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// Takes the last answer back, with what followed from it at once.
#[utoipa::path(
    delete, path = "/v1/corrections/last", tag = "corrections",
    responses((status = 200, body = CorrectionJson), Problems)
)]
pub(crate) async fn undo(State(app): State<App>) -> Result<Json<CorrectionJson>, ApiError> {
    let taken = app.gallery()?.change(|store| Ok(take_back_answer(store)?)).await?;
    taken.map(|correction| Json(correction.into())).ok_or(ApiError::NothingSaid)
}

/// Pairs of faces that are worth a word of the user, as the last clustering since the start of the service found them. Those
/// that are answered are left out.
#[utoipa::path(
    get, path = "/v1/questions", tag = "corrections",
    responses((status = 200, body = Questions), Problems)
)]
pub(crate) async fn questions(State(app): State<App>) -> Result<Json<Questions>, ApiError> {
    let desk = app.gallery()?;
    let said = desk.ask(|store| Ok(store.corrections()?)).await?;
    let (view, keeps_crops) = (desk.view().await?, desk.settings().keeps_crops);
    let is_said = |a: FaceId, b: FaceId| said.iter().any(|said| said.faces == (a.min(b), a.max(b)));
    let open = app.jobs.questions().into_iter().filter_map(|question| {
        let (a, b) = (view.face(question.faces.0).ok()?, view.face(question.faces.1).ok()?);
        let are_one = a.person.is_some() && a.person.map(|p| p.0) == b.person.map(|p| p.0);
        let json = |face| FaceJson::of(face, keeps_crops);
        let asked =
            || QuestionJson { a: json(a), b: json(b), distance: question.distance, why: question.why };
        (!are_one && !is_said(a.id, b.id)).then(asked)
    });
    Ok(Json(Questions { items: open.collect() }))
}

impl From<Correction> for CorrectionJson {
    fn from(correction: Correction) -> Self {
        let (a, b) = correction.faces;
        Self {
            id: correction.id.0,
            faces: [a.0, b.0],
            verdict: correction.verdict.into(),
            moved: correction.moved.map(|moved| MovedJson {
                face: moved.face.0,
                before: moved.before.map(|(person, _)| person.0),
            }),
        }
    }
}
