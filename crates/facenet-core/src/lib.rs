//! The words all other crates share: image, face, chip, embedding, distance, contract, and the traits
//! [`Detector`] and [`Embedder`]. No machine-learning framework, no async, no disk.
//!
//! ```
//! use facenet_core::{Distance, Embedding};
//!
//! let a = Embedding::normalize(vec![3.0, 4.0])?;
//! let b = Embedding::normalize(vec![4.0, 3.0])?;
//! assert_eq!(a.as_slice(), [0.6, 0.8]);
//! assert!((a.distance(&b).value() - 0.08).abs() < 1e-6);
//! assert!(a.distance(&b) < Distance::new(1.1)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapter;
mod contract;
mod distance;
mod embedding;
mod face;
mod harmonic;
mod quantised;
mod traits;

pub use adapter::{Adapter, AdapterFacts, NotAnAdapter};
pub use contract::{Calibration, Contract, Incompatible, Preprocessing, Threshold, ThresholdInterval};
pub use distance::{Distance, NotADistance};
pub use embedding::{Embedding, NotADirection};
pub use face::{BoundingBox, Chip, Face, NotAChip, Point};
pub use harmonic::{Comparability, Harmonic, HarmonicMeasure};
pub use quantised::{NotAQuantisedDirection, QuantisedEmbedding};
pub use traits::{BoxError, Detector, Embedder};

/// An image in memory: 8-bit RGB, rows from the top, upright.
pub use image::RgbImage;
