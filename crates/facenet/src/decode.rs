//! From a file or bytes to an upright RGB image, with limits.

mod cut_off;
mod error;
mod heif;
mod looks;

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;

use facenet_core::RgbImage;
use image::codecs::{bmp, gif, jpeg, png, tiff, webp};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageResult, Rgb};
use serde::{Deserialize, Serialize};

pub use error::{DecodeError, ImageFileError};
use looks::Format;

/// What an image may cost before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most bytes of a file, inclusive. 256 MiB by default: an uncompressed 16-bit scan of 40 megapixels.
    pub max_bytes: u64,
    /// The most pixels, inclusive; checked in the header, before memory is taken. 128 million by default: the
    /// 12,000 x 9,000 pixels of a telephone's 108-megapixel sensor pass, and no image takes more than 384 MB as
    /// 8-bit RGB. While it is decoded it may take 8 bytes a pixel (16-bit RGBA).
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_pixels: 128_000_000 }
    }
}

/// Reads and decodes the image file at `path`; see [`decode`].
///
/// Only regular files (and links to them) are read: a named pipe or a device could block or never end.
///
/// # Errors
/// As [`decode`], and when the file cannot be read.
pub fn read_image(path: &Path, limits: &Limits) -> Result<RgbImage, ImageFileError> {
    read_file(path, limits)
        .and_then(|bytes| decode(&bytes, limits))
        .map_err(|reason| ImageFileError { path: path.to_owned(), reason })
}

/// Reads the image file at `path` without decoding it, for whoever looks at the bytes first; see [`read_image`].
///
/// # Errors
/// When the file cannot be read, is no regular file, or has more bytes than `limits` allow.
pub fn read_image_bytes(path: &Path, limits: &Limits) -> Result<Vec<u8>, ImageFileError> {
    read_file(path, limits).map_err(|reason| ImageFileError { path: path.to_owned(), reason })
}

/// Decodes a JPEG, PNG, WebP, GIF, TIFF or BMP image, with the feature `heic` a HEIC one, with `avif` also an AVIF one;
/// which of them is told by the content.
///
/// - It is turned upright as its EXIF orientation says, or the container of HEIC and AVIF.
/// - Grey, palette and CMYK become RGB; 16 bits are rounded to 8; of an animation, the first frame counts.
/// - Transparent parts show white, as on an empty page. What lies under them is often arbitrary.
/// - Colour profiles are ignored: values count as sRGB.
///
/// # Errors
/// When the bytes are no image, an image of another format, damaged or cut off, or above `limits`. A JPEG without its
/// end is refused, although many programs show the rest of it in grey: half a face is no face. Damage inside a JPEG's
/// compressed data cannot be told from a picture.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, DecodeError> {
    limits.check_bytes(bytes.len() as u64)?;
    let image = match looks::format_of(bytes)? {
        Format::Plain(format) => decode_plain(bytes, format, limits)?,
        Format::Heif(coding) => heif::decode(bytes, coding, limits)?,
    };
    Ok(on_white(image))
}

fn decode_plain(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<DynamicImage, DecodeError> {
    let refused = |source| DecodeError::from_image(format, source, limits.memory());
    let mut decoder = open(bytes, format, limits).map_err(refused)?;
    limits.check_pixels(decoder.dimensions())?;
    limits.check_memory(decoder.total_bytes())?;
    if cut_off::is_cut_off(bytes, format) {
        return Err(DecodeError::cut_off(format));
    }
    decoder.set_limits(limits.for_decoder()).map_err(refused)?;

    // An orientation that cannot be read is none: the picture itself may be whole.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    Ok(image)
}

impl Limits {
    fn check_bytes(&self, found: u64) -> Result<(), DecodeError> {
        let limit = self.max_bytes;
        if found <= limit { Ok(()) } else { Err(DecodeError::TooManyBytes { limit }) }
    }

    fn check_pixels(&self, (width, height): (u32, u32)) -> Result<(), DecodeError> {
        let limit = self.max_pixels;
        match u64::from(width) * u64::from(height) {
            0 => Err(DecodeError::NoPixels { width, height }),
            found if found > limit => Err(DecodeError::TooManyPixels { width, height, limit }),
            _ => Ok(()),
        }
    }

    fn check_memory(&self, found: u64) -> Result<(), DecodeError> {
        let limit = self.memory();
        if found <= limit { Ok(()) } else { Err(DecodeError::TooMuchMemory { limit }) }
    }

    /// What the decoded image may take, and again what the decoder may take beside it, in bytes.
    fn memory(&self) -> u64 {
        self.max_pixels.saturating_mul(8)
    }

    fn for_decoder(&self) -> image::Limits {
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(self.memory());
        limits
    }
}

/// The file's kind is looked at before it is opened, since opening a named pipe waits for its other end.
fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(DecodeError::NotAFile { found: "a directory" });
    }
    if !metadata.is_file() {
        return Err(DecodeError::NotAFile { found: "a pipe or a device" });
    }
    limits.check_bytes(metadata.len())?;

    let mut bytes = Vec::new();
    // One byte more than the limit shows a file that grew meanwhile.
    File::open(path)?.take(limits.max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl From<io::Error> for DecodeError {
    fn from(source: io::Error) -> Self {
        Self::Unreadable { source }
    }
}

/// Reads the header.
fn open<'b>(
    bytes: &'b [u8],
    format: ImageFormat,
    limits: &Limits,
) -> ImageResult<Box<dyn ImageDecoder + 'b>> {
    let bytes = Cursor::new(bytes);
    Ok(match format {
        // The only one whose header may be large when unpacked: it holds a compressed colour profile.
        ImageFormat::Png => Box::new(png::PngDecoder::with_limits(bytes, limits.for_decoder())?),
        ImageFormat::Jpeg => Box::new(jpeg::JpegDecoder::new(bytes)?),
        ImageFormat::WebP => Box::new(webp::WebPDecoder::new(bytes)?),
        ImageFormat::Gif => Box::new(gif::GifDecoder::new(bytes)?),
        ImageFormat::Tiff => Box::new(tiff::TiffDecoder::new(bytes)?),
        ImageFormat::Bmp => Box::new(bmp::BmpDecoder::new(bytes)?),
        _ => unreachable!("`looks::format_of` gives these six"),
    })
}

/// Drops the alpha channel by laying the image over white.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0;
        Rgb([r, g, b].map(|value| over_white(value, alpha)))
    })
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests;
