//! Why bytes did not become an image.

use std::path::PathBuf;

use image::{ImageError, ImageFormat};

/// An image file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the image `{path}`")]
pub struct ImageFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: DecodeError,
}

/// Why a file or bytes did not become an image.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file does not exist, or reading it failed or is not allowed.
    #[error("the file cannot be read")]
    Unreadable {
        /// The system's reason.
        source: std::io::Error,
    },
    /// The path leads to something that is not read as a file.
    #[error("expected a file, found {found}")]
    NotAFile {
        /// What it is, with its article.
        found: &'static str,
    },
    /// The content is no image.
    #[error("not an image, but {looks_like}")]
    NotAnImage {
        /// What the content looks like, with its article.
        looks_like: &'static str,
    },
    /// An image of a format that is not decoded.
    #[error("{format} images are not supported\nhint: convert it to JPEG or PNG")]
    UnsupportedFormat {
        /// The format's name.
        format: &'static str,
    },
    /// An image of a format that is decoded with a feature that this program was built without.
    #[error(
        "{format} images are not read by this build\nhint: build with `--features {feature}`, or convert it to JPEG"
    )]
    NotBuilt {
        /// The format's name.
        format: &'static str,
        /// The feature's name.
        feature: &'static str,
    },
    /// An image of a known format that uses a rare part of it.
    #[error("this kind of {format} image is not supported\nhint: save it again as JPEG or PNG")]
    UnsupportedFeature {
        /// The format's name.
        format: &'static str,
        /// The decoder's reason.
        source: ImageError,
    },
    /// The image is damaged or cut off.
    #[error("the {format} image is damaged")]
    Damaged {
        /// The format's name.
        format: &'static str,
        /// The decoder's reason.
        source: ImageError,
    },
    /// The end of the file is missing.
    #[error("the {format} image is cut off\nhint: copy or download it again")]
    CutOff {
        /// The format's name.
        format: &'static str,
    },
    /// An image without pixels.
    #[error("an image of {width} x {height} pixels has no pixels")]
    NoPixels {
        /// Width that the header claims, in pixels.
        width: u32,
        /// Height that the header claims, in pixels.
        height: u32,
    },
    /// More bytes than [`Limits::max_bytes`](crate::Limits::max_bytes).
    #[error("the file has more than the {limit} bytes that are allowed")]
    TooManyBytes {
        /// The most that is allowed, in bytes.
        limit: u64,
    },
    /// More pixels than [`Limits::max_pixels`](crate::Limits::max_pixels).
    #[error("an image of {width} x {height} pixels is too large: at most {limit} pixels are allowed")]
    TooManyPixels {
        /// Width that the header claims, in pixels.
        width: u32,
        /// Height that the header claims, in pixels.
        height: u32,
        /// The most that is allowed, in pixels.
        limit: u64,
    },
    /// Decoding would take more memory than 8 bytes for each of the pixels that are allowed.
    #[error("decoding the image takes more than the {limit} bytes of memory that are allowed")]
    TooMuchMemory {
        /// The most that is allowed, in bytes.
        limit: u64,
    },
}

impl DecodeError {
    pub(super) fn cut_off(format: ImageFormat) -> Self {
        Self::CutOff { format: name(format) }
    }

    pub(super) fn from_image(format: ImageFormat, source: ImageError, memory: u64) -> Self {
        let format = name(format);
        match source {
            ImageError::Limits(_) => Self::TooMuchMemory { limit: memory },
            ImageError::Unsupported(_) => Self::UnsupportedFeature { format, source },
            _ => Self::Damaged { format, source },
        }
    }
}

/// How people write it.
fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Png => "PNG",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        _ => "unknown",
    }
}
