//! Harmonic embeddings: a new network whose vectors can be compared with an old network's (Schroff et al. 2015, §7).
//!
//! The old model, v1 in the paper, never changes: its embedding of each training image is taken once ([`OldEmbeddings`]).
//! The new one, v2, starts from a network that was trained independently, its embedding layer drawn anew; first that layer
//! alone learns, then the whole network: see [`StartConfig`](crate::StartConfig). What ties the two is in [`loss`].

mod loss;
mod old;

use std::path::PathBuf;

use facenet_core::Contract;
use serde::{Deserialize, Serialize};

pub use old::{OldEmbeddings, OldEmbeddingsError};

use crate::range::{OutOfRange, within};
use crate::{LossConfig, MinerConfig};
pub(crate) use loss::Tie;

/// The settings of learning an embedding that is harmonic to an older model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonicConfig {
    /// The older model's file, v1; relative to the working folder. Its embeddings must have as many coordinates.
    pub to: PathBuf,
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

    /// The settings without what says where the file lies.
    pub(crate) fn without_path(&self) -> Self {
        Self { to: PathBuf::new(), ..self.clone() }
    }

    /// The miner of a stage whose triplets are to be mixed; none unless its loss mines triplets.
    pub(crate) fn miner(&self, loss: &LossConfig) -> Option<MinerConfig> {
        match loss {
            LossConfig::Triplet(miner) if self.mixed => Some(*miner),
            _ => None,
        }
    }
}

/// The older model's embeddings, and how the new ones are tied to them.
pub(crate) struct Harmony {
    pub(crate) config: HarmonicConfig,
    pub(crate) old: OldEmbeddings,
}

impl Harmony {
    /// Checks that embeddings of this size can be compared with the older model's.
    pub(crate) fn check(old: &Contract, dimension: usize) -> Result<(), HarmonicError> {
        if old.dimension == dimension {
            return Ok(());
        }
        let (old, found) = (old.id(), old.dimension);
        Err(HarmonicError::Dimension { old, found, expected: dimension })
    }
}
