//! Figures for Prometheus: requests by route and status, and what the engine does.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::problem::ApiError;

/// What was counted since the start of the service.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<BTreeMap<(String, String, u16), Requests>>);

#[derive(Default)]
struct Requests {
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn note(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // Clients make up methods; figures of each would be without bound.
        let method = if *method == Method::GET
            || *method == Method::POST
            || *method == Method::PATCH
            || *method == Method::DELETE
        {
            method.as_str()
        } else {
            "other"
        };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = counted.entry((route.to_owned(), method.to_owned(), status)).or_default();
        requests.count += 1;
        requests.seconds += took.as_secs_f64();
    }
}

/// The figures, if the settings give them out.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    if !app.settings.metrics {
        return Err(ApiError::NoRoute);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&app)).into_response())
}

fn text(app: &App) -> String {
    let mut text = String::new();
    let requests = app.metrics.0.lock().unwrap_or_else(PoisonError::into_inner);
    text += "# TYPE facenet_requests_total counter\n";
    for ((route, method, status), counted) in requests.iter() {
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        writeln!(text, "facenet_requests_total{labels} {}", counted.count).expect("memory takes text");
    }
    text += "# TYPE facenet_request_seconds_total counter\n";
    for ((route, method, status), counted) in requests.iter() {
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        writeln!(text, "facenet_request_seconds_total{labels} {:.6}", counted.seconds)
            .expect("memory takes text");
    }
    let queue = app.queue.counts();
    for (name, kind, value) in [
        ("facenet_images_waiting", "gauge", queue.waiting.load(Ordering::Relaxed) as u64),
        ("facenet_images_total", "counter", queue.images.load(Ordering::Relaxed)),
        ("facenet_batches_total", "counter", queue.batches.load(Ordering::Relaxed)),
        ("facenet_images_skipped_total", "counter", queue.skipped.load(Ordering::Relaxed)),
        (
            "facenet_requests_in_flight",
            "gauge",
            (app.limits().in_flight - app.room.available_permits()) as u64,
        ),
    ] {
        writeln!(text, "# TYPE {name} {kind}\n{name} {value}").expect("memory takes text");
    }
    text
}
