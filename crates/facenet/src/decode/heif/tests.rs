use super::super::tests::{BLUE, GREEN, RED, YELLOW, assert_near, decoded, fixture, middles};
use super::*;
use crate::decode::decode;

/// Those that this build reads.
fn endings() -> &'static [&'static str] {
    if cfg!(feature = "avif") { &["heic", "avif"] } else { &["heic"] }
}

/// The fixtures of this name, in each format that this build reads.
fn fixtures(name: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    endings().iter().map(move |ending| format!("{name}.{ending}")).map(|name| (name.clone(), fixture(&name)))
}

#[test]
fn a_photo_has_its_colours_and_its_size() {
    for (name, bytes) in fixtures("plain") {
        let image = decoded(&bytes);
        assert_eq!(image.dimensions(), (96, 64), "{name}");
        assert_near(middles(&image), [RED, GREEN, BLUE, YELLOW]);
    }
}

#[test]
fn ten_bits_and_a_limited_range_give_the_same_colours() {
    for (_, bytes) in fixtures("deep") {
        assert_near(middles(&decoded(&bytes)), [RED, GREEN, BLUE, YELLOW]);
    }
}

#[test]
fn tiles_are_joined_and_what_juts_out_is_cut_off() {
    for (name, bytes) in fixtures("grid") {
        let image = decoded(&bytes);
        assert_eq!(image.dimensions(), (96, 96), "{name}");
        assert_near(middles(&image), [RED, GREEN, BLUE, YELLOW]);
        // The seams are 64 pixels from the left and the top; colours are spread over two pixels.
        assert_near(
            [(60, 60), (67, 60), (60, 67), (67, 67)].map(|(x, y)| image.get_pixel(x, y).0),
            [RED, GREEN, BLUE, YELLOW],
        );
    }
}

#[test]
fn a_transparent_part_shows_white() {
    for (_, bytes) in fixtures("clear") {
        assert_near(middles(&decoded(&bytes)), [[255; 3], GREEN, BLUE, YELLOW]);
    }
}

/// The fixture is to be turned by 90 degrees counterclockwise, then top and bottom are exchanged; and its EXIF says the same.
#[test]
fn the_container_turns_a_photo_once_although_exif_says_it_too() {
    for (name, bytes) in fixtures("turned") {
        let image = decoded(&bytes);
        assert_eq!(image.dimensions(), (64, 96), "{name}");
        assert_near(middles(&image), [RED, BLUE, GREEN, YELLOW]);
    }
}

#[test]
fn each_turn_and_mirror_of_the_container_is_obeyed() {
    // After quarters of a turn counterclockwise, and an exchange of top and bottom.
    const EXCHANGED: [[[u8; 3]; 4]; 4] = [
        [BLUE, YELLOW, RED, GREEN],
        [RED, BLUE, GREEN, YELLOW],
        [GREEN, RED, YELLOW, BLUE],
        [YELLOW, GREEN, BLUE, RED],
    ];
    for (name, bytes) in fixtures("turned") {
        for (quarters, top_for_bottom) in EXCHANGED.into_iter().enumerate() {
            let [a, b, c, d] = top_for_bottom;
            for (axis, expected) in [(0, top_for_bottom), (1, [d, c, b, a])] {
                let mut bytes = bytes.clone();
                set_after(&mut bytes, b"irot", quarters as u8);
                set_after(&mut bytes, b"imir", axis);
                let image = decoded(&bytes);
                assert_eq!(image.width() > image.height(), quarters % 2 == 0, "{name}, {quarters}");
                assert_near(middles(&image), expected);
            }
        }
    }
}

fn set_after(bytes: &mut [u8], name: &[u8], value: u8) {
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at + name.len()] = value;
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    for name in ["plain", "deep", "clear", "grid"] {
        for (name, bytes) in fixtures(name) {
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{name}, {length} bytes");
            }
            let error = decode(&bytes[..bytes.len() - 1], &Limits::default()).unwrap_err();
            assert!(matches!(error, DecodeError::CutOff { .. }), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_size_above_the_limit_is_refused_by_the_header_alone() {
    for (name, mut bytes) in fixtures("plain") {
        let limits = Limits { max_pixels: 96 * 64, ..Limits::default() };
        assert!(decode(&bytes, &limits).is_ok(), "{name}");
        let at = bytes.windows(4).position(|window| window == b"ispe").unwrap() + 8;
        bytes[at..at + 8].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        bytes.truncate(bytes.len() - 40); // the picture itself: it is not looked at
        let error = decode(&bytes, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, DecodeError::TooManyPixels { width: 30_000, height: 30_000, .. }),
            "{name}: {error:?}"
        );
    }
}

/// The tiles of the grid are 64 x 64 pixels each, and 96 x 96 of them are shown.
#[test]
fn pictures_that_decode_to_more_than_is_shown_are_refused_too() {
    for (name, bytes) in fixtures("grid") {
        let with = |max_pixels| decode(&bytes, &Limits { max_pixels, ..Limits::default() });
        assert!(matches!(with(96 * 96 - 1), Err(DecodeError::TooManyPixels { .. })), "{name}");
        assert!(matches!(with(96 * 96), Err(DecodeError::TooMuchMemory { .. })), "{name}");
        assert!(with(4 * 64 * 64).is_ok(), "{name}");
    }
}

#[test]
fn a_catalogue_that_would_take_long_to_read_is_refused() {
    let mut bytes = fixture("plain.heic");
    let at = bytes.windows(4).position(|window| window == b"meta").unwrap() - 4;
    bytes.truncate(at);
    bytes.extend((300_u32 << 10).to_be_bytes());
    bytes.extend(b"meta");
    bytes.resize(at + (300 << 10), 0);
    let error = decode(&bytes, &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::UnsupportedFeature { format: "HEIC", .. }), "{error:?}");
}

#[test]
fn hostile_bytes_are_errors_and_not_panics() {
    let limits = Limits { max_bytes: 1 << 20, max_pixels: 20_000 };
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for name in ["plain", "deep", "clear", "turned", "grid"] {
        for (_, image) in fixtures(name) {
            for _ in 0..60 {
                let mut bytes = image.clone();
                for _ in 0..=random(4) {
                    let at = random(bytes.len());
                    bytes[at] = if random(2) == 0 { bytes[at] ^ 1 << random(8) } else { random(256) as u8 };
                }
                let _ = decode(&bytes, &limits);
            }
        }
    }
}
