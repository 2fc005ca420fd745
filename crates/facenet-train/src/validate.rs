//! Verification accuracy of a network while it trains.

use std::collections::BTreeMap;
use std::path::PathBuf;

use facenet::{AlignedCrop, FaceEngine, FrozenNetwork, Limits, Model, ModelError, read_image};
use facenet_core::{Chip, Embedding};
use facenet_eval::{ImageRef, MissingImages, NotMeasurable, PairsError, PairsFile, VerificationReport};
use rayon::prelude::*;

use crate::ValidationConfig;

/// Pairs whose images are decoded once and embedded by each network that comes along.
pub struct Validator {
    name: String,
    pairs: PairsFile,
    images: Vec<ImageRef>,
    chips: Vec<Chip>,
}

/// Why a network cannot be validated.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// The pairs cannot be read.
    #[error("cannot validate")]
    Pairs(#[from] PairsError),
    /// Images of the pairs are missing.
    #[error("cannot validate")]
    Missing(#[from] MissingImages),
    /// An image of the pairs cannot be used.
    #[error("cannot validate with `{path}`")]
    Image {
        /// The image.
        path: PathBuf,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The network gives no embeddings.
    #[error("cannot validate")]
    Embed(#[from] facenet::EngineError),
    /// The pairs measure nothing.
    #[error("cannot validate")]
    NotMeasurable(#[from] NotMeasurable),
    /// The model is not usable.
    #[error("cannot validate")]
    Model(#[from] ModelError),
}

impl Validator {
    /// Reads the pairs and cuts the chips of their images, as `model` will see them.
    ///
    /// # Errors
    /// When the pairs or any of their images cannot be used.
    pub fn open(config: &ValidationConfig, model: &Model) -> Result<Self, ValidateError> {
        let pairs = PairsFile::read(&config.pairs)?;
        let located: BTreeMap<ImageRef, PathBuf> = pairs.locate(&config.images).complete()?;
        let engine = engine(model);
        let (images, paths): (Vec<_>, Vec<_>) = located.into_iter().unzip();
        let chips = paths.into_par_iter().map(|path| {
            let chip = || -> Result<Option<Chip>, Box<dyn std::error::Error + Send + Sync>> {
                let image = read_image(&path, &Limits::default())?;
                Ok(engine.chips(&image)?.into_iter().next().map(|(_, chip)| chip))
            };
            let wrong = |source| ValidateError::Image { path: path.clone(), source };
            chip().map_err(wrong)?.ok_or_else(|| wrong("no face in it".into()))
        });
        let chips = chips.collect::<Result<_, _>>()?;
        let name = config.name.clone().unwrap_or_else(|| {
            config.pairs.file_name().unwrap_or(config.pairs.as_os_str()).display().to_string()
        });
        Ok(Self { name, pairs, images, chips })
    }

    /// The figures of a model.
    ///
    /// # Errors
    /// When the model gives no embeddings.
    pub fn measure(&self, model: &Model) -> Result<VerificationReport, ValidateError> {
        let embeddings = engine(model).embed(&self.chips)?;
        let of: BTreeMap<&ImageRef, &Embedding> = self.images.iter().zip(&embeddings).collect();
        let scored = self.pairs.score(|left, right| Some(of.get(left)?.distance(of.get(right)?)))?;
        Ok(VerificationReport::measure(&model.contract().id(), &self.name, &scored))
    }
}

fn engine(model: &Model) -> FaceEngine {
    let field = model.contract().preprocessing.field;
    let detector = AlignedCrop::new(field).expect("a model's field is a share");
    FaceEngine::new(Box::new(detector), Box::new(FrozenNetwork::new(model)))
}
