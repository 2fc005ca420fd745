//! The settings of an experiment, in TOML.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet::network;
use facenet_eval::{ExperimentKind, Group, ImageChange, TARGET_FARS};
use serde::{Deserialize, Serialize};

use super::cells::Cell;
use crate::engine::Crop;

/// The settings of an experiment. A misspelt key is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExperimentConfig {
    /// The false accept rates that the table shows, of 1e-1, 1e-2 … 1e-6.
    #[serde(default = "fars")]
    pub(super) fars: Vec<f64>,
    pub(super) measure: MeasureConfig,
    pub(super) training: Option<TrainingConfig>,
    network: Option<NetworkAxis>,
    image: Option<ImageAxis>,
    dimension: Option<DimensionAxis>,
    data: Option<DataAxis>,
    invariance: Option<InvarianceAxis>,
}

/// What is measured on, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeasureConfig {
    /// A folder of a folder a person.
    pub(super) images: PathBuf,
    /// Pairs of these images in LFW's format; none, no accuracy.
    pub(super) pairs: Option<PathBuf>,
    /// What the data are called; by default the path of the images.
    pub(super) name: Option<String>,
    /// Splits, disjoint in people.
    #[serde(default = "splits")]
    pub(super) splits: usize,
    /// What deals people into splits and faces into halves.
    #[serde(default = "seed")]
    pub(super) seed: u64,
    /// Where the face lies in an image.
    #[serde(default = "crop")]
    pub(super) crop: Crop,
}

/// How each network is trained.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "train"), expect(dead_code, reason = "a config is checked whole, training or not"))]
pub(super) struct TrainingConfig {
    /// A config of `facenet train`.
    pub(super) config: PathBuf,
    /// Keys that replace those of that config.
    #[serde(default)]
    pub(super) set: toml::Table,
}

/// Networks by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkAxis {
    names: Vec<String>,
}

/// Qualities and sizes of images.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ImageAxis {
    jpeg: Vec<f64>,
    pixels: Vec<f64>,
}

/// Sizes of an embedding.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DimensionAxis {
    dimensions: Vec<usize>,
}

/// Amounts of training data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataAxis {
    images: Vec<usize>,
    #[serde(default)]
    by: PartBy,
    #[serde(default = "seed")]
    seed: u64,
}

/// What a part of the training data is drawn by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PartBy {
    #[default]
    Images,
    People,
}

/// Places of the face: shifts in edges of the face, turns in degrees, scales.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InvarianceAxis {
    shift_right: Vec<f64>,
    shift_down: Vec<f64>,
    turn: Vec<f64>,
    scale: Vec<f64>,
}

fn fars() -> Vec<f64> {
    vec![1e-1, 1e-2, 1e-3]
}

fn splits() -> usize {
    5
}

fn seed() -> u64 {
    crate::numbers::SEED
}

fn crop() -> Crop {
    Crop::None
}

/// The paper's Table 4.
impl Default for ImageAxis {
    fn default() -> Self {
        Self {
            jpeg: vec![10.0, 20.0, 30.0, 50.0, 70.0, 90.0],
            pixels: vec![1600.0, 6400.0, 14_400.0, 25_600.0, 65_536.0],
        }
    }
}

/// The paper's Table 5.
impl Default for DimensionAxis {
    fn default() -> Self {
        Self { dimensions: vec![64, 128, 256, 512] }
    }
}

impl Default for InvarianceAxis {
    fn default() -> Self {
        let shifts = vec![-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2];
        Self {
            shift_right: shifts.clone(),
            shift_down: shifts,
            turn: vec![-30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0],
            scale: vec![0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4],
        }
    }
}

/// The cells, and what they need.
#[derive(Debug)]
pub(super) enum Axes {
    /// A model and changed images.
    OfImages(ExperimentKind, Vec<(Cell, ImageChange)>),
    /// A training each.
    OfTraining(ExperimentKind, Vec<(Cell, Trained)>),
}

/// How a training differs from the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Trained {
    /// In the network, whose name is the cell's.
    Network,
    /// In the coordinates of its embeddings.
    Dimension(usize),
    /// In the images that it learns from.
    Part { images: usize, by: PartBy, seed: u64 },
}

