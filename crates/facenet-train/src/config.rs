//! What a training run is, in one file.

use std::path::{Path, PathBuf};

use facenet::PREPROCESSING_VERSION;
use facenet::network::{self, Graph, UnknownNetwork};
use facenet_core::Preprocessing;
use serde::{Deserialize, Serialize};

use crate::{
    Augment, AugmentConfig, AugmentError, AveragingConfig, DeviceConfig, HarmonicConfig, LoaderConfig,
    LossConfig, OfflineConfig, OptimiserConfig, OutOfRange, PartConfig, SamplerConfig, ScheduleConfig,
    StartConfig, SuspectConfig,
};

/// The settings of a run, as written in TOML. A misspelt key is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// What all randomness comes from: the same seed, settings and data give the same weights.
    #[serde(default)]
    pub seed: u64,
    /// The faces.
    pub data: DataConfig,
    /// The network.
    #[serde(default)]
    pub network: NetworkConfig,
    /// A model whose weights are where learning starts; none, they are drawn at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<StartConfig>,
    /// What a batch is made of.
    #[serde(default)]
    pub batch: SamplerConfig,
    /// What is learnt from a batch.
    #[serde(default)]
    pub loss: LossConfig,
    /// Other losses from later steps on: first a softmax loss, then triplets; or triplets that get harder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageConfig>,
    /// How training crops are varied.
    #[serde(default)]
    pub augment: AugmentConfig,
    /// How weights move against their gradients.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// The average of the weights that is validated and kept as the model; none, the last weights are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub averaging: Option<AveragingConfig>,
    /// Triplets mined from a part of the data set now and then; none, only from each batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineConfig>,
    /// An older model that the new one is to be comparable with; none, it is on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harmonic: Option<HarmonicConfig>,
    /// The search for wrong labels; none, no search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspects: Option<SuspectConfig>,
    /// How many steps, at which learning rate.
    pub schedule: ScheduleConfig,
    /// Where the network computes.
    #[serde(default)]
    pub device: DeviceConfig,
    /// How far batches are prepared ahead.
    #[serde(default)]
    pub loader: LoaderConfig,
    /// What is written, and when.
    #[serde(default)]
    pub run: RunConfig,
}

/// Where the faces are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// A folder of a folder per person, or of WebDataset tar shards; relative to the working folder.
    pub train: PathBuf,
    /// Decoded images that are kept in memory, in MiB; a 128-pixel crop takes 48 KiB.
    #[serde(default = "default_cache_mib")]
    pub cache_mib: usize,
    /// A random part of them that is learnt from; none, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<PartConfig>,
    /// The pairs to validate with along the way; none, no validation.
    pub validation: Option<ValidationConfig>,
}

fn default_cache_mib() -> usize {
    1024
}

/// Pairs to validate with, of people who are not in the training data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationConfig {
    /// A folder in LFW's layout, `PERSON/PERSON_0001.jpg`.
    pub images: PathBuf,
    /// A file in LFW's format.
    pub pairs: PathBuf,
    /// What the pairs are called in the report and, as the data of its thresholds, in the model's contract; by
    /// default the file's name.
    pub name: Option<String>,
}

/// The network and its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Its name, one of [`facenet::network::NAMES`].
    pub name: String,
    /// Coordinates of an embedding.
    pub dimension: usize,
    /// The part of a training crop's edge that the network sees, see [`Preprocessing::field`].
    pub field: f32,
    /// The share of the embedding layer's inputs that are left out at random, in `[0, 1)`.
    pub dropout: f32,
    /// The most images that share the statistics of a batch normalisation, at least 2; none, the whole batch. A batch
    /// larger than memory needs it, since the statistics of a group are known only when all of it is in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm_group: Option<usize>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { name: "lite".into(), dimension: 128, field: 0.875, dropout: 0.0, norm_group: None }
    }
}

/// Another loss from a step on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// The first step, counted from 0, that learns from it.
    pub from: u64,
    /// The loss.
    pub loss: LossConfig,
}

