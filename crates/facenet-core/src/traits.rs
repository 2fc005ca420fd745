//! The two seams where models plug in.

use image::RgbImage;

use crate::{Chip, Contract, Embedding, Face};

/// Any error that a plugged-in model may have.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Finds faces in an image.
pub trait Detector: Send + Sync {
    /// The faces of `image`, most confident first; empty when there are none.
    ///
    /// # Errors
    /// When the detector itself fails; an image without a face is no error.
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError>;
}

/// Turns chips into embeddings.
pub trait Embedder: Send + Sync {
    /// What the embeddings are comparable with.
    fn contract(&self) -> &Contract;

    /// One embedding a chip, in the order of `chips`. The result of a chip does not depend on its neighbours.
    ///
    /// # Errors
    /// When a chip's edge is not the one the contract names, or the network yields no direction.
    fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError>;
}
