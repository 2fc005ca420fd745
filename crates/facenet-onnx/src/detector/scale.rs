//! Images at other sizes.

use facenet_core::RgbImage;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// A side at a scale, at least a pixel.
pub(super) fn side(edge: u32, scale: f64) -> u32 {
    (f64::from(edge) * scale).round().max(1.0) as u32
}

/// The image at another size, by a triangle filter as wide as the reduction.
pub(crate) fn resized(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    if image.dimensions() == (width, height) {
        return image.clone();
    }
    let mut target = RgbImage::new(width, height);
    let from = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3);
    let from = from.expect("three bytes a pixel");
    let mut to =
        Image::from_slice_u8(width, height, &mut target, PixelType::U8x3).expect("three bytes a pixel");
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &options).expect("no side is zero");
    target
}

/// A square of whole pixels that may leave the image, black outside, at an edge of `edge` pixels.
pub(super) fn cut(image: &RgbImage, left: i64, top: i64, size: u32, edge: u32) -> RgbImage {
    let mut square = vec![0; size as usize * size as usize * 3];
    let inside = |start: i64, length: u32| {
        let from = start.clamp(0, i64::from(length));
        let to = (start + i64::from(size)).clamp(0, i64::from(length));
        (from, to)
    };
    let ((x, right), (y, bottom)) = (inside(left, image.width()), inside(top, image.height()));
    if x < right {
        for row in y..bottom {
            let from = ((row * i64::from(image.width()) + x) * 3) as usize;
            let to = (((row - top) * i64::from(size) + x - left) * 3) as usize;
            let bytes = ((right - x) * 3) as usize;
            square[to..to + bytes].copy_from_slice(&image.as_raw()[from..from + bytes]);
        }
    }
    let square = RgbImage::from_raw(size, size, square).expect("three bytes a pixel");
    resized(&square, edge, edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_image_is_black() {
        let image = RgbImage::from_pixel(4, 4, [200; 3].into());
        let square = cut(&image, -2, 3, 4, 4);
        let red: Vec<u8> = square.pixels().map(|pixel| pixel[0]).collect();
        assert_eq!(red, [0, 0, 200, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(cut(&image, 9, 9, 4, 4).pixels().all(|pixel| pixel[0] == 0));
        assert!(cut(&image, 0, 0, 4, 2).pixels().all(|pixel| pixel[0] == 200));
    }

    #[test]
    fn a_side_never_vanishes() {
        assert_eq!((side(3, 0.1), side(10, 0.25), side(7, 1.0)), (1, 3, 7));
    }
}
