//! `/docs`: a page to read about the routes and to try them, made in the browser from `/openapi.json`.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::page::POLICY;

/// The page.
pub(crate) async fn docs() -> Response {
    let kind = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    ([kind, (header::CONTENT_SECURITY_POLICY, POLICY)], include_str!("docs/docs.html")).into_response()
}

/// Its script, which is apart since the page allows none within itself.
pub(crate) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("docs/docs.js")).into_response()
}
