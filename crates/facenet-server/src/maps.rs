//! Maps of the gallery's faces in the plane, made when they are asked for and kept while the faces stay the same.

use std::collections::HashMap;
use std::sync::Arc;

use facenet_gallery::{FaceId, MapMethod, map};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::gallery::View;
use crate::problem::ApiError;

/// Where faces lie.
pub(crate) struct Layout {
    /// Each face that is shown and its place, both coordinates in `[-1, 1]`; in the order of identifiers.
    pub(crate) places: Vec<(FaceId, [f32; 2])>,
}

/// The last map by each method. One is made at a time: who waits for the same gets the one that is in work.
#[derive(Clone, Default)]
pub(crate) struct Maps(Arc<Mutex<Made>>);

type Made = HashMap<MapMethod, (Content, Arc<Layout>)>;

/// The digest of what a map is made of.
type Content = [u8; 32];

impl Maps {
    /// The map of the gallery, of at most `limit` of its faces. Names and people may change without it being made anew. It is
    /// finished and kept also if nobody waits for it any more.
    ///
    /// # Errors
    /// When making it fails.
    pub(crate) async fn of(
        &self,
        view: &View,
        method: MapMethod,
        limit: usize,
    ) -> Result<Arc<Layout>, ApiError> {
        let faces = sample(view, limit);
        let rows = rows(view, &faces);
        let content = content(&faces, &rows);
        let maps = self.clone();
        let making = tokio::spawn(async move {
            let mut made = maps.0.lock().await;
            if let Some((_, layout)) = made.get(&method).filter(|(known, _)| *known == content) {
                return Ok(Arc::clone(layout));
            }
            let dimension = rows.len() / faces.len().max(1);
            let placed = tokio::task::spawn_blocking(move || {
                let places = map(dimension, &rows, method);
                Arc::new(Layout { places: faces.into_iter().zip(places).collect() })
            });
            let layout = placed.await?;
            made.insert(method, (content, Arc::clone(&layout)));
            Ok::<_, tokio::task::JoinError>(layout)
        });
        let made = making.await.and_then(|made| made);
        made.map_err(|_| ApiError::Internal("a map panicked".into()))
    }

    /// Forgets all maps.
    pub(crate) async fn forget(&self) {
        self.0.lock().await.clear();
    }
}

/// At most `limit` faces, in the order of their identifiers: drawn by these, so that one that is added takes the place of at
/// most one other.
fn sample(view: &View, limit: usize) -> Vec<FaceId> {
    let mut faces: Vec<FaceId> = view.faces().map(|face| face.id).collect();
    if faces.len() > limit {
        // Steps of the golden ratio lie evenly, whatever the identifiers' own order means.
        faces.sort_by_key(|face| (face.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        faces.truncate(limit);
        faces.sort_unstable();
    }
    faces
}

/// `[faces, dimension]`
fn rows(view: &View, faces: &[FaceId]) -> Vec<f32> {
    let faces = faces.iter().filter_map(|face| view.face(*face).ok());
    faces.flat_map(|face| face.embedding.embedding().as_slice().to_vec()).collect()
}

fn content(faces: &[FaceId], rows: &[f32]) -> Content {
    let mut digest = Sha256::new();
    faces.iter().for_each(|face| digest.update(face.0.to_le_bytes()));
    rows.iter().for_each(|value| digest.update(value.to_le_bytes()));
    digest.finalize().into()
}
