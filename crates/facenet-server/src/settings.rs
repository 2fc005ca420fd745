//! How the service is run, and what a request may cost.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::tls::TlsFiles;

/// How the service is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 is any that is free. This machine alone by default.
    pub listen: SocketAddr,
    /// What a request may cost.
    pub limits: Limits,
    /// The gallery's file, if there is one.
    pub gallery: Option<PathBuf>,
    /// Folders whose photos may be added by those who are allowed to; none by default.
    pub folders: Vec<PathBuf>,
    /// Folders of training runs that are shown; none by default.
    pub runs: Vec<PathBuf>,
    /// The file of keys. Without, everybody who reaches the service may do everything, which is why it then listens on
    /// this machine alone.
    pub keys: Option<PathBuf>,
    /// Other names of the service than this machine's own, as a proxy before it passes them on.
    pub host_names: Vec<String>,
    /// The certificate, if TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// The file that tells who searched and changed what, if it is wanted.
    pub audit: Option<PathBuf>,
    /// Whether figures are given out at `/metrics`.
    pub metrics: bool,
    /// The collector that traces are sent to, `http://HOST:PORT`, if they are wanted.
    pub otlp: Option<String>,
    /// What is told about failures of the service, a line each.
    pub report: fn(&str),
}

/// What a request may cost before it is refused. None of these can be unlimited.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most bytes of a body. 20 MiB: a telephone's JPEG of 50 megapixels has about 15.
    pub body_bytes: usize,
    /// The most pixels of an image, which the engine checks in its header. 64 million: a telephone's 50-megapixel
    /// sensor passes, and no image takes more than 512 MB while it is decoded (16-bit RGBA).
    pub pixels: u64,
    /// The most faces of an image that are embedded, the most confident ones. 200: a group photo passes, and a picture of
    /// a stadium costs no more than three seconds.
    pub faces: usize,
    /// How long a client may take to send its headers. 10 s: the slowest telephone network, and no more for one who
    /// only wants to keep connections busy.
    pub header_time: Duration,
    /// How long a client may take to send its body. 60 s: 20 MiB at 3 Mbit/s.
    pub body_time: Duration,
    /// How long an answer may take once its body is here. 30 s: longer than clients wait.
    pub answer_time: Duration,
    /// How many images may wait for the engine. 64: at 100 ms each, the last one waits six seconds.
    pub queue: usize,
    /// How many images the engine gets at a time. 8: enough that the network's products are wide.
    pub batch: usize,
    /// How long the engine waits for a batch to fill. 0: what came while it was at work is the next batch, and a core gains
    /// nothing by waiting for more; an engine that does may be worth some milliseconds.
    pub linger: Duration,
    /// How many requests may be in work. 128, with bodies of 20 MiB: at most 2.5 GiB, if all are as large as they may be.
    pub in_flight: usize,
    /// How many connections may be open. 512: each costs up to 64 KiB for its headers.
    pub connections: usize,
    /// How many requests each key, or each address where there are no keys, may make in a second, on average; twice
    /// as many at once. 100: a page with a hundred faces opens without waiting.
    pub requests_per_second: f64,
    /// How long requests in work may go on after the service was told to stop. 30 s: longer than an answer may take.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8750)),
            limits: Limits::default(),
            gallery: None,
            folders: Vec::new(),
            runs: Vec::new(),
            keys: None,
            host_names: Vec::new(),
            tls: None,
            audit: None,
            metrics: false,
            otlp: None,
            report: |_| (),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 20 << 20,
            pixels: 64_000_000,
            faces: 200,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            answer_time: Duration::from_secs(30),
            queue: 64,
            batch: 8,
            linger: Duration::ZERO,
            in_flight: 128,
            connections: 512,
            requests_per_second: 100.0,
            grace: Duration::from_secs(30),
        }
    }
}