/// What is written, and when, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Steps between lines of the log.
    pub log_every: u64,
    /// Steps between checkpoints: what `kill -9` can lose.
    pub checkpoint_every: u64,
    /// Steps between validations.
    pub validate_every: u64,
    /// Checkpoints that are kept.
    pub keep: usize,
    /// Steps for which the embedding must be collapsed before the run stops.
    pub collapse_patience: u64,
    /// What a step may take in memory, in MiB, chips waiting included; none, as much as the whole batch needs. Larger
    /// batches go through the network in pieces, to the same gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            log_every: 10,
            checkpoint_every: 100,
            validate_every: 500,
            keep: 2,
            collapse_patience: 100,
            memory_mib: None,
        }
    }
}

/// Settings that hold together, with what follows from them.
#[derive(Debug, Clone)]
pub struct ValidConfig {
    config: TrainConfig,
    graph: Graph,
    preprocessing: Preprocessing,
    augment: Augment,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not TOML, a key is misspelt, or a value of the wrong kind.
    #[error("the config `{path}` is not valid\n{source}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// There is no such network.
    #[error("`network.name` is not usable")]
    Network(#[from] UnknownNetwork),
    /// An augmentation is out of range.
    #[error("`augment` or `network.field` is not usable")]
    Augment(#[from] AugmentError),
    /// Another value is out of range.
    #[error("`{key}` is {found}, but expected {expected}")]
    Range {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl TrainConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs_err::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Syntax { path: path.into(), source: Box::new(source) })
    }

    /// The settings as TOML, defaults filled in.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("settings are plain data")
    }

    /// Checks that the settings hold together.
    ///
    /// # Errors
    /// On the first that does not.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        let range = |ok: bool, key: &str, found: &dyn ToString, expected| {
            let key = key.to_owned();
            if ok { Ok(()) } else { Err(ConfigError::Range { key, found: found.to_string(), expected }) }
        };
        let of_table = |table: &'static str| {
            move |OutOfRange { key, found, expected }| ConfigError::Range {
                key: format!("{table}.{key}"),
                found,
                expected,
            }
        };
        self.schedule.check().map_err(of_table("schedule"))?;
        let dimension = self.network.dimension;
        range((1..=4096).contains(&dimension), "network.dimension", &dimension, "1 to 4096")?;
        if let Some(part) = &self.data.part {
            range(part.images >= 2, "data.part.images", &part.images, "at least 2")?;
        }
        self.optimiser.check().map_err(of_table("optimiser"))?;
        if let Some(averaging) = &self.averaging {
            averaging.check().map_err(of_table("averaging"))?;
        }
        if let Some(offline) = &self.offline {
            offline.check().map_err(of_table("offline"))?;
        }
        if let Some(harmonic) = &self.harmonic {
            harmonic.check().map_err(of_table("harmonic"))?;
            range(
                self.offline.is_none(),
                "offline",
                &"given",
                "none beside `harmonic`, whose triplets are mined online",
            )?;
        }
        if let Some(suspects) = &self.suspects {
            suspects.check().map_err(of_table("suspects"))?;
        }
        self.loss.check().map_err(of_table("loss"))?;
        let mut from = 0;
        for stage in &self.stages {
            stage.loss.check().map_err(of_table("stages.loss"))?;
            range(stage.from > from, "stages.from", &stage.from, "a step after those of the stages before")?;
            from = stage.from;
        }
        let NetworkConfig { dropout, norm_group, .. } = self.network;
        range((0.0..1.0).contains(&dropout), "network.dropout", &dropout, "a share from 0 below 1")?;
        if let Some(group) = norm_group {
            range(group >= 2, "network.norm_group", &group, "at least 2")?;
        }
        let RunConfig { log_every, checkpoint_every, validate_every, keep, collapse_patience, .. } = self.run;
        for (key, value) in [
            ("run.log_every", log_every),
            ("run.checkpoint_every", checkpoint_every),
            ("run.validate_every", validate_every),
            ("run.keep", keep as u64),
            ("run.collapse_patience", collapse_patience),
        ] {
            range(value > 0, key, &value, "at least 1")?;
        }
        let table = network::table(&self.network.name)?;
        let preprocessing = Preprocessing {
            version: PREPROCESSING_VERSION,
            edge_px: table.input_edge() as u32,
            field: self.network.field,
        };
        let augment = Augment::new(self.augment, preprocessing)?;
        let graph = Graph::of(&table, dimension);
        Ok(ValidConfig { config: self, graph, preprocessing, augment })
    }
}

