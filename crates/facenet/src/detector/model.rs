//! A detector's model file: weights, and the facts that say what they are for.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::model::{read_tensors, tensors_to_bytes, write_beside};
use crate::network::{Graph, Pyramid, UnknownPyramid, UnknownRefiner, pyramid, refiner};
use crate::weights::{Tensor, Weights, WeightsError};

/// The key of the facts in a weight file's metadata.
const KEY: &str = "facenet.detector";
/// What the names of the refiner's tensors start with.
const REFINER: &str = "refiner.";

/// The detector that ships with the program; `models/detector.md` is its card.
static SHIPPED: &[u8] = include_bytes!("../../../../models/detector.safetensors");

/// What a detector's weights are for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorFacts {
    /// The network's name, see [`pyramid`].
    pub network: String,
    /// SHA-256 of the weights, in hexadecimal.
    pub weights: String,
    /// The score from which a face is reported if nothing else is asked for, in `(0, 1)`.
    pub score: f32,
    /// The network that looks at each face again; none, the first look counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refiner: Option<RefinerFacts>,
}

/// What a refiner's weights are for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefinerFacts {
    /// The network's name, see [`refiner`](crate::network::refiner).
    pub network: String,
    /// SHA-256 of the weights, in hexadecimal.
    pub weights: String,
}

/// A detector's networks with their weights.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorModel {
    facts: DetectorFacts,
    weights: Weights,
    refiner: Option<Weights>,
}

/// Why a detector's model cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DetectorModelError {
    /// The file cannot be read.
    #[error("cannot read the detector `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the detector `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The bytes are no detector of this program, or damaged.
    #[error("`{origin}` is no detector of this program, or it is damaged: {reason}")]
    NotADetector {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A network that this program does not know.
    #[error("cannot use the detector `{origin}`")]
    Network {
        /// Where the bytes come from.
        origin: String,
        /// The cause.
        source: UnknownPyramid,
    },
    /// A refiner's network that this program does not know.
    #[error("cannot use the detector `{origin}`")]
    Refiner {
        /// Where the bytes come from.
        origin: String,
        /// The cause.
        source: UnknownRefiner,
    },
    /// The tensors are not the network's.
    #[error("the weights of `{origin}` do not fit the network `{network}`")]
    Weights {
        /// Where the bytes come from.
        origin: String,
        /// The network.
        network: String,
        /// The cause.
        source: WeightsError,
    },
}

impl DetectorModel {
    /// Joins weights of the network of that name with the score from which its faces count.
    pub fn new(network: &str, score: f32, weights: Weights) -> Self {
        let facts =
            DetectorFacts { network: network.into(), weights: weights.digest(), score, refiner: None };
        Self { facts, weights, refiner: None }
    }

    /// The same detector with a refiner of the network of that name, in place of one that it had.
    pub fn with_refiner(mut self, network: &str, weights: Weights) -> Self {
        self.facts.refiner = Some(RefinerFacts { network: network.into(), weights: weights.digest() });
        self.refiner = Some(weights);
        self
    }

    /// The same detector with its first look only.
    pub fn without_refiner(mut self) -> Self {
        (self.facts.refiner, self.refiner) = (None, None);
        self
    }

    /// The detector that ships with the program.
    ///
    /// # Errors
    /// Never for a released program: its tests load it.
    pub fn shipped() -> Result<Self, DetectorModelError> {
        Self::from_bytes(SHIPPED, "the detector that ships with the program")
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or is of another program or network.
    pub fn load(path: &Path) -> Result<Self, DetectorModelError> {
        let wrong = |source| DetectorModelError::Read { path: path.into(), source };
        Self::from_bytes(&fs_err::read(path).map_err(wrong)?, &path.display().to_string())
    }

    /// Reads a model from memory; `origin` names it in errors.
    ///
    /// # Errors
    /// As [`DetectorModel::load`].
    pub fn from_bytes(bytes: &[u8], origin: &str) -> Result<Self, DetectorModelError> {
        let damaged = |reason: String| DetectorModelError::NotADetector { origin: origin.into(), reason };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
        let facts = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
        let facts = facts.ok_or_else(|| damaged(format!("it holds nothing under `{KEY}`")))?;
        let facts: DetectorFacts = serde_json::from_str(facts).map_err(|e| damaged(e.to_string()))?;
        if !(facts.score > 0.0 && facts.score < 1.0) {
            return Err(damaged(format!("score {}, expected a number between 0 and 1", facts.score)));
        }
        let table = pyramid(&facts.network)
            .map_err(|source| DetectorModelError::Network { origin: origin.into(), source })?;
        let tensors = read_tensors(bytes, origin).map_err(|e| damaged(e.to_string()))?;
        let (again, first): (BTreeMap<_, _>, _) =
            tensors.into_iter().partition(|(name, _)| name.starts_with(REFINER));
        let checked = |tensors, graph: &Graph, network: &str, named: &str| {
            let weights = Weights::new(tensors, graph).map_err(|source| DetectorModelError::Weights {
                origin: origin.into(),
                network: network.into(),
                source,
            })?;
            match weights.digest() {
                digest if digest == named => Ok(weights),
                digest => Err(damaged(format!(
                    "its weights have digest {digest}, but it names {named}: the file was altered"
                ))),
            }
        };
        let graph = Graph::of_pyramid(&table, Pyramid::MULTIPLE, Pyramid::MULTIPLE);
        let weights = checked(first, &graph, &facts.network, &facts.weights)?;
        let refiner = match &facts.refiner {
            None if again.is_empty() => None,
            None => return Err(damaged("it holds a refiner's weights without saying so".into())),
            Some(RefinerFacts { network, weights }) => {
                let table = refiner(network)
                    .map_err(|source| DetectorModelError::Refiner { origin: origin.into(), source })?;
                let plain = |(name, tensor): (String, Tensor)| (name[REFINER.len()..].to_owned(), tensor);
                let graph = Graph::of_refiner(&table, Pyramid::OUTPUTS);
                Some(checked(again.into_iter().map(plain).collect(), &graph, network, weights)?)
            }
        };
        Ok(Self { facts, weights, refiner })
    }

    /// Writes the model file, beside its place and then renamed.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), DetectorModelError> {
        let wrong = |source| DetectorModelError::Write { path: path.into(), source };
        let bytes = self.to_bytes().map_err(|e| wrong(std::io::Error::other(e)))?;
        write_beside(path, &bytes).map_err(wrong)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let facts = serde_json::to_string(&self.facts).expect("facts are plain data");
        let mut tensors = self.weights.tensors().clone();
        for (name, tensor) in self.refiner.iter().flat_map(Weights::tensors) {
            tensors.insert(format!("{REFINER}{name}"), tensor.clone());
        }
        tensors_to_bytes(&tensors, HashMap::from([(KEY.to_owned(), facts)]))
    }

    /// What the weights are for.
    pub fn facts(&self) -> &DetectorFacts {
        &self.facts
    }

    /// The weights of the first look.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The weights of the second look, if it has one.
    pub fn refiner(&self) -> Option<&Weights> {
        self.refiner.as_ref()
    }

    /// The same detector with another default score, in `(0, 1)`.
    pub fn with_score(mut self, score: f32) -> Self {
        self.facts.score = score;
        self
    }
}
