//! What a training run is, in one file.

use std::path::{Path, PathBuf};

use facenet::PREPROCESSING_VERSION;
use facenet::network::{self, Graph, UnknownNetwork};
use facenet_core::Preprocessing;
use serde::{Deserialize, Serialize};

use crate::{AdaGradConfig, Augment, AugmentConfig, AugmentError, LoaderConfig, MinerConfig, SamplerConfig};

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
    /// What a batch is made of.
    #[serde(default)]
    pub batch: SamplerConfig,
    /// Which triplets are learnt from.
    #[serde(default)]
    pub triplets: MinerConfig,
    /// How training crops are varied.
    #[serde(default)]
    pub augment: AugmentConfig,
    /// AdaGrad.
    #[serde(default)]
    pub optimiser: AdaGradConfig,
    /// How many steps, at which learning rate.
    pub schedule: ScheduleConfig,
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
    /// Its name: `lite`, `nn4`.
    pub name: String,
    /// Coordinates of an embedding.
    pub dimension: usize,
    /// The part of a training crop's edge that the network sees, see [`Preprocessing::field`].
    pub field: f32,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { name: "lite".into(), dimension: 128, field: 0.875 }
    }
}

/// Steps and learning rate: a linear warm-up, a plateau, and a cosine down to the final rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Batches to learn from.
    pub steps: u64,
    /// The rate of the plateau; 0.05 in the paper (§3).
    #[serde(default = "default_learning_rate")]
    pub learning_rate: f32,
    /// Steps until the plateau is reached.
    #[serde(default)]
    pub warm_up: u64,
    /// The share of all steps after which the rate is lowered, in `[0, 1]`: the paper lowers it "to finalize the
    /// model" and does not say when.
    #[serde(default = "default_plateau")]
    pub plateau: f64,
    /// The rate at the end, as a share of the plateau's.
    #[serde(default = "default_final_share")]
    pub final_share: f32,
}

fn default_learning_rate() -> f32 {
    0.05
}

fn default_plateau() -> f64 {
    0.5
}

fn default_final_share() -> f32 {
    0.01
}

impl ScheduleConfig {
    /// The learning rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f32 {
        if step < self.warm_up {
            return self.learning_rate * (step + 1) as f32 / self.warm_up as f32;
        }
        let start = self.plateau * self.steps as f64;
        let progress = ((step as f64 - start) / (self.steps as f64 - start).max(1.0)).clamp(0.0, 1.0) as f32;
        let cosine = (1.0 + (std::f32::consts::PI * progress).cos()) / 2.0;
        self.learning_rate * (self.final_share + (1.0 - self.final_share) * cosine)
    }
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
}

impl Default for RunConfig {
    fn default() -> Self {
        Self { log_every: 10, checkpoint_every: 100, validate_every: 500, keep: 2, collapse_patience: 100 }
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
        key: &'static str,
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
        let range = |ok: bool, key, found: &dyn ToString, expected| {
            if ok { Ok(()) } else { Err(ConfigError::Range { key, found: found.to_string(), expected }) }
        };
        let ScheduleConfig { steps, learning_rate, plateau, final_share, .. } = self.schedule;
        range(steps > 0, "schedule.steps", &steps, "at least 1")?;
        range(
            learning_rate > 0.0 && learning_rate.is_finite(),
            "schedule.learning_rate",
            &learning_rate,
            "a number above 0",
        )?;
        range((0.0..=1.0).contains(&plateau), "schedule.plateau", &plateau, "a share from 0 to 1")?;
        range(
            (0.0..=1.0).contains(&final_share),
            "schedule.final_share",
            &final_share,
            "a share from 0 to 1",
        )?;
        let dimension = self.network.dimension;
        range((1..=4096).contains(&dimension), "network.dimension", &dimension, "1 to 4096")?;
        let AdaGradConfig { initial_accumulator, weight_decay } = self.optimiser;
        range(
            initial_accumulator >= 0.0 && initial_accumulator.is_finite(),
            "optimiser.initial_accumulator",
            &initial_accumulator,
            "a number from 0",
        )?;
        range(
            (0.0..1.0).contains(&weight_decay),
            "optimiser.weight_decay",
            &weight_decay,
            "a number from 0 below 1",
        )?;
        let margin = self.triplets.margin;
        range(margin > 0.0 && margin <= 4.0, "triplets.margin", &margin, "a number above 0, up to 4")?;
        let cap = self.triplets.cap;
        range((0.0..1.0).contains(&cap), "triplets.cap", &cap, "a number from 0 below 1")?;
        let RunConfig { log_every, checkpoint_every, validate_every, keep, collapse_patience } = self.run;
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
            edge_px: table.input_edge as u32,
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
    /// threads and intervals of writing are left out.
    pub fn recipe(&self) -> String {
        let TrainConfig { seed, network, batch, triplets, augment, optimiser, schedule, .. } = &self.config;
        serde_json::to_string(&(seed, network, batch, triplets, augment, optimiser, schedule))
            .expect("settings are plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TrainConfig, toml::de::Error> {
        toml::from_str(text)
    }

    const LEAST: &str = "data.train = \"faces\"\nschedule.steps = 100\n";

    #[test]
    fn the_least_config_has_the_papers_settings() {
        let config = parse(LEAST).unwrap();
        assert_eq!((config.triplets.margin, config.schedule.learning_rate), (0.2, 0.05));
        assert_eq!((config.network.dimension, config.network.name.as_str()), (128, "lite"));
        assert_eq!(config.clone().validate().unwrap().preprocessing().edge_px, 64);
        assert_eq!(parse(&config.to_toml()).unwrap(), config, "the effective config reads back as it was");
    }

    #[test]
    fn a_misspelt_key_is_refused_with_those_that_exist() {
        let error = parse(&format!("{LEAST}[triplets]\nmargn = 0.2\n")).unwrap_err().to_string();
        assert!(
            error.contains("unknown field `margn`, expected one of `margin`, `rule`, `positives`, `cap`"),
            "{error}"
        );
        assert!(parse(&format!("sed = 1\n{LEAST}")).unwrap_err().to_string().contains("unknown field `sed`"));
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for (line, expected) in [
            ("[schedule]\nsteps = 0", "`schedule.steps` is 0, but expected at least 1"),
            (
                "schedule.steps = 1\n[triplets]\nmargin = 0.0",
                "`triplets.margin` is 0, but expected a number above 0, up to 4",
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
    fn the_rate_warms_up_stays_and_falls_to_its_final_share() {
        let schedule =
            ScheduleConfig { steps: 100, learning_rate: 0.5, warm_up: 10, plateau: 0.5, final_share: 0.1 };
        assert!((schedule.rate(0) - 0.05).abs() < 1e-6);
        assert_eq!((schedule.rate(9), schedule.rate(10), schedule.rate(50)), (0.5, 0.5, 0.5));
        assert!((schedule.rate(75) - 0.275).abs() < 1e-6);
        assert!((schedule.rate(100) - 0.05).abs() < 1e-6);
        assert!((schedule.rate(5000) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn the_recipe_holds_what_decides_the_weights_and_nothing_else() {
        let recipe = |text: &str| parse(text).unwrap().validate().unwrap().recipe();
        let base = recipe(LEAST);
        assert_eq!(base, recipe(&format!("{LEAST}[run]\nlog_every = 3\n[loader]\nworkers = 7\n")));
        assert_ne!(base, recipe(&format!("seed = 5\n{LEAST}")));
    }
}
