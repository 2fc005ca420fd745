//! Photos that lie on their side or stand on their head.

use facenet_core::{BoundingBox, Face, Point, RgbImage};
use image::imageops;

/// By how much a photo is turned clockwise before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    pub(super) const ALL: [Self; 3] = [Self::Quarter, Self::ThreeQuarters, Self::Half];

    /// The photo, turned.
    pub(super) fn of(self, photo: &RgbImage) -> RgbImage {
        match self {
            Self::Quarter => imageops::rotate90(photo),
            Self::Half => imageops::rotate180(photo),
            Self::ThreeQuarters => imageops::rotate270(photo),
        }
    }

    /// A face of the turned photo where it lies in the photo of `width` × `height` pixels.
    pub(super) fn back(self, face: &Face, width: u32, height: u32) -> Face {
        let (width, height) = (width as f32, height as f32);
        let point = |p: Point| match self {
            Self::Quarter => Point { x: p.y, y: height - p.x },
            Self::Half => Point { x: width - p.x, y: height - p.y },
            Self::ThreeQuarters => Point { x: width - p.y, y: p.x },
        };
        let BoundingBox { x, y, width: w, height: h } = face.bounds;
        let (a, b) = (point(Point { x, y }), point(Point { x: x + w, y: y + h }));
        let bounds = BoundingBox {
            x: a.x.min(b.x),
            y: a.y.min(b.y),
            width: (a.x - b.x).abs(),
            height: (a.y - b.y).abs(),
        };
        Face { bounds, landmarks: face.landmarks.map(|points| points.map(point)), score: face.score }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_comes_back_to_where_it_was_whatever_the_turn() {
        let mut photo = RgbImage::new(5, 3);
        photo.put_pixel(4, 1, [255; 3].into());
        for turn in Turn::ALL {
            let turned = turn.of(&photo);
            let (x, y, _) = turned.enumerate_pixels().find(|(.., pixel)| pixel.0[0] == 255).unwrap();
            let bounds = BoundingBox { x: x as f32, y: y as f32, width: 1.0, height: 1.0 };
            let face = Face { bounds, landmarks: Some([bounds.centre(); 5]), score: 0.5 };
            let back = turn.back(&face, 5, 3);
            assert_eq!(back.bounds, BoundingBox { x: 4.0, y: 1.0, width: 1.0, height: 1.0 }, "{turn:?}");
            assert_eq!(back.landmarks.unwrap()[0], Point { x: 4.5, y: 1.5 }, "{turn:?}");
        }
    }
}
