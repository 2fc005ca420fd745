//! A model and a detector, and what photos give through them, whole or as crops.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use facenet::{
    AlignedCrop, CenterCrop, ChipCutter, DetectorModel, FaceDetector, FaceEngine, Framing, FrozenNetwork,
    Model, Quality, Reason, Search, Shipped, Sieve,
};
use facenet_core::{BoxError, Chip, Contract, Detector, Embedder, Embedding, Face, RgbImage};
use facenet_onnx::Imported;
use rayon::prelude::*;

use crate::crop::Crop;
use crate::failure::{Failure, Kind, OrFail};
use crate::photo::Photo;

/// Photos that are in memory at a time, as their chips: enough that the network's products are wide.
pub(crate) const WINDOW: usize = 64;
/// Chips that the network gets at a time.
const BATCH: usize = 32;
/// Edge of a face's picture, in pixels, as the program keeps it in a gallery.
const PICTURE_EDGE_PX: u32 = 128;

/// How a detector is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct DetectorSettings {
    /// Its file; none for the shipped one.
    pub(crate) file: Option<PathBuf>,
    /// The least score of a face; none for the detector's own.
    pub(crate) min_score: Option<f32>,
    /// The least longer edge of a face's box, in pixels.
    pub(crate) min_face_px: f32,
}

/// One network behind an engine for each way to find faces, each made when it is first asked for.
pub(crate) struct Engines {
    embedder: Arc<dyn Embedder>,
    detector: DetectorSettings,
    by_crop: Mutex<HashMap<Crop, Arc<FaceEngine>>>,
}

/// A face that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Box, landmarks and score.
    pub(crate) face: Face,
    /// How good its picture is.
    pub(crate) quality: Quality,
    /// The embedding; none where only faces were asked for.
    pub(crate) embedding: Option<Embedding>,
    /// The face cut out, at most 128 pixels wide and high, if that was asked for.
    pub(crate) picture: Option<RgbImage>,
}

/// A photo and what was found in it.
pub(crate) struct Looked {
    /// Its faces, most confident first.
    pub(crate) faces: Vec<Found>,
    /// SHA-256 of its file.
    pub(crate) digest: [u8; 32],
}

/// The network of all engines.
struct Shared(Arc<dyn Embedder>);

impl Embedder for Shared {
    fn contract(&self) -> &Contract {
        self.0.contract()
    }

    fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError> {
        self.0.embed(chips)
    }
}

impl Engines {
    /// Loads a model; without a file the one that ships with the package.
    ///
    /// # Errors
    /// When the file is no model, or one that does not embed.
    pub(crate) fn load(model: Option<&Path>, detector: DetectorSettings) -> Result<Self, Failure> {
        Ok(Self { embedder: embedder(model)?, detector, by_crop: Mutex::default() })
    }

    /// What the embeddings are comparable with.
    pub(crate) fn contract(&self) -> &Contract {
        self.embedder.contract()
    }

    /// The engine that looks for faces where `crop` says.
    ///
    /// # Errors
    /// When the detector cannot be loaded, or its settings are out of their range.
    pub(crate) fn engine(&self, crop: Crop) -> Result<Arc<FaceEngine>, Failure> {
        let mut engines = self.by_crop.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&crop) {
            return Ok(Arc::clone(engine));
        }
        let detector: Box<dyn Detector> = match crop {
            Crop::Detect | Crop::Box => self.detector.build()?,
            Crop::Center => Box::new(CenterCrop::default()),
            Crop::None => {
                Box::new(AlignedCrop::new(self.contract().preprocessing.field).or_fail(Kind::Model)?)
            }
            Crop::Tight => Box::new(AlignedCrop::new(1.0).or_fail(Kind::Model)?),
        };
        let framing = if crop == Crop::Box { Framing::Box } else { Framing::Landmarks };
        let engine = FaceEngine::new(detector, Box::new(Shared(Arc::clone(&self.embedder))));
        let engine = Arc::new(engine.with_framing(framing));
        engines.insert(crop, Arc::clone(&engine));
        Ok(engine)
    }

    /// The faces of an image, most confident first, without embeddings.
    ///
    /// # Errors
    /// When the photo is none, or the detector fails.
    pub(crate) fn detect(&self, photo: Photo, crop: Crop) -> Result<Vec<Found>, Failure> {
        let image = photo.image()?;
        let faces = self.engine(crop)?.detect(&image).or_fail(Kind::Image)?;
        let found = |face| Found { quality: quality(&image, &face), face, embedding: None, picture: None };
        Ok(faces.into_iter().map(found).collect())
    }

    /// What is found in each of a few photos, embedded together. A photo that fails leaves the others as they are.
    ///
    /// # Errors
    /// When the detector cannot be loaded.
    pub(crate) fn look(
        &self,
        photos: Vec<Photo>,
        crop: Crop,
        with_pictures: bool,
    ) -> Result<Vec<Result<Looked, Failure>>, Failure> {
        let engine = self.engine(crop)?;
        let cut: Vec<Result<(Looked, Vec<Chip>), Failure>> =
            photos.into_par_iter().map(|photo| cut(&engine, photo, with_pictures)).collect();
        let chips: Vec<Chip> = cut.iter().flatten().flat_map(|(_, chips)| chips).cloned().collect();
        let mut embeddings = chips.chunks(BATCH).flat_map(|batch| embed(&engine, batch));
        let join = |(mut looked, chips): (Looked, Vec<Chip>)| {
            // Every face takes its embedding, also after one of its photo that has none.
            let taken: Vec<_> = embeddings.by_ref().take(chips.len()).collect();
            for (face, embedding) in looked.faces.iter_mut().zip(taken) {
                face.embedding = Some(embedding?);
            }
            Ok(looked)
        };
        let mut join = join;
        Ok(cut.into_iter().map(|photo| photo.and_then(&mut join)).collect())
    }

    /// The embedding of the most confident face of each of a few photos.
    ///
    /// # Errors
    /// For each photo, when it is none or has no face.
    pub(crate) fn embed(
        &self,
        photos: Vec<Photo>,
        crop: Crop,
    ) -> Result<Vec<Result<Embedding, Failure>>, Failure> {
        let first = |looked: Looked| {
            let first = looked.faces.into_iter().next().and_then(|face| face.embedding);
            first.ok_or_else(|| Failure::new(Kind::NoFace, "no face was found"))
        };
        Ok(self.look(photos, crop, false)?.into_iter().map(|looked| looked.and_then(first)).collect())
    }
}

