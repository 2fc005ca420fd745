use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageBuffer, ImageEncoder, Luma, LumaA, Rgba};

use super::*;

pub(super) const RED: [u8; 3] = [220, 40, 30];
pub(super) const GREEN: [u8; 3] = [30, 160, 60];
pub(super) const BLUE: [u8; 3] = [40, 50, 200];
pub(super) const YELLOW: [u8; 3] = [230, 200, 40];

/// Red and green above, blue and yellow below; not square, so that a turn shows.
fn quarters() -> RgbImage {
    RgbImage::from_fn(32, 24, |x, y| {
        Rgb(match (x < 16, y < 12) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => YELLOW,
        })
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(super) fn decoded(bytes: &[u8]) -> RgbImage {
    decode(bytes, &Limits::default()).unwrap()
}

fn error(bytes: &[u8]) -> DecodeError {
    decode(bytes, &Limits::default()).unwrap_err()
}

/// The middles of the quarters, row by row.
pub(super) fn middles(image: &RgbImage) -> [[u8; 3]; 4] {
    let (w, h) = image.dimensions();
    [(w / 4, h / 4), (w * 3 / 4, h / 4), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)]
        .map(|(x, y)| image.get_pixel(x, y).0)
}

/// Lossy formats may be off by a little: 6 of 255 is above what they were seen to be (3), far below another colour.
#[track_caller]
pub(super) fn assert_near(found: [[u8; 3]; 4], expected: [[u8; 3]; 4]) {
    let far = found.as_flattened().iter().zip(expected.as_flattened()).any(|(a, b)| a.abs_diff(*b) > 6);
    assert!(!far, "found {found:?}, expected {expected:?}");
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images").join(name)).unwrap()
}

#[test]
fn every_format_is_told_by_its_content() {
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Gif, ImageFormat::WebP]
    {
        assert_near(middles(&decoded(&encoded(quarters(), format))), [RED, GREEN, BLUE, YELLOW]);
    }
    assert_near(middles(&decoded(&encoded(quarters(), ImageFormat::Jpeg))), [RED, GREEN, BLUE, YELLOW]);
}

#[test]
fn images_of_other_programs_have_the_right_colours() {
    for name in ["cmyk.jpg", "ycck.jpg", "progressive.jpg", "lossy.webp", "palette.png"] {
        let image = decoded(&fixture(name));
        assert_eq!(image.dimensions(), (32, 24), "{name}");
        assert_near(middles(&image), [RED, GREEN, BLUE, YELLOW]);
    }
}

#[test]
fn of_an_animation_the_first_frame_counts() {
    let mut gif = Vec::new();
    let mut encoder = gif::GifEncoder::new(&mut gif);
    let white = RgbImage::from_pixel(32, 24, Rgb([255; 3]));
    for frame in [quarters(), white] {
        encoder.encode_frame(image::Frame::new(DynamicImage::from(frame).into_rgba8())).unwrap();
    }
    drop(encoder);
    for bytes in [gif, fixture("animated.webp"), fixture("animated.png")] {
        assert_near(middles(&decoded(&bytes)), [RED, GREEN, BLUE, YELLOW]);
    }
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    // 65535 / 255 = 257 steps make one; 128 of them round down, 129 up.
    let values = [0u16, 128, 129, 257 * 100 - 128, 257 * 100 + 128, 257 * 100 + 129, 65535];
    let image = ImageBuffer::from_fn(7, 1, |x, _| Luma([values[x as usize]]));
    let grey: Vec<u8> = decoded(&encoded(image, ImageFormat::Png)).pixels().map(|p| p.0[0]).collect();
    assert_eq!(grey, [0, 0, 1, 100, 100, 101, 255]);
}

