//! Runs other people's networks from ONNX files, and writes ours as such.
//!
//! An ONNX file says what a network computes, not what its numbers mean; a [`Manifest`] says that. Both together are an
//! [`Imported`] model: one file, whose contract names the digest of the ONNX file and how pixels become its input, so
//! that embeddings of different models are never compared.
//!
//! ```
//! use facenet_core::Embedder;
//! use facenet_onnx::{Imported, Manifest, OnnxFile};
//!
//! let ours = facenet::Model::shipped(facenet::Shipped::Small)?;
//! let file = OnnxFile::check(facenet_onnx::export(&ours), "lite.onnx")?;
//! let manifest = Manifest::parse(file.property("facenet.manifest").unwrap(), "lite.onnx")?;
//! let embedder = Imported::new(manifest, vec![file])?.embedder()?;
//! assert_eq!(embedder.contract().dimension, 128);
//! assert!(embedder.contract().check_comparable(ours.contract()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod detector;
mod embedder;
mod export;
mod file;
#[cfg(test)]
mod fixture;
mod imported;
mod manifest;
mod pixels;
mod session;

pub use detector::{DetectorError, OnnxDetector};
pub use embedder::{EmbedderError, OnnxEmbedder};
pub use export::{
    EMBEDDING, Finish, INPUT, LOOK, OPSET, Output, PLACES, export, export_detector, export_graph,
    export_refiner,
};
pub use file::{FileError, MAX_FILE_BYTES, OnnxFile, Size, TensorFact};
pub use imported::{Imported, ImportedError};
pub use manifest::{
    Channels, Decode, DetectorOutput, EmbedderOutput, Input, Layout, Manifest, ManifestError, PRESETS, Role,
};
pub use session::{Session, SessionError, Share};
