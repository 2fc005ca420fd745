//! A model file of either kind: one of ours, or one that was imported.

use std::path::Path;

use anyhow::Result;
use facenet::{FrozenNetwork, Model, NotShipped, Shipped};
use facenet_core::{Calibration, Contract, Embedder, Threshold};
#[cfg(feature = "onnx")]
use facenet_onnx::Imported;

/// A model that embeds.
pub(crate) enum Loaded {
    /// One of our own networks.
    Ours(Model),
    /// Other people's network.
    #[cfg(feature = "onnx")]
    Imported(Box<Imported>),
}

impl Loaded {
    /// The model that ships under this name, if `place` is one and not a path.
    pub(crate) fn shipped(place: &Path) -> Option<Shipped> {
        place.to_str()?.parse().ok()
    }

    /// The model that ships under this name, or the one in this file; a file that is named like one that ships is
    /// `./NAME`.
    ///
    /// # Errors
    /// When nothing is there, the file is no model of this program, or an imported detector.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        if let Some(which) = Self::shipped(path) {
            return Ok(Self::Ours(Model::shipped(which)?));
        }
        // A word where a file would have a folder or an ending: it is meant as the name of a model that ships.
        let is_word = path.extension().is_none() && path.components().count() == 1;
        if is_word && !path.exists() {
            let word = path.display().to_string();
            return Err(
                anyhow::Error::new(NotShipped(word)).context("there is no such model, and no such file")
            );
        }
        #[cfg(feature = "onnx")]
        if let Some(model) = Imported::load(path)? {
            use facenet_onnx::{ImportedError, Role};
            if model.contract().is_none() {
                let error = ImportedError::Role { found: Role::Detector, expected: Role::Embedder };
                return Err(
                    anyhow::Error::new(error).context(format!("cannot embed with `{}`", path.display()))
                );
            }
            return Ok(Self::Imported(Box::new(model)));
        }
        let hinted = |error| {
            let onnx = path.extension().is_some_and(|ending| ending == "onnx");
            let hint = "an ONNX file is no model yet\nhint: `facenet model import` makes it one";
            if onnx { anyhow::Error::new(error).context(hint) } else { anyhow::Error::new(error) }
        };
        Ok(Self::Ours(Model::load(path).map_err(hinted)?))
    }

    /// What its embeddings are comparable with.
    pub(crate) fn contract(&self) -> &Contract {
        match self {
            Self::Ours(model) => model.contract(),
            #[cfg(feature = "onnx")]
            Self::Imported(model) => model.contract().expect("checked when loaded"),
        }
    }

    /// The model, if it is of one of our own networks.
    pub(crate) fn into_ours(self) -> Option<Model> {
        match self {
            Self::Ours(model) => Some(model),
            #[cfg(feature = "onnx")]
            Self::Imported(_) => None,
        }
    }

    /// The network, ready to embed.
    ///
    /// # Errors
    /// When an imported network does not do what its manifest says.
    pub(crate) fn embedder(&self) -> Result<Box<dyn Embedder>> {
        Ok(match self {
            Self::Ours(model) => Box::new(FrozenNetwork::new(model)),
            #[cfg(feature = "onnx")]
            Self::Imported(model) => Box::new(model.embedder()?),
        })
    }

    /// The same model with other thresholds and another curve.
    pub(crate) fn calibrated(self, thresholds: Vec<Threshold>, calibration: Calibration) -> Self {
        match self {
            Self::Ours(model) => {
                Self::Ours(model.with_thresholds(thresholds).with_calibration(Some(calibration)))
            }
            #[cfg(feature = "onnx")]
            Self::Imported(model) => {
                let model = model.with_thresholds(thresholds).with_calibration(Some(calibration));
                Self::Imported(Box::new(model))
            }
        }
    }

    /// Writes the model file.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        match self {
            Self::Ours(model) => Ok(model.save(path)?),
            #[cfg(feature = "onnx")]
            Self::Imported(model) => Ok(model.save(path)?),
        }
    }
}
