//! Model and detector, as the arguments name them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use facenet::{AlignedCrop, CenterCrop, FaceEngine, FrozenNetwork, Model};
use facenet_core::{Contract, Detector};
use serde::Deserialize;

/// Which model embeds.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ModelOptions {
    /// Model file to use instead of the shipped model.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

/// Which model embeds, and where the face lies in an image.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EngineOptions {
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
    /// A photo with one face in its middle: a centred square of half the shorter edge, as in LFW
    Center,
    /// An aligned crop with the margin that training crops have, the standard 112 pixels within 128: square
    None,
    /// An aligned crop without margin, the standard 112-pixel crop at any size: square
    Tight,
}

impl ModelOptions {
    /// Loads the model.
    ///
    /// # Errors
    /// When the file is no model of this program.
    pub(crate) fn load(&self) -> Result<Model> {
        match &self.model {
            Some(path) => Ok(Model::load(path)?),
            None => Ok(Model::shipped()?),
        }
    }

    /// Builds an engine that looks for faces where `crop` says.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn build(&self, crop: Crop) -> Result<FaceEngine> {
        build(self, crop)
    }

    /// The options as they are given to a command.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.model.iter().flat_map(|path| ["--model".into(), path.display().to_string()]).collect()
    }

    /// Where the model comes from, in words.
    pub(crate) fn origin(&self) -> String {
        self.model.as_ref().map_or("shipped with the program".into(), |path| path.display().to_string())
    }
}

impl EngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop)
    }
}

impl AlignedEngineOptions {
    /// Builds the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build(&self) -> Result<FaceEngine> {
        build(&self.model, self.crop)
    }

    /// Builds an engine of another model that looks for faces in the same place.
    ///
    /// # Errors
    /// As [`ModelOptions::load`].
    pub(crate) fn build_other(&self, model: &Path) -> Result<FaceEngine> {
        build(&ModelOptions { model: Some(model.into()) }, self.crop)
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
        build(&self.model, self.crop)
    }
}

impl Crop {
    /// The detector that knows where the face is.
    ///
    /// # Errors
    /// When the model's field is no part of an image.
    pub(crate) fn detector(self, contract: &Contract) -> Result<Box<dyn Detector>> {
        Ok(match self {
            Self::Center => Box::new(CenterCrop::default()),
            Self::None => Box::new(AlignedCrop::new(contract.preprocessing.field)?),
            Self::Tight => Box::new(AlignedCrop::new(1.0)?),
        })
    }
}

fn build(model: &ModelOptions, crop: Crop) -> Result<FaceEngine> {
    let model = model.load()?;
    let detector = crop.detector(model.contract())?;
    Ok(FaceEngine::new(detector, Box::new(FrozenNetwork::new(&model))))
}
