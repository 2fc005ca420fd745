//! All that a run needs to go on as if it had never stopped.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use facenet::network::Graph;
use facenet::{Tensor, WeightsError, write_beside};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::{
    Averaging, AveragingConfig, OfflinePool, Optimiser, OptimiserConfig, Suspects, TrainNetwork, ValidConfig,
};

/// The key of a checkpoint's facts in its metadata.
const KEY: &str = "facenet.checkpoint";
/// What the names of the optimiser's tensors start with.
const STATES: [&str; 4] = ["adagrad.", "sgd.", "adam.m.", "adam.v."];
/// What the names of averaged tensors start with.
const AVERAGE: &str = "average.";
/// The name of the loss's own weights, as the optimiser knows them.
pub(crate) const HEAD: &str = "head.weight";

/// What a checkpoint is held against: the settings that decide the weights, as text, and what is made of them.
pub(crate) struct Terms<'a> {
    pub(crate) recipe: String,
    pub(crate) graph: &'a Graph,
    pub(crate) averaging: Option<AveragingConfig>,
    pub(crate) optimiser: OptimiserConfig,
}

impl<'a> From<&'a ValidConfig> for Terms<'a> {
    fn from(config: &'a ValidConfig) -> Self {
        let settings = config.settings();
        Self {
            recipe: config.recipe(),
            graph: config.graph(),
            averaging: settings.averaging,
            optimiser: settings.optimiser,
        }
    }
}

/// A run between two steps. Batches are functions of seed and step, so no state of a generator is needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Steps that were taken.
    pub step: u64,
    /// The network after them.
    pub network: TrainNetwork,
    /// The loss's own weights after them, `[classes, dimension]`, if a stage has such.
    pub head: Option<Vec<f32>>,
    /// The optimiser after them.
    pub optimiser: Optimiser,
    /// The average of the network's tensors, if asked for.
    pub averaging: Option<Averaging>,
    /// The triplets of the last offline mining.
    pub offline: Option<OfflinePool>,
    /// What the checkpoints so far say about labels.
    pub suspects: Option<Suspects>,
    /// Steps in a row for which the embedding was collapsed.
    pub collapsed_steps: u64,
}

impl Checkpoint {
    /// A run of a network that has no more than weights, before its first step.
    pub(crate) fn first(network: TrainNetwork, terms: &Terms) -> Self {
        Self {
            step: 0,
            network,
            head: None,
            optimiser: Optimiser::new(terms.optimiser),
            averaging: terms.averaging.map(Averaging::new),
            offline: None,
            suspects: None,
            collapsed_steps: 0,
        }
    }

    /// The network's tensors, averaged if asked for.
    pub(crate) fn tensors(&self) -> BTreeMap<String, Tensor> {
        let average = |(name, tensor): (&String, &Tensor)| {
            let average = self.averaging.as_ref().and_then(|averaging| averaging.of(name));
            let values = average.unwrap_or(&tensor.values).to_vec();
            (name.clone(), Tensor { shape: tensor.shape.clone(), values })
        };
        self.network.tensors().iter().map(average).collect()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    step: u64,
    recipe: String,
    data: String,
    averaged: u64,
    offline: Option<OfflinePool>,
    suspects: Option<Suspects>,
    collapsed_steps: u64,
}

/// Why a checkpoint cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the checkpoint `{path}`: the run stops, the checkpoint before is whole")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no checkpoint, or damaged.
    #[error("`{path}` is no checkpoint of this program, or it is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The tensors are not the network's.
    #[error("the checkpoint `{path}` does not fit the network")]
    Weights {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: WeightsError,
    },
    /// The checkpoint was made with other settings.
    #[error(
        "the checkpoint `{path}` was made with other settings\n  then {then}\n  now  {now}\nhint: resume with the \
         config of the run folder, or start another run with `--run`"
    )]
    OtherRecipe {
        /// The file.
        path: PathBuf,
        /// The settings it was made with.
        then: String,
        /// The settings now.
        now: String,
    },
    /// The checkpoint was made on other data.
    #[error("the checkpoint `{path}` was made on other data: digest {then}, found {now}")]
    OtherData {
        /// The file.
        path: PathBuf,
        /// The digest it was made on.
        then: String,
        /// The digest of the data now.
        now: String,
    },
}

