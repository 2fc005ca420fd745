//! Turning a face upright: from five landmarks to the square that a network sees.

use facenet_core::{BoundingBox, Face, Point};
use serde::{Deserialize, Serialize};

/// Edge of the field's standard aligned crop, in pixels: what [`TEMPLATE`] is drawn in.
pub const TEMPLATE_PX: f32 = 112.0;

/// Edge of an aligned crop for training, in pixels of the template: the standard crop with 8 pixels around it.
/// [`Preprocessing::field`](facenet_core::Preprocessing::field) is a part of this edge.
pub const CROP_PX: f32 = 128.0;

/// Where the landmarks of an upright face lie in the standard crop: left eye, right eye, nose, left and right mouth
/// corner (Deng et al. 2019, ArcFace, §3.1, as their code has it).
pub const TEMPLATE: [Point; 5] = [
    Point { x: 38.2946, y: 51.6963 },
    Point { x: 73.5318, y: 51.5014 },
    Point { x: 56.0252, y: 71.7366 },
    Point { x: 41.5493, y: 92.3655 },
    Point { x: 70.7299, y: 92.2041 },
];

/// What becomes of a found face.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// Its landmarks are brought to the template: turned, scaled and shifted, never sheared. A face without landmarks
    /// is framed by its box.
    #[default]
    Landmarks,
    /// The square around its box, as it lies in the photo: the paper's own way (Schroff et al. 2015, §4).
    Box,
}

/// A square in an image that may be turned, in pixels; it may leave the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TurnedSquare {
    /// Its middle.
    pub centre: Point,
    /// Its edge.
    pub edge: f32,
    /// Which way its upper edge runs, from left to right: clockwise from the x axis, in radians.
    pub angle: f32,
}

/// A turn with a scale and a shift: `(x, y)` becomes `(a x − b y + shift_x, b x + a y + shift_y)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    a: f64,
    b: f64,
    shift: [f64; 2],
}

impl Framing {
    /// The square of `face` that becomes a network's whole input, for a network with this
    /// [`field`](facenet_core::Preprocessing::field).
    ///
    /// None when the numbers are not finite, or landmarks all lie in one point.
    pub fn square(self, face: &Face, field: f32) -> Option<TurnedSquare> {
        match (self, &face.landmarks) {
            (Self::Landmarks, Some(landmarks)) => TurnedSquare::of_landmarks(landmarks, field),
            _ => TurnedSquare::of_box(&face.bounds),
        }
    }
}

impl TurnedSquare {
    /// The square that lies around the template as much as `field` says: 0.875 is the template's own 112 pixels, 1 has
    /// 8 more of them on each side.
    ///
    /// None when a number is not finite, or all landmarks lie in one point.
    pub fn of_landmarks(landmarks: &[Point; 5], field: f32) -> Option<Self> {
        let to_photo = Similarity::fit(landmarks, &TEMPLATE)?.inverse()?;
        let middle = Point { x: TEMPLATE_PX / 2.0, y: TEMPLATE_PX / 2.0 };
        let edge = (to_photo.scale() * f64::from(CROP_PX * field)) as f32;
        let square = Self { centre: to_photo.apply(middle), edge, angle: to_photo.angle() as f32 };
        square.is_finite().then_some(square)
    }

    /// The square around a box: its longer edge stays, its centre too.
    ///
    /// None when a number is not finite.
    pub fn of_box(bounds: &BoundingBox) -> Option<Self> {
        let centre = Point { x: bounds.x + bounds.width / 2.0, y: bounds.y + bounds.height / 2.0 };
        let square = Self { centre, edge: bounds.width.max(bounds.height), angle: 0.0 };
        square.is_finite().then_some(square)
    }

    /// The share of its area that lies in an image of this size, in `[0, 1]`, to a 256th: as many of 16 x 16 points.
    pub fn part_inside(&self, width: u32, height: u32) -> f32 {
        const STEPS: i32 = 16;
        let step = |index: i32| (index as f32 + 0.5) / STEPS as f32 - 0.5;
        let inside = |index: i32| {
            let Point { x, y } = self.at(step(index % STEPS), step(index / STEPS));
            x >= 0.0 && y >= 0.0 && x <= width as f32 && y <= height as f32
        };
        (0..STEPS * STEPS).filter(|&index| inside(index)).count() as f32 / (STEPS * STEPS) as f32
    }

    /// The point that lies `across` to the right and `down`, in edges from the centre.
    pub fn at(&self, across: f32, down: f32) -> Point {
        let (sin, cos) = self.angle.sin_cos();
        let (across, down) = (across * self.edge, down * self.edge);
        Point { x: self.centre.x + across * cos - down * sin, y: self.centre.y + across * sin + down * cos }
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.centre.x, self.centre.y, self.edge, self.angle].iter().all(|value| value.is_finite())
    }
}

impl Similarity {
    /// The one that brings `from` nearest to `to`: least squares of the distances between them (Umeyama 1991, without
    /// mirroring, which in the plane has a closed form).
    ///
    /// None when a number is not finite, or all of `from` lie in one point.
    pub fn fit<const N: usize>(from: &[Point; N], to: &[Point; N]) -> Option<Self> {
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [px, py] = [f64::from(p.x) - from_mean[0], f64::from(p.y) - from_mean[1]];
            let [qx, qy] = [f64::from(q.x) - to_mean[0], f64::from(q.y) - to_mean[1]];
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (dot / spread, cross / spread);
        let shift = [
            to_mean[0] - a * from_mean[0] + b * from_mean[1],
            to_mean[1] - b * from_mean[0] - a * from_mean[1],
        ];
        let valid = spread > 0.0 && [a, b, shift[0], shift[1]].iter().all(|value| value.is_finite());
        valid.then_some(Self { a, b, shift })
    }

    /// Where it brings a point.
    pub fn apply(&self, point: Point) -> Point {
        let (x, y) = (f64::from(point.x), f64::from(point.y));
        Point {
            x: (self.a * x - self.b * y + self.shift[0]) as f32,
            y: (self.b * x + self.a * y + self.shift[1]) as f32,
        }
    }

    /// The way back; none from a scale of 0.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        let shift = [-(a * self.shift[0] - b * self.shift[1]), -(b * self.shift[0] + a * self.shift[1])];
        (square > 0.0 && square.is_finite()).then_some(Self { a, b, shift })
    }

    /// How many times longer everything becomes; at least 0.
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    /// How far everything is turned: clockwise as seen in an image, in radians, in `(-π, π]`.
    pub fn angle(&self) -> f64 {
        self.b.atan2(self.a)
    }
}

fn mean(points: &[Point]) -> [f64; 2] {
    let sum = points.iter().fold([0.0, 0.0], |[x, y], p| [x + f64::from(p.x), y + f64::from(p.y)]);
    sum.map(|sum| sum / points.len() as f64)
}

#[cfg(test)]
mod tests;
