//! The gallery behind the routes: one store, which one request at a time may use, and a view of it that many may read.

mod noted;
mod view;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use facenet_core::{Comparability, Contract};
use facenet_gallery::{Settings, SqliteStore, Store, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use self::noted::Noted;
pub(crate) use self::view::{Near, View};
use crate::problem::ApiError;
use crate::traces::part;

/// The gallery, and what is known of it.
///
/// There is one connection, since the store closes all of its files while it looks for traces of what was deleted, and
/// a second one of the same process would lose its locks by that.
pub(crate) struct Desk {
    kept: Arc<Mutex<Kept>>,
    settings: Arc<RwLock<Arc<Settings>>>,
    is_read_only: bool,
    wait: Duration,
}

struct Kept {
    store: SqliteStore,
    /// What probes are embedded by.
    probe: Contract,
    view: Option<Arc<View>>,
    /// What other programs had changed when the view was made.
    seen: i64,
}

impl Desk {
    /// Opens the gallery in the file at `path`, for probes under `contract`. A request waits for others at most for `wait`.
    ///
    /// # Errors
    /// When it is no gallery, or one of a model that `contract` cannot be compared with.
    pub(crate) fn open(path: &Path, contract: &Contract, wait: Duration) -> Result<Self, StoreError> {
        let store = SqliteStore::open(path)?;
        let settings = store.settings().clone();
        for theirs in settings.older.iter().chain([&settings.contract]) {
            let comparable = contract.compare_with(theirs);
            comparable.map_err(|source| StoreError::OtherContract { place: store.place().into(), source })?;
        }
        let is_read_only = store.is_read_only();
        let kept = Kept { store, probe: contract.clone(), view: None, seen: 0 };
        Ok(Self {
            kept: Arc::new(Mutex::new(kept)),
            settings: Arc::new(RwLock::new(Arc::new(settings))),
            is_read_only,
            wait,
        })
    }

    /// What was fixed when the gallery was made, or by its last upgrade.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it may not be changed.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// An error unless faces that `contract` embedded may be added.
    ///
    /// # Errors
    /// When the gallery may not be changed, or is another model's still.
    pub(crate) fn need_taking(&self, contract: &Contract) -> Result<(), ApiError> {
        if self.is_read_only {
            return Err(ApiError::ReadOnly);
        }
        match contract.compare_with(&self.settings().contract) {
            Ok(Comparability::Same) => Ok(()),
            Ok(Comparability::Harmonic(_)) | Err(_) => Err(ApiError::UpgradeFirst),
        }
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
                    let view = Arc::new(View::of(&kept.store, &kept.probe)?);
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
        change: impl FnOnce(&mut dyn Store) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let settings = Arc::clone(&self.settings);
        self.blocking(move |kept| {
            // Should it panic, what is in memory is not to be trusted.
            let view = kept.view.take();
            let mut noted = Noted::of(&mut kept.store);
            let changed = change(&mut noted);
            let done = noted.into_done();
            *settings.write().unwrap_or_else(PoisonError::into_inner) =
                Arc::new(kept.store.settings().clone());
            if done.is_empty() {
                kept.view = view;
            } else if let Some(view) = view {
                // What others still read stays as it is.
                let view = Arc::try_unwrap(view).unwrap_or_else(|view| (*view).clone());
                // What cannot be followed is read anew when it is asked for.
                kept.view = view.after(&done, &kept.store).ok().flatten().map(Arc::new);
            }
            changed
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let waiting = part("gallery wait");
        let lock = tokio::time::timeout(self.wait, Arc::clone(&self.kept).lock_owned());
        let mut kept: OwnedMutexGuard<Kept> = lock.await.map_err(|_| ApiError::GalleryBusy)?;
        drop(waiting);
        let working = part("gallery");
        let done = tokio::task::spawn_blocking(move || work(&mut kept)).await;
        drop(working);
        done.unwrap_or_else(|_| Err(ApiError::Internal("a step on the gallery panicked".into())))
    }
}
