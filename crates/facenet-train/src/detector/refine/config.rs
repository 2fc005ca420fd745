//! What a run of the second look is, in one file.

use std::path::{Path, PathBuf};

use facenet::network::{Graph, Pyramid, refiner};
use serde::{Deserialize, Serialize};

use crate::detector::routine::Settings;
use crate::detector::{DetectorConfigError, DetectorRunConfig};
use crate::range::{OutOfRange, within};
use crate::{AveragingConfig, DeviceConfig, LoaderConfig, OptimiserConfig, ScheduleConfig};

/// The settings of a run, as written in TOML. A misspelt key is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefinerConfig {
    /// What all randomness comes from: the same seed, settings and data give the same weights.
    #[serde(default)]
    pub seed: u64,
    /// Looks a batch, at least 8.
    #[serde(default = "default_batch")]
    pub batch: usize,
    /// The detector whose faces are looked at again, and to which the second look is added; none, the shipped one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<PathBuf>,
    /// The pictures.
    pub data: RefinerData,
    /// The network.
    #[serde(default)]
    pub network: RefinerNetwork,
    /// What a batch is made of.
    #[serde(default)]
    pub sample: RefinerSampleConfig,
    /// What is learnt from a batch.
    #[serde(default)]
    pub loss: RefinerLossConfig,
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
    128
}

/// Where the pictures are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefinerData {
    /// A folder of labelled photos, as for [`DetectorData::folder`](crate::DetectorData::folder).
    pub folder: PathBuf,
    /// A training set of aligned crops, see [`Dataset::open`](crate::Dataset::open).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crops: Option<PathBuf>,
    /// Decoded photos and crops that are kept in memory, in MiB of each.
    #[serde(default = "default_cache_mib")]
    pub cache_mib: usize,
}

fn default_cache_mib() -> usize {
    2048
}

/// The network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefinerNetwork {
    /// Its name, see [`facenet::network::refiner`].
    pub name: String,
}

impl Default for RefinerNetwork {
    fn default() -> Self {
        Self { name: "lite-refiner".into() }
    }
}

/// What a batch is made of, and how pictures are varied. Shares and chances are in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefinerSampleConfig {
    /// The share of aligned crops, where there are any.
    pub aligned: f32,
    /// The share of pictures of no face.
    pub nothing: f32,
    /// How far the square is moved off the face along each axis, as a part of the face's side.
    pub shift: f32,
    /// How much larger or smaller it is made, as a logarithm.
    pub zoom: f32,
    /// The chance that a picture is shrunk to the detail of a smaller face.
    pub coarse: f64,
    /// The side of the smallest such face, in pixels.
    pub smallest_px: f32,
    /// The chance of a mirrored picture.
    pub flip: f64,
    /// How far a picture is turned to each side, in degrees.
    pub turn: f32,
    /// The chance of one that is turned up to four times as far.
    pub turn_far: f64,
}

impl Default for RefinerSampleConfig {
    fn default() -> Self {
        Self {
            aligned: 0.35,
            nothing: 0.25,
            shift: 0.12,
            zoom: 0.18,
            coarse: 0.5,
            smallest_px: 8.0,
            flip: 0.5,
            turn: 12.0,
            turn_far: 0.2,
        }
    }
}

/// How much the parts of the loss weigh; that of scores weighs 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefinerLossConfig {
    /// The part of boxes, at least 0.
    pub boxes: f32,
    /// The part of landmarks, at least 0.
    pub landmarks: f32,
}

impl Default for RefinerLossConfig {
    fn default() -> Self {
        Self { boxes: 1.0, landmarks: 3.0 }
    }
}

/// Settings that hold together, with what follows from them.
#[derive(Debug, Clone)]
pub struct ValidRefinerConfig {
    config: RefinerConfig,
    graph: Graph,
}

