//! Connections: each has little time for its headers, and all end when the service does.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::settings::Limits;

/// The most bytes of a request's headers, and the most headers. Browsers send about 2 KiB in 20.
const HEADER_BYTES: usize = 32 << 10;
const HEADERS: usize = 64;

/// Who a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Answers connections until `stop` says so or is gone; then those in work may end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    mut stop: oneshot::Receiver<()>,
) {
    let (graceful, limits) = (GracefulShutdown::new(), Arc::new(limits));
    let room = Arc::new(Semaphore::new(limits.connections));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // No more files may be open, or the client is gone: others may go on.
                Err(_) => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = &mut stop => break,
        };
        // Answers are small and whole: waiting to fill a packet only costs time.
        drop(stream.set_nodelay(true));
        let (router, limits, watcher) = (router.clone(), Arc::clone(&limits), graceful.watcher());
        let tls = tls.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let Some(tls) = tls else {
                return answer(stream, Peer(peer), router, &limits, watcher).await;
            };
            // Who does not shake hands in time, or offers what is no TLS, is gone.
            let shaken = tokio::time::timeout(limits.header_time, tls.accept(stream)).await;
            if let Ok(Ok(stream)) = shaken {
                answer(stream, Peer(peer), router, &limits, watcher).await;
            }
        });
    }
    drop(listener);
    drop(tokio::time::timeout(limits.grace, graceful.shutdown()).await);
}

/// Answers all requests of a connection.
async fn answer<S>(stream: S, peer: Peer, router: Router, limits: &Limits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.expect("it cannot fail")) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES);
    // A client that breaks off, or sends what is no HTTP, concerns nobody else.
    drop(watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await);
}
