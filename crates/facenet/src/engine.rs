//! From an image to its faces and their embeddings.

use facenet_core::{BoxError, Chip, Contract, Detector, Embedder, Embedding, Face, RgbImage};

use crate::align::{Framing, TurnedSquare};
use crate::chip::LEAST_INSIDE;
use crate::{ChipCutter, ChipError};

/// A detector and an embedder that work together; every stage can be called for itself.
pub struct FaceEngine {
    detector: Box<dyn Detector>,
    embedder: Box<dyn Embedder>,
    framing: Framing,
}

/// Which stage failed, and why.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The detector failed.
    #[error("cannot look for faces")]
    Detect(#[source] BoxError),
    /// A face could not be cut out.
    #[error("cannot cut out a face")]
    Cut(#[from] ChipError),
    /// The network failed.
    #[error("cannot embed the faces")]
    Embed(#[source] BoxError),
}

impl FaceEngine {
    /// Joins a detector and an embedder. Faces with landmarks are aligned by them.
    pub fn new(detector: Box<dyn Detector>, embedder: Box<dyn Embedder>) -> Self {
        Self { detector, embedder, framing: Framing::default() }
    }

    /// The same engine with another way from a face to what the network sees of it.
    pub fn with_framing(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// What the embeddings are comparable with.
    pub fn contract(&self) -> &Contract {
        self.embedder.contract()
    }

    /// The faces of `image`, most confident first; empty when there are none.
    ///
    /// A face that lies mostly outside the image, as detectors guess them from an ear at the border, is left out: less
    /// than a quarter of what the network would see of it would be there.
    ///
    /// # Errors
    /// When the detector fails or refuses the image.
    pub fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, EngineError> {
        let (width, height) = image.dimensions();
        let mut faces = self.detector.detect(image).map_err(EngineError::Detect)?;
        faces.retain(|face| {
            let part = self.square(face).map(|square| f64::from(square.part_inside(width, height)));
            part.is_none_or(|part| part >= LEAST_INSIDE)
        });
        Ok(faces)
    }

    /// The square of `face` that the network sees; none when its numbers are not finite.
    pub fn square(&self, face: &Face) -> Option<TurnedSquare> {
        self.framing.square(face, self.contract().preprocessing.field)
    }

    /// What the network sees of `face`.
    ///
    /// # Errors
    /// When the face cannot be cut out of `image`.
    pub fn chip(&self, image: &RgbImage, face: &Face) -> Result<Chip, ChipError> {
        let square = self.square(face).ok_or(ChipError::NotABox { bounds: face.bounds })?;
        ChipCutter::new().cut_turned(image, &square, self.contract().preprocessing.edge_px)
    }

    /// The faces of `image` with what the network will see of them, in the order of [`detect`](Self::detect).
    ///
    /// # Errors
    /// When the detector fails, or a face cannot be cut out.
    pub fn chips(&self, image: &RgbImage) -> Result<Vec<(Face, Chip)>, EngineError> {
        let cut = |face: Face| Ok((self.chip(image, &face)?, face));
        self.detect(image)?.into_iter().map(|face| cut(face).map(|(chip, face)| (face, chip))).collect()
    }

    /// One embedding a chip, in their order.
    ///
    /// # Errors
    /// When the network refuses a chip or gives no direction for it.
    pub fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, EngineError> {
        self.embedder.embed(chips).map_err(EngineError::Embed)
    }

    /// The faces of `image` with their embeddings, in the order of [`detect`](Self::detect).
    ///
    /// # Errors
    /// When a stage fails.
    pub fn embed_faces(&self, image: &RgbImage) -> Result<Vec<(Face, Embedding)>, EngineError> {
        let (faces, chips): (Vec<Face>, Vec<Chip>) = self.chips(image)?.into_iter().unzip();
        Ok(faces.into_iter().zip(self.embed(&chips)?).collect())
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::{BoundingBox, Preprocessing};

    use super::*;

    /// Finds two faces side by side, the right one first.
    struct TwoFaces;

    impl Detector for TwoFaces {
        fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
            let edge = image.height() as f32;
            let face = |x| Face {
                bounds: BoundingBox { x, y: 0.0, width: edge, height: edge },
                landmarks: None,
                score: 1.0,
            };
            Ok(vec![face(edge), face(0.0)])
        }
    }

    /// Embeds a chip as the direction of a pixel in its middle.
    struct MiddlePixel(Contract);

    impl Embedder for MiddlePixel {
        fn contract(&self) -> &Contract {
            &self.0
        }

        fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError> {
            let middle = |chip: &Chip| chip.image().get_pixel(2, 2).0.map(f32::from).to_vec();
            chips.iter().map(|chip| Ok(Embedding::normalize(middle(chip))?)).collect()
        }
    }

    fn engine() -> FaceEngine {
        let preprocessing = Preprocessing { version: 1, edge_px: 4, field: 1.0 };
        let contract = Contract {
            network: "middle".into(),
            dimension: 3,
            weights: String::new(),
            preprocessing,
            thresholds: Vec::new(),
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        };
        FaceEngine::new(Box::new(TwoFaces), Box::new(MiddlePixel(contract)))
    }

    #[test]
    fn embeddings_come_in_the_order_of_the_faces() {
        // Black between the colours: a chip's border pixels see a little beyond its box.
        let image = RgbImage::from_fn(16, 8, |x, _| {
            match x {
                0..6 => [200, 0, 0],
                6..10 => [0, 0, 0],
                _ => [0, 0, 100],
            }
            .into()
        });
        let faces = engine().embed_faces(&image).unwrap();
        let found: Vec<(f32, &[f32])> = faces.iter().map(|(f, e)| (f.bounds.x, e.as_slice())).collect();
        assert_eq!(found, [(8.0, &[0.0, 0.0, 1.0][..]), (0.0, &[1.0, 0.0, 0.0][..])]);
    }

    #[test]
    fn a_face_without_direction_is_an_error_of_the_network() {
        let error = engine().embed_faces(&RgbImage::new(16, 8)).unwrap_err();
        assert_eq!(error.to_string(), "cannot embed the faces");
    }
}
