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

impl BoundingBox {
    /// The centre.
    pub fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Whether a point lies inside; the left and top edges belong to the box, the others do not.
    pub fn contains(&self, point: Point) -> bool {
        (self.x..self.x + self.width).contains(&point.x) && (self.y..self.y + self.height).contains(&point.y)
    }

    /// The area that two boxes share, in square pixels; 0 when they do not meet.
    pub fn intersection(&self, other: &Self) -> f32 {
        let overlap = |a: f32, a_len: f32, b: f32, b_len: f32| (a + a_len).min(b + b_len) - a.max(b);
        let width = overlap(self.x, self.width, other.x, other.width);
        let height = overlap(self.y, self.height, other.y, other.height);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, in `[0, 1]`; 1 is the same box.
    pub fn intersection_over_union(&self, other: &Self) -> f32 {
        let shared = self.intersection(other);
        let union = self.width * self.height + other.width * other.height - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
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
    fn boxes_share_what_lies_in_both() {
        let square = |x, y| BoundingBox { x, y, width: 2.0, height: 2.0 };
        assert_eq!(square(0.0, 0.0).intersection_over_union(&square(0.0, 0.0)), 1.0);
        // 2 of 4 + 4 - 2.
        assert!((square(0.0, 0.0).intersection_over_union(&square(1.0, 0.0)) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(square(0.0, 0.0).intersection_over_union(&square(2.0, 0.0)), 0.0);
        assert_eq!(square(0.0, 0.0).intersection_over_union(&square(5.0, 5.0)), 0.0);
        let nothing = BoundingBox { x: 0.0, y: 0.0, width: 0.0, height: 0.0 };
        assert_eq!(nothing.intersection_over_union(&nothing), 0.0);
        assert!(square(1.0, 1.0).contains(square(0.0, 0.0).centre()));
        assert!(!square(0.0, 0.0).contains(Point { x: 2.0, y: 1.0 }));
    }

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