impl ValidConfig {
    /// The settings as they were given.
    pub fn settings(&self) -> &TrainConfig {
        &self.config
    }

    /// The network's layers.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How a face becomes the network's input.
    pub fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    /// How training crops are varied.
    pub fn augment(&self) -> &Augment {
        &self.augment
    }

    /// The settings that decide the weights, as text: two runs with equal text and data give equal weights. Paths,
    /// threads and devices and intervals of writing are left out.
    pub fn recipe(&self) -> String {
        let recipe = TrainConfig {
            // The part is in the digest of the data.
            data: DataConfig { train: PathBuf::new(), cache_mib: 0, part: None, validation: None },
            device: DeviceConfig::default(),
            loader: LoaderConfig::default(),
            run: RunConfig::default(),
            start: self.config.start.as_ref().map(StartConfig::without_path),
            harmonic: self.config.harmonic.as_ref().map(HarmonicConfig::without_path),
            ..self.config.clone()
        };
        serde_json::to_string(&recipe).expect("settings are plain data")
    }

    /// The losses and the steps from which they hold, the first from 0.
    pub fn stages(&self) -> Vec<StageConfig> {
        let first = StageConfig { from: 0, loss: self.config.loss.clone() };
        std::iter::once(first).chain(self.config.stages.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MinerConfig;

    fn parse(text: &str) -> Result<TrainConfig, toml::de::Error> {
        toml::from_str(text)
    }

    const LEAST: &str = "data.train = \"faces\"\nschedule.steps = 100\n";

    #[test]
    fn the_least_config_has_the_papers_settings() {
        let config = parse(LEAST).unwrap();
        assert_eq!(config.loss, LossConfig::Triplet(MinerConfig { margin: 0.2, ..MinerConfig::default() }));
        assert_eq!(config.schedule.learning_rate, 0.05);
        assert_eq!((config.network.dimension, config.network.name.as_str()), (128, "lite"));
        assert_eq!(config.clone().validate().unwrap().preprocessing().edge_px, 64);
        assert_eq!(parse(&config.to_toml()).unwrap(), config, "the effective config reads back as it was");
    }

    #[test]
    fn a_misspelt_key_is_refused_with_those_that_exist() {
        let error =
            parse(&format!("{LEAST}[loss]\nkind = \"triplet\"\nmargn = 0.2\n")).unwrap_err().to_string();
        assert!(
            error.contains("unknown field `margn`, expected one of `margin`, `rule`, `positives`, `cap`"),
            "{error}"
        );
        assert!(parse(&format!("sed = 1\n{LEAST}")).unwrap_err().to_string().contains("unknown field `sed`"));
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for (line, expected) in [
            (
                "schedule.steps = 1\n[data.part]\nimages = 1",
                "`data.part.images` is 1, but expected at least 2",
            ),
            ("[schedule]\nsteps = 0", "`schedule.steps` is 0, but expected at least 1"),
            (
                "schedule.steps = 1\n[loss]\nkind = \"triplet\"\nmargin = 0.0",
                "`loss.margin` is 0, but expected a number above 0, up to 4",
            ),
            (
                "schedule.steps = 1\n[[stages]]\nfrom = 0\nloss.kind = \"softmax\"",
                "`stages.from` is 0, but expected a step after those of the stages before",
            ),
            (
                "schedule.steps = 1\n[network]\nnorm_group = 1",
                "`network.norm_group` is 1, but expected at least 2",
            ),
            ("schedule.steps = 1\n[run]\nkeep = 0", "`run.keep` is 0, but expected at least 1"),
            (
                "schedule.steps = 1\n[network]\ndimension = 0",
                "`network.dimension` is 0, but expected 1 to 4096",
            ),
            ("schedule.steps = 1\n[network]\nname = \"nn9\"", "`network.name` is not usable"),
        ] {
            let error = parse(&format!("data.train = \"faces\"\n{line}\n")).unwrap().validate().unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn the_recipe_holds_what_decides_the_weights_and_nothing_else() {
        let recipe = |text: &str| parse(text).unwrap().validate().unwrap().recipe();
        let base = recipe(LEAST);
        assert_eq!(base, recipe(&format!("{LEAST}[run]\nlog_every = 3\n[loader]\nworkers = 7\n")));
        assert_ne!(base, recipe(&format!("seed = 5\n{LEAST}")));
    }
}
