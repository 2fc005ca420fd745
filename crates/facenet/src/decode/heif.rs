//! HEIC and AVIF: pictures of a video codec in a container of boxes (ISO/IEC 23008-12).

#[cfg(feature = "avif")]
mod av1;
#[cfg(feature = "heic")]
mod container;
#[cfg(feature = "heic")]
mod hevc;

use image::DynamicImage;

use super::{DecodeError, Limits};

/// What the pixels of such a file are coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// H.265, as telephones write photos.
    Hevc,
    /// AV1.
    Av1,
}

impl Coding {
    /// The first of both that the file's brands name; the main brand may be that of the container alone.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
        let brands = bytes.get(4..size.min(bytes.len()))?.strip_prefix(b"ftyp")?;
        // The second word is a version.
        brands.chunks_exact(4).enumerate().filter(|(at, _)| *at != 1).find_map(|(_, brand)| match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(Self::Hevc),
            b"avif" | b"avis" => Some(Self::Av1),
            _ => None,
        })
    }

    /// How people call such files.
    fn format(self) -> &'static str {
        match self {
            Self::Hevc => "HEIC",
            Self::Av1 => "AVIF",
        }
    }
}

/// Decodes the main picture of a file, turned as its container says.
///
/// What EXIF says about the orientation does not count: it is the same once more (ISO/IEC 23008-12, 6.5.10).
#[cfg_attr(not(feature = "heic"), expect(unused_variables, reason = "neither of both is built"))]
pub(super) fn decode(bytes: &[u8], coding: Coding, limits: &Limits) -> Result<DynamicImage, DecodeError> {
    match coding {
        #[cfg(feature = "heic")]
        Coding::Hevc => container::decode(bytes, coding, &hevc::Hevc, limits),
        #[cfg(feature = "avif")]
        Coding::Av1 => container::decode(bytes, coding, &av1::Av1, limits),
        #[cfg(not(feature = "heic"))]
        Coding::Hevc => Err(DecodeError::NotBuilt { format: coding.format(), feature: "heic" }),
        #[cfg(not(feature = "avif"))]
        Coding::Av1 => Err(DecodeError::NotBuilt { format: coding.format(), feature: "avif" }),
    }
}

#[cfg(all(test, feature = "heic"))]
mod tests;