#[test]
fn grey_becomes_three_equal_channels() {
    let image = ImageBuffer::from_pixel(16, 16, Luma([77u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        assert_eq!(decoded(&encoded(image.clone(), format)).get_pixel(3, 3).0, [77; 3]);
    }
}

#[test]
fn transparent_parts_show_white() {
    let image = ImageBuffer::from_fn(3, 1, |x, _| Rgba([200u8, 100, 0, [0, 128, 255][x as usize]]));
    let image = decoded(&encoded(image, ImageFormat::Png));
    // 200 * 128/255 + 255 * 127/255 = 227.4; 100: 177.2; 0: 127
    assert_eq!(image.into_raw(), [255, 255, 255, 227, 177, 127, 200, 100, 0]);

    let grey = ImageBuffer::from_pixel(1, 1, LumaA([0u8, 51]));
    assert_eq!(decoded(&encoded(grey, ImageFormat::Png)).into_raw(), [204; 3]);
}

fn rotated_jpeg(orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    // TIFF header, one entry: tag 0x0112 (orientation), type 3 (u16), one value.
    let mut exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&quarters()).unwrap();
    bytes
}

#[test]
fn each_exif_orientation_is_turned_upright() {
    for (orientation, expected) in [
        (1, [RED, GREEN, BLUE, YELLOW]),
        (2, [GREEN, RED, YELLOW, BLUE]), // mirrored
        (3, [YELLOW, BLUE, GREEN, RED]), // upside down
        (4, [BLUE, YELLOW, RED, GREEN]), // upside down, mirrored
        (5, [RED, BLUE, GREEN, YELLOW]), // transposed
        (6, [BLUE, RED, YELLOW, GREEN]), // to be turned clockwise: what was at the left bottom comes to the left top
        (7, [YELLOW, GREEN, BLUE, RED]), // transposed the other way
        (8, [GREEN, YELLOW, RED, BLUE]), // to be turned counterclockwise
        (0, [RED, GREEN, BLUE, YELLOW]), // no orientation at all
        (9, [RED, GREEN, BLUE, YELLOW]),
    ] {
        let image = decoded(&rotated_jpeg(orientation));
        let upright = if (5..=8).contains(&orientation) { (24, 32) } else { (32, 24) };
        assert_eq!(image.dimensions(), upright, "orientation {orientation}");
        assert_near(middles(&image), expected);
    }
}

/// An image of noise, whose data is long enough to be cut anywhere.
fn noise() -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(64, 64, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    })
}

#[test]
fn an_image_that_is_cut_off_is_an_error() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    for format in [Jpeg, Png, WebP, Gif, Bmp, Tiff] {
        let bytes = encoded(noise(), format);
        decoded(&bytes);
        for part in [1, 3, 5, 7, 8, 9] {
            let cut = &bytes[..bytes.len() * part / 10];
            assert!(decode(cut, &Limits::default()).is_err(), "{format:?}, {part} tenths");
        }
    }
    for name in ["progressive.jpg", "cmyk.jpg", "lossy.webp"] {
        let bytes = fixture(name);
        for length in 0..bytes.len() - 1 {
            assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{name}, {length} bytes");
        }
    }
}

#[test]
fn a_jpeg_without_its_end_says_so() {
    let bytes = encoded(quarters(), ImageFormat::Jpeg);
    let cut = error(&bytes[..bytes.len() - 2]);
    assert!(matches!(cut, DecodeError::CutOff { format: "JPEG" }), "{cut:?}");
    decoded(&[&bytes[..], b"appended by another program"].concat());
}

/// A PNG with a header of this size, and no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0D".to_vec();
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xAF\x06\x1E");
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[test]
fn a_header_that_claims_too_much_is_refused_at_once() {
    let png = png_header(30_000, 30_000);
    let start = Instant::now();
    let error = error(&png);
    // Clearing 2.7 GB takes longer by far.
    assert!(start.elapsed() < Duration::from_millis(100));
    assert_eq!(
        error.to_string(),
        "an image of 30000 x 30000 pixels is too large: at most 128000000 pixels are allowed"
    );
}

