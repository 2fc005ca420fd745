//! An ONNX file that was checked before a runtime sees it.
//!
//! The runtimes read such files too, but a hostile one can make them overflow the stack, read other files, or fail
//! with a message that names nothing. So: bounded size and nesting, weights that are as long as their shapes say,
//! external weights only from beside the file, no operators that may never end.

mod error;
mod external;
mod facts;
mod nesting;
mod tensors;

use std::path::Path;

use rten_onnx::onnx::ModelProto;
use sha2::{Digest, Sha256};

pub(crate) use external::read_limited;

pub use error::FileError;
pub use facts::{Size, TensorFact};

/// The largest file with its external weights, in bytes: 1 GiB. Networks for faces have up to 250 MB.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A checked ONNX file, with all its weights inside.
#[derive(Clone, PartialEq)]
pub struct OnnxFile {
    bytes: Vec<u8>,
    origin: String,
    inputs: Vec<TensorFact>,
    outputs: Vec<TensorFact>,
    properties: Vec<(String, String)>,
    parameters: usize,
}

impl OnnxFile {
    /// Reads a file, and its external weights from beside it.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let origin = path.display().to_string();
        let bytes = external::read_limited(path, MAX_FILE_BYTES)
            .map_err(|source| FileError::Read { path: path.into(), source })?
            .ok_or_else(|| FileError::TooLarge { origin: origin.clone() })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(bytes, origin, Some(folder))
    }

    /// Checks a file in memory; `origin` names it in errors. External weights are refused.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn check(bytes: Vec<u8>, origin: &str) -> Result<Self, FileError> {
        Self::parse(bytes, origin.into(), None)
    }

    fn parse(mut bytes: Vec<u8>, origin: String, folder: Option<&Path>) -> Result<Self, FileError> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { origin });
        }
        nesting::check(&bytes).map_err(|reason| FileError::NotOnnx { origin: origin.clone(), reason })?;
        let damaged = |reason: &str| FileError::NotOnnx { origin: origin.clone(), reason: reason.to_owned() };
        let mut model = ModelProto::parse_buf(&bytes).map_err(|error| damaged(&error.to_string()))?;
        let opset = model
            .opset_import
            .iter()
            .find(|set| matches!(set.domain.as_deref(), None | Some("" | "ai.onnx")));
        if model.ir_version.is_none() || opset.is_none() {
            return Err(damaged("it names no version of the format or of its operators"));
        }
        let graph = model.graph.as_mut().ok_or_else(|| damaged("it holds no graph"))?;
        let fetched = tensors::check(graph, &origin, folder)?;
        let facts = facts::of(graph, &origin)?;
        let properties = model.metadata_props.iter();
        let properties =
            properties.filter_map(|entry| Some((entry.key.clone()?, entry.value.clone()?))).collect();
        if fetched {
            bytes = model.write_buf().map_err(|error| damaged(&error.to_string()))?;
        }
        let facts::Facts { inputs, outputs, parameters } = facts;
        Ok(Self { bytes, origin, inputs, outputs, properties, parameters })
    }

    /// The bytes of a file without external weights: the file's own, if it had none.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the file comes from, as errors name it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// SHA-256 of [`bytes`](Self::bytes), in hexadecimal: what `sha256sum` says of a file without external weights.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }

    /// What the graph reads, without its weights.
    pub fn inputs(&self) -> &[TensorFact] {
        &self.inputs
    }

    /// What the graph gives.
    pub fn outputs(&self) -> &[TensorFact] {
        &self.outputs
    }

    /// The text that the file carries under `key`.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The number of weights.
    pub fn parameters(&self) -> usize {
        self.parameters
    }
}

impl std::fmt::Debug for OnnxFile {
    /// Without the bytes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxFile")
            .field("origin", &self.origin)
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
