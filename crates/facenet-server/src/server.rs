//! The service as a whole: it starts, and it stops when all in work is done.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use facenet_gallery::StoreError;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot};

use crate::answers::Answers;
use crate::app::{App, Shared};
use crate::engine::Engine;
use crate::gallery::Desk;
use crate::jobs::Jobs;
use crate::keys::{KeyError, KeyRing};
use crate::maps::Maps;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::rate::Rate;
use crate::settings::Settings;
use crate::tls::{self, TlsError};
use crate::traces::{TraceError, Traces};
use crate::watch::Audit;
use crate::{connections, routes};

/// A running service. Dropping it stops it at once; [`stop`](Self::stop) lets it finish.
pub struct Server {
    address: SocketAddr,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    connections: tokio::task::JoinHandle<()>,
    engine: JoinHandle<()>,
    app: App,
    grace: Duration,
}

/// Why a service could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens there, or it is no address of this machine.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// It would be open to others than this machine, and everybody could do everything.
    #[error(
        "beyond this machine (`{address}`, or under other names) the service needs keys\n\
         hint: `facenet serve keys add FILE NAME` makes one; then start with `--keys FILE`"
    )]
    KeysNeeded {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The gallery cannot be used.
    #[error(transparent)]
    Gallery(#[from] StoreError),
    /// The audit log cannot be written.
    #[error("cannot write the audit log `{path}`")]
    Audit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What outlives the service cannot be kept.
    #[error("cannot keep jobs and answers in `{path}`")]
    Remembered {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Traces cannot be sent there.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// The system gives no threads or no signals.
    #[error("cannot run a service")]
    Run(#[source] io::Error),
    /// A part of it panicked.
    #[error("the service broke off")]
    Broken,
}

impl Server {
    /// Starts to serve, and returns when connections are accepted.
    ///
    /// # Errors
    /// When it cannot listen, or may not under these settings.
    pub fn start(settings: Settings, engine: Box<dyn Engine>) -> Result<Self, StartError> {
        let keys = settings.keys.as_deref().map(KeyRing::open).transpose()?;
        let is_private = settings.listen.ip().is_loopback() && settings.host_names.is_empty();
        if !is_private && keys.as_ref().is_none_or(KeyRing::is_empty) {
            return Err(StartError::KeysNeeded { address: settings.listen });
        }
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let open = |path: &Path| Desk::open(path, engine.contract(), settings.limits.answer_time);
        let gallery = settings.gallery.as_deref().map(open).transpose()?;
        let open =
            |path: &Path| Audit::open(path).map_err(|source| StartError::Audit { path: path.into(), source });
        let audit = settings.audit.as_deref().map(open).transpose()?;

        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::Run)?;
        let listen = settings.listen;
        let refused = |source| StartError::Listen { address: listen, source };
        let listener = runtime.block_on(TcpListener::bind(listen)).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;

        let (jobs, answers) = remembered(&settings, gallery.as_ref())?;
        let traces = settings.otlp.as_deref();
        let traces = traces.map(|to| Traces::to(to, runtime.handle(), settings.report)).transpose()?;
        let limits = settings.limits.clone();
        let contract = engine.contract().clone();
        let (queue, engine) = Queue::start(engine, &limits);
        let app = App::new(Shared {
            settings,
            contract,
            queue,
            gallery,
            keys,
            audit,
            traces,
            jobs,
            answers,
            maps: Maps::default(),
            metrics: Metrics::default(),
            rate: Rate::new(limits.requests_per_second),
            room: Semaphore::new(limits.in_flight),
        });
        runtime.block_on(async { app.jobs.resume(&app) });
        let (grace, router) = (limits.grace, routes::router(app.clone()));
        let (stop, stopped) = oneshot::channel();
        let connections = runtime.spawn(connections::serve(listener, router, tls, limits, stopped));
        Ok(Self { address, runtime, stop, connections, engine, app, grace })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is told to end (ctrl-c, SIGTERM), then [stops](Self::stop).
    ///
    /// # Errors
    /// When the system gives no signals; as [`stop`](Self::stop).
    pub fn run(self) -> Result<(), StartError> {
        self.runtime.block_on(told_to_end()).map_err(StartError::Run)?;
        self.stop()
    }

    /// Accepts no more connections, finishes what is in work, and ends.
    ///
    /// # Errors
    /// When a part of it panicked.
    pub fn stop(self) -> Result<(), StartError> {
        let Self { runtime, stop, connections, engine, app, grace, .. } = self;
        app.jobs.pause_all();
        // Nobody listens any more if the connections have ended by themselves.
        _ = stop.send(());
        runtime.block_on(connections).map_err(|_| StartError::Broken)?;
        if let Some(traces) = &app.traces {
            runtime.block_on(traces.finish());
        }
        // A step on the gallery that was begun is finished. With the last task goes the last way to the engine, which
        // then ends.
        drop(app);
        runtime.shutdown_timeout(grace);
        engine.join().map_err(|_| StartError::Broken)
    }
}

/// The jobs and answers from before, in files beside the gallery; in memory alone where it may not be changed, or another
/// service has them.
fn remembered(settings: &Settings, gallery: Option<&Desk>) -> Result<(Jobs, Answers), StartError> {
    let Some(path) = settings.gallery.as_deref().filter(|_| gallery.is_some_and(|desk| !desk.is_read_only()))
    else {
        return Ok((Jobs::default(), Answers::default()));
    };
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (jobs, answers) = (beside(".jobs"), beside(".answers"));
    let wrong = |path: PathBuf| move |source| StartError::Remembered { path, source };
    match Jobs::open(&jobs) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            (settings.report)("another service uses this gallery: jobs and answers of this one end with it");
            Ok((Jobs::default(), Answers::default()))
        }
        opened => Ok((opened.map_err(wrong(jobs))?, Answers::open(&answers).map_err(wrong(answers))?)),
    }
}

#[cfg(unix)]
async fn told_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut end, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn told_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