#[test]
fn headers_of_other_formats_that_claim_too_much_are_refused_too() {
    let mut jpeg = encoded(quarters(), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xEE); // height and width
    let mut gif = encoded(quarters(), ImageFormat::Gif);
    gif[6..10].fill(0xEE);
    let mut bmp = encoded(quarters(), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0xEE, 0xEE, 0, 0, 0xEE, 0xEE, 0, 0]);
    for bytes in [jpeg, gif, bmp] {
        let error = error(&bytes);
        assert!(
            matches!(error, DecodeError::TooManyPixels { width: 61_166, height: 61_166, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn the_limits_are_inclusive() {
    let png = encoded(RgbImage::new(10, 10), ImageFormat::Png);
    let bytes = png.len() as u64;
    let with = |max_bytes, max_pixels| decode(&png, &Limits { max_bytes, max_pixels });
    assert!(with(bytes, 100).is_ok());
    assert!(matches!(with(bytes - 1, 100), Err(DecodeError::TooManyBytes { limit }) if limit == bytes - 1));
    assert!(matches!(with(bytes, 99), Err(DecodeError::TooManyPixels { width: 10, height: 10, limit: 99 })));
}

#[test]
fn the_smallest_image_is_an_image_and_none_at_all_is_not() {
    let bytes = encoded(RgbImage::from_pixel(1, 1, Rgb(RED)), ImageFormat::Png);
    assert_eq!(decoded(&bytes).into_raw(), RED);
    assert!(decode(&png_header(0, 5), &Limits::default()).is_err());

    let mut gif = encoded(RgbImage::new(1, 1), ImageFormat::Gif);
    gif[6..10].fill(0); // the size of the screen
    assert!(matches!(error(&gif), DecodeError::NoPixels { width: 0, height: 0 }));
}

#[test]
fn hostile_bytes_are_errors_and_not_panics() {
    let mut images: Vec<_> =
        ["cmyk.jpg", "progressive.jpg", "lossy.webp", "palette.png", "animated.webp"].map(fixture).to_vec();
    images.extend(
        [ImageFormat::Tiff, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP]
            .map(|format| encoded(quarters(), format)),
    );
    images.push(rotated_jpeg(6));
    let limits = Limits { max_bytes: 1 << 20, max_pixels: 10_000 };
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for image in images {
        for _ in 0..200 {
            let mut bytes = image.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            let _ = decode(&bytes, &limits);
        }
    }
}

#[test]
fn a_photo_that_needs_a_feature_names_it() {
    for (name, format, feature, is_built) in [
        ("plain.heic", "HEIC", "heic", cfg!(feature = "heic")),
        ("plain.avif", "AVIF", "avif", cfg!(feature = "avif")),
    ] {
        let bytes = fixture(name);
        if is_built {
            decoded(&bytes);
        } else {
            assert_eq!(
                error(&bytes).to_string(),
                format!(
                    "{format} images are not read by this build\n\
                     hint: build with `--features {feature}`, or convert it to JPEG"
                )
            );
        }
    }
}

mod files {
    use super::*;

    fn reason(path: &Path, limits: &Limits) -> DecodeError {
        let error = read_image(path, limits).unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(error.to_string(), format!("cannot use the image `{}`", path.display()));
        error.reason
    }

    #[test]
    fn a_name_says_nothing_about_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.txt");
        fs::write(&path, encoded(quarters(), ImageFormat::Png)).unwrap();
        assert_eq!(read_image(&path, &Limits::default()).unwrap(), quarters());

        let path = folder.path().join("text.jpg");
        fs::write(&path, "no picture").unwrap();
        assert_eq!(reason(&path, &Limits::default()).to_string(), "not an image, but text");
    }

    #[test]
    fn what_is_missing_or_a_folder_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            reason(&folder.path().join("none.jpg"), &Limits::default()),
            DecodeError::Unreadable { source } if source.kind() == io::ErrorKind::NotFound
        ));
        assert_eq!(
            reason(folder.path(), &Limits::default()).to_string(),
            "expected a file, found a directory"
        );
    }

    #[test]
    fn a_file_above_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len(1 << 40).unwrap(); // takes no space on the disk
        assert!(matches!(
            reason(&path, &Limits::default()),
            DecodeError::TooManyBytes { limit: 268_435_456 }
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused_and_a_link_is_followed() {
        assert_eq!(
            reason(Path::new("/dev/zero"), &Limits::default()).to_string(),
            "expected a file, found a pipe or a device"
        );
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, encoded(quarters(), ImageFormat::Bmp)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_image(&link, &Limits::default()).unwrap(), quarters());
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_refused_without_waiting_for_its_other_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(matches!(reason(&path, &Limits::default()), DecodeError::NotAFile { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_may_not_be_read_says_so() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.png");
        fs::write(&path, encoded(quarters(), ImageFormat::Png)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        if File::open(&path).is_ok() {
            return; // the superuser may read everything
        }
        assert!(matches!(
            reason(&path, &Limits::default()),
            DecodeError::Unreadable { source } if source.kind() == io::ErrorKind::PermissionDenied
        ));
    }
}