impl RefinerSampleConfig {
    /// Checks that each setting is within its range.
    fn check(&self) -> Result<(), OutOfRange> {
        for (key, value) in [
            ("aligned", f64::from(self.aligned)),
            ("nothing", self.nothing.into()),
            ("coarse", self.coarse),
            ("flip", self.flip),
            ("turn_far", self.turn_far),
        ] {
            within((0.0..=1.0).contains(&value), key, &value, "a number from 0 to 1")?;
        }
        let Self { shift, zoom, smallest_px, turn, .. } = *self;
        within(
            self.aligned + self.nothing < 1.0,
            "nothing",
            &self.nothing,
            "below 1 together with `aligned`",
        )?;
        within((0.0..=0.5).contains(&shift), "shift", &shift, "a number from 0 to 0.5")?;
        within((0.0..=0.6).contains(&zoom), "zoom", &zoom, "a number from 0 to 0.6")?;
        within((4.0..=64.0).contains(&smallest_px), "smallest_px", &smallest_px, "a number from 4 to 64")?;
        within((0.0..=45.0).contains(&turn), "turn", &turn, "degrees from 0 to 45")
    }
}

impl RefinerConfig {
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
    pub fn validate(self) -> Result<ValidRefinerConfig, DetectorConfigError> {
        let of = |table: &'static str| move |source| DetectorConfigError::Range { table, source };
        within(self.batch >= 8, "batch", &self.batch, "at least 8").map_err(of(""))?;
        self.sample.check().map_err(of("sample"))?;
        let RefinerLossConfig { boxes, landmarks } = self.loss;
        for (key, value) in [("boxes", boxes), ("landmarks", landmarks)] {
            within(value >= 0.0 && value.is_finite(), key, &value, "a number from 0").map_err(of("loss"))?;
        }
        self.optimiser.check().map_err(of("optimiser"))?;
        if let Some(averaging) = &self.averaging {
            averaging.check().map_err(of("averaging"))?;
        }
        self.schedule.check().map_err(of("schedule"))?;
        self.run.check().map_err(of("run"))?;
        let graph = Graph::of_refiner(&refiner(&self.network.name)?, Pyramid::OUTPUTS);
        Ok(ValidRefinerConfig { config: self, graph })
    }
}

impl ValidRefinerConfig {
    /// The settings as they were given.
    pub fn settings(&self) -> &RefinerConfig {
        &self.config
    }

    /// The settings that decide the weights, as text: two runs with equal text, detector and data give equal weights.
    pub fn recipe(&self) -> String {
        let recipe = RefinerConfig {
            detector: None,
            data: RefinerData { folder: PathBuf::new(), crops: None, cache_mib: 0 },
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

    fn parse(text: &str) -> RefinerConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_effective_config_reads_back_as_it_was() {
        let config = parse(&format!("detector = \"mine.safetensors\"\n{LEAST}data.crops = \"train\"\n"));
        assert_eq!((config.batch, config.network.name.as_str()), (128, "lite-refiner"));
        assert_eq!(parse(&config.to_toml()), config);
        let error = toml::from_str::<RefinerConfig>(&format!("sed = 1\n{LEAST}")).unwrap_err().to_string();
        assert!(error.contains("unknown field `sed`"), "{error}");
    }

    #[test]
    fn values_out_of_range_name_their_key_and_its_table() {
        for (text, table, expected) in [
            ("batch = 1", "", "`batch` is 1, but expected at least 8"),
            (
                "sample.nothing = 0.7",
                "sample",
                "`nothing` is 0.7, but expected below 1 together with `aligned`",
            ),
            ("sample.zoom = 1.0", "sample", "`zoom` is 1, but expected a number from 0 to 0.6"),
            ("loss.landmarks = -1.0", "loss", "`landmarks` is -1, but expected a number from 0"),
            ("run.log_every = 0", "run", "`log_every` is 0, but expected at least 1"),
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
        assert_ne!(base, recipe(&format!("sample.turn = 1.0\n{LEAST}")));
    }
}
