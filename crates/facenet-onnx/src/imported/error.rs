//! Why a model of other people is not used.

use std::path::PathBuf;

use crate::detector::DetectorError;
use crate::embedder::EmbedderError;
use crate::file::{FileError, TensorFact};
use crate::manifest::{ManifestError, Role};
use crate::session::SessionError;

/// Why a model of other people is not used.
#[derive(Debug, thiserror::Error)]
pub enum ImportedError {
    /// The file cannot be read.
    #[error("cannot read the model `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the model `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is an imported model, but not as this program writes them.
    #[error("`{path}` is a damaged model: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A network is not used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest is not used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The runtime does not take a network, or it fails.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Another number of networks than the manifest describes.
    #[error("{found} ONNX files were given, but the manifest describes {expected}")]
    Networks {
        /// How many were given.
        found: usize,
        /// How many it describes.
        expected: usize,
    },
    /// The network reads something else than the manifest gives it.
    #[error("the network reads {found}, but the manifest gives it {expected}")]
    Input {
        /// What the network reads.
        found: TensorFact,
        /// The shape that the manifest means.
        expected: String,
    },
    /// The network gives no output of the manifest's name.
    #[error("the network has no output `{expected}`; it has {}", named(found))]
    NoOutput {
        /// The name in the manifest.
        expected: String,
        /// The names in the network.
        found: Vec<String>,
    },
    /// The network gives several outputs, and the manifest does not say which.
    #[error(
        "the network has the outputs {}; say which is the embedding by `output` in the manifest",
        named(found)
    )]
    WhichOutput {
        /// The names in the network.
        found: Vec<String>,
    },
    /// The embedding has another dimension than the manifest says.
    #[error("the network gives {found} numbers for a face, but the manifest says {expected}")]
    Dimension {
        /// What it gives.
        found: usize,
        /// What the manifest says.
        expected: usize,
    },
    /// The model is for something else.
    #[error("the model is of the kind `{found}`, expected `{expected}`")]
    Role {
        /// What it is for.
        found: Role,
        /// What it was to be.
        expected: Role,
    },
    /// The first run of an embedder failed.
    #[error("the network does not embed as its manifest says")]
    Embedder(#[from] EmbedderError),
    /// The first run of a detector failed.
    #[error("the networks do not detect as their manifest says")]
    Detector(#[from] DetectorError),
}

pub(crate) fn named(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
