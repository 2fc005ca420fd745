//! What is noted of every answer: figures, the audit log, and why the service failed. Never a name, an image or a vector.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use facenet_gallery::Subject;
use serde::Serialize;

use crate::app::App;
use crate::caller::Caller;
use crate::jobs::now;
use crate::problem::Reason;
use crate::touched::Touched;

/// Who did what when, as lines of JSON.
pub(crate) struct Audit(Mutex<File>);

/// A line of the audit log.
#[derive(Serialize)]
struct Line<'a> {
    /// When, in seconds since 1970.
    at: u64,
    /// The key's identifier.
    key: Option<&'a str>,
    method: &'a str,
    /// The route, with `{id}` for the identifier: what stands in an address may be a name.
    route: &'a str,
    status: u16,
    /// Whom it was about.
    subjects: Vec<String>,
}

impl Audit {
    /// Goes on writing the file at `path`, which only its owner may read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.open(path)?)))
    }

    fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One write a line, so that lines of several programs do not mix.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

/// Notes what became of a request.
pub(crate) async fn watch(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (method, route) = method_and_route(&request);
    let subject = subject(request.uri().path());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    app.metrics.note(&method, &route, status, began.elapsed());
    if let Some(Reason(reason)) = response.extensions().get() {
        (app.settings.report)(&format!("{method} {route}: {status}: {reason}"));
    }
    if let Some(audit) = app.audit.as_ref().filter(|_| is_audited(&method, &route)) {
        let touched = response.extensions().get::<Touched>().map(|touched| touched.0.clone());
        let mut subjects: Vec<Subject> = subject.into_iter().chain(touched.unwrap_or_default()).collect();
        subjects.dedup();
        let line = Line {
            at: now(),
            key: response.extensions().get::<Caller>().and_then(|caller| caller.key.as_deref()),
            method: method.as_str(),
            route: &route,
            status,
            subjects: subjects.iter().map(ToString::to_string).collect(),
        };
        if let Err(error) = audit.write(&line) {
            (app.settings.report)(&format!("the audit log cannot be written: {error}"));
        }
    }
    response
}

/// The method, and the route with `{id}` for the identifier.
pub(crate) fn method_and_route(request: &Request) -> (Method, String) {
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    (request.method().clone(), route)
}

/// Whether it is a search or a change.
fn is_audited(method: &Method, route: &str) -> bool {
    route.starts_with("/v1/")
        && (!matches!(*method, Method::GET | Method::HEAD) || route.ends_with("/similar"))
}

/// Whom an address is about: `/v1/people/3` is about `person:3`.
fn subject(path: &str) -> Option<Subject> {
    let mut parts = path.strip_prefix("/v1/")?.split('/');
    let kind = match parts.next()? {
        "people" => "person",
        "faces" => "face",
        "photos" => "photo",
        _ => return None,
    };
    format!("{kind}:{}", parts.next()?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_about_an_identifier_and_never_about_a_name() {
        let about = |path| subject(path).map(|subject| subject.to_string());
        assert_eq!(about("/v1/people/3").as_deref(), Some("person:3"));
        assert_eq!(about("/v1/faces/21/similar").as_deref(), Some("face:21"));
        assert_eq!(about("/v1/people/Anna"), None);
        assert_eq!(about("/v1/people"), None);
    }

    #[test]
    fn searches_and_changes_are_audited_and_reading_is_not() {
        assert!(is_audited(&Method::POST, "/v1/identify") && is_audited(&Method::DELETE, "/v1/people/{id}"));
        assert!(is_audited(&Method::GET, "/v1/faces/{id}/similar"));
        assert!(!is_audited(&Method::GET, "/v1/people") && !is_audited(&Method::POST, "(none)"));
    }
}
