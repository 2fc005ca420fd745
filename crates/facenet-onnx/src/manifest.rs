//! What a network expects and what its outputs mean, as a TOML file says it.

mod error;
mod extends;
mod valid;

use std::path::Path;

use facenet::DetectorFacts;
use facenet::network::{Graph, Pyramid};
use facenet_core::Contract;
use serde::{Deserialize, Serialize};

pub use error::ManifestError;

/// The names of the manifests that come with the program.
pub const PRESETS: [&str; 9] =
    ["arcface", "sface", "facenet", "dlib", "yunet", "scrfd", "retinaface", "ultraface", "mtcnn"];

/// A manifest: checked when read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the model is called: letters, digits, `.`, `_` and `-`; it begins the model's name in a contract.
    pub name: String,
    /// The terms of the weights, in words; empty when nothing is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// How pixels become the network's input.
    pub input: Input,
    /// What an embedder's output means; an embedder has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedder: Option<EmbedderOutput>,
    /// What a detector's outputs mean; a detector has this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorOutput>,
}

/// How pixels become a network's input: `(value - mean) / scale` for bytes, one mean and scale a channel, in the order
/// of `channels`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Height and width, in pixels. For a detector none means any: that of the image, in multiples of the largest
    /// stride.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[u32; 2]>,
    /// How the input is laid out.
    #[serde(default)]
    pub layout: Layout,
    /// The order of the channels.
    pub channels: Channels,
    /// What is subtracted.
    pub mean: [f32; 3],
    /// What is divided by.
    pub scale: [f32; 3],
}

/// How an input is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[batch, channels, height, width]`, as PyTorch has it.
    #[default]
    Nchw,
    /// `[batch, height, width, channels]`, as TensorFlow has it.
    Nhwc,
    /// `[batch, width, height, channels]`: images lie on their side, as in the MTCNN of MATLAB's heirs.
    Nwhc,
}

/// The order of an input's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as OpenCV has it.
    Bgr,
}

/// What an embedder's output means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderOutput {
    /// The part of an aligned crop's edge that the network sees, centred, in `(0, 1]`: 0.875 is the standard
    /// 112-pixel crop within 128.
    pub field: f32,
    /// The numbers in an embedding; none takes what the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
    /// The output's name; none takes the file's only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// What a detector's outputs mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorOutput {
    /// How the numbers become boxes.
    pub decode: Decode,
    /// Faces with a lower score are left out, in `(0, 1)`.
    pub score: f32,
    /// Of two boxes whose intersection over union is above this, the one with the lower score is left out, in
    /// `(0, 1)`.
    pub overlap: f32,
    /// Larger images are reduced to this many pixels at their longer edge, where the network takes any size.
    #[serde(default = "DetectorOutput::largest_edge_px")]
    pub largest_edge_px: u32,
    /// The outputs' names in the order that `decode` has them; none takes the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Pixels between neighbouring positions of each map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strides: Vec<u32>,
    /// Edges of the anchors at a position, in pixels, for each stride.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<Vec<f32>>,
    /// The least edge of a face that is looked for, in pixels, where the way of decoding can choose.
    #[serde(default = "DetectorOutput::least_face_px")]
    pub least_face_px: f32,
}

/// How a detector's numbers become boxes; the names are the networks' that do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decode {
    /// One anchor a position. For each stride a class score, then for each an objectness, then boxes as offset and
    /// logarithm of the size, then landmarks; the score is the root of the product.
    Yunet,
    /// Two anchors a position. For each stride a score, then for each the distances to the four edges, then landmarks.
    Scrfd,
    /// Anchors as in SSD, all strides in one: boxes, scores of background and face, landmarks.
    Retinaface,
    /// Scores of background and face, and finished boxes as shares of the image; no landmarks.
    Corners,
    /// Our own. For each stride a map of 15 values, plane after plane: the logit of the score, the box and five landmarks, as
    /// [`facenet::Place`] has them.
    Pyramid,
    /// The three networks of MTCNN: proposals over a pyramid, refinement, output with landmarks.
    Mtcnn,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Turns a crop into an embedding.
    Embedder,
    /// Finds faces in an image.
    Detector,
}

impl Manifest {
    /// The manifest that comes with the program under `name`.
    ///
    /// # Errors
    /// When there is none; the error lists those there are.
    pub fn preset(name: &str) -> Result<Self, ManifestError> {
        extends::preset_text(name).and_then(|text| Self::parse(text, &format!("the preset {name}")))
    }

    /// Reads a manifest file, and those that it extends.
    ///
    /// # Errors
    /// When a file cannot be read or understood, extends itself, or states what cannot be.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let (table, origin) = extends::read(path)?;
        Self::from_table(table, &origin)
    }

    /// Understands a manifest that stands for itself or extends a preset; `origin` names it in errors.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, ManifestError> {
        Self::from_table(extends::parse(text, origin)?, origin)
    }

    fn from_table(table: toml::Table, origin: &str) -> Result<Self, ManifestError> {
        let parsed = table.try_into::<Self>();
        let manifest = parsed.map_err(|error| ManifestError::Syntax {
            origin: origin.into(),
            reason: error.message().into(),
        })?;
        valid::check(&manifest)
            .map_err(|reason| ManifestError::Value { origin: origin.into(), reason })
            .map(|()| manifest)
    }

    /// The manifest of one of our own networks.
    pub fn of_ours(contract: &Contract, graph: &Graph) -> Self {
        let size = [graph.input().height as u32, graph.input().width as u32];
        Self {
            name: contract.network.clone(),
            licence: String::new(),
            input: Input {
                size: Some(size),
                layout: Layout::Nchw,
                channels: Channels::Rgb,
                mean: [127.5; 3],
                scale: [128.0; 3],
            },
            embedder: Some(EmbedderOutput {
                field: contract.preprocessing.field,
                dimension: Some(contract.dimension),
                output: Some(crate::export::EMBEDDING.into()),
            }),
            detector: None,
        }
    }

    /// The manifest of one of our own detectors: it looks at a photo once, at a single scale.
    pub fn of_our_detector(facts: &DetectorFacts) -> Self {
        Self {
            name: facts.network.clone(),
            licence: String::new(),
            input: Input {
                size: None,
                layout: Layout::Nchw,
                channels: Channels::Rgb,
                mean: [127.5; 3],
                scale: [128.0; 3],
            },
            embedder: None,
            detector: Some(DetectorOutput {
                decode: Decode::Pyramid,
                score: facts.score,
                // That of the program's own search.
                overlap: 0.4,
                largest_edge_px: DetectorOutput::largest_edge_px(),
                outputs: crate::export::PLACES.map(Into::into).into(),
                strides: Pyramid::STRIDES.map(|stride| stride as u32).into(),
                anchors: Vec::new(),
                least_face_px: DetectorOutput::least_face_px(),
            }),
        }
    }

    /// The manifest as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a manifest is plain data")
    }

    /// What the model is for.
    pub fn role(&self) -> Role {
        if self.embedder.is_some() { Role::Embedder } else { Role::Detector }
    }
}

impl DetectorOutput {
    /// Enough for faces of 1/100 of a photo's width.
    fn largest_edge_px() -> u32 {
        1280
    }

    fn least_face_px() -> f32 {
        20.0
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Embedder => "embedder",
            Self::Detector => "detector",
        })
    }
}

#[cfg(test)]
mod tests;