impl Checkpoint {
    /// Writes the checkpoint, beside its place and then renamed.
    ///
    /// # Errors
    /// When it cannot be written, for example because the disk is full.
    pub fn save(&self, path: &Path, config: &ValidConfig, data: &str) -> Result<(), CheckpointError> {
        self.write(path, &config.into(), data)
    }

    pub(crate) fn write(&self, path: &Path, terms: &Terms, data: &str) -> Result<(), CheckpointError> {
        let wrong = |source| CheckpointError::Write { path: path.into(), source };
        let bytes = self.to_bytes(terms, data).map_err(|e| wrong(std::io::Error::other(e)))?;
        write_beside(path, &bytes).map_err(wrong)
    }

    /// Reads a checkpoint of the same settings and data.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or belongs to other settings or data.
    pub fn load(path: &Path, config: &ValidConfig, data: &str) -> Result<Self, CheckpointError> {
        Self::read(path, &config.into(), data)
    }

    pub(crate) fn read(path: &Path, terms: &Terms, data: &str) -> Result<Self, CheckpointError> {
        let bytes =
            fs_err::read(path).map_err(|source| CheckpointError::Read { path: path.into(), source })?;
        Self::from_bytes(&bytes, path, terms, data)
    }

    pub(crate) fn to_bytes(&self, terms: &Terms, data: &str) -> Result<Vec<u8>, SafeTensorError> {
        let facts = Facts {
            step: self.step,
            recipe: terms.recipe.clone(),
            data: data.into(),
            averaged: self.averaging.as_ref().map_or(0, Averaging::updates),
            offline: self.offline.clone(),
            suspects: self.suspects.clone(),
            collapsed_steps: self.collapsed_steps,
        };
        let facts = serde_json::to_string(&facts).expect("facts are plain data");
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let flat = |(name, values): (&String, &Vec<f32>)| (name.clone(), vec![values.len()], bytes(values));
        let weights = self.network.tensors().iter();
        let weights = weights.map(|(name, t)| (name.clone(), t.shape.clone(), bytes(&t.values)));
        let states = self.optimiser.state().iter().map(flat);
        let averages = self.averaging.iter().flat_map(|averaging| averaging.state().iter().map(flat));
        let head = self.head.iter().map(|head| (HEAD.to_owned(), vec![head.len()], bytes(head)));
        let tensors: Vec<_> = weights.chain(states).chain(averages).chain(head).collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.expect("shapes are those of the values"))
        });
        safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), facts)])))
    }

    /// Takes a checkpoint that was read from `path`.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        path: &Path,
        terms: &Terms,
        data: &str,
    ) -> Result<Self, CheckpointError> {
        let damaged = |reason| CheckpointError::Damaged { path: path.into(), reason };
        let (facts, mut tensors) = read(bytes).map_err(damaged)?;
        if facts.recipe != terms.recipe {
            return Err(CheckpointError::OtherRecipe {
                path: path.into(),
                then: facts.recipe,
                now: terms.recipe.clone(),
            });
        }
        if facts.data != data {
            return Err(CheckpointError::OtherData { path: path.into(), then: facts.data, now: data.into() });
        }
        let mut take = |wanted: &dyn Fn(&str) -> bool| -> BTreeMap<String, Vec<f32>> {
            let taken = tensors.extract_if(.., |name, _| wanted(name));
            taken.map(|(name, tensor)| (name, tensor.values)).collect()
        };
        let state = take(&|name| of_state(name).is_some());
        let averages = take(&|name| name.starts_with(AVERAGE));
        let head = take(&|name| name == HEAD).remove(HEAD);
        let network = TrainNetwork::from_weights(terms.graph.clone(), tensors)
            .map_err(|source| CheckpointError::Weights { path: path.into(), source })?;
        let len = |name: &str| match name {
            HEAD => head.as_ref().map(Vec::len),
            _ => network.tensors().get(name).map(|tensor| tensor.values.len()),
        };
        if let Some(reason) = misfit(len, &state).or_else(|| misfit(len, &averages)) {
            return Err(damaged(reason));
        }
        let averaging = terms.averaging.map(|c| Averaging::with_state(c, averages, facts.averaged));
        let optimiser = Optimiser::with_state(terms.optimiser, state, facts.step);
        let Facts { step, offline, suspects, collapsed_steps, .. } = facts;
        Ok(Self { step, network, head, optimiser, averaging, offline, suspects, collapsed_steps })
    }
}

