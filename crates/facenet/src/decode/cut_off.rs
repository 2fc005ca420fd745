//! Whether the end of an image is missing, for the formats whose decoders do not tell.

use image::ImageFormat;

/// Whether the file stops too early.
///
/// The JPEG decoder fills what is missing with grey and reports nothing; the one for lossy WebP accepts that the last
/// bytes are missing. Those of the other formats report it themselves.
pub(super) fn is_cut_off(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Jpeg => !has_end(bytes),
        ImageFormat::WebP => is_shorter_than_it_says(bytes),
        _ => false,
    }
}

/// Whether a RIFF file has less bytes than its header claims. The last may be missing: it only fills up to an even
/// length, and some programs leave it out.
fn is_shorter_than_it_says(riff: &[u8]) -> bool {
    let Some(&size) = riff.get(4..).and_then(|rest| rest.first_chunk()) else { return true };
    (riff.len() as u64) + 1 < u64::from(u32::from_le_bytes(size)) + 8
}

/// Whether the end-of-image marker is there.
///
/// Segments with a length are jumped over, since the preview inside the EXIF segment has an end of its own; in
/// compressed data, 0xFF is followed by 0 or by a restart marker.
fn has_end(jpeg: &[u8]) -> bool {
    let mut at = 0;
    while let Some(offset) = jpeg.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xFF)) {
        at += offset + 1;
        match jpeg.get(at) {
            Some(0xD9) => return true,
            Some(0xFF) => {}                            // filling; the marker may follow
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1, // data, or a marker without a length
            _ => match jpeg.get(at + 1..at + 3) {
                Some(&[high, low]) => at += 1 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [u8; 2] = [0xFF, 0xD8];
    const END: [u8; 2] = [0xFF, 0xD9];
    /// A segment of four bytes (its length counts itself) that contains an end.
    const EXIF: [u8; 6] = [0xFF, 0xE1, 0, 4, 0xFF, 0xD9];
    const SCAN: [u8; 4] = [0xFF, 0xDA, 0, 2];
    /// Compressed data with a stuffed 0xFF and a restart.
    const DATA: [u8; 6] = [1, 0xFF, 0, 2, 0xFF, 0xD3];

    #[test]
    fn the_end_counts_only_outside_of_segments() {
        assert!(has_end(&[&START[..], &EXIF, &SCAN, &DATA, &END].concat()));
        assert!(has_end(&[&START[..], &SCAN, &DATA, &[0xFF], &END, b"appended"].concat()));
        assert!(!has_end(&[&START[..], &EXIF, &SCAN, &DATA].concat()));
    }

    #[test]
    fn a_riff_file_may_lack_only_its_filling() {
        let riff = |length: usize| [b"RIFF\x08\0\0\0WEBPabcd", &[0; 4][..]].concat()[..length].to_vec();
        for (length, cut_off) in [(20, false), (16, false), (15, false), (14, true), (7, true)] {
            assert_eq!(is_cut_off(&riff(length), ImageFormat::WebP), cut_off, "{length} bytes");
        }
    }

    #[test]
    fn no_beginning_of_a_file_has_an_end() {
        let whole = [&START[..], &EXIF, &SCAN, &DATA, &END].concat();
        for length in 0..whole.len() {
            assert!(!has_end(&whole[..length]), "{length} bytes");
        }
    }
}
