//! Why an ONNX file is not used.

use std::path::PathBuf;

use super::MAX_FILE_BYTES;

/// Why an ONNX file is not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read the ONNX file `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file, with its external weights, is above [`MAX_FILE_BYTES`].
    #[error("`{origin}` is larger than {} MiB, the most that is read", MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// Where the bytes come from.
        origin: String,
    },
    /// The bytes are no ONNX file, or a damaged one.
    #[error("`{origin}` is not an ONNX file, or it is damaged: {reason}")]
    NotOnnx {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A weight is not as its shape says.
    #[error("weight `{name}` of `{origin}`: {reason}")]
    Tensor {
        /// Where the bytes come from.
        origin: String,
        /// The weight.
        name: String,
        /// What was found and expected.
        reason: String,
    },
    /// External weights that are not read.
    #[error("weight `{name}` of `{origin}` lies in another file, `{location}`, which is not read: {reason}")]
    External {
        /// Where the bytes come from.
        origin: String,
        /// The weight.
        name: String,
        /// The reference as it was found.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An operator that may never end.
    #[error(
        "`{origin}` has the operator `{operator}`, which may never end; networks for faces do without it"
    )]
    Unbounded {
        /// Where the bytes come from.
        origin: String,
        /// The operator.
        operator: String,
    },
    /// The graph reads or gives something that is no tensor of floats.
    #[error("{what} of `{origin}` is {found}, expected a tensor of 32-bit floats")]
    NotFloats {
        /// Where the bytes come from.
        origin: String,
        /// Which input or output.
        what: String,
        /// Its type.
        found: String,
    },
}
