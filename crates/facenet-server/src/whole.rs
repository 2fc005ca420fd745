//! Small bodies are read before anything is decided: a request that is refused with its body on the way would cost the client its
//! connection, and the next request that it sends on it.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::problem::ApiError;

/// What is small: less than a socket keeps for itself anyway. With as many connections as may be, 32 MiB.
const SMALL: usize = 64 << 10;

/// Reads a body that says that it is small. Whether it is too large is decided afterwards, as everything is.
pub(crate) async fn whole(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if !length.is_some_and(|length| (1..=SMALL).contains(&length)) {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(app.limits().body_time, to_bytes(body, SMALL)).await;
    let body = body.map_err(|_| ApiError::SlowBody)?;
    let body = body.map_err(|error| ApiError::BadRequest(error.to_string()))?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}
