//! Where learning starts: at the weights of a model that was trained before.

use std::path::PathBuf;

use facenet::{Model, ModelError, Tensor};
use serde::{Deserialize, Serialize};

use crate::TrainNetwork;

/// What the names of the embedding layer's tensors start with.
const EMBEDDING: &str = "embedding.";

/// The settings of a run that starts from another model: to go on with other settings or at another resolution, to learn
/// other people, or to become harmonic to an older model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartConfig {
    /// The model's file; relative to the working folder. Each tensor of the same name and shape is taken, the others are
    /// drawn at random, so it may be of another network or size.
    pub model: PathBuf,
    /// Whether the embedding layer is drawn anew even where it fits.
    #[serde(default)]
    pub redraw_embedding: bool,
    /// Steps at the beginning in which the embedding layer alone learns.
    #[serde(default)]
    pub embedding_steps: u64,
}

/// Why a run cannot start from a model.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be read.
    #[error("cannot start from `start.model`")]
    Model(#[from] ModelError),
    /// None of its tensors fits.
    #[error(
        "`start.model` is a `{found}`, which has no weights in common with `{expected}`\n\
         hint: start from a model of a like network, or leave out the table `start`"
    )]
    NothingFits {
        /// Its network.
        found: String,
        /// The network of the settings.
        expected: String,
    },
}

impl StartConfig {
    /// The settings without what says where files lie.
    pub(crate) fn without_path(&self) -> Self {
        Self { model: PathBuf::new(), ..self.clone() }
    }

    /// Whether a tensor learns in a step, counted from 0.
    pub(crate) fn learns(&self, tensor: &str, step: u64) -> bool {
        step >= self.embedding_steps || tensor.starts_with(EMBEDDING)
    }
}

/// The model that a run starts from.
pub(crate) struct Start {
    model: Model,
    redraw_embedding: bool,
}

impl Start {
    pub(crate) fn load(config: &StartConfig) -> Result<Self, StartError> {
        Ok(Self { model: Model::load(&config.model)?, redraw_embedding: config.redraw_embedding })
    }

    /// The digest of its weights.
    pub(crate) fn digest(&self) -> &str {
        &self.model.contract().weights
    }

    /// A network drawn at random, with the model's tensors where they fit.
    ///
    /// # Errors
    /// When none fits.
    pub(crate) fn apply(&self, drawn: &TrainNetwork, name: &str) -> Result<TrainNetwork, StartError> {
        let learnt = self.model.weights().tensors();
        let mut taken = 0;
        let tensors = drawn.tensors().iter().map(|(name, tensor): (&String, &Tensor)| {
            let of_model = learnt.get(name).filter(|found| found.shape == tensor.shape);
            let of_model = of_model.filter(|_| !(self.redraw_embedding && name.starts_with(EMBEDDING)));
            taken += usize::from(of_model.is_some() && name.ends_with(".weight"));
            (name.clone(), of_model.unwrap_or(tensor).clone())
        });
        let network = TrainNetwork::from_weights(drawn.graph().clone(), tensors.collect())
            .expect("tensors of the network's own shapes");
        if taken == 0 {
            let found = self.model.contract().network.clone();
            return Err(StartError::NothingFits { found, expected: name.into() });
        }
        Ok(network)
    }
}
