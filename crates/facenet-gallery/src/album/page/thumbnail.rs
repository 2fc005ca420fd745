//! Pictures inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet_core::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::error::{ImageError, ParameterError, ParameterErrorKind};
use image::imageops::thumbnail;

/// Twice the edge that the page shows, for dense screens; a page of 1,000 faces is then about 8 MB.
const MAX_EDGE_PX: u32 = 224;

/// JPEG quality, of 100: above it, faces of this size look the same and take more room.
const QUALITY: u8 = 80;

/// `picture`, at most 224 pixels wide and high, as a `data:` address of a JPEG file.
///
/// # Errors
/// When it has no pixels.
pub(super) fn data_uri(picture: &RgbImage) -> Result<String, ImageError> {
    let (width, height) = picture.dimensions();
    let edge = width.max(height);
    if width == 0 || height == 0 {
        let kind = ParameterErrorKind::DimensionMismatch;
        return Err(ImageError::Parameter(ParameterError::from_kind(kind)));
    }
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    if edge > MAX_EDGE_PX {
        let scaled = |length: u32| {
            let scaled = u64::from(length) * u64::from(MAX_EDGE_PX) / u64::from(edge);
            u32::try_from(scaled).expect("smaller than before").max(1)
        };
        thumbnail(picture, scaled(width), scaled(height)).write_with_encoder(encoder)?;
    } else {
        picture.write_with_encoder(encoder)?;
    }
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn decoded(uri: &str) -> RgbImage {
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap().to_rgb8()
    }

    #[test]
    fn pictures_are_shrunk_to_the_largest_edge_and_never_enlarged() {
        for (size, expected) in [
            ((1, 1), (1, 1)),
            ((224, 224), (224, 224)),
            ((225, 225), (224, 224)),
            ((448, 112), (224, 56)),
            ((1, 1000), (1, 224)),
        ] {
            let uri = data_uri(&RgbImage::from_pixel(size.0, size.1, Rgb([200, 120, 40]))).unwrap();
            assert_eq!(decoded(&uri).dimensions(), expected, "{size:?}");
        }
    }

    #[test]
    fn the_colour_is_kept_up_to_the_loss_of_jpeg() {
        let found =
            *decoded(&data_uri(&RgbImage::from_pixel(16, 16, Rgb([200, 120, 40]))).unwrap()).get_pixel(8, 8);
        for (found, expected) in found.0.into_iter().zip([200, 120, 40]) {
            assert!(u8::abs_diff(found, expected) <= 3, "{found:?}");
        }
    }

    #[test]
    fn a_picture_without_pixels_is_an_error() {
        assert!(data_uri(&RgbImage::new(0, 10)).is_err());
        assert!(data_uri(&RgbImage::new(10, 0)).is_err());
    }
}
