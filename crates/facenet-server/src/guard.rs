//! What stands before every route: whether the address is ours, the page is ours, the caller may, and there is room.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::connections::Peer;
use crate::problem::ApiError;

/// Routes whose `POST` looks at images and changes nothing.
const LOOKING: [&str; 4] = ["/v1/detect", "/v1/embed", "/v1/verify", "/v1/identify"];

/// Whether a `POST` there changes nothing.
pub(crate) fn only_looks(path: &str) -> bool {
    LOOKING.contains(&path)
}

/// Lets a request through, with its [`Caller`].
pub(crate) async fn guard(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check_host(&app, request.headers(), request.uri())?;
    check_origin(request.method(), request.headers())?;
    check_length(request.headers(), app.limits().body_bytes)?;
    let caller = caller(&app, &request)?;
    if request.uri().path().starts_with("/v1/") {
        caller.need(needed(request.method(), request.uri().path()))?;
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string());
        let who = caller.key.clone().or(peer).unwrap_or_default();
        app.rate.take(&who).map_err(|seconds| ApiError::Rate { seconds })?;
    }
    let _room = app.room.try_acquire().map_err(|_| ApiError::Overloaded)?;
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// A page of somebody else may name our address in its own domain (DNS rebinding) and then read our answers: the name that
/// the browser believes to talk to gives it away.
fn check_host(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
    let (listen, names) = (app.settings.listen.ip(), &app.settings.host_names);
    if !listen.is_loopback() && names.is_empty() {
        return Ok(()); // keys are needed then
    }
    let host = host(headers, uri).unwrap_or_default();
    let name = without_port(host).to_ascii_lowercase();
    let is_local = matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    let is_ours = name == listen.to_string() || names.iter().any(|ours| ours.eq_ignore_ascii_case(&name));
    if is_local || is_ours { Ok(()) } else { Err(ApiError::Host) }
}

/// A page of somebody else may send a form here; the browser says where it is from.
fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(origin) = text(header::ORIGIN) {
        // The scheme may differ behind a proxy that speaks TLS for us.
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let host = text(header::HOST);
        let is_same = authority.zip(host).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        return if is_same { Ok(()) } else { Err(ApiError::Origin) };
    }
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(ApiError::Origin),
    }
}

/// A body that says itself that it is too long need not come.
fn check_length(headers: &HeaderMap, most: usize) -> Result<(), ApiError> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) { Err(ApiError::TooLarge(most)) } else { Ok(()) }
}

fn caller(app: &App, request: &Request) -> Result<Caller, ApiError> {
    let Some(keys) = &app.keys else { return Ok(Caller::local()) };
    let path = request.uri().path();
    let is_open = path == "/v1/health" || !(path.starts_with("/v1/") || path == "/metrics");
    if is_open {
        return Ok(Caller { key: None, scope: Scope::Read });
    }
    let value = request.headers().get(header::AUTHORIZATION).ok_or(ApiError::NoKey)?;
    let value = value.to_str().map_err(|_| ApiError::UnknownKey)?;
    let (scheme, secret) = value.split_once(' ').ok_or(ApiError::NoKey)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::NoKey);
    }
    keys.caller(secret.trim())
}

/// What a request needs.
fn needed(method: &Method, path: &str) -> Scope {
    match *method {
        Method::GET | Method::HEAD => Scope::Read,
        Method::POST if only_looks(path) => Scope::Read,
        _ => Scope::Write,
    }
}

fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_goes_without_its_port() {
        for (host, name) in [
            ("localhost:8750", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8750", "[::1]"),
            ("[::1]", "[::1]"),
            ("evil.example:80", "evil.example"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn only_a_page_of_ours_may_write() {
        let check = |method: Method, headers: &[(&'static str, &str)]| {
            let headers = headers.iter().map(|(name, value)| {
                (header::HeaderName::from_static(name), value.parse::<header::HeaderValue>().unwrap())
            });
            check_origin(&method, &headers.collect()).is_ok()
        };
        let host = ("host", "faces.example");
        assert!(check(Method::POST, &[host]), "no browser");
        assert!(check(Method::POST, &[host, ("origin", "https://faces.example")]));
        assert!(check(Method::GET, &[host, ("origin", "https://evil.example")]), "it cannot read the answer");
        for foreign in
            ["https://evil.example", "null", "https://faces.example.evil", "https://faces.example:81"]
        {
            assert!(!check(Method::DELETE, &[host, ("origin", foreign)]), "{foreign}");
        }
        assert!(!check(Method::POST, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(check(Method::POST, &[host, ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn what_only_looks_needs_no_more_than_reading() {
        assert_eq!(needed(&Method::POST, "/v1/identify"), Scope::Read);
        assert_eq!(needed(&Method::POST, "/v1/photos"), Scope::Write);
        assert_eq!(needed(&Method::DELETE, "/v1/people/3"), Scope::Write);
        assert_eq!(needed(&Method::GET, "/v1/people"), Scope::Read);
    }
}
