//! A face moved, turned and resized within its image.

use facenet_core::RgbImage;
use image::Rgb;

/// A similarity transform about a point, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warp {
    /// What it turns and scales about; whole numbers are between pixels, halves in their middle.
    pub(super) centre: (f32, f32),
    /// How far the centre moves: right and down.
    pub(super) shift: (f32, f32),
    /// Clockwise.
    pub(super) degrees: f32,
    /// How many times as large, above 0.
    pub(super) scale: f32,
}

impl Warp {
    /// The image with its contents moved: each pixel is read, bilinearly, where it came from.
    pub(super) fn apply(&self, image: &RgbImage) -> RgbImage {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        RgbImage::from_fn(image.width(), image.height(), |x, y| {
            let (dx, dy) = (
                x as f32 + 0.5 - self.centre.0 - self.shift.0,
                y as f32 + 0.5 - self.centre.1 - self.shift.1,
            );
            // Back by the angle: clockwise with y downwards turns (1, 0) to (cos, sin).
            let (back_x, back_y) = (cos * dx + sin * dy, cos * dy - sin * dx);
            bilinear(image, self.centre.0 + back_x / self.scale, self.centre.1 + back_y / self.scale)
        })
    }
}

/// The colour at a point; beyond the border, that of the border.
fn bilinear(image: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let inside = |at: f32, edge: u32| (at - 0.5).clamp(0.0, (edge - 1) as f32);
    let (x, y) = (inside(x, image.width()), inside(y, image.height()));
    let (left, top) = (x.floor(), y.floor());
    let (along, below) = (x - left, y - top);
    let (left, top) = (left as u32, top as u32);
    let (right, bottom) = ((left + 1).min(image.width() - 1), (top + 1).min(image.height() - 1));
    let at = |x, y, channel: usize| f32::from(image.get_pixel(x, y).0[channel]);
    let mix = |from: f32, to: f32, share: f32| from + share * (to - from);
    Rgb([0, 1, 2].map(|channel| {
        let upper = mix(at(left, top, channel), at(right, top, channel), along);
        let lower = mix(at(left, bottom, channel), at(right, bottom, channel), along);
        mix(upper, lower, below).round() as u8
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Warp = Warp { centre: (4.0, 4.0), shift: (0.0, 0.0), degrees: 0.0, scale: 1.0 };

    /// Black, with one white pixel.
    fn dot(x: u32, y: u32) -> RgbImage {
        let mut image = RgbImage::new(8, 8);
        image.put_pixel(x, y, Rgb([255; 3]));
        image
    }

    #[test]
    fn a_quarter_turn_clockwise_takes_the_top_to_the_right() {
        let turned = Warp { degrees: 90.0, ..STILL }.apply(&dot(4, 1));
        // (4.5, 1.5) is (0.5, -2.5) from the centre, and turned (2.5, 0.5): the pixel (6, 4).
        assert_eq!(turned, dot(6, 4));
    }

    #[test]
    fn four_quarter_turns_are_none() {
        let image = RgbImage::from_fn(8, 8, |x, y| Rgb([(31 * x) as u8, (29 * y) as u8, (x * y) as u8]));
        let quarter = Warp { degrees: 90.0, ..STILL };
        let mut turned = image.clone();
        (0..4).for_each(|_| turned = quarter.apply(&turned));
        assert_eq!(turned, image);
    }

    #[test]
    fn half_a_pixel_is_shared_by_both_neighbours() {
        let shifted = Warp { shift: (0.5, 0.0), ..STILL }.apply(&dot(3, 3));
        assert_eq!([2, 3, 4, 5].map(|x| shifted.get_pixel(x, 3).0[0]), [0, 128, 128, 0]);
    }

    #[test]
    fn twice_as_large_is_twice_as_far_from_the_centre() {
        let image = RgbImage::from_fn(8, 8, |x, _| Rgb([(x * 16) as u8; 3]));
        let large = Warp { scale: 2.0, ..STILL }.apply(&image);
        // The middle of pixel 5 is 1.5 from the centre, so it comes from 0.75: a quarter of the way from pixel 4 to 5.
        assert_eq!([3, 4, 5].map(|x| large.get_pixel(x, 0).0[0]), [52, 60, 68]);
    }

    #[test]
    fn beyond_the_border_its_colour_is_repeated() {
        let image = RgbImage::from_fn(8, 8, |x, _| Rgb([if x == 0 { 200 } else { 10 }; 3]));
        let shifted = Warp { shift: (3.0, 0.0), ..STILL }.apply(&image);
        assert_eq!([0, 2, 3, 4].map(|x| shifted.get_pixel(x, 5).0[0]), [200, 200, 200, 10]);
    }
}
