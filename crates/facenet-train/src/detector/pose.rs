//! How a photo lies in a scene: scaled, turned, mirrored and moved.

use facenet_core::{BoundingBox, Point, RgbImage};
use image::imageops;

/// A rectangle of a scene, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Area {
    /// A point of the area as one of the scene.
    pub(super) fn point(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (self.left as f32 + x, self.top as f32 + y)
    }
}

/// A map from a photo's pixels to a scene's: `x' = a x − b y`, `y' = b x + a y` of the (mirrored) distance from a point of
/// the photo, added to a point of the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    from: (f32, f32),
    to: (f32, f32),
    a: f32,
    b: f32,
    /// -1 in a mirrored photo, else 1.
    side: f32,
}

impl Pose {
    /// `from` in the photo comes to `to` in the scene; `angle` is in radians, clockwise as seen.
    pub(super) fn new(from: (f32, f32), scale: f32, angle: f32, mirrored: bool, to: (f32, f32)) -> Self {
        let side = if mirrored { -1.0 } else { 1.0 };
        Self { from, to, a: scale * angle.cos(), b: scale * angle.sin(), side }
    }

    fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }

    pub(super) fn point(&self, point: Point) -> Point {
        let (x, y) = ((point.x - self.from.0) * self.side, point.y - self.from.1);
        Point { x: self.to.0 + self.a * x - self.b * y, y: self.to.1 + self.b * x + self.a * y }
    }

    /// The point of the photo that comes to a point of the scene.
    fn source(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (x - self.to.0, y - self.to.1);
        let square = self.a * self.a + self.b * self.b;
        let (x, y) = ((self.a * x + self.b * y) / square, (self.a * y - self.b * x) / square);
        (self.from.0 + x * self.side, self.from.1 + y)
    }

    /// The box around the ellipse that fills a box: a face is rounder than its corners.
    pub(super) fn bounds(&self, bounds: &BoundingBox) -> BoundingBox {
        let centre = self.point(bounds.centre());
        let half = |across: f32, down: f32| (across * bounds.width / 2.0).hypot(down * bounds.height / 2.0);
        let (width, height) = (half(self.a, self.b), half(self.b, self.a));
        BoundingBox { x: centre.x - width, y: centre.y - height, width: 2.0 * width, height: 2.0 * height }
    }

    /// Five landmarks; in a mirrored photo left and right change places, since left means left in the picture.
    pub(super) fn landmarks(&self, points: [Point; 5]) -> [Point; 5] {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = points.map(|point| self.point(point));
        if self.side < 0.0 {
            [right_eye, left_eye, nose, right_mouth, left_mouth]
        } else {
            [left_eye, right_eye, nose, left_mouth, right_mouth]
        }
    }
}

/// Draws a photo into an area of the scene; where the photo has ended, the scene stays.
pub(super) fn draw(photo: &RgbImage, pose: &Pose, area: Area, scene: &mut RgbImage) {
    let (shrunk, factor) = shrunk(photo, pose.scale());
    let source = shrunk.as_ref().unwrap_or(photo);
    let (width, height) = (source.width() as usize, source.height() as usize);
    let stride = scene.width() as usize * 3;
    let (left, top) = (area.left as usize, area.top as usize);
    for (y, row) in scene.chunks_exact_mut(stride).enumerate().skip(top).take(area.height as usize) {
        let pixels = row[left * 3..][..area.width as usize * 3].as_chunks_mut::<3>().0;
        for (x, pixel) in pixels.iter_mut().enumerate() {
            let (sx, sy) = pose.source((left + x) as f32 + 0.5, y as f32 + 0.5);
            let (sx, sy) = (sx * factor, sy * factor);
            if sx < 0.0 || sy < 0.0 || sx >= width as f32 || sy >= height as f32 {
                continue;
            }
            *pixel = sample(source, (width, height), sx - 0.5, sy - 0.5);
        }
    }
}

/// The photo shrunk so far that a step of the scene is less than two of its pixels, and by which factor.
fn shrunk(photo: &RgbImage, scale: f32) -> (Option<RgbImage>, f32) {
    if scale > 0.6 {
        return (None, 1.0);
    }
    let side = |side: u32| ((side as f32 * scale * 1.2) as u32).clamp(1, side);
    let (width, height) = (side(photo.width()), side(photo.height()));
    (Some(imageops::thumbnail(photo, width, height)), width as f32 / photo.width() as f32)
}

