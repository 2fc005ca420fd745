//! What all handlers share.

use std::ops::Deref;
use std::sync::Arc;

use facenet_core::Contract;
use tokio::sync::Semaphore;

use crate::answers::Answers;
use crate::gallery::Desk;
use crate::jobs::Jobs;
use crate::keys::KeyRing;
use crate::maps::Maps;
use crate::metrics::Metrics;
use crate::problem::ApiError;
use crate::queue::Queue;
use crate::rate::Rate;
use crate::settings::{Limits, Settings};
use crate::traces::Traces;
use crate::watch::Audit;

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) contract: Contract,
    pub(crate) queue: Queue,
    pub(crate) gallery: Option<Desk>,
    pub(crate) keys: Option<KeyRing>,
    pub(crate) audit: Option<Audit>,
    pub(crate) traces: Option<Traces>,
    pub(crate) jobs: Jobs,
    pub(crate) answers: Answers,
    pub(crate) maps: Maps,
    pub(crate) metrics: Metrics,
    pub(crate) rate: Rate,
    /// Room for requests in work.
    pub(crate) room: Semaphore,
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// The gallery.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn gallery(&self) -> Result<&Desk, ApiError> {
        self.gallery.as_ref().ok_or(ApiError::NoGallery)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
