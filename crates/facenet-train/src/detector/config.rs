//! What a detector's training run is, in one file.

use std::path::{Path, PathBuf};

use facenet::network::{Graph, Pyramid, UnknownPyramid, UnknownRefiner, pyramid};
use serde::{Deserialize, Serialize};

use super::SceneConfig;
use super::routine::Settings;
use crate::range::{OutOfRange, within};
use crate::{AveragingConfig, DeviceConfig, LoaderConfig, OptimiserConfig, ScheduleConfig};

/// The settings of a run, as written in TOML. A misspelt key is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorConfig {
    /// What all randomness comes from: the same seed, settings and data give the same weights.
    #[serde(default)]
    pub seed: u64,
    /// Scenes a batch, at least 2.
    #[serde(default = "default_batch")]
    pub batch: usize,
    /// The photos.
    pub data: DetectorData,
    /// The network.
    #[serde(default)]
    pub network: DetectorNetwork,
    /// How scenes are made of photos.
    #[serde(default)]
    pub scene: SceneConfig,
    /// What is learnt from a batch.
    #[serde(default)]
    pub loss: DetectorLossConfig,
    /// How weights move against their gradients.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// The average of the weights that is validated and kept as the model; none, the last weights are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub averaging: Option<AveragingConfig>,
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
    pub run: DetectorRunConfig,
}

fn default_batch() -> usize {
    16
}

/// Where the photos are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorData {
    /// A folder with `train.jsonl` and the photos it tells of in `train/`, see
    /// [`facenet_eval::read_detection_labels`]; with `val.jsonl` and `val/` in it too, the run is validated on those.
    pub folder: PathBuf,
    /// Decoded photos that are kept in memory, in MiB; one of 640 × 360 pixels takes 675 KiB.
    #[serde(default = "default_cache_mib")]
    pub cache_mib: usize,
}

fn default_cache_mib() -> usize {
    2048
}

/// The network and its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectorNetwork {
    /// Its name, see [`facenet::network::pyramid`].
    pub name: String,
    /// The edge of a scene, in pixels: a multiple of 32.
    pub edge_px: usize,
    /// A detector of the same network that the run begins with, instead of weights drawn at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<PathBuf>,
}

impl Default for DetectorNetwork {
    fn default() -> Self {
        Self { name: "lite-pyramid".into(), edge_px: 256, start: None }
    }
}

/// How much the parts of the loss weigh; that of scores weighs 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectorLossConfig {
    /// The part of boxes, at least 0; 2 is the balance of generalised focal loss (Li et al. 2020).
    pub boxes: f32,
    /// The part of landmarks, at least 0.
    pub landmarks: f32,
}

impl Default for DetectorLossConfig {
    fn default() -> Self {
        Self { boxes: 2.0, landmarks: 1.0 }
    }
}

/// What is written, and when, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectorRunConfig {
    /// Steps between lines of the log.
    pub log_every: u64,
    /// Steps between checkpoints: what `kill -9` can lose.
    pub checkpoint_every: u64,
    /// Steps between validations.
    pub validate_every: u64,
    /// Checkpoints that are kept.
    pub keep: usize,
}

impl Default for DetectorRunConfig {
    fn default() -> Self {
        Self { log_every: 20, checkpoint_every: 200, validate_every: 1000, keep: 2 }
    }
}

impl DetectorRunConfig {
    /// Checks that each setting is within its range.
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        let Self { log_every, checkpoint_every, validate_every, keep } = *self;
        for (key, value) in [
            ("log_every", log_every),
            ("checkpoint_every", checkpoint_every),
            ("validate_every", validate_every),
            ("keep", keep as u64),
        ] {
            within(value > 0, key, &value, "at least 1")?;
        }
        Ok(())
    }
}