impl ExperimentConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = fs_err::read_to_string(path)
            .with_context(|| format!("cannot read the config `{}`", path.display()))?;
        toml::from_str(&text).with_context(|| format!("the config `{}` is not valid", path.display()))
    }

    /// With other images and pairs, where they are given; pairs of the config are of its own images.
    pub(super) fn replacing(mut self, images: Option<PathBuf>, pairs: Option<PathBuf>) -> Self {
        if let Some(images) = images {
            self.measure = MeasureConfig { images, pairs: None, name: None, ..self.measure };
        }
        self.measure.pairs = pairs.or(self.measure.pairs);
        self
    }

    /// The cells of the one experiment that is asked for, in order.
    ///
    /// # Errors
    /// When there is not exactly one, a value is out of range, or there is nothing to measure.
    pub(super) fn axes(&self) -> Result<Axes> {
        for far in &self.fars {
            if !TARGET_FARS.contains(far) {
                bail!("`fars` holds {far}, but expected some of 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6");
            }
        }
        let asked = [
            self.network.as_ref().map(NetworkAxis::axes),
            self.image.as_ref().map(ImageAxis::axes),
            self.dimension.as_ref().map(DimensionAxis::axes),
            self.data.as_ref().map(DataAxis::axes),
            self.invariance.as_ref().map(InvarianceAxis::axes),
        ];
        let mut asked: Vec<Result<Axes>> = asked.into_iter().flatten().collect();
        let found = asked.len();
        let (1, Some(axes)) = (found, asked.pop()) else {
            bail!(
                "found {found} of the tables `[network]`, `[image]`, `[dimension]`, `[data]` and `[invariance]`, \
                 expected one"
            );
        };
        let axes = axes?;
        let names: Vec<&str> = match &axes {
            Axes::OfImages(_, cells) => cells.iter().map(|(cell, _)| cell.name.as_str()).collect(),
            Axes::OfTraining(_, cells) => cells.iter().map(|(cell, _)| cell.name.as_str()).collect(),
        };
        if names.is_empty() {
            bail!("found nothing to measure, expected at least one value");
        }
        if let Some(twice) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            bail!("`{}` is asked for twice", twice.1);
        }
        if let (Axes::OfTraining(kind, _), None) = (&axes, &self.training) {
            bail!("`[{}]` trains networks, but there is no `[training]` that says how", kind.name());
        }
        Ok(axes)
    }
}

impl NetworkAxis {
    fn axes(&self) -> Result<Axes> {
        let cell = |name: &String| {
            let graph = network::Graph::of(&network::table(name)?, 128);
            let at = graph.multiply_adds() as f64;
            Ok((Cell { group: Group::MultiplyAdds, at, name: name.clone() }, Trained::Network))
        };
        let cells =
            self.names.iter().map(cell).collect::<Result<_>>().context("`network.names` is not usable")?;
        Ok(Axes::OfTraining(ExperimentKind::Network, cells))
    }
}

impl DimensionAxis {
    fn axes(&self) -> Result<Axes> {
        let cell = |&dimension: &usize| {
            (Cell::at(Group::Dimensions, dimension as f64), Trained::Dimension(dimension))
        };
        Ok(Axes::OfTraining(ExperimentKind::Dimension, self.dimensions.iter().map(cell).collect()))
    }
}

impl DataAxis {
    fn axes(&self) -> Result<Axes> {
        let cell = |&images: &usize| {
            let part = Trained::Part { images, by: self.by, seed: self.seed };
            (Cell::at(Group::TrainingImages, images as f64), part)
        };
        Ok(Axes::OfTraining(ExperimentKind::Data, self.images.iter().map(cell).collect()))
    }
}

impl ImageAxis {
    fn axes(&self) -> Result<Axes> {
        of_images(ExperimentKind::Image, &[(Group::JpegQuality, &self.jpeg), (Group::Pixels, &self.pixels)])
    }
}

impl InvarianceAxis {
    fn axes(&self) -> Result<Axes> {
        let places = [
            (Group::ShiftRight, &self.shift_right),
            (Group::ShiftDown, &self.shift_down),
            (Group::Rotation, &self.turn),
            (Group::Scale, &self.scale),
        ];
        of_images(ExperimentKind::Invariance, &places)
    }
}

fn of_images(kind: ExperimentKind, groups: &[(Group, &Vec<f64>)]) -> Result<Axes> {
    let mut cells = Vec::new();
    for &(group, values) in groups {
        for &at in values {
            cells.push((Cell::at(group, at), ImageChange::of(group, at)?));
        }
    }
    Ok(Axes::OfImages(kind, cells))
}

#[cfg(test)]
mod tests;
