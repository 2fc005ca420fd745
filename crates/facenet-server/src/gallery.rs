//! The gallery behind the routes: one store, which one request at a time may use, and a view of it that many may read.

mod view;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use facenet_core::Contract;
use facenet_gallery::{Settings, SqliteStore, Store, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub(crate) use self::view::{Near, View};
use crate::problem::ApiError;

/// The gallery, and what was read of it last.
///
/// There is one connection, since the store closes all of its files while it looks for traces of what was deleted, and
/// a second one of the same process would lose its locks by that.
pub(crate) struct Desk {
    kept: Arc<Mutex<Kept>>,
    settings: Settings,
    is_read_only: bool,
    wait: Duration,
}

struct Kept {
    store: SqliteStore,
    view: Option<Arc<View>>,
    /// What other programs had changed when the view was made.
    seen: i64,
}

impl Desk {
    /// Opens the gallery in the file at `path`, for probes under `contract`. A request waits for others at most for `wait`.
    ///
    /// # Errors
    /// When it is no gallery, or one of another model.
    pub(crate) fn open(path: &Path, contract: &Contract, wait: Duration) -> Result<Self, StoreError> {
        let store = SqliteStore::open(path)?;
        let settings = store.settings().clone();
        let comparable = settings.contract.check_comparable(contract);
        comparable.map_err(|source| StoreError::OtherContract { place: store.place().into(), source })?;
        let is_read_only = store.is_read_only();
        let kept = Arc::new(Mutex::new(Kept { store, view: None, seen: 0 }));
        Ok(Self { kept, settings, is_read_only, wait })
    }

    /// What was fixed when the gallery was made.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether it may not be changed.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// What the gallery holds now.
    ///
    /// # Errors
    /// When it cannot be read, or others use it for too long.
    pub(crate) async fn view(&self) -> Result<Arc<View>, ApiError> {
        self.blocking(|kept| {
            let seen = kept.store.changes_by_others()?;
            match &kept.view {
                Some(view) if kept.seen == seen => Ok(Arc::clone(view)),
                _ => {
                    let view = Arc::new(View::of(&kept.store)?);
                    (kept.view, kept.seen) = (Some(Arc::clone(&view)), seen);
                    Ok(view)
                }
            }
        })
        .await
    }

    /// Asks the store something.
    ///
    /// # Errors
    /// Those of `question`; when others use the gallery for too long.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&SqliteStore) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.blocking(|kept| question(&kept.store)).await
    }

    /// Changes the store. What was begun is finished, also if the client has left.
    ///
    /// # Errors
    /// Those of `change`; when others use the gallery for too long.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut SqliteStore) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.blocking(|kept| {
            // Also after an error: a deletion stands, even if its traces could not be wiped.
            kept.view = None;
            change(&mut kept.store)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let lock = tokio::time::timeout(self.wait, Arc::clone(&self.kept).lock_owned());
        let mut kept: OwnedMutexGuard<Kept> = lock.await.map_err(|_| ApiError::GalleryBusy)?;
        let done = tokio::task::spawn_blocking(move || work(&mut kept)).await;
        done.unwrap_or_else(|_| Err(ApiError::Internal("a step on the gallery panicked".into())))
    }
}
