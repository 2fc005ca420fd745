//! Pictures inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet_core::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::thumbnail;

/// The longer edge of a picture: the usual size of training crops. A page of 36 of them is about 250 KB.
const MAX_EDGE_PX: u32 = 128;

/// JPEG quality, of 100: above it, faces of this size look the same and take more room.
const QUALITY: u8 = 80;

/// `picture`, at most 128 pixels wide and high, as a `data:` address of a JPEG file; none when it has no pixels or
/// cannot be encoded.
pub(super) fn data_uri(picture: &RgbImage) -> Option<String> {
    let (width, height) = picture.dimensions();
    let edge = width.max(height);
    if width == 0 || height == 0 {
        return None;
    }
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    let written = if edge > MAX_EDGE_PX {
        let scaled = |length: u32| {
            let scaled = u64::from(length) * u64::from(MAX_EDGE_PX) / u64::from(edge);
            u32::try_from(scaled).expect("smaller than before").max(1)
        };
        thumbnail(picture, scaled(width), scaled(height)).write_with_encoder(encoder)
    } else {
        picture.write_with_encoder(encoder)
    };
    written.is_ok().then(|| format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_shrunk_to_the_largest_edge_and_never_enlarged() {
        for (size, expected) in [
            ((1, 1), (1, 1)),
            ((128, 128), (128, 128)),
            ((129, 129), (128, 128)),
            ((512, 128), (128, 32)),
            ((1, 1000), (1, 128)),
        ] {
            let uri = data_uri(&RgbImage::from_pixel(size.0, size.1, [200, 120, 40].into())).unwrap();
            let jpeg = STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
            let decoded = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).unwrap();
            assert_eq!((decoded.width(), decoded.height()), expected, "{size:?}");
        }
    }

    #[test]
    fn a_picture_without_pixels_has_no_address() {
        assert_eq!(data_uri(&RgbImage::new(0, 10)), None);
        assert_eq!(data_uri(&RgbImage::new(10, 0)), None);
    }
}
