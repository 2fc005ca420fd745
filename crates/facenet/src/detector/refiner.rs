//! The second look: every face that the first one suspects is cut out and looked at by itself.

use facenet_core::{BoundingBox, Face, Point, RgbImage};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;

use super::input::detector_input;
use super::model::RefinerFacts;
use crate::frozen::{Body, fold};
use crate::kernels::Threads;
use crate::network::{Graph, Pyramid, refiner};
use crate::weights::Weights;

/// How many times longer the edge of what is looked at is than a face's side, the root of its box's area.
const CONTEXT: f32 = 1.2;
/// Faces that go through the network together.
const AT_ONCE: usize = 16;
/// The most by which a box grows or shrinks in a second look, as a logarithm: twice.
const MAX_LOG: f32 = 0.7;
/// What lies beyond the photo: the middle grey.
const BEYOND: u8 = 127;

/// A square of a photo that the refiner looks at, and what its outputs mean there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Its middle, in pixels of the photo.
    pub centre: Point,
    /// Its edge, in pixels of the photo.
    pub edge: f32,
}

impl Look {
    /// The edge of the network's input, in pixels.
    pub const EDGE_PX: usize = 64;

    /// The square around a face.
    pub fn at(bounds: &BoundingBox) -> Self {
        Self { centre: bounds.centre(), edge: CONTEXT * (bounds.width * bounds.height).sqrt() }
    }

    /// The box that four values give: its centre's distance from the middle in edges, and the logarithms of its width and
    /// height over the side of the face that the square was laid around.
    pub fn bounds(&self, [x, y, w, h]: [f32; 4]) -> BoundingBox {
        let side = |value: f32| value.clamp(-MAX_LOG, MAX_LOG).exp() * self.edge / CONTEXT;
        let (width, height) = (side(w), side(h));
        let centre = self.point([x, y]);
        BoundingBox { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height }
    }

    /// The four values that give a box.
    pub fn values(&self, bounds: &BoundingBox) -> [f32; 4] {
        let centre = bounds.centre();
        let log = |side: f32| (side * CONTEXT / self.edge).ln();
        [
            (centre.x - self.centre.x) / self.edge,
            (centre.y - self.centre.y) / self.edge,
            log(bounds.width),
            log(bounds.height),
        ]
    }

    /// The point that lies two values, in edges, from the middle.
    pub fn point(&self, [x, y]: [f32; 2]) -> Point {
        Point { x: self.centre.x + x * self.edge, y: self.centre.y + y * self.edge }
    }

    /// The network's input for the square, `[3, EDGE_PX, EDGE_PX]`, see [`detector_input`].
    pub fn pixels(&self, photo: &RgbImage) -> Vec<f32> {
        let mut pixels = vec![0.0; 3 * Self::EDGE_PX * Self::EDGE_PX];
        detector_input(&self.render(photo), (Self::EDGE_PX, Self::EDGE_PX), &mut pixels);
        pixels
    }

    /// What is to be seen in the square, shrunk without aliasing.
    fn render(&self, photo: &RgbImage) -> RgbImage {
        let edge_px = Self::EDGE_PX as u32;
        let mut seen = RgbImage::from_pixel(edge_px, edge_px, [BEYOND; 3].into());
        if !(self.edge > 0.0 && self.edge.is_finite()) {
            return seen;
        }
        let step = f64::from(self.edge) / f64::from(edge_px);
        // The pixels that lie in the photo as wholes: the first, how many, and which part of the photo they show.
        let along = |centre: f32, side: u32| {
            let start = f64::from(centre) - f64::from(self.edge) / 2.0;
            let first = (-start / step).ceil().clamp(0.0, f64::from(edge_px));
            let end = ((f64::from(side) - start) / step).floor().clamp(first, f64::from(edge_px));
            let from = (start + first * step).clamp(0.0, f64::from(side));
            let len = ((end - first) * step).min(f64::from(side) - from);
            (first as u32, (end - first) as u32, from, len)
        };
        let (left, width, from_x, len_x) = along(self.centre.x, photo.width());
        let (top, height, from_y, len_y) = along(self.centre.y, photo.height());
        if width == 0 || height == 0 || len_x <= 0.0 || len_y <= 0.0 {
            return seen;
        }
        let source = ImageRef::new(photo.width(), photo.height(), photo.as_raw(), PixelType::U8x3)
            .expect("an image has three bytes a pixel");
        let mut target = Image::new(width, height, PixelType::U8x3);
        let options = ResizeOptions::new()
            .crop(from_x, from_y, len_x, len_y)
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize(&source, &mut target, &options).expect("the part lies within its photo");
        let part = RgbImage::from_raw(width, height, target.into_vec()).expect("three bytes a pixel");
        image::imageops::replace(&mut seen, &part, left.into(), top.into());
        seen
    }
}

