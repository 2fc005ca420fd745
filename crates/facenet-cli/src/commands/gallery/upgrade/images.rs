//! Where faces of a gallery can still be seen: in their photos, and in the pictures that the gallery keeps.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use facenet::{AlignedCrop, FaceEngine, Limits, decode, read_image_bytes};
use facenet_core::{Chip, Contract, Embedder, Embedding, RgbImage};
use facenet_gallery::{FaceId, FaceRecord, PhotoDigest, PhotoId, PhotoRecord, Store};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// The part of an aligned crop that a standard crop shows. A kept picture shows what the model saw of the face, so that only
/// a model that sees just that can look at it as at a standard crop.
const STANDARD_FIELD: f32 = 0.875;

/// Embeddings of faces.
pub(super) type Embedded = Vec<(FaceId, Embedding)>;

/// The images of a gallery's faces, and what embeds them.
pub(super) struct Images {
    /// Takes a whole image for a face, if it is asked for one: a kept picture is.
    engine: FaceEngine,
    photos: HashMap<PhotoId, PhotoRecord>,
    /// Whether both models see of a face what a kept picture shows.
    has_standard_pictures: bool,
}

impl Images {
    /// Those of the gallery, for a new model.
    pub(super) fn of(store: &dyn Store, new: &Contract, embedder: Box<dyn Embedder>) -> Result<Self> {
        let is_standard = |contract: &Contract| (contract.preprocessing.field - STANDARD_FIELD).abs() < 1e-6;
        Ok(Self {
            engine: FaceEngine::new(Box::new(AlignedCrop::new(1.0)?), embedder),
            photos: photos(store)?,
            has_standard_pictures: is_standard(&store.settings().contract) && is_standard(new),
        })
    }

    /// Embeds those of the photos' faces whose image is there.
    pub(super) fn embed(&self, photos: &[(PhotoId, Vec<FaceRecord>)], store: &dyn Store) -> Result<Embedded> {
        let faces: Vec<FaceId> = photos.iter().flat_map(|(_, faces)| faces).map(|face| face.id).collect();
        let crops: HashMap<FaceId, Vec<u8>> = faces
            .iter()
            .copied()
            .zip(store.crops(&faces)?)
            .filter_map(|(id, crop)| Some((id, crop?)))
            .collect();
        let chips: Vec<Vec<(FaceId, Chip)>> =
            photos.par_iter().map(|(photo, faces)| self.chips(*photo, faces, &crops)).collect();
        let (ids, chips): (Vec<FaceId>, Vec<Chip>) = chips.into_iter().flatten().unzip();
        let embeddings = self.engine.embed(&chips).context("the new model refuses a face")?;
        Ok(ids.into_iter().zip(embeddings).collect())
    }

    /// What the network sees of those of the faces that have an image.
    fn chips(
        &self,
        photo: PhotoId,
        faces: &[FaceRecord],
        crops: &HashMap<FaceId, Vec<u8>>,
    ) -> Vec<(FaceId, Chip)> {
        let image = self.photos.get(&photo).and_then(photo_image);
        let chip = |face: &FaceRecord| {
            let of_photo = image.as_ref().and_then(|image| self.engine.chip(image, &face.found).ok());
            let chip = of_photo.or_else(|| self.chip_of_picture(crops.get(&face.id)?));
            Some((face.id, chip?))
        };
        faces.iter().filter_map(chip).collect()
    }

    fn chip_of_picture(&self, jpeg: &[u8]) -> Option<Chip> {
        if !self.has_standard_pictures {
            return None;
        }
        let picture = decode(jpeg, &Limits::default()).ok()?;
        Some(self.engine.chips(&picture).ok()?.pop()?.1)
    }
}

/// The photo, from the first of its files that still has its content.
fn photo_image(photo: &PhotoRecord) -> Option<RgbImage> {
    photo.files.iter().find_map(|file| {
        let bytes = read_image_bytes(Path::new(&file.path), &Limits::default()).ok()?;
        let is_same = PhotoDigest(Sha256::digest(&bytes).into()) == photo.content;
        is_same.then(|| decode(&bytes, &Limits::default()).ok()).flatten()
    })
}

fn photos(store: &dyn Store) -> Result<HashMap<PhotoId, PhotoRecord>> {
    let (mut photos, mut after) = (HashMap::new(), PhotoId(0));
    loop {
        let batch = store.photos(after, 10_000)?;
        let Some(last) = batch.last() else { return Ok(photos) };
        after = last.id;
        photos.extend(batch.into_iter().map(|photo| (photo.id, photo)));
    }
}
