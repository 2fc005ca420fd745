//! Detectors that need no model, for photos whose face lies in a known place.

use facenet_core::{BoundingBox, BoxError, Detector, Face, RgbImage};

/// The least edge of a face, in pixels. Below it there is nothing left to recognise, and the likeliest reason is
/// a wrong file, so that an error helps more than an embedding.
pub const LEAST_FACE_PX: f32 = 8.0;

/// Takes the middle of a photo for the face: the fixed centre crop of Schroff et al. 2015, §5.6.
///
/// The face is a square of `share` times the photo's shorter edge. The paper does not give its share. The default,
/// 0.512 (128 of LFW's 250 pixels), is measured: over the 13,233 images of LFW, with the five landmarks that the
/// detector MTCNN finds, the square that the usual 112-pixel template asks for has a mean edge of 127.8 pixels
/// (standard deviation 11.0) and its centre at (126.3, 118.3). 128 is also the edge at which the centred square
/// covers it best: mean intersection over union 0.83, 0.73 at 110 pixels, 0.75 at 145.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CenterCrop {
    share: f32,
}

/// Takes the image for an aligned crop, as they are made for training: the face is a square in its middle.
///
/// `field` is that of the model, see [`Preprocessing::field`](facenet_core::Preprocessing::field).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlignedCrop {
    field: f32,
}

/// A part of an edge that is none.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no part of an edge: expected a number above 0 and at most 1")]
pub struct NotAPart(pub f32);

/// Why an image cannot hold a face in the known place.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CropError {
    /// The face would be smaller than [`LEAST_FACE_PX`].
    #[error(
        "an image of {width} x {height} pixels is too small: the face in its middle would have an edge of \
         {face_px} pixels, expected at least {LEAST_FACE_PX}"
    )]
    TooSmall {
        /// Width of the image, in pixels.
        width: u32,
        /// Height of the image, in pixels.
        height: u32,
        /// The edge that the face would have, in pixels.
        face_px: f32,
    },
    /// An aligned crop that is not square.
    #[error(
        "an aligned crop is square, but this image has {width} x {height} pixels\n\
         hint: if it is a whole photo, do not call it aligned"
    )]
    NotSquare {
        /// Width of the image, in pixels.
        width: u32,
        /// Height of the image, in pixels.
        height: u32,
    },
}

impl CenterCrop {
    /// A crop of `share` times the shorter edge.
    ///
    /// # Errors
    /// When `share` is not in `(0, 1]`.
    pub fn new(share: f32) -> Result<Self, NotAPart> {
        part(share).map(|share| Self { share })
    }

    /// The face's part of the shorter edge, in `(0, 1]`.
    pub fn share(self) -> f32 {
        self.share
    }
}

impl Default for CenterCrop {
    fn default() -> Self {
        Self { share: 0.512 }
    }
}

impl AlignedCrop {
    /// A crop whose face has `field` times its edge.
    ///
    /// # Errors
    /// When `field` is not in `(0, 1]`.
    pub fn new(field: f32) -> Result<Self, NotAPart> {
        part(field).map(|field| Self { field })
    }

    /// The face's part of the edge, in `(0, 1]`.
    pub fn field(self) -> f32 {
        self.field
    }
}

impl Detector for CenterCrop {
    /// Exactly one face, without landmarks and with a score of 1.
    ///
    /// # Errors
    /// [`CropError::TooSmall`].
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        Ok(vec![face_in_the_middle(image, self.share)?])
    }
}

impl Detector for AlignedCrop {
    /// Exactly one face, without landmarks and with a score of 1.
    ///
    /// # Errors
    /// [`CropError`].
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        let (width, height) = image.dimensions();
        if width != height {
            return Err(CropError::NotSquare { width, height }.into());
        }
        Ok(vec![face_in_the_middle(image, self.field)?])
    }
}

fn part(value: f32) -> Result<f32, NotAPart> {
    if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(NotAPart(value)) }
}

fn face_in_the_middle(image: &RgbImage, part: f32) -> Result<Face, CropError> {
    let (width, height) = image.dimensions();
    let face_px = width.min(height) as f32 * part;
    if face_px < LEAST_FACE_PX {
        return Err(CropError::TooSmall { width, height, face_px });
    }
    let start = |length: u32| (length as f32 - face_px) / 2.0;
    let bounds = BoundingBox { x: start(width), y: start(height), width: face_px, height: face_px };
    Ok(Face { bounds, landmarks: None, score: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(detector: &impl Detector, width: u32, height: u32) -> BoundingBox {
        let faces = detector.detect(&RgbImage::new(width, height)).unwrap();
        assert_eq!(faces.len(), 1);
        assert_eq!((faces[0].landmarks, faces[0].score), (None, 1.0));
        faces[0].bounds
    }

    fn error(detector: &impl Detector, width: u32, height: u32) -> CropError {
        *detector.detect(&RgbImage::new(width, height)).unwrap_err().downcast().unwrap()
    }

    #[test]
    fn by_default_the_face_is_the_middle_128_of_250_pixels() {
        let expected = BoundingBox { x: 61.0, y: 61.0, width: 128.0, height: 128.0 };
        assert_eq!(bounds(&CenterCrop::default(), 250, 250), expected);
    }

    #[test]
    fn the_face_of_an_oblong_photo_is_measured_by_the_shorter_edge() {
        let half = CenterCrop::new(0.5).unwrap();
        let expected = BoundingBox { x: 75.0, y: 25.0, width: 50.0, height: 50.0 };
        assert_eq!(bounds(&half, 200, 100), expected);
    }

    #[test]
    fn the_field_of_a_128_pixel_crop_is_the_middle_112() {
        let expected = BoundingBox { x: 8.0, y: 8.0, width: 112.0, height: 112.0 };
        assert_eq!(bounds(&AlignedCrop::new(0.875).unwrap(), 128, 128), expected);
        let whole = BoundingBox { x: 0.0, y: 0.0, width: 112.0, height: 112.0 };
        assert_eq!(bounds(&AlignedCrop::new(1.0).unwrap(), 112, 112), whole);
    }

    #[test]
    fn an_image_too_small_for_a_face_is_an_error_that_says_so() {
        let whole = CenterCrop::new(1.0).unwrap();
        assert_eq!(bounds(&whole, 8, 9).width, 8.0); // exactly the least
        assert_eq!(error(&whole, 7, 9), CropError::TooSmall { width: 7, height: 9, face_px: 7.0 });
        assert_eq!(
            error(&CenterCrop::new(0.5).unwrap(), 1, 1).to_string(),
            "an image of 1 x 1 pixels is too small: the face in its middle would have an edge of 0.5 pixels, \
             expected at least 8"
        );
        assert!(matches!(error(&whole, 0, 0), CropError::TooSmall { .. }));
    }

    #[test]
    fn an_aligned_crop_is_square() {
        let aligned = AlignedCrop::new(1.0).unwrap();
        assert_eq!(error(&aligned, 112, 96), CropError::NotSquare { width: 112, height: 96 });
    }

    #[test]
    fn a_part_of_an_edge_is_above_zero_and_at_most_one() {
        assert_eq!(CenterCrop::new(1.0).unwrap().share(), 1.0);
        assert_eq!(AlignedCrop::new(f32::MIN_POSITIVE).unwrap().field(), f32::MIN_POSITIVE);
        for wrong in [0.0, -0.5, 1.000_001, f32::NAN, f32::INFINITY] {
            assert!(CenterCrop::new(wrong).is_err(), "{wrong}");
            assert!(AlignedCrop::new(wrong).is_err(), "{wrong}");
        }
    }
}
