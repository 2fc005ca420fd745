//! What bytes are, told by their content.

use image::ImageFormat;

use super::DecodeError;
use super::heif::Coding;

/// The format of an image that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One of the six that the crate `image` decodes.
    Plain(ImageFormat),
    /// HEIC or AVIF.
    Heif(Coding),
}

/// Formats that are not decoded, by signature: where it stands, what it is, the name.
const OTHER_IMAGES: [(usize, &[u8], &str); 8] = [
    (4, b"ftypmif", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (0, b"\xFF\x0A", "JPEG XL"),
    (0, b"\0\0\0\x0CJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0CjP  ", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\x01\0", "icon"),
    (0, b"<svg", "SVG"),
];

/// What is often taken for an image.
const NOT_IMAGES: [(usize, &[u8], &str); 10] = [
    (4, b"ftyp", "a video"),
    (0, b"\x1A\x45\xDF\xA3", "a video"),
    (0, b"RIFF", "a sound or a video"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1F\x8B", "a gzip archive"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<!doctype", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<HTML", "a web page"),
];

/// The format of an image that can be decoded, perhaps with a feature that is not built.
pub(super) fn format_of(bytes: &[u8]) -> Result<Format, DecodeError> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    match image::guess_format(bytes) {
        // Two letters are BMP's whole signature; its header always has zeros.
        Ok(Bmp) if !is_text(bytes) => Ok(Format::Plain(Bmp)),
        Ok(format @ (Gif | Jpeg | Png | Tiff | WebP)) => Ok(Format::Plain(format)),
        _ => Coding::of(bytes).map(Format::Heif).ok_or_else(|| other(bytes)),
    }
}

fn other(bytes: &[u8]) -> DecodeError {
    let start = bytes.trim_ascii_start();
    let find = |table: &[(usize, &[u8], &'static str)]| {
        let starts = |(at, signature, _): &&(usize, &[u8], &'static str)| {
            start.get(*at..).is_some_and(|rest| rest.starts_with(signature))
        };
        table.iter().find(starts).map(|(_, _, name)| *name)
    };
    if let Some(format) = find(&OTHER_IMAGES) {
        return DecodeError::UnsupportedFormat { format };
    }
    let looks_like = match find(&NOT_IMAGES) {
        Some(name) => name,
        None if bytes.is_empty() => "an empty file",
        None if is_text(bytes) => "text",
        None => "unknown data",
    };
    DecodeError::NotAnImage { looks_like }
}

/// Whether the first bytes are UTF-8 without control characters; a character may be cut at their end.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(bytes: &[u8]) -> String {
        format_of(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_image_is_named() {
        assert_eq!(described(b""), "not an image, but an empty file");
        assert_eq!(described("Grüße\n".as_bytes()), "not an image, but text");
        assert_eq!(described(b"\n<!DOCTYPE html><html>"), "not an image, but a web page");
        assert_eq!(described(b"%PDF-1.7"), "not an image, but a PDF document");
        assert_eq!(described(b"\0\0\0\x20ftypisom"), "not an image, but a video");
        assert_eq!(described(b"\x01\x02\x03"), "not an image, but unknown data");
        assert_eq!(described(b"\xFF"), "not an image, but unknown data");
    }

    #[test]
    fn text_that_begins_like_a_bmp_is_text() {
        assert_eq!(described(b"BMI of the subjects"), "not an image, but text");
        assert!(format_of(b"BM\x3A\0\0\0\0\0").is_ok());
    }

    #[test]
    fn text_that_is_cut_within_a_character_is_still_text() {
        let text = format!("{}ü", "a".repeat(511));
        assert_eq!(described(text.as_bytes()), "not an image, but text");
    }

    #[test]
    fn what_a_container_holds_is_told_by_all_its_brands() {
        let heif = |brands: &[u8]| {
            let size = 8 + brands.len() as u32;
            format_of(&[&size.to_be_bytes(), b"ftyp", brands, b"avif after the box"].concat())
        };
        assert_eq!(heif(b"heic\0\0\0\0mif1heic").unwrap(), Format::Heif(Coding::Hevc));
        assert_eq!(heif(b"mif1\0\0\0\0miafheix").unwrap(), Format::Heif(Coding::Hevc));
        assert_eq!(heif(b"avif\0\0\0\0mif1").unwrap(), Format::Heif(Coding::Av1));
        let version = heif(b"mif1avifmiaf").unwrap_err().to_string();
        assert_eq!(version, "HEIF images are not supported\nhint: convert it to JPEG or PNG");
    }

    #[test]
    fn an_image_of_another_format_comes_with_a_hint() {
        assert_eq!(
            described(b"\xFF\x0A\0\0"),
            "JPEG XL images are not supported\nhint: convert it to JPEG or PNG"
        );
        for (at, signature, name) in OTHER_IMAGES {
            let bytes = [&vec![0; at][..], signature, b"...."].concat();
            assert!(described(&bytes).starts_with(name), "{name}");
        }
    }
}
