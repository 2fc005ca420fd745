//! The labelled photos of a training set, decoded at most once while memory allows.

use std::path::Path;
use std::sync::Arc;

use facenet::{Limits, read_image};
use facenet_core::RgbImage;
use facenet_eval::{LabelledFace, LabelledPhoto, LabelsError, read_detection_labels};
use sha2::{Digest, Sha256};

use crate::dataset::{Cache, ImageId, Unreadable};

/// Photos with their labels. Those that cannot be read are told once and left out from then on.
#[derive(Debug)]
pub(super) struct Photos {
    photos: Vec<LabelledPhoto>,
    cache: Cache,
}

impl Photos {
    pub(super) fn open(labels: &Path, cache_mib: usize) -> Result<Self, LabelsError> {
        let photos = read_detection_labels(labels)?;
        let mut cache = Cache::new(photos.len());
        cache.set_budget(cache_mib << 20);
        Ok(Self { photos, cache })
    }

    pub(super) fn len(&self) -> usize {
        self.photos.len()
    }

    /// Labelled faces in all photos that are not to be ignored.
    pub(super) fn face_count(&self) -> usize {
        self.photos.iter().flat_map(|photo| &photo.faces).filter(|face| !face.ignored).count()
    }

    pub(super) fn faces(&self, photo: usize) -> &[LabelledFace] {
        &self.photos[photo].faces
    }

    /// The pixels of a photo; none if it cannot be read.
    pub(super) fn image(&self, photo: usize) -> Option<Arc<RgbImage>> {
        let read = || {
            let path = &self.photos[photo].path;
            read_image(path, &Limits::default()).map_err(|error| Unreadable {
                place: path.display().to_string(),
                reason: std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string),
            })
        };
        self.cache.get_or_read(ImageId(photo as u32), read).ok()
    }

    /// Those found unreadable since the last call.
    pub(super) fn take_unreadable(&self) -> Vec<Unreadable> {
        self.cache.take_unreadable()
    }

    pub(super) fn unreadable_count(&self) -> usize {
        self.cache.unreadable_count()
    }

    /// SHA-256 over names and labels, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for photo in &self.photos {
            let name = photo.path.file_name().unwrap_or_default();
            hash.update(format!("{name:?} {:?}\n", photo.faces));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
