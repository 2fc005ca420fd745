//! The seam where an engine plugs in: bytes of an image to its faces.

use std::sync::Arc;

use axum::body::Bytes;
use facenet_core::{Contract, Embedding, Face};

/// Looks at images. It lives on one thread of its own.
pub trait Engine: Send {
    /// What the embeddings are comparable with.
    fn contract(&self) -> &Contract;

    /// What is seen in each of `images`, in their order. The result of an image does not depend on the others.
    fn look(&mut self, images: &[Image]) -> Vec<Result<Look, NotLooked>>;
}

/// An image to look at.
#[derive(Debug, Clone)]
pub struct Image {
    /// A JPEG, PNG or the like, as it was sent.
    pub bytes: Bytes,
    /// What is wanted of it.
    pub aim: Aim,
    /// Where its faces are.
    pub place: Place,
}

/// Where the faces of an image are.
#[derive(Debug, Clone)]
pub enum Place {
    /// Wherever they are found.
    Anywhere,
    /// Where these were found before. One that cannot be cut out is looked at without embedding.
    Known(Arc<[Face]>),
    /// The image is one face: a picture of one, as the engine gives them for [`Aim::Crops`].
    Whole,
}

impl Image {
    /// An image whose faces are to be found.
    pub fn new(bytes: Bytes, aim: Aim) -> Self {
        Self { bytes, aim, place: Place::Anywhere }
    }
}

/// What is wanted of an image; each has what those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// Where faces are.
    Faces,
    /// Their embeddings.
    Embeddings,
    /// A small picture of each.
    Crops,
}

/// What was seen in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Width of the upright image, in pixels.
    pub width: u32,
    /// Height of the upright image, in pixels.
    pub height: u32,
    /// The faces, most confident first.
    pub faces: Vec<SeenFace>,
    /// How many faces were left out, because there were more than are looked at.
    pub left_out: usize,
}

/// A face that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenFace {
    /// Box, landmarks and score.
    pub face: Face,
    /// How good its picture is, in `[0, 1]`.
    pub quality: f32,
    /// What is wrong with its picture, the worst first: `blurred`, `too-small`.
    pub reasons: Vec<String>,
    /// The embedding, if it was wanted.
    pub embedding: Option<Embedding>,
    /// A small JPEG of it, if it was wanted.
    pub crop: Option<Vec<u8>>,
}

/// Why an image could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLooked {
    /// It is none that can be decoded.
    #[error("{why}")]
    NotAnImage {
        /// What is wrong with it, in words.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is larger than is allowed.
    #[error("{why}")]
    TooLarge {
        /// How large it is, in words.
        why: String,
    },
    /// The engine failed.
    #[error("{why}")]
    Failed {
        /// Why, for those who run the service.
        why: String,
    },
}
