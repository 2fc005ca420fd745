//! Why a manifest is not used.

use std::path::PathBuf;

use super::PRESETS;

/// Why a manifest is not used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read the manifest `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// No manifest of that name comes with the program.
    #[error("no manifest `{name}` comes with the program; there are {}", PRESETS.map(|n| format!("`{n}`")).join(", "))]
    UnknownPreset {
        /// The name that was asked for.
        name: String,
    },
    /// The text cannot be understood.
    #[error("cannot understand the manifest `{origin}`: {reason}")]
    Syntax {
        /// Where the text comes from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that cannot be.
    #[error("the manifest `{origin}` cannot be used: {reason}")]
    Value {
        /// Where the text comes from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest that extends itself, directly or through others, or too many of them.
    #[error("the manifests extend each other without end: {}", chain.join(" -> "))]
    Loop {
        /// The manifests in the order in which they extend each other.
        chain: Vec<String>,
    },
    /// A manifest that extends a file that is not read.
    #[error(
        "the manifest `{origin}` extends `{name}`, expected the name of a preset or of a file in the same folder"
    )]
    Elsewhere {
        /// Where the text comes from.
        origin: String,
        /// What it extends.
        name: String,
    },
}
