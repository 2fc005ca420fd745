//! A face in an image, and the chip that a network sees of it.

use image::RgbImage;
use serde::{Deserialize, Serialize};

/// A point in an image, in pixels from the top left corner; the centre of the first pixel is (0.5, 0.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

/// A rectangle in an image, in pixels; it may leave the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above zero.
    pub width: f32,
    /// Height, above zero.
    pub height: f32,
}

/// A face that was found in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Where it is.
    #[serde(rename = "box")]
    pub bounds: BoundingBox,
    /// Left eye, right eye, nose, left and right mouth corner, if they are known; left as seen in the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<[Point; 5]>,
    /// The detector's confidence, in `[0, 1]`.
    pub score: f32,
}

/// A face cut out for a network: a square image of at least one pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip(RgbImage);

/// An image that is no chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chip is square and not empty, but this image is {width} x {height}")]
pub struct NotAChip {
    /// Width found, in pixels.
    pub width: u32,
    /// Height found, in pixels.
    pub height: u32,
}

impl Chip {
    /// Takes a square image.
    ///
    /// # Errors
    /// When `image` is empty or not square.
    pub fn new(image: RgbImage) -> Result<Self, NotAChip> {
        let (width, height) = image.dimensions();
        if width == height && width > 0 { Ok(Self(image)) } else { Err(NotAChip { width, height }) }
    }

    /// Width and height, in pixels.
    pub fn edge(&self) -> u32 {
        self.0.width()
    }

    /// The pixels.
    pub fn image(&self) -> &RgbImage {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_is_square_and_not_empty() {
        assert_eq!(Chip::new(RgbImage::new(3, 3)).unwrap().edge(), 3);
        assert_eq!(Chip::new(RgbImage::new(0, 0)), Err(NotAChip { width: 0, height: 0 }));
        assert_eq!(Chip::new(RgbImage::new(3, 4)), Err(NotAChip { width: 3, height: 4 }));
    }

    #[test]
    fn a_face_is_written_with_the_keys_that_the_json_output_promises() {
        let bounds = BoundingBox { x: 1.0, y: 2.0, width: 3.0, height: 4.0 };
        let face = Face { bounds, landmarks: None, score: 1.0 };
        assert_eq!(
            serde_json::to_string(&face).unwrap(),
            r#"{"box":{"x":1.0,"y":2.0,"width":3.0,"height":4.0},"score":1.0}"#
        );
    }
}
