//! Answers that are given again: a client that lost one repeats its request with the same `Idempotency-Key`.
//!
//! They outlive the service, encrypted by what only who asked knows, and are forgotten as soon as anything is deleted: no
//! file of old answers holds names that the gallery has forgotten.

mod sealed;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::sealed::{Plain, Sealed, Secret};
use crate::app::App;
use crate::caller::Caller;
use crate::guard::only_looks;
use crate::jobs::now;
use crate::journal::Journal;
use crate::problem::ApiError;
use crate::traces::within;

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
pub(crate) struct Answers(Mutex<Book>);

#[derive(Default)]
struct Book {
    known: HashMap<Digested, Kept>,
    /// Where they outlive the service; none where it has no place to write to.
    journal: Option<Journal<Kept>>,
}

/// SHA-256, in hexadecimal.
type Digested = String;

/// What is kept of a request: digests, and the answer that they do not open.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    /// Of who asked, and the `Idempotency-Key`.
    asked: Digested,
    /// Of method, address, kind and body.
    request: Digested,
    /// When it was asked, in seconds since 1970.
    at: u64,
    state: Answered,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answered {
    /// It is in work.
    Not,
    /// The service ended while it was in work.
    Interrupted,
    With(Sealed),
    /// It may be asked again as if it had never been.
    Forgotten,
}

/// A request with a key: what is known of it, and what opens its answer.
struct Asking {
    asked: Digested,
    request: Digested,
    secret: Secret,
}

/// Forgets a request that did not come to an answer that is kept.
struct InWork {
    app: App,
    asking: Option<Asking>,
}

impl Answers {
    /// Those that the file at `path` has from before, and which it will have.
    ///
    /// # Errors
    /// When the file cannot be read and written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (mut journal, before) = Journal::<Kept>::open(path)?;
        let mut known = HashMap::new();
        for mut kept in before {
            match kept.state {
                Answered::Forgotten => drop(known.remove(&kept.asked)),
                Answered::Not => {
                    kept.state = Answered::Interrupted;
                    known.insert(kept.asked.clone(), kept);
                }
                Answered::Interrupted | Answered::With(_) => drop(known.insert(kept.asked.clone(), kept)),
            }
        }
        known.retain(|_, kept| kept.is_fresh());
        journal.rewrite(known.values())?;
        Ok(Self(Mutex::new(Book { known, journal: Some(journal) })))
    }

    /// Forgets all answers; requests in work stay, and those that were interrupted.
    pub(crate) fn forget(&self) -> io::Result<()> {
        let mut book = self.lock();
        book.known.retain(|_, kept| !matches!(kept.state, Answered::With(_)));
        book.rewrite()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that was given before, if one was; otherwise the request is in work from now on.
    fn begin(&self, asking: &Asking) -> Result<Option<Response>, ApiError> {
        let mut book = self.lock();
        book.known.retain(|_, kept| kept.is_fresh());
        if let Some(kept) = book.known.get(&asking.asked) {
            if kept.request != asking.request {
                return Err(ApiError::OtherRequest);
            }
            match &kept.state {
                Answered::Not => return Err(ApiError::InProgress),
                Answered::Interrupted => return Err(ApiError::Interrupted),
                // One that cannot be opened any more is as good as none.
                Answered::With(sealed) => {
                    if let Some(mut response) = asking.secret.open(sealed).and_then(|plain| plain.response())
                    {
                        response
                            .headers_mut()
                            .insert("idempotency-replayed", HeaderValue::from_static("true"));
                        return Ok(Some(response));
                    }
                }
                Answered::Forgotten => {}
            }
        }
        if book.known.len() >= ANSWERS {
            let ended = book.known.values().filter(|kept| !matches!(kept.state, Answered::Not));
            let oldest = ended.min_by_key(|kept| kept.at).map(|kept| kept.asked.clone());
            book.known.remove(&oldest.ok_or(ApiError::Overloaded)?);
        }
        book.keep(asking, Answered::Not)?;
        Ok(None)
    }
}

impl Book {
    /// Remembers how a request stands.
    fn keep(&mut self, asking: &Asking, state: Answered) -> Result<(), ApiError> {
        let (asked, request) = (asking.asked.clone(), asking.request.clone());
        let at = self.known.get(&asked).map_or_else(now, |kept| kept.at);
        let kept = Kept { asked: asked.clone(), request, at, state };
        let written = self.journal.as_mut().map_or(Ok(()), |journal| journal.append(&kept));
        match kept.state {
            Answered::Forgotten => drop(self.known.remove(&asked)),
            _ => drop(self.known.insert(asked, kept)),
        }
        if self.journal.as_ref().is_some_and(Journal::has_grown) {
            written.and_then(|()| self.rewrite())
        } else {
            written
        }
        .map_err(|error| ApiError::Internal(format!("an answer cannot be kept: {error}")))
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let known = self.known.values();
        self.journal.as_mut().map_or(Ok(()), |journal| journal.rewrite(known))
    }
}

impl Kept {
    fn is_fresh(&self) -> bool {
        now().saturating_sub(self.at) < KEPT.as_secs()
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        if let Some(asking) = &self.asking {
            // It can only stay as interrupted after a restart, which is told.
            drop(self.app.answers.lock().keep(asking, Answered::Forgotten));
        }
    }
}

impl Asking {
    fn of(caller: Option<&str>, key: &str, request: &[&[u8]]) -> Self {
        let caller = caller.unwrap_or_default().as_bytes();
        let request = digest(request);
        Self {
            asked: hexadecimal(&digest(&[caller, key.as_bytes()])),
            secret: Secret::of([caller, key.as_bytes(), &request]),
            request: hexadecimal(&request),
        }
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn hexadecimal(digest: &[u8; 32]) -> Digested {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

    let limits = app.limits();
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(limits.body_time, to_bytes(body, limits.body_bytes));
    let body = body.await.map_err(|_| ApiError::SlowBody)?;
    let body = body.map_err(|_| ApiError::TooLarge(limits.body_bytes))?;
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let asking = Asking::of(caller.as_deref(), key, &[parts.uri.to_string().as_bytes(), kind, &body]);
    if let Some(before) = app.answers.begin(&asking)? {
        return Ok(before);
    }
    let in_work = InWork { app: app.clone(), asking: Some(asking) };
    // A task of its own: a client that leaves in the middle and asks again gets the answer of the first time.
    let work = finish(in_work, next, Request::from_parts(parts, Body::from(body)));
    let work = tokio::spawn(within(work));
    work.await.unwrap_or_else(|_| Err(ApiError::Internal("a handler panicked".into())))
}

/// Does the request, and keeps its answer.
async fn finish(mut in_work: InWork, next: Next, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|error| ApiError::Internal(error.to_string()))?;
    // What failed by chance may be tried again.
    let is_final = !parts.status.is_server_error() && parts.status != StatusCode::TOO_MANY_REQUESTS;
    if is_final
        && body.len() <= BYTES
        && let Some(asking) = &in_work.asking
        && let Some(sealed) = asking.secret.seal(&Plain::of(parts.status, &parts.headers, &body))
    {
        match in_work.app.answers.lock().keep(asking, Answered::With(sealed)) {
            Ok(()) => {}
            // It is done, and so its answer is given.
            Err(error) => (in_work.app.settings.report)(&error.to_string()),
        }
        in_work.asking = None;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