/// The weight that a tensor of the optimiser belongs to; none for a weight itself.
fn of_state(name: &str) -> Option<&str> {
    STATES.iter().find_map(|prefix| name.strip_prefix(prefix))
}

/// What is wrong with tensors that belong to weights of the given lengths, if anything is.
fn misfit(len: impl Fn(&str) -> Option<usize>, state: &BTreeMap<String, Vec<f32>>) -> Option<String> {
    // Sums and means of squares, whose roots are taken.
    let is_square = |name: &str| name.starts_with("adagrad.") || name.starts_with("adam.v.");
    let fits = |name: &str, v: f32| v.is_finite() && (v >= 0.0 || !is_square(name));
    state.iter().find_map(|(name, values)| match len(of_state(name).or(name.strip_prefix(AVERAGE))?) {
        Some(len) if len == values.len() && values.iter().all(|v| fits(name, *v)) => None,
        Some(_) => Some(format!("`{name}` does not fit its weight")),
        None => Some(format!("it holds `{name}`, but no such weight")),
    })
}

fn read(bytes: &[u8]) -> Result<(Facts, BTreeMap<String, Tensor>), String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let facts = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
    let facts =
        serde_json::from_str(facts.ok_or("it holds no state of a run")?).map_err(|e| e.to_string())?;
    let tensors = file.iter().map(|(name, view)| {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor `{name}` is {:?}, expected F32", view.dtype()));
        }
        let (chunks, _) = view.data().as_chunks::<4>();
        let values = chunks.iter().map(|c| f32::from_le_bytes(*c)).collect();
        Ok((name.to_owned(), Tensor { shape: view.shape().to_vec(), values }))
    });
    Ok((facts, tensors.collect::<Result<_, String>>()?))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{AveragingConfig, ImageId, OfflineConfig, Subset, SuspectConfig, TrainConfig};

    fn config(extra: &str) -> ValidConfig {
        let text = format!("{extra}\naveraging = {{}}\ndata.train = \"faces\"\nschedule.steps = 9\n");
        toml::from_str::<TrainConfig>(&text).unwrap().validate().unwrap()
    }

    fn checkpoint() -> Checkpoint {
        let config = config("");
        let mut network = TrainNetwork::new(config.graph().clone(), &mut ChaCha8Rng::seed_from_u64(1));
        let mut optimiser = Optimiser::new(config.settings().optimiser);
        let gradient = vec![0.5; 2400];
        optimiser
            .step(0.1, [("conv1.weight", network.values_mut("conv1.weight"), &gradient[..])].into_iter());
        let mut averaging = Averaging::new(AveragingConfig::default());
        averaging.update(0, network.tensors().iter().map(|(name, t)| (name.as_str(), t.values.as_slice())));
        let head = Some(vec![0.25; 12 * 128]);
        let mut suspects = Suspects::new(SuspectConfig::default());
        let embeddings = [1.0, 0.0, 0.6, 0.8, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0];
        suspects.look(&embeddings, &[0, 1, 1, 2, 2], &[0, 1, 2, 3, 4].map(ImageId)).unwrap();
        assert!(!suspects.twins().is_empty());
        let subset = Subset { images: [0, 1, 2, 3, 4].map(ImageId).into(), labels: vec![0, 1, 1, 2, 2] };
        let (pool, _) =
            OfflinePool::mine(&embeddings, &subset, OfflineConfig::default().triplets, 1, 1).unwrap();
        assert!(!pool.is_empty());
        Checkpoint {
            step: 1,
            network,
            head,
            optimiser,
            averaging: Some(averaging),
            offline: Some(pool),
            suspects: Some(suspects),
            collapsed_steps: 2,
        }
    }

    #[test]
    fn a_checkpoint_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        checkpoint().save(&path, &config(""), "d").unwrap();
        assert_eq!(Checkpoint::load(&path, &config(""), "d").unwrap(), checkpoint());
    }

    #[test]
    fn other_settings_other_data_and_damage_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        checkpoint().save(&path, &config(""), "d").unwrap();
        let refusal =
            |config: ValidConfig, data| Checkpoint::load(&path, &config, data).unwrap_err().to_string();
        assert!(refusal(config("seed = 4"), "d").contains("other settings"));
        assert!(refusal(config(""), "e").contains("other data: digest d, found e"));

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(refusal(config(""), "d").contains("damaged"));
        std::fs::remove_file(&path).unwrap();
        assert!(refusal(config(""), "d").contains("cannot read the checkpoint"));
    }
}
