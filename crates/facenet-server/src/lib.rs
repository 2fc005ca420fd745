//! Serves an engine and a gallery over HTTP, with a page. It runs no model: an [`Engine`] comes in from outside.
//!
//! ```
//! use facenet_core::{Contract, Preprocessing};
//! use facenet_server::{Engine, Image, Look, NotLooked, Server, Settings};
//!
//! /// Sees nobody, in images of one pixel.
//! struct Blind(Contract);
//!
//! impl Engine for Blind {
//!     fn contract(&self) -> &Contract {
//!         &self.0
//!     }
//!
//!     fn look(&mut self, images: &[Image]) -> Vec<Result<Look, NotLooked>> {
//!         images.iter().map(|_| Ok(Look { width: 1, height: 1, faces: Vec::new(), left_out: 0 })).collect()
//!     }
//! }
//!
//! let contract = Contract {
//!     network: "blind".into(),
//!     dimension: 2,
//!     weights: "0f3a9c1d2b4e".into(),
//!     preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
//!     thresholds: vec![],
//!     calibration: None,
//!     mirrored: false,
//!     harmonic: vec![],
//! };
//! let settings = Settings { listen: "127.0.0.1:0".parse()?, ..Settings::default() };
//! let server = Server::start(settings, Box::new(Blind(contract)))?;
//! assert!(server.address().ip().is_loopback());
//! server.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adding;
mod answers;
mod app;
mod caller;
mod connections;
mod docs;
mod engine;
mod gallery;
mod guard;
mod jobs;
mod journal;
mod keys;
mod maps;
mod metrics;
mod page;
mod problem;
mod queue;
mod rate;
mod records;
mod routes;
mod runs;
mod server;
mod settings;
mod shapes;
mod tls;
mod touched;
mod traces;
mod upload;
mod watch;
mod whole;

pub use caller::Scope;
pub use engine::{Aim, Engine, Image, Look, NotLooked, Place, SeenFace};
pub use keys::{Key, KeyError, KeyFile};
pub use routes::openapi;
pub use server::{Server, StartError};
pub use settings::{Limits, Settings};
pub use tls::{TlsError, TlsFiles};
pub use traces::TraceError;
