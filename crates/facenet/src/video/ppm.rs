//! Images one after the other in a pipe, in the portable pixmap format.

use std::io::{self, BufRead, Read};

use facenet_core::RgbImage;

/// Why there is no image.
#[derive(Debug)]
pub(super) enum PpmError {
    /// The pipe broke, or carries something else.
    Read(io::Error),
    /// The header claims more pixels than are allowed.
    TooManyPixels { width: u32, height: u32 },
}

impl From<io::Error> for PpmError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// The next image; none at the end.
pub(super) fn read(from: &mut impl BufRead, max_pixels: u64) -> Result<Option<RgbImage>, PpmError> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    if word(from)? != "P6" {
        return Err(wrong("no pixmap").into());
    }
    let (width, height, most) = (number(from)?, number(from)?, number(from)?);
    if most != 255 || width == 0 || height == 0 {
        return Err(wrong("no pixmap of 8 bits").into());
    }
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(PpmError::TooManyPixels { width, height });
    }
    let mut image = RgbImage::new(width, height);
    from.read_exact(&mut image)?;
    Ok(Some(image))
}

fn number(from: &mut impl BufRead) -> io::Result<u32> {
    word(from)?.parse().map_err(|_| wrong("a pixmap's header without a number"))
}

/// The bytes up to a white space, which is consumed; at most ten.
fn word(from: &mut impl BufRead) -> io::Result<String> {
    let mut word = String::new();
    for byte in from.bytes().take(11) {
        match byte? {
            byte if byte.is_ascii_whitespace() => return Ok(word),
            byte => word.push(char::from(byte)),
        }
    }
    Err(wrong("a pixmap's header that does not end"))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_one_after_the_other_until_the_end() {
        let mut bytes: &[u8] = b"P6\n2 1\n255\nabcdefP6\n1 1\n255\nxyz";
        let mut next = || read(&mut bytes, 10).unwrap();
        assert_eq!(next().unwrap().into_raw(), b"abcdef");
        assert_eq!(next().unwrap().into_raw(), b"xyz");
        assert!(next().is_none());
    }

    #[test]
    fn what_is_no_image_or_too_large_is_an_error() {
        for wrong in
            ["P5\n1 1\n255\nx", "P6\n0 1\n255\n", "P6\n1 1\n65535\nxx", "P6\nx 1\n255\n", "P6\n1 1\n255\nab"]
        {
            assert!(matches!(read(&mut wrong.as_bytes(), 10), Err(PpmError::Read(_))), "{wrong}");
        }
        let mut endless = io::BufReader::new(io::repeat(b'1'));
        assert!(matches!(read(&mut endless, 10), Err(PpmError::Read(_))));
        let large = read(&mut &b"P6\n4 3\n255\n"[..], 11);
        assert!(matches!(large, Err(PpmError::TooManyPixels { width: 4, height: 3 })));
    }
}
