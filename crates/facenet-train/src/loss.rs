//! What a batch is taught by: losses, each with its gradient at the embeddings.
//!
//! A loss knows neither the network nor Burn. It is given unit embeddings and says which way each should move; the
//! network's own normalisation is differentiated where the network is. Distances are Euclidean ones between unit
//! vectors, squared unless [`DistanceKind`] says otherwise; the softmax losses work on cosines.

mod batch_hard;
mod contrastive;
mod distance;
mod margin_softmax;
mod triplet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use batch_hard::BatchHardConfig;
pub use contrastive::ContrastiveConfig;
pub use distance::{DistanceKind, mean_distances};
pub use margin_softmax::{ArcfaceConfig, CosfaceConfig, SoftmaxConfig};
pub use triplet::{Loss, triplet_loss};

use crate::range::OutOfRange;
use crate::{MineError, Mined, MinerConfig, NotEmbeddings};

/// The embeddings of a batch, with whose they are.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Unit rows, `[batch, dimension]`.
    pub embeddings: &'a [f32],
    /// Coordinates of an embedding.
    pub dimension: usize,
    /// The identity of each row in the data set, `[batch]`; the class of a classification loss.
    pub labels: &'a [u32],
}

/// What a loss says of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The loss, from 0.
    pub value: f32,
    /// Its gradient at the embeddings, `[batch, dimension]`.
    pub gradient: Vec<f32>,
    /// Its gradient at the loss's own weights, in the shape of [`Objective::head`]; none without such weights.
    pub head: Option<Vec<f32>>,
    /// The triplets it was taken over; none for losses that mine none.
    pub mined: Option<Mined>,
    /// The share of faces whose nearest class is their own, in `[0, 1]`; none unless the loss classifies.
    pub accuracy: Option<f32>,
}

/// The shape of a loss's own weights: a row for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadShape {
    /// Identities of the data set.
    pub classes: usize,
    /// Coordinates of an embedding.
    pub dimension: usize,
}

/// Something to teach a network by.
pub trait Objective: Send + Sync {
    /// The weights that the loss learns besides the network's, given how many identities the data set has; none for
    /// a loss that compares faces with each other.
    fn head(&self, classes: usize, dimension: usize) -> Option<HeadShape>;

    /// The loss of a batch with its gradients. `head` are the loss's own weights, `[classes, dimension]`. The same
    /// input and `seed` give the same result whatever the number of threads.
    ///
    /// # Errors
    /// When the embeddings are no unit rows, or weights and labels do not fit.
    fn measure(&self, batch: &Batch, head: Option<&[f32]>, seed: u64) -> Result<Measured, ObjectiveError>;
}

/// Why a loss cannot be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObjectiveError {
    /// The embeddings are none: most often the training has diverged.
    #[error(transparent)]
    NotEmbeddings(#[from] NotEmbeddings),
    /// No triplets can be mined.
    #[error(transparent)]
    Mine(MineError),
    /// The loss's own weights do not fit the embeddings.
    #[error(
        "the loss has {found} weights of its own, but expected rows of {dimension} for at least one class"
    )]
    Head {
        /// How many there are; 0 where none were given.
        found: usize,
        /// Coordinates of an embedding.
        dimension: usize,
    },
    /// A label names no class.
    #[error("face {row} of the batch is of class {label}, but the loss knows {classes}")]
    Label {
        /// The first such row.
        row: usize,
        /// Its label.
        label: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// The weights of a class have no direction.
    #[error("the weights of class {class} have the norm {norm}, but expected a number above 0")]
    Class {
        /// The first such class.
        class: usize,
        /// Its norm.
        norm: f32,
    },
}

impl From<MineError> for ObjectiveError {
    fn from(error: MineError) -> Self {
        match error {
            MineError::NotEmbeddings(source) => Self::NotEmbeddings(source),
            other => Self::Mine(other),
        }
    }
}

/// Which loss, with its settings; in TOML a table with the name as its `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LossConfig {
    /// Triplets mined in the batch (Schroff et al. 2015, §3).
    Triplet(MinerConfig),
    /// Pairs of the batch (Hadsell et al. 2006).
    Contrastive(ContrastiveConfig),
    /// Classes, by cosines without a margin (NormFace, Wang et al. 2017).
    Softmax(SoftmaxConfig),
    /// Classes, with a margin on the cosine (Wang et al. 2018).
    Cosface(CosfaceConfig),
    /// Classes, with a margin on the angle (Deng et al. 2019).
    Arcface(ArcfaceConfig),
    /// The farthest positive and the nearest negative of each face (Hermans et al. 2017).
    BatchHard(BatchHardConfig),
}

impl Default for LossConfig {
    /// The paper's.
    fn default() -> Self {
        Self::Triplet(MinerConfig::default())
    }
}

impl LossConfig {
    /// The loss.
    pub fn objective(&self) -> Box<dyn Objective> {
        match self {
            Self::Triplet(config) => Box::new(triplet::Triplets::new(config)),
            Self::Contrastive(config) => Box::new(contrastive::Contrastive::new(config)),
            Self::Softmax(config) => Box::new(margin_softmax::MarginSoftmax::softmax(config)),
            Self::Cosface(config) => Box::new(margin_softmax::MarginSoftmax::cosface(config)),
            Self::Arcface(config) => Box::new(margin_softmax::MarginSoftmax::arcface(config)),
            Self::BatchHard(config) => Box::new(batch_hard::BatchHard::new(config)),
        }
    }

    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        match self {
            Self::Triplet(config) => triplet::check(config),
            Self::Contrastive(config) => config.check(),
            Self::Softmax(config) => config.check(),
            Self::Cosface(config) => config.check(),
            Self::Arcface(config) => config.check(),
            Self::BatchHard(config) => config.check(),
        }
    }
}

impl HeadShape {
    /// How many weights there are.
    pub fn len(self) -> usize {
        self.classes * self.dimension
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Weights to start from: a unit row for each class, in random directions. Only the direction of a row counts;
    /// its length divides its gradient.
    pub fn start(self, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut weights: Vec<f32> = (0..self.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        for row in weights.chunks_exact_mut(self.dimension.max(1)) {
            // The smallest norm that keeps the division finite; no draw of a real dimension comes near it.
            let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|v| *v /= norm);
        }
        weights
    }
}

impl Batch<'_> {
    /// Checks that there is a unit row for each label.
    pub(crate) fn check(&self) -> Result<(), NotEmbeddings> {
        if self.embeddings.len() != self.labels.len() * self.dimension || self.dimension == 0 {
            return Err(NotEmbeddings::Shape { values: self.embeddings.len(), batch: self.labels.len() });
        }
        for (row, values) in self.embeddings.chunks_exact(self.dimension).enumerate() {
            let squared_norm: f32 = values.iter().map(|v| v * v).sum();
            // As the miner's: what rounding leaves, far below a row that was never normalised.
            if !squared_norm.is_finite() || (squared_norm - 1.0).abs() > 1e-3 {
                return Err(NotEmbeddings::NotUnit { row, squared_norm });
            }
        }
        Ok(())
    }

    /// The coordinates of a row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.embeddings[row * self.dimension..][..self.dimension]
    }
}

#[cfg(test)]
mod tests;