/// Settings that hold together, with what follows from them.
#[derive(Debug, Clone)]
pub struct ValidDetectorConfig {
    config: DetectorConfig,
    graph: Graph,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DetectorConfigError {
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
    Network(#[from] UnknownPyramid),
    /// There is no such network for a second look.
    #[error("`network.name` is not usable")]
    Refiner(#[from] UnknownRefiner),
    /// A value is out of range.
    #[error("cannot use the table `{table}`")]
    Range {
        /// The table that it stands in; empty for the file itself.
        table: &'static str,
        /// The key and its range.
        source: OutOfRange,
    },
}

impl DetectorConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(path: &Path) -> Result<Self, DetectorConfigError> {
        let text = fs_err::read_to_string(path)
            .map_err(|source| DetectorConfigError::Read { path: path.into(), source })?;
        toml::from_str(&text)
            .map_err(|source| DetectorConfigError::Syntax { path: path.into(), source: Box::new(source) })
    }

    /// The settings as TOML, defaults filled in.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("settings are plain data")
    }

    /// Checks that the settings hold together.
    ///
    /// # Errors
    /// On the first that does not.
    pub fn validate(self) -> Result<ValidDetectorConfig, DetectorConfigError> {
        let of = |table: &'static str| move |source| DetectorConfigError::Range { table, source };
        within(self.batch >= 2, "batch", &self.batch, "at least 2").map_err(of(""))?;
        let edge = self.network.edge_px;
        let whole = edge > 0 && edge.is_multiple_of(Pyramid::MULTIPLE) && edge <= 4096;
        within(whole, "edge_px", &edge, "a multiple of 32, up to 4096").map_err(of("network"))?;
        self.scene.check().map_err(of("scene"))?;
        let DetectorLossConfig { boxes, landmarks } = self.loss;
        for (key, value) in [("boxes", boxes), ("landmarks", landmarks)] {
            within(value >= 0.0 && value.is_finite(), key, &value, "a number from 0").map_err(of("loss"))?;
        }
        self.optimiser.check().map_err(of("optimiser"))?;
        if let Some(averaging) = &self.averaging {
            averaging.check().map_err(of("averaging"))?;
        }
        self.schedule.check().map_err(of("schedule"))?;
        self.run.check().map_err(of("run"))?;
        let graph = Graph::of_pyramid(&pyramid(&self.network.name)?, edge, edge);
        Ok(ValidDetectorConfig { config: self, graph })
    }
}

impl ValidDetectorConfig {
    /// The settings as they were given.
    pub fn settings(&self) -> &DetectorConfig {
        &self.config
    }

    /// The network's layers, for scenes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The settings that decide the weights, as text: two runs with equal text, data and start give equal weights.
    pub fn recipe(&self) -> String {
        let recipe = DetectorConfig {
            network: DetectorNetwork { start: None, ..self.config.network.clone() },
            data: DetectorData { folder: PathBuf::new(), cache_mib: 0 },
            device: DeviceConfig::default(),
            loader: LoaderConfig::default(),
            run: DetectorRunConfig::default(),
            ..self.config.clone()
        };
        serde_json::to_string(&recipe).expect("settings are plain data")
    }

    pub(super) fn routine(&self) -> Settings {
        let config = &self.config;
        Settings {
            batch: config.batch,
            optimiser: config.optimiser,
            averaging: config.averaging,
            schedule: config.schedule.clone(),
            device: config.device,
            loader: config.loader,
            run: config.run,
            graph: self.graph.clone(),
            recipe: self.recipe(),
            toml: config.to_toml(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "data.folder = \"detect\"\nschedule.steps = 100\n";

    fn parse(text: &str) -> DetectorConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_effective_config_reads_back_as_it_was() {
        let config = parse(LEAST);
        assert_eq!((config.batch, config.network.edge_px), (16, 256));
        assert_eq!(parse(&config.to_toml()), config);
        let error = toml::from_str::<DetectorConfig>(&format!("sed = 1\n{LEAST}")).unwrap_err().to_string();
        assert!(error.contains("unknown field `sed`"), "{error}");
    }

    #[test]
    fn values_out_of_range_name_their_key_and_its_table() {
        for (text, table, expected) in [
            ("batch = 1", "", "`batch` is 1, but expected at least 2"),
            (
                "network.edge_px = 100",
                "network",
                "`edge_px` is 100, but expected a multiple of 32, up to 4096",
            ),
            ("loss.boxes = -1.0", "loss", "`boxes` is -1, but expected a number from 0"),
            ("run.keep = 0", "run", "`keep` is 0, but expected at least 1"),
        ] {
            match parse(&format!("{text}\n{LEAST}")).validate().unwrap_err() {
                DetectorConfigError::Range { table: of, source } => {
                    assert_eq!((of, source.to_string().as_str()), (table, expected));
                }
                other => panic!("{other:?}"),
            }
        }
        let error = parse(&format!("network.name = \"nn2\"\n{LEAST}")).validate().unwrap_err();
        assert_eq!(error.to_string(), "`network.name` is not usable");
    }

    #[test]
    fn the_recipe_holds_what_decides_the_weights_and_nothing_else() {
        let recipe = |text: &str| parse(text).validate().unwrap().recipe();
        let base = recipe(LEAST);
        assert_eq!(base, recipe(&format!("{LEAST}run.log_every = 3\nloader.workers = 7\n")));
        assert_ne!(base, recipe(&format!("seed = 5\n{LEAST}")));
        assert_ne!(base, recipe(&format!("scene.mosaic = 0.25\n{LEAST}")));
    }
}
