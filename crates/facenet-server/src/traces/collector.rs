//! The way to a collector: OTLP over plain HTTP, a connection for each batch of spans.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// How many spans may wait. What is more is left out: a collector that hangs costs no memory.
const WAITING: usize = 4096;
/// How many spans are sent at once.
const BATCH: usize = 512;
/// How long spans wait for more.
const LINGER: Duration = Duration::from_secs(1);
/// How long a batch may take, and the last one when the service stops.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where OTLP takes traces, and its port.
const PATH: &str = "/v1/traces";
const PORT: u16 = 4318;

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It is no address that is spoken to.
    #[error(
        "`{0}` cannot take traces: expected `http://HOST:PORT`\n\
         hint: a collector on this machine can send them on with TLS"
    )]
    Address(String),
}

/// A collector, and the task that sends.
pub(super) struct Collector {
    sink: Sink,
    /// Ends when it is sent nothing any more.
    stop: mpsc::Sender<()>,
    sending: Mutex<Option<JoinHandle<()>>>,
}

/// Where spans go that have ended.
#[derive(Clone)]
pub(super) struct Sink {
    waiting: mpsc::Sender<Value>,
    left_out: Arc<AtomicU64>,
}

impl Sink {
    /// Takes a span, or leaves it out if too many wait.
    pub(super) fn take(&self, span: Value) {
        if self.waiting.try_send(span).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Collector {
    /// Begins to send to `address`.
    ///
    /// # Errors
    /// When the address is none.
    pub(super) fn start(address: &str, runtime: &Handle, report: fn(&str)) -> Result<Self, TraceError> {
        let authority = authority(address).ok_or_else(|| TraceError::Address(address.to_owned()))?;
        let (waiting, spans) = mpsc::channel(WAITING);
        let (stop, stopped) = mpsc::channel(1);
        let left_out = Arc::new(AtomicU64::new(0));
        let sink = Sink { waiting, left_out: Arc::clone(&left_out) };
        let sender = Sender { authority, report, left_out, is_told: false };
        let sending = runtime.spawn(sender.run(spans, stopped));
        Ok(Self { sink, stop, sending: Mutex::new(Some(sending)) })
    }

    pub(super) fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Sends what waits, and ends.
    pub(super) async fn finish(&self) {
        // Whoever has ended already needs no word.
        _ = self.stop.try_send(());
        if let Some(sending) = self.sending.lock().await.take() {
            drop(tokio::time::timeout(PATIENCE, sending).await);
        }
    }
}

/// What sends.
struct Sender {
    authority: String,
    report: fn(&str),
    left_out: Arc<AtomicU64>,
    /// Whether it was told that the collector cannot be reached: once, until it can be again.
    is_told: bool,
}

impl Sender {
    async fn run(mut self, mut spans: mpsc::Receiver<Value>, mut stopped: mpsc::Receiver<()>) {
        let mut goes_on = true;
        while goes_on {
            let mut batch = Vec::new();
            goes_on = tokio::select! {
                count = spans.recv_many(&mut batch, BATCH) => count > 0,
                _ = stopped.recv() => false,
            };
            if goes_on && batch.len() < BATCH {
                goes_on = tokio::select! {
                    () = tokio::time::sleep(LINGER) => true,
                    _ = stopped.recv() => false,
                };
            }
            while let Ok(span) = spans.try_recv() {
                batch.push(span);
            }
            if !batch.is_empty() {
                self.send(&batch).await;
            }
        }
    }

    async fn send(&mut self, batch: &[Value]) {
        let count = batch.len() as u64;
        let body = serde_json::to_vec(&message(batch)).expect("it is JSON").into();
        let why = match tokio::time::timeout(PATIENCE, post(&self.authority, body)).await {
            Ok(Ok(status)) if status.is_success() => return self.is_told = false,
            Ok(Ok(status)) => format!("it answers {status}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".into(),
        };
        let left_out = self.left_out.fetch_add(count, Ordering::Relaxed) + count;
        if !self.is_told {
            self.is_told = true;
            let authority = &self.authority;
            (self.report)(&format!(
                "traces do not reach `{authority}`: {why}; {left_out} spans are left out so far"
            ));
        }
    }
}

/// Host and port of a collector's address; none when it is no such address.
fn authority(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let is_plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/" | PATH);
    let authority = uri.authority().filter(|_| is_plain && uri.query().is_none())?;
    Some(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(PORT)))
}

/// As OTLP has it in JSON: `opentelemetry/proto/collector/trace/v1/trace_service.proto`.
fn message(spans: &[Value]) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let about = [text("service.name", "facenet"), text("service.version", env!("CARGO_PKG_VERSION"))];
    json!({"resourceSpans": [{
        "resource": {"attributes": about},
        "scopeSpans": [{"scope": {"name": "facenet-server"}, "spans": spans}],
    }]})
}

async fn post(authority: &str, body: Bytes) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(PATH)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    let status = sender.send_request(request).await.map(|response| response.status());
    connection.abort();
    Ok(status?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_a_plain_address_and_a_usual_port() {
        assert_eq!(authority("http://collector").as_deref(), Some("collector:4318"));
        assert_eq!(authority("http://[::1]:9/v1/traces").as_deref(), Some("[::1]:9"));
        for none in
            ["", "collector:4318", "https://collector:4318", "http://c/other", "http://c/v1/traces?x=1"]
        {
            assert_eq!(authority(none), None, "{none}");
        }
    }
}
