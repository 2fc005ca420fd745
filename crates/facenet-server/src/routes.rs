//! Everything that is answered, and its description.

mod corrections;
mod embed;
mod faces;
mod gallery;
mod health;
mod identify;
mod jobs;
mod map;
mod model;
mod people;
mod photos;
mod removal;
mod runs;
mod verify;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::jobs::allowed;
pub(crate) use self::people::need_person;
use crate::answers::once;
use crate::app::App;
use crate::docs::docs;
use crate::guard::guard;
use crate::metrics::metrics;
use crate::page::page;
use crate::problem::ApiError;
use crate::traces::trace;
use crate::watch::watch;
use crate::whole::whole;

/// The routes and their description in OpenAPI 3.1.
#[derive(OpenApi)]
#[openapi(info(
    title = "facenet",
    description = "Finds, compares and remembers faces. Distances are squared Euclidean distances between unit vectors: \
        0 is the same face, 4 the opposite. Errors are `application/problem+json` with a `code` that never changes and a \
        `hint` that says what to do.",
    license(name = "MIT OR Apache-2.0")
), modifiers(&Bearer), security((), ("bearer" = [])))]
struct Described;

/// How a key is sent, where one is needed.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// All routes, and their description.
fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(health::health))
        .routes(routes!(model::model))
        .routes(routes!(embed::detect))
        .routes(routes!(embed::embed))
        .routes(routes!(verify::verify))
        .routes(routes!(identify::identify))
        .routes(routes!(gallery::gallery))
        .routes(routes!(gallery::events))
        .routes(routes!(map::map))
        .routes(routes!(people::list, people::create))
        .routes(routes!(people::get, people::patch, people::remove))
        .routes(routes!(people::faces))
        .routes(routes!(people::merge))
        .routes(routes!(people::split))
        .routes(routes!(faces::list))
        .routes(routes!(faces::get, faces::patch, faces::remove))
        .routes(routes!(faces::picture))
        .routes(routes!(faces::similar))
        .routes(routes!(photos::list, photos::add))
        .routes(routes!(photos::get, photos::remove))
        .routes(routes!(corrections::list, corrections::add))
        .routes(routes!(corrections::undo))
        .routes(routes!(corrections::questions))
        .routes(routes!(jobs::list, jobs::start))
        .routes(routes!(jobs::get, jobs::cancel))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::page))
}

/// The description of all routes, as `/openapi.json` gives it.
pub fn openapi() -> String {
    described().into_openapi().to_pretty_json().expect("a description is JSON")
}

/// All that is answered.
pub(crate) fn router(app: App) -> Router {
    let (routes, openapi) = described().split_for_parts();
    let openapi = openapi.to_json().expect("a description is JSON");
    routes
        .route("/openapi.json", axum::routing::get(async || json(openapi)))
        .route("/docs", axum::routing::get(docs))
        .route("/docs.js", axum::routing::get(crate::docs::script))
        .route("/metrics", axum::routing::get(metrics))
        .fallback(page)
        .method_not_allowed_fallback(async || ApiError::Method)
        .layer(DefaultBodyLimit::max(app.limits().body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), once))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(middleware::from_fn_with_state(app.clone(), whole))
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal("a handler panicked".into()).into_response()))
        .layer(middleware::from_fn_with_state(app.clone(), watch))
        .layer(middleware::from_fn_with_state(app.clone(), trace))
        .layer(middleware::from_fn(headers))
        .with_state(app)
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// What browsers may do with any answer: nothing, unless the answer itself says otherwise.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // Answers are about people: no browser and no proxy keeps them.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