/// Between four pixels.
fn sample(image: &RgbImage, (width, height): (usize, usize), x: f32, y: f32) -> [u8; 3] {
    let (x, y) = (x.clamp(0.0, width as f32 - 1.0), y.clamp(0.0, height as f32 - 1.0));
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(width - 1), (y0 + 1).min(height - 1));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let raw = image.as_raw();
    let at = |x: usize, y: usize| &raw[(y * width + x) * 3..][..3];
    let [a, b, c, d] = [at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1)];
    std::array::from_fn(|channel| {
        let value = |pixel: &[u8]| f32::from(pixel[channel]);
        let upper = value(a) + (value(b) - value(a)) * fx;
        let lower = value(c) + (value(d) - value(c)) * fx;
        (upper + (lower - upper) * fy + 0.5) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0, top: 0, width: 20, height: 20 };

    #[test]
    fn a_point_goes_to_the_scene_and_comes_back() {
        for mirrored in [false, true] {
            let pose = Pose::new((3.0, 4.0), 1.7, 0.6, mirrored, (10.0, 12.0));
            assert_eq!(pose.point(Point { x: 3.0, y: 4.0 }), Point { x: 10.0, y: 12.0 });
            let there = pose.point(Point { x: 8.0, y: -2.0 });
            let (x, y) = pose.source(there.x, there.y);
            assert!((x - 8.0).abs() < 1e-4 && (y + 2.0).abs() < 1e-4, "{x} {y}");
        }
    }

    #[test]
    fn a_quarter_turn_is_clockwise_and_exchanges_the_sides_of_a_box() {
        let pose = Pose::new((0.0, 0.0), 1.0, std::f32::consts::FRAC_PI_2, false, (0.0, 0.0));
        let right = pose.point(Point { x: 1.0, y: 0.0 });
        assert!(right.x.abs() < 1e-6 && (right.y - 1.0).abs() < 1e-6, "to the right becomes down: {right:?}");
        let turned = pose.bounds(&BoundingBox { x: -2.0, y: -1.0, width: 4.0, height: 2.0 });
        assert!((turned.width - 2.0).abs() < 1e-5 && (turned.height - 4.0).abs() < 1e-5, "{turned:?}");
    }

    #[test]
    fn in_a_mirrored_photo_the_left_eye_is_still_left() {
        let pose = Pose::new((0.0, 0.0), 1.0, 0.0, true, (10.0, 0.0));
        let points =
            [(1.0, 1.0), (3.0, 1.0), (2.0, 2.0), (1.5, 3.0), (2.5, 3.0)].map(|(x, y)| Point { x, y });
        let seen = pose.landmarks(points).map(|point| point.x);
        assert_eq!(seen, [7.0, 9.0, 8.0, 7.5, 8.5]);
    }

    #[test]
    fn a_drawn_square_lies_where_its_box_says() {
        let mut photo = RgbImage::new(40, 40);
        for (x, y) in (10..20).flat_map(|x| (20..30).map(move |y| (x, y))) {
            photo.put_pixel(x, y, [255; 3].into());
        }
        for (scale, mirrored) in [(0.5, false), (0.5, true), (0.25, false), (0.8, true)] {
            let pose = Pose::new((15.0, 25.0), scale, 0.0, mirrored, (8.0, 12.0));
            let mut scene = RgbImage::new(20, 20);
            draw(&photo, &pose, AREA, &mut scene);
            let weight = |x: u32, y: u32| f32::from(scene.get_pixel(x, y).0[0]) / 255.0;
            let cells = || (0..20).flat_map(|x| (0..20).map(move |y| (x, y)));
            let area: f32 = cells().map(|(x, y)| weight(x, y)).sum();
            let x: f32 = cells().map(|(x, y)| weight(x, y) * (x as f32 + 0.5)).sum::<f32>() / area;
            let bounds = pose.bounds(&BoundingBox { x: 10.0, y: 20.0, width: 10.0, height: 10.0 });
            assert!((area.sqrt() - bounds.width).abs() < 0.5, "{area} against {bounds:?}");
            assert!((x - bounds.centre().x).abs() < 0.3, "{x} against {bounds:?}");
        }
    }
}