impl DetectorSettings {
    fn build(&self) -> Result<Box<dyn Detector>, Failure> {
        // A face below two pixels has nothing to be cut out.
        let least_px = self.min_face_px.max(2.0);
        let imported = self.file.as_deref().map(Imported::load).transpose().or_fail(Kind::Model)?.flatten();
        if let Some(imported) = imported {
            let detector = Box::new(imported.detector().or_fail(Kind::Model)?);
            return Ok(Box::new(Sieve::new(detector, self.min_score.unwrap_or(0.0), least_px)));
        }
        let model = match &self.file {
            Some(file) => DetectorModel::load(file),
            None => DetectorModel::shipped(),
        };
        let detector = FaceDetector::new(&model.or_fail(Kind::Model)?);
        let score = self.min_score.unwrap_or(detector.search().score);
        // A fraction of a pixel is no reason to look more finely.
        let smallest_px = self.min_face_px.max(0.0) as u32;
        let search = Search { score, smallest_px, ..detector.search() };
        let detector = detector.with_search(search).or_fail(Kind::Data)?;
        Ok(Box::new(Sieve::new(Box::new(detector), 0.0, least_px)))
    }
}

fn embedder(model: Option<&Path>) -> Result<Arc<dyn Embedder>, Failure> {
    let named = model.map_or(Some(Shipped::default()), |path| path.to_str()?.parse().ok());
    let path = match (named, model) {
        (None, Some(path)) => path,
        (which, _) => {
            let model = Model::shipped(which.unwrap_or_default()).or_fail(Kind::Model)?;
            return Ok(Arc::new(FrozenNetwork::new(&model)));
        }
    };
    if let Some(imported) = Imported::load(path).or_fail(Kind::Model)? {
        return Ok(Arc::new(imported.embedder().or_fail(Kind::Model)?));
    }
    let hinted = |failure: Failure| match path.extension().is_some_and(|ending| ending == "onnx") {
        true => Failure::new(
            Kind::Model,
            format!(
                "`{}` is an ONNX file, which is no model yet\nhint: `facenet model import` makes it one",
                path.display()
            ),
        ),
        false => failure,
    };
    Ok(Arc::new(FrozenNetwork::new(&Model::load(path).or_fail(Kind::Model).map_err(hinted)?)))
}

fn cut(engine: &FaceEngine, photo: Photo, with_pictures: bool) -> Result<(Looked, Vec<Chip>), Failure> {
    let (image, digest) = photo.image_and_digest()?;
    let mut faces = Vec::new();
    let mut chips = Vec::new();
    for (face, chip) in engine.chips(&image).or_fail(Kind::Image)? {
        let picture = if with_pictures { picture(engine, &image, &face)? } else { None };
        faces.push(Found { quality: quality(&image, &face), face, embedding: None, picture });
        chips.push(chip);
    }
    Ok((Looked { faces, digest }, chips))
}

/// One result a chip. A batch that fails is tried chip by chip, so that a single face does not take the others with it.
fn embed(engine: &FaceEngine, chips: &[Chip]) -> Vec<Result<Embedding, Failure>> {
    match engine.embed(chips) {
        Ok(embeddings) => embeddings.into_iter().map(Ok).collect(),
        Err(error) if chips.len() == 1 => vec![Err(Failure::of(Kind::Image, &error))],
        Err(_) => chips.iter().flat_map(|chip| embed(engine, std::slice::from_ref(chip))).collect(),
    }
}

/// The face as the network sees it, in more pixels.
fn picture(engine: &FaceEngine, image: &RgbImage, face: &Face) -> Result<Option<RgbImage>, Failure> {
    let Some(square) = engine.square(face) else { return Ok(None) };
    let edge_px = (square.edge.min(PICTURE_EDGE_PX as f32) as u32).max(1);
    let chip = ChipCutter::new().cut_turned(image, &square, edge_px).or_fail(Kind::Image)?;
    Ok(Some(chip.image().clone()))
}

/// The quality of a face; one whose standard crop lies outside the image has none.
fn quality(image: &RgbImage, face: &Face) -> Quality {
    Quality::of(image, face).unwrap_or(Quality { value: 0.0, reasons: vec![Reason::CutOff] })
}
