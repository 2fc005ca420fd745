//! Model and detector, as the arguments name them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use facenet::{
    AlignedCrop, CenterCrop, DetectorModel, FaceDetector, FaceEngine, Framing, Model, Search, Shipped, Sieve,
};
use facenet_core::{Contract, Detector};
use serde::Deserialize;

use crate::loaded::Loaded;

/// Which model embeds.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ModelOptions {
    /// The model: `small` or `base`, which ship with the program, or a model file.
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

/// Which faces of a photo are found.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DetectorOptions {
    /// Detector file to use instead of the shipped detector.
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
    /// The least score of a face, between 0 and 1; by default the detector's own.
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f32>,
    /// The least size of a face, in pixels of the photo: the longer edge of its box. The larger it is, the faster faces are
    /// found.
    #[arg(long, value_name = "PX", default_value_t = 0)]
    min_face: u32,
}

/// Which model embeds, and which faces of a photo.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EngineOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::Detect)]
    crop: Crop,
    #[command(flatten)]
    detector: DetectorOptions,
}

/// As [`EngineOptions`], for photos with one face in their middle.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CenterEngineOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::Center)]
    crop: Crop,
}

/// As [`EngineOptions`], for data that was cut out before.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AlignedEngineOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::None)]
    crop: Crop,
}

/// As [`EngineOptions`], for crops without margin.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TightEngineOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::Tight)]
    crop: Crop,
}

/// Where the face lies in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Crop {
    /// Wherever the detector finds a face; it is turned upright by its landmarks
    Detect,
    /// Wherever the detector finds a face; the square around its box as it lies, the paper's own way
    Box,
    /// A photo with one face in its middle: a centred square of half the shorter edge, as in LFW
    Center,
    /// An aligned crop with the margin that training crops have, the standard 112 pixels within 128: square
    #[value(alias = "aligned")]
    None,
    /// An aligned crop without margin, the standard 112-pixel crop at any size: square
    Tight,
}

impl ModelOptions {
    /// Whether a model was asked for.
    #[cfg(feature = "onnx")]
    pub(crate) fn is_named(&self) -> bool {
        self.model.is_some()
    }

    /// The options that name this file.
    pub(crate) fn of(path: &Path) -> Self {
        Self { model: Some(path.into()) }
    }

    /// Loads the model.
    ///
    /// # Errors
    /// When the file is no model of this program.
    pub(crate) fn load(&self) -> Result<Loaded> {
        match &self.model {
            Some(path) => Loaded::load(path),
            None => Ok(Loaded::Ours(Model::shipped(Shipped::default())?)),
        }
    }

    /// Builds an engine that looks for faces where `crop` says.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn build(&self, crop: Crop) -> Result<FaceEngine> {
        build(self, crop, &DetectorOptions::default())
    }

    /// The options as they are given to a command.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.model.iter().flat_map(|path| ["--model".into(), path.display().to_string()]).collect()
    }

    /// Where the model comes from, in words.
    pub(crate) fn origin(&self) -> String {
        let named = self.model.as_ref().map_or(Some(Shipped::default()), |path| Loaded::shipped(path));
        match (named, &self.model) {
            (Some(which), _) => format!("`{which}`, shipped with the program"),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => unreachable!("the default ships"),
        }
    }
}

impl EngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop, &self.detector)
    }

    /// What else than the photo decides what is found in it, in words that differ wherever results could.
    ///
    /// # Errors
    /// When the detector cannot be loaded.
    pub(crate) fn key(&self, contract: &Contract) -> Result<String> {
        let crop = self.crop.to_possible_value().context("every crop has a name")?;
        let detector = match self.crop {
            Crop::Detect | Crop::Box => self.detector.key()?,
            Crop::Center | Crop::None | Crop::Tight => String::new(),
        };
        let preprocessing = serde_json::to_string(&contract.preprocessing)?;
        Ok(format!("{} {} {preprocessing} {} {detector}", contract.id(), contract.weights, crop.get_name()))
    }
}

