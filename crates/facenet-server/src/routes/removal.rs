//! Deleting: the answer is the proof.

use axum::{Extension, Json};
use facenet_gallery::{Removal, Store};

use crate::app::App;
use crate::problem::ApiError;
use crate::records::{DryRun, RemovedJson};
use crate::touched::Touched;

/// The answer to a deletion.
pub(crate) type Deleted = (Extension<Touched>, Json<RemovedJson>);

/// Deletes, or says what would be.
pub(crate) async fn delete(
    app: &App,
    what: Removal,
    DryRun { dry_run }: DryRun,
) -> Result<Deleted, ApiError> {
    let desk = app.gallery()?;
    let removed = match dry_run {
        true => desk.ask(move |store| Ok(store.would_remove(&what)?)).await?,
        false => {
            let removed = desk.change(move |store| Ok(store.remove(&what)?)).await;
            // Stored answers may speak of what is no more.
            if let Err(error) = app.answers.forget() {
                (app.settings.report)(&format!("stored answers cannot be forgotten: {error}"));
            }
            app.maps.forget().await;
            removed?
        }
    };
    Ok((Extension(Touched::from(&removed)), Json(RemovedJson::of(&removed, dry_run))))
}
