//! What bytes are, told by their content.

use image::ImageFormat;

use super::DecodeError;

/// Formats that are not decoded, by signature: where it stands, what it is, the name.
const OTHER_IMAGES: [(usize, &[u8], &str); 11] = [
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphevc", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"ftypavi", "AVIF"),
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

/// The format of an image that can be decoded.
pub(super) fn format_of(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    match image::guess_format(bytes) {
        // Two letters are BMP's whole signature; its header always has zeros.
        Ok(Bmp) if !is_text(bytes) => Ok(Bmp),
        Ok(format @ (Gif | Jpeg | Png | Tiff | WebP)) => Ok(format),
        _ => Err(other(bytes)),
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
    fn an_image_of_another_format_comes_with_a_hint() {
        assert_eq!(
            described(b"\0\0\0\x18ftypheic\0\0"),
            "HEIC images are not supported\nhint: convert it to JPEG or PNG"
        );
        for (at, signature, name) in OTHER_IMAGES {
            let bytes = [&vec![0; at][..], signature, b"...."].concat();
            assert!(described(&bytes).starts_with(name), "{name}");
        }
    }
}
