//! Answers that are given again: a client that lost one repeats its request with the same `Idempotency-Key`.
//!
//! They are kept in memory only, and forgotten as soon as anything is deleted: a file of old answers would hold names
//! that the gallery has forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::caller::Caller;
use crate::guard::only_looks;
use crate::problem::ApiError;

/// How long an answer is kept: longer than a client tries again.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many answers are kept.
const ANSWERS: usize = 1_000;
/// The most bytes of an answer that is kept: with as many answers as may be, 128 MiB.
const BYTES: usize = 128 << 10;
/// The most letters of a key.
const KEY: usize = 200;

/// The answers of the last day.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<Asked, Kept>>);

/// Who asked, and under which key.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    caller: Option<String>,
    key: String,
}

struct Kept {
    at: Instant,
    /// What was asked: method, address, kind and body.
    request: [u8; 32],
    /// None while it is in work.
    answer: Option<(StatusCode, HeaderMap, Bytes)>,
}

/// Forgets a request that did not come to an answer that is kept.
struct InWork {
    app: App,
    asked: Option<Asked>,
}

impl Answers {
    /// Forgets all answers; requests in work stay.
    pub(crate) fn forget(&self) {
        self.lock().retain(|_, kept| kept.answer.is_none());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that was given before, if one was; otherwise the request is in work from now on.
    fn begin(&self, asked: &Asked, request: [u8; 32]) -> Result<Option<Response>, ApiError> {
        let mut kept = self.lock();
        kept.retain(|_, kept| kept.at.elapsed() < KEPT);
        match kept.get(asked) {
            Some(known) if known.request != request => return Err(ApiError::OtherRequest),
            Some(Kept { answer: None, .. }) => return Err(ApiError::InProgress),
            Some(Kept { answer: Some((status, headers, body)), .. }) => {
                let mut response = (*status, headers.clone(), body.clone()).into_response();
                response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
                return Ok(Some(response));
            }
            None => {}
        }
        if kept.len() >= ANSWERS {
            let oldest =
                kept.iter().filter(|(_, kept)| kept.answer.is_some()).min_by_key(|(_, kept)| kept.at);
            let oldest = oldest.map(|(asked, _)| asked.clone()).ok_or(ApiError::Overloaded)?;
            kept.remove(&oldest);
        }
        kept.insert(asked.clone(), Kept { at: Instant::now(), request, answer: None });
        Ok(None)
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        if let Some(asked) = &self.asked {
            self.app.answers.lock().remove(asked);
        }
    }
}

/// Gives the answer of before to a change that was asked for before. What only looks can be done again, and nothing of it is
/// kept.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let is_change = request.method() == Method::POST && !only_looks(request.uri().path());
    let key = match request.headers().get("idempotency-key") {
        Some(key) if is_change => key.clone(),
        _ => return Ok(next.run(request).await),
    };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY);
    let key = key.ok_or_else(|| {
        ApiError::BadRequest(format!("`Idempotency-Key` has to be 1 to {KEY} plain letters"))
    })?;
    let caller = request.extensions().get::<Caller>().and_then(|caller| caller.key.clone());
    let asked = Asked { caller, key: key.to_owned() };

    let limits = app.limits();
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(limits.body_time, to_bytes(body, limits.body_bytes));
    let body = body.await.map_err(|_| ApiError::SlowBody)?;
    let body = body.map_err(|_| ApiError::TooLarge(limits.body_bytes))?;
    let mut digest = Sha256::new();
    digest.update(parts.uri.to_string());
    digest.update([0]);
    digest.update(parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes()));
    digest.update([0]);
    digest.update(&body);
    if let Some(before) = app.answers.begin(&asked, digest.finalize().into())? {
        return Ok(before);
    }
    let in_work = InWork { app: app.clone(), asked: Some(asked) };
    // A task of its own: a client that leaves in the middle and asks again gets the answer of the first time.
    let work = tokio::spawn(finish(in_work, next, Request::from_parts(parts, Body::from(body))));
    work.await.unwrap_or_else(|_| Err(ApiError::Internal("a handler panicked".into())))
}

/// Does the request, and keeps its answer.
async fn finish(mut in_work: InWork, next: Next, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|error| ApiError::Internal(error.to_string()))?;
    // What failed by chance may be tried again.
    let is_final = !parts.status.is_server_error() && parts.status != StatusCode::TOO_MANY_REQUESTS;
    if let Some(asked) = in_work.asked.take_if(|_| is_final && body.len() <= BYTES)
        && let Some(kept) = in_work.app.answers.lock().get_mut(&asked)
    {
        kept.answer = Some((parts.status, parts.headers.clone(), body.clone()));
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
