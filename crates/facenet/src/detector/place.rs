//! What the values at a place of a detector's map mean.

use facenet_core::{BoundingBox, Point};

use crate::network::Pyramid;

/// A box of the size that a place gives without having learnt anything has this many strides a side, so that the three
/// levels begin at 24, 48 and 96 pixels.
const STRIDES: f32 = 3.0;
/// The logarithm of the largest factor by which a box may differ from that size: 55 times.
const MAX_LOG: f32 = 4.0;

/// A place of a map: a square of `stride` pixels of the image that the network sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The middle of the square, in pixels.
    pub centre: Point,
    /// Its side, in pixels: one of [`Pyramid::STRIDES`].
    pub stride: f32,
}

impl Place {
    /// The place in column `x` and row `y` of a map.
    pub fn new(stride: usize, x: usize, y: usize) -> Self {
        let stride = stride as f32;
        Self { centre: Point { x: (x as f32 + 0.5) * stride, y: (y as f32 + 0.5) * stride }, stride }
    }

    /// All places of an image of `height` × `width` pixels, level by level, row by row.
    pub fn all(height: usize, width: usize) -> impl Iterator<Item = Self> {
        Pyramid::STRIDES.into_iter().flat_map(move |stride| {
            let rows = 0..height / stride;
            rows.flat_map(move |y| (0..width / stride).map(move |x| Self::new(stride, x, y)))
        })
    }

    /// The side of a box whose size has the logarithm `value`, in pixels.
    pub fn side(&self, value: f32) -> f32 {
        value.clamp(-MAX_LOG, MAX_LOG).exp() * STRIDES * self.stride
    }

    /// The box that four values give: its centre's distance from the place in strides, and the logarithms of its width
    /// and height over three strides.
    pub fn bounds(&self, [x, y, w, h]: [f32; 4]) -> BoundingBox {
        let (width, height) = (self.side(w), self.side(h));
        let centre = self.point([x, y]);
        BoundingBox { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height }
    }

    /// The point that lies two values, in strides, from the place.
    pub fn point(&self, [x, y]: [f32; 2]) -> Point {
        Point { x: self.centre.x + x * self.stride, y: self.centre.y + y * self.stride }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_learnt_is_a_box_of_three_strides_around_the_place() {
        let place = Place::new(16, 1, 0);
        assert_eq!(place.centre, Point { x: 24.0, y: 8.0 });
        let expected = BoundingBox { x: 0.0, y: -16.0, width: 48.0, height: 48.0 };
        assert_eq!(place.bounds([0.0; 4]), expected);
        let moved = place.bounds([1.0, 0.0, 2f32.ln(), 0.0]);
        assert_eq!((moved.centre().x, moved.height), (40.0, 48.0));
        assert!((moved.width - 96.0).abs() < 1e-4);
        assert!(place.bounds([0.0, 0.0, 1e9, -1e9]).width.is_finite());
    }

    #[test]
    fn places_run_by_level_and_row() {
        let places: Vec<Place> = Place::all(32, 64).collect();
        assert_eq!(places.len(), 32 + 8 + 2);
        assert_eq!(places[8], Place::new(8, 0, 1));
        assert_eq!(places[41], Place::new(32, 1, 0));
    }
}
