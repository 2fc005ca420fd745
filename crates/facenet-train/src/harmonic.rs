//! Harmonic embeddings: a new network whose vectors can be compared with an old network's (Schroff et al. 2015, §7).
//!
//! The old model, v1 in the paper, never changes: its embedding of each training image is taken once ([`OldEmbeddings`]).
//! The new one, v2, starts from a network that was trained independently, its embedding layer drawn anew; first that layer
//! alone learns, then the whole network. What ties the two is in [`loss`].

mod loss;
mod old;

use std::path::PathBuf;

use facenet::{Model, ModelError, Tensor};
use facenet_core::Contract;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use old::{OldEmbeddings, OldEmbeddingsError};

use crate::range::{OutOfRange, within};
use crate::{LossConfig, MinerConfig, TrainNetwork};
pub(crate) use loss::Tie;

/// What the names of the embedding layer's tensors start with.
const EMBEDDING: &str = "embedding.";

/// The settings of learning an embedding that is harmonic to an older model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonicConfig {
    /// The older model's file, v1; relative to the working folder. Its embeddings must have as many coordinates.
    pub to: PathBuf,
    /// The model that was trained independently, which the new one starts from, with its embedding layer drawn anew, so
    /// that its size does not matter; none, from weights drawn at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<PathBuf>,
    /// Steps at the beginning in which the embedding layer alone learns: the paper's first stage.
    #[serde(default)]
    pub embedding_steps: u64,
    /// Whether triplets mix old and new embeddings as anchor, positive and negative, as in the paper. Without, only the
    /// other two tie the new embedding to the old.
    #[serde(default = "yes")]
    pub mixed: bool,
    /// The weight of the mean squared distance between the new and the old embedding of each image; 0, it is left out.
    #[serde(default)]
    pub regression: f32,
    /// The weight of a softmax that takes a new embedding to the old mean of its person among the old means of all: the
    /// influence loss of backward-compatible training (Shen et al. 2020, §3.3). 0, it is left out.
    #[serde(default)]
    pub influence: f32,
    /// What the cosines of the influence loss are multiplied by.
    #[serde(default = "influence_scale")]
    pub influence_scale: f32,
}

fn yes() -> bool {
    true
}

fn influence_scale() -> f32 {
    30.0
}

/// Why a model cannot be made harmonic to another.
#[derive(Debug, thiserror::Error)]
pub enum HarmonicError {
    /// The settings ask for an older model, and none was given.
    #[error("the settings have a table `harmonic`, but no older model was given")]
    NoOldModel,
    /// The sizes differ.
    #[error(
        "embeddings of the older model `{old}` have {found} coordinates, but `network.dimension` is {expected}\n\
         hint: only embeddings of one size can be compared; set `network.dimension = {found}`, or learn an adapter \
         between the two models with `facenet adapter learn`"
    )]
    Dimension {
        /// [`Contract::id`] of the older model.
        old: String,
        /// Its coordinates.
        found: usize,
        /// Those of the new model.
        expected: usize,
    },
    /// The model to start from cannot be read.
    #[error("cannot start from `harmonic.start`")]
    Start(#[from] ModelError),
    /// The model to start from is of another network.
    #[error("`harmonic.start` is a `{found}`, but the settings train a `{expected}`")]
    StartNetwork {
        /// Its network.
        found: String,
        /// The network of the settings.
        expected: String,
    },
    /// The old embeddings cannot be used.
    #[error(transparent)]
    Old(#[from] OldEmbeddingsError),
}

impl HarmonicConfig {
    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let weight = |value: f32| value >= 0.0 && value.is_finite();
        within(weight(self.regression), "regression", &self.regression, "a number from 0")?;
        within(weight(self.influence), "influence", &self.influence, "a number from 0")?;
        let scale = self.influence_scale;
        within(scale > 0.0 && scale.is_finite(), "influence_scale", &scale, "a number above 0")?;
        let tied = self.mixed || self.regression > 0.0 || self.influence > 0.0;
        within(tied, "mixed", &self.mixed, "true, unless `regression` or `influence` is above 0")
    }

    /// The settings without what says where files lie.
    pub(crate) fn without_paths(&self) -> Self {
        Self { to: PathBuf::new(), start: self.start.as_ref().map(|_| PathBuf::new()), ..self.clone() }
    }

    /// The miner of a stage whose triplets are to be mixed; none unless its loss mines triplets.
    pub(crate) fn miner(&self, loss: &LossConfig) -> Option<MinerConfig> {
        match loss {
            LossConfig::Triplet(miner) if self.mixed => Some(*miner),
            _ => None,
        }
    }
}

/// The older model and what is left of the network that the new one starts from.
pub(crate) struct Harmony {
    pub(crate) config: HarmonicConfig,
    pub(crate) old: OldEmbeddings,
    start: Option<Model>,
}

impl Harmony {
    /// Checks that the new network, of this name and size, can be compared with the older model.
    pub(crate) fn check(
        config: &HarmonicConfig,
        old: &Contract,
        network: &str,
        dimension: usize,
    ) -> Result<Option<Model>, HarmonicError> {
        if old.dimension != dimension {
            let (old, found) = (old.id(), old.dimension);
            return Err(HarmonicError::Dimension { old, found, expected: dimension });
        }
        let Some(path) = &config.start else { return Ok(None) };
        let start = Model::load(path)?;
        let found = &start.contract().network;
        if found != network {
            return Err(HarmonicError::StartNetwork { found: found.clone(), expected: network.into() });
        }
        Ok(Some(start))
    }

    pub(crate) fn new(config: HarmonicConfig, old: OldEmbeddings, start: Option<Model>) -> Self {
        Self { config, old, start }
    }

    /// A network drawn at random, with all but its embedding layer replaced by that of the network to start from.
    pub(crate) fn start(&self, drawn: TrainNetwork) -> TrainNetwork {
        let Some(start) = &self.start else { return drawn };
        let tensor = |(name, tensor): (&String, &Tensor)| {
            let learnt = !name.starts_with(EMBEDDING);
            (name.clone(), if learnt { start.weights().tensors()[name].clone() } else { tensor.clone() })
        };
        let tensors = drawn.tensors().iter().map(tensor).collect();
        TrainNetwork::from_weights(drawn.graph().clone(), tensors).expect("two models of one network")
    }

    /// Whether a tensor learns in a step, counted from 0.
    pub(crate) fn learns(&self, tensor: &str, step: u64) -> bool {
        step >= self.config.embedding_steps || tensor.starts_with(EMBEDDING)
    }

    /// The digest of the training data, with the models that the run rests on.
    pub(crate) fn digest(&self, data: &str) -> String {
        let start = self.start.as_ref().map_or(String::new(), |start| start.contract().weights.clone());
        let text = format!("{data} {} {start}", self.old.contract().id());
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
