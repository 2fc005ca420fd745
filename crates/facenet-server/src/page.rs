//! The page: the files of `page/dist`, which are inside the program.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

use crate::problem::ApiError;

static DIST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/page/dist");

/// What a page may do: scripts, styles, pictures and requests of this service alone, and no frame around it. Frameworks set
/// styles on elements.
pub(crate) const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The file at an address; the page itself at those that are its own.
pub(crate) async fn page(request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("v1/") || path == "v1" {
        return Err(ApiError::NoRoute);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::Method);
    }
    // A path without a dot is a place within the page.
    let is_place = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let name = if is_place { "index.html" } else { path };
    let file = DIST.get_file(name).ok_or(ApiError::NoRoute)?;
    let mut response = file.contents().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Files below `assets/` have a digest in their names.
    let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;

    use super::*;

    async fn got(path: &str) -> Response {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        page(request).await.into_response()
    }

    #[tokio::test]
    async fn places_within_the_page_give_the_page_and_missing_files_nothing() {
        for place in ["/", "/people/3"] {
            let response = got(place).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{place}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        }
        for none in ["/gone.js", "/v1/gone", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd.txt"] {
            assert_eq!(got(none).await.status(), StatusCode::NOT_FOUND, "{none}");
        }
    }

    #[test]
    fn endings_have_their_types() {
        assert_eq!(content_type("assets/a.b.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("unknown"), "application/octet-stream");
    }
}