impl CenterEngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop, &DetectorOptions::default())
    }
}

impl DetectorOptions {
    /// Loads the detector.
    ///
    /// # Errors
    /// When the file is no detector of this program, or the score is none.
    pub(crate) fn load(&self) -> Result<Box<dyn Detector>> {
        // A face below two pixels has nothing to be cut out.
        let least_px = (self.min_face as f32).max(2.0);
        #[cfg(feature = "onnx")]
        if let Some(imported) = self.imported()? {
            let detector = Box::new(imported.detector()?);
            return Ok(Box::new(Sieve::new(detector, self.min_score.unwrap_or(0.0), least_px)));
        }
        let detector = FaceDetector::new(&self.model()?);
        let score = self.min_score.unwrap_or(detector.search().score);
        let search = Search { score, smallest_px: self.min_face, ..detector.search() };
        let detector = detector.with_search(search).context("`--min-score` cannot be used")?;
        Ok(Box::new(Sieve::new(Box::new(detector), 0.0, least_px)))
    }

    /// Other people's detector, if that is what the file holds.
    #[cfg(feature = "onnx")]
    fn imported(&self) -> Result<Option<facenet_onnx::Imported>> {
        Ok(self.detector.as_deref().map(facenet_onnx::Imported::load).transpose()?.flatten())
    }

    fn model(&self) -> Result<DetectorModel> {
        match &self.detector {
            Some(path) => Ok(DetectorModel::load(path)?),
            None => Ok(DetectorModel::shipped()?),
        }
    }

    fn key(&self) -> Result<String> {
        #[cfg(feature = "onnx")]
        if let Some(imported) = self.imported()? {
            let files: Vec<String> = imported.files().iter().map(facenet_onnx::OnnxFile::digest).collect();
            let manifest = imported.manifest().to_toml();
            return Ok(format!("{} {manifest} {:?} {}", files.join(" "), self.min_score, self.min_face));
        }
        let model = self.model()?;
        let (score, facts) = (self.min_score.unwrap_or(model.facts().score), model.facts());
        Ok(format!("{} {} {score} {}", facts.network, facts.weights, self.min_face))
    }
}

impl AlignedEngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop, &DetectorOptions::default())
    }

    /// Builds an engine of another model that looks for faces in the same place.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build_other(&self, model: &Path) -> Result<FaceEngine> {
        build(&ModelOptions::of(model), self.crop, &DetectorOptions::default())
    }

    /// The options as they are given to a command, without those that are the default.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let model = self.model.arguments().into_iter();
        let crop = self.crop.to_possible_value().filter(|_| self.crop != Crop::None);
        let crop = crop.into_iter().flat_map(|crop| ["--crop".into(), crop.get_name().to_owned()]);
        model.chain(crop).collect()
    }
}

impl TightEngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop, &DetectorOptions::default())
    }
}

impl Crop {
    /// What knows where the face is.
    ///
    /// # Errors
    /// When the detector cannot be loaded, or the model's field is no part of an image.
    pub(crate) fn detector(
        self,
        contract: &Contract,
        options: &DetectorOptions,
    ) -> Result<Box<dyn Detector>> {
        Ok(match self {
            Self::Detect | Self::Box => options.load()?,
            Self::Center => Box::new(CenterCrop::default()),
            Self::None => Box::new(AlignedCrop::new(contract.preprocessing.field)?),
            Self::Tight => Box::new(AlignedCrop::new(1.0)?),
        })
    }

    fn framing(self) -> Framing {
        if self == Self::Box { Framing::Box } else { Framing::Landmarks }
    }
}

fn build(model: &ModelOptions, crop: Crop, detector: &DetectorOptions) -> Result<FaceEngine> {
    let model = model.load()?;
    let detector = crop.detector(model.contract(), detector)?;
    Ok(FaceEngine::new(detector, model.embedder()?).with_framing(crop.framing()))
}
