//! Faces inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet_core::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::thumbnail;

use crate::picture::PictureError;

/// Twice the edge that the page shows, for dense screens.
const MAX_EDGE_PX: u32 = 192;

/// JPEG quality, of 100: above it, faces of this size look the same and take more room.
const QUALITY: u8 = 80;

/// `picture`, at most 192 pixels wide and high, as a `data:` address of a JPEG file.
///
/// # Errors
/// When it has no pixels.
pub(super) fn data_uri(picture: &RgbImage) -> Result<String, PictureError> {
    let (width, height) = picture.dimensions();
    let edge = width.max(height);
    if width == 0 || height == 0 {
        return Err(PictureError::Draw("a face's picture has no pixels".into()));
    }
    let scaled = |length: u32| (length * MAX_EDGE_PX / edge).max(1);
    let small = (edge > MAX_EDGE_PX).then(|| thumbnail(picture, scaled(width), scaled(height)));
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    small
        .as_ref()
        .unwrap_or(picture)
        .write_with_encoder(encoder)
        .map_err(|e| PictureError::Draw(e.into()))?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn pictures_are_shrunk_to_the_largest_edge_and_never_enlarged() {
        for (size, expected) in
            [((1, 1), (1, 1)), ((192, 192), (192, 192)), ((400, 100), (192, 48)), ((1, 999), (1, 192))]
        {
            let uri = data_uri(&RgbImage::from_pixel(size.0, size.1, Rgb([200, 120, 40]))).unwrap();
            let bytes = STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
            let image = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
            assert_eq!((image.width(), image.height()), expected, "{size:?}");
        }
    }

    #[test]
    fn a_picture_without_pixels_is_an_error() {
        assert!(data_uri(&RgbImage::new(0, 10)).is_err());
    }
}
