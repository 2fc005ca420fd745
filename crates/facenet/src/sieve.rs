//! A detector that keeps only some of what another finds.

use facenet_core::{BoxError, Detector, Face, RgbImage};

/// Keeps the faces of a detector that are certain and large enough.
pub struct Sieve {
    detector: Box<dyn Detector>,
    min_score: f32,
    min_face_px: f32,
}

impl Sieve {
    /// Keeps faces whose score is at least `min_score` and whose box has a longer edge of at least `min_face_px` pixels
    /// (both inclusive).
    pub fn new(detector: Box<dyn Detector>, min_score: f32, min_face_px: f32) -> Self {
        Self { detector, min_score, min_face_px }
    }
}

impl Detector for Sieve {
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        let mut faces = self.detector.detect(image)?;
        let edge = |face: &Face| face.bounds.width.max(face.bounds.height);
        faces.retain(|face| face.score >= self.min_score && edge(face) >= self.min_face_px);
        Ok(faces)
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::BoundingBox;

    use super::*;

    /// Finds faces of the given scores and heights.
    struct Known(Vec<(f32, f32)>);

    impl Detector for Known {
        fn detect(&self, _: &RgbImage) -> Result<Vec<Face>, BoxError> {
            let face = |&(score, height): &(f32, f32)| Face {
                bounds: BoundingBox { x: 0.0, y: 0.0, width: 1.0, height },
                landmarks: None,
                score,
            };
            Ok(self.0.iter().map(face).collect())
        }
    }

    #[test]
    fn faces_at_a_border_stay_and_the_order_is_kept() {
        let known = Known(vec![(0.9, 20.0), (0.8, 19.9), (0.7, 40.0), (0.69, 40.0), (f32::NAN, 40.0)]);
        let sieve = Sieve::new(Box::new(known), 0.7, 20.0);
        let scores: Vec<f32> = sieve.detect(&RgbImage::new(1, 1)).unwrap().iter().map(|f| f.score).collect();
        assert_eq!(scores, [0.9, 0.7]);
    }
}
