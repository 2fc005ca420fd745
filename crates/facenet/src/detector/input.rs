//! From pixels to a detector's input.

use facenet_core::RgbImage;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::views::View;

/// Writes the pixels of `image` as planes red, green, blue of `height` × `width`: `(value - 127.5) / 128`, and 0 where
/// the image has ended.
///
/// # Panics
/// When the image is larger, or `out` does not have `3 · height · width` elements.
pub fn detector_input(image: &RgbImage, (height, width): (usize, usize), out: &mut [f32]) {
    let (image_width, image_height) = (image.width() as usize, image.height() as usize);
    assert!(image_width <= width && image_height <= height, "an image larger than the input");
    assert_eq!(out.len(), 3 * height * width, "three planes of {height} x {width}");
    for (channel, plane) in out.chunks_exact_mut(height * width).enumerate() {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            if y >= image_height {
                row.fill(0.0);
                continue;
            }
            let pixels = &image.as_raw()[y * image_width * 3..][..image_width * 3];
            for (value, pixel) in row.iter_mut().zip(pixels.as_chunks::<3>().0) {
                *value = (f32::from(pixel[channel]) - 127.5) / 128.0;
            }
            row[image_width..].fill(0.0);
        }
    }
}

/// The pixels of a view of `photo`; shrunk without aliasing.
pub(super) fn render(photo: &RgbImage, view: &View) -> RgbImage {
    let (width, height) = view.size;
    let part = (f64::from(width) / view.scale.0, f64::from(height) / view.scale.1);
    // Rounding may put the last tile a hair beyond the edge.
    let within = |start: f64, len: f64, side: u32| {
        let start = start.clamp(0.0, f64::from(side));
        (start, len.min(f64::from(side) - start))
    };
    let (left, part_width) = within(view.origin.0, part.0, photo.width());
    let (top, part_height) = within(view.origin.1, part.1, photo.height());
    let source = ImageRef::new(photo.width(), photo.height(), photo.as_raw(), PixelType::U8x3)
        .expect("an image has three bytes a pixel");
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new()
        .crop(left, top, part_width, part_height)
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).expect("a view lies within its photo");
    RgbImage::from_raw(width, height, target.into_vec()).expect("three bytes a pixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_planes_and_what_is_missing_is_the_middle_grey() {
        let image = RgbImage::from_raw(2, 1, vec![0, 255, 127, 1, 2, 3]).unwrap();
        let mut out = vec![9.0; 3 * 2 * 3];
        detector_input(&image, (2, 3), &mut out);
        let of = |value: f32| (value - 127.5) / 128.0;
        assert_eq!(out[..6], [of(0.0), of(1.0), 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(out[6..8], [of(255.0), of(2.0)]);
        assert_eq!(out[12..14], [of(127.0), of(3.0)]);
    }
}