/// A refiner with its weights.
pub(super) struct Refiner {
    body: Body,
}

impl Refiner {
    pub(super) fn new(facts: &RefinerFacts, weights: &Weights) -> Self {
        let table = refiner(&facts.network).expect("a model's refiner is known");
        let graph = Graph::of_refiner(&table, Pyramid::OUTPUTS);
        let folded = fold(&graph, weights);
        Self { body: Body::new(graph, folded) }
    }

    /// The faces as a second look sees them; their score is the geometric mean of what both looks say.
    pub(super) fn again(&self, photo: &RgbImage, faces: &[Face]) -> Vec<Face> {
        faces.par_chunks(AT_ONCE).flat_map_iter(|faces| self.look(photo, faces)).collect()
    }

    fn look(&self, photo: &RgbImage, faces: &[Face]) -> Vec<Face> {
        let looks: Vec<Look> = faces.iter().map(|face| Look::at(&face.bounds)).collect();
        let pixels: Vec<f32> = looks.iter().flat_map(|look| look.pixels(photo)).collect();
        self.body.through(&pixels, Threads::One, |outputs| {
            let values = outputs.output(0);
            let face = |(number, (look, first)): (usize, (&Look, &Face))| {
                let value = |which: usize| values[which * faces.len() + number];
                let score = 1.0 / (1.0 + (-value(0)).exp());
                Face {
                    bounds: look.bounds([1, 2, 3, 4].map(value)),
                    landmarks: Some([5, 7, 9, 11, 13].map(|at| look.point([value(at), value(at + 1)]))),
                    score: (first.score * score).sqrt(),
                }
            };
            looks.iter().zip(faces).enumerate().map(face).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_becomes_values_and_comes_back() {
        let look = Look::at(&BoundingBox { x: 10.0, y: 20.0, width: 40.0, height: 90.0 });
        assert_eq!((look.centre, look.edge), (Point { x: 30.0, y: 65.0 }, 72.0));
        let bounds = BoundingBox { x: 14.0, y: 10.0, width: 50.0, height: 80.0 };
        let back = look.bounds(look.values(&bounds));
        for (found, expected) in [(back.x, 14.0), (back.y, 10.0), (back.width, 50.0), (back.height, 80.0)] {
            assert!((found - expected).abs() < 1e-4, "{back:?}");
        }
        assert!(look.bounds([0.0, 0.0, 1e9, -1e9]).width.is_finite());
    }

    #[test]
    fn what_is_seen_lies_where_the_square_says_and_is_grey_beyond_the_photo() {
        // A white spot of 4 x 4 pixels at (20, 10) of a black photo, looked at by a square of 32 pixels around (16, 16).
        let mut photo = RgbImage::new(40, 30);
        for (x, y) in (20..24).flat_map(|x| (10..14).map(move |y| (x, y))) {
            photo.put_pixel(x, y, [255; 3].into());
        }
        let look = Look { centre: Point { x: 16.0, y: 16.0 }, edge: 32.0 };
        let seen = look.render(&photo);
        // Two pixels of the look for one of the photo; the photo ends two pixels before the square.
        assert_eq!((seen.get_pixel(44, 24).0, seen.get_pixel(30, 24).0), ([255; 3], [0; 3]));
        assert_eq!((seen.get_pixel(5, 59).0, seen.get_pixel(5, 60).0), ([0; 3], [BEYOND; 3]));
        let far = Look { centre: Point { x: -500.0, y: 16.0 }, edge: 32.0 };
        assert!(far.render(&photo).pixels().all(|pixel| pixel.0 == [BEYOND; 3]));
        let nothing = Look { centre: Point { x: 1.0, y: 1.0 }, edge: 0.0 };
        assert_eq!(nothing.render(&photo).width(), 64);
        assert_eq!(nothing.render(&RgbImage::new(0, 0)).width(), 64);
    }
}
