//! Traces for OpenTelemetry: how long a request took, and where. Only if they are asked for.
//!
//! A trace has the route, the method and the status; never an address, an identifier, a name, an image or a vector.
//!
//! What is sent is OTLP in its JSON form, which is stable and a page long. The field's own library would bring Protocol Buffers,
//! gRPC's types and a second executor for it.

mod collector;
mod span;

use std::future::Future;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tokio::runtime::Handle;

pub use self::collector::TraceError;
use self::collector::{Collector, Sink};
pub(crate) use self::span::Span;
use self::span::{Parent, SERVER};
use crate::app::App;

tokio::task_local! {
    /// The request in work, where it is followed.
    static REQUEST: Option<Followed>;
}

/// A request that is followed: what its parts are parts of.
#[derive(Clone)]
pub(crate) struct Followed {
    parent: Parent,
    sink: Sink,
}

/// Where spans go.
pub(crate) struct Traces(Collector);

impl Traces {
    /// Sends spans in the background to the collector at `address`. What goes wrong is told by `report`.
    ///
    /// # Errors
    /// When the address is none.
    pub(crate) fn to(address: &str, runtime: &Handle, report: fn(&str)) -> Result<Self, TraceError> {
        Collector::start(address, runtime, report).map(Self)
    }

    /// Sends what is left.
    pub(crate) async fn finish(&self) {
        self.0.finish().await;
    }
}

/// Follows a request with a span, if traces are wanted.
pub(crate) async fn trace(State(app): State<App>, request: Request, next: Next) -> Response {
    let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let parent = caller.and_then(|text| text.parse::<Parent>().ok());
    // Who says that a trace is not wanted gets none.
    let sink = app.traces.as_ref().filter(|_| parent.is_none_or(|parent| parent.is_sampled));
    let Some(Traces(collector)) = sink else { return next.run(request).await };
    let (method, route) = crate::watch::method_and_route(&request);
    let sink = collector.sink();
    let mut span = Span::begin(format!("{method} {route}"), SERVER, parent, sink.clone());
    span.set("http.request.method", method.to_string());
    span.set("http.route", route);
    let followed = Followed { parent: span.as_parent(), sink };
    let response = REQUEST.scope(Some(followed), next.run(request)).await;
    span.set("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status() >= StatusCode::INTERNAL_SERVER_ERROR {
        span.fail();
    }
    response
}

/// The request in work, if it is followed.
pub(crate) fn followed() -> Option<Followed> {
    REQUEST.try_with(Clone::clone).ok().flatten()
}

/// The same work, as a part of the request in which this is called: for work in a task of its own.
pub(crate) fn within<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    REQUEST.scope(followed(), work)
}

/// A part of the request in work, from now until it is dropped; none where it is not followed.
pub(crate) fn part(name: &'static str) -> Option<Span> {
    followed().map(|request| request.part(name))
}

impl Followed {
    /// A part of this request, from now until it is dropped.
    pub(crate) fn part(&self, name: &'static str) -> Span {
        Span::begin(name.into(), span::INTERNAL, Some(self.parent), self.sink.clone())
    }
}
