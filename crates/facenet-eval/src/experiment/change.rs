//! What is done to an image before the model sees it.

use facenet_core::{BoundingBox, RgbImage};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageError};

use super::Group;
use super::warp::Warp;

/// The farthest that a face is shifted, in edges of the face: beyond it, nothing of it is left in its box.
const FARTHEST: f64 = 1.0;
/// The largest scale, and the inverse of the least.
const LARGEST_SCALE: f64 = 4.0;
/// The fewest and the most pixels of a face: 8 × 8, and 1,024 × 1,024.
const PIXELS: (f64, f64) = (64.0, 1_048_576.0);

/// What is done to an image before the model sees it: something of a [`Group`], by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ImageChange {
    /// Written as a JPEG of this quality, 1 to 100, and read again. Colours keep their resolution (4:4:4); the quality
    /// scales the standard's tables as the usual programs do.
    Jpeg(u8),
    /// Resized, so that the face has this many pixels (width times height). Where that is more than there were, nothing
    /// new is seen.
    Pixels(u32),
    /// The face is moved within the image, turned and resized about its centre. Where the image ends, its border is
    /// repeated.
    Place {
        /// To the right, as a share of the face's edge.
        right: f32,
        /// Downwards, as a share of the face's edge.
        down: f32,
        /// Clockwise, in degrees.
        degrees: f32,
        /// How many times as large.
        scale: f32,
    },
}

/// A number that changes no image.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{found}` is no {}, expected {expected}", group.title())]
pub struct NotAChange {
    /// What was to be changed.
    pub group: Group,
    /// The number.
    pub found: f64,
    /// What it may be.
    pub expected: &'static str,
}

impl ImageChange {
    /// What `at` means on the axis of `group`.
    ///
    /// # Errors
    /// When it is out of range, or `group` is none of images.
    pub fn of(group: Group, at: f64) -> Result<Self, NotAChange> {
        let wrong = |expected| NotAChange { group, found: at, expected };
        let check = |is_right: bool, expected| if is_right { Ok(()) } else { Err(wrong(expected)) };
        let still = (0.0, 0.0, 0.0, 1.0);
        let place = |(right, down, degrees, scale)| Self::Place { right, down, degrees, scale };
        let shift = check(at.abs() <= FARTHEST, "a share of the face's edge from -1 to 1");
        match group {
            Group::JpegQuality => {
                check(at.fract() == 0.0 && (1.0..=100.0).contains(&at), "a whole number from 1 to 100")?;
                Ok(Self::Jpeg(at as u8))
            }
            Group::Pixels => {
                check(at.fract() == 0.0 && (PIXELS.0..=PIXELS.1).contains(&at), "64 to 1048576 pixels")?;
                Ok(Self::Pixels(at as u32))
            }
            Group::ShiftRight => shift.map(|()| place((at as f32, still.1, still.2, still.3))),
            Group::ShiftDown => shift.map(|()| place((still.0, at as f32, still.2, still.3))),
            Group::Rotation => {
                check((-180.0..=180.0).contains(&at), "degrees from -180 to 180")?;
                Ok(place((still.0, still.1, at as f32, still.3)))
            }
            Group::Scale => {
                check((1.0 / LARGEST_SCALE..=LARGEST_SCALE).contains(&at), "a number from 0.25 to 4")?;
                Ok(place((still.0, still.1, still.2, at as f32)))
            }
            Group::MultiplyAdds | Group::Dimensions | Group::TrainingImages => {
                Err(wrong("a change of images"))
            }
        }
    }

    /// `image` changed, whose face lies in `face`.
    ///
    /// # Errors
    /// When it cannot be written as JPEG: no pixels, or an edge above 65,535.
    pub fn apply(self, image: &RgbImage, face: &BoundingBox) -> Result<RgbImage, ImageError> {
        match self {
            Self::Jpeg(quality) => {
                let mut bytes = Vec::new();
                JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image)?;
                Ok(DynamicImage::from_decoder(JpegDecoder::new(std::io::Cursor::new(bytes))?)?.to_rgb8())
            }
            Self::Pixels(pixels) => {
                let share = (f64::from(pixels) / (f64::from(face.width) * f64::from(face.height))).sqrt();
                let edge = |edge: u32| (f64::from(edge) * share).round().max(1.0) as u32;
                let (width, height) = (edge(image.width()), edge(image.height()));
                // Bilinear, over as many pixels as one of the result covers.
                Ok(resize(image, width, height, FilterType::Triangle))
            }
            Self::Place { right, down, degrees, scale } => {
                let centre = (face.x + face.width / 2.0, face.y + face.height / 2.0);
                let shift = (right * face.width, down * face.height);
                Ok(Warp { centre, shift, degrees, scale }.apply(image))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    const FACE: BoundingBox = BoundingBox { x: 8.0, y: 8.0, width: 112.0, height: 112.0 };

    /// Stripes two pixels wide, the finest thing that a resize can lose.
    fn stripes() -> RgbImage {
        RgbImage::from_fn(128, 128, |x, _| if x / 2 % 2 == 0 { Rgb([255; 3]) } else { Rgb([0; 3]) })
    }

    fn changed(group: Group, at: f64, image: &RgbImage) -> RgbImage {
        ImageChange::of(group, at).unwrap().apply(image, &FACE).unwrap()
    }

    /// Mean absolute difference of the bytes.
    fn difference(left: &RgbImage, right: &RgbImage) -> f64 {
        let sum: u64 = left.iter().zip(right.iter()).map(|(&l, &r)| u64::from(l.abs_diff(r))).sum();
        sum as f64 / left.len() as f64
    }

    #[test]
    fn a_lower_quality_takes_more_away_and_keeps_the_size() {
        let image = RgbImage::from_fn(128, 128, |x, y| {
            Rgb([(x * 7 % 251) as u8, (y * 5 % 241) as u8, (x * y % 239) as u8])
        });
        let lost = [90.0, 50.0, 10.0].map(|quality| {
            let changed = changed(Group::JpegQuality, quality, &image);
            assert_eq!(changed.dimensions(), (128, 128));
            difference(&image, &changed)
        });
        assert!(0.0 < lost[0] && lost[0] < lost[1] && lost[1] < lost[2], "{lost:?}");
    }

    #[test]
    fn one_colour_is_rounded_to_the_steps_of_the_quality() {
        // Quality 10 scales the standard's tables five times: the mean of a block (DC, step 16) goes in steps of 80, and
        // DC is eight times the mean. A grey 100 is -28 from the middle: -224 is -2.8 steps, so -3: -240, a mean of -30.
        let grey = RgbImage::from_pixel(16, 16, Rgb([100; 3]));
        assert_eq!(changed(Group::JpegQuality, 10.0, &grey), RgbImage::from_pixel(16, 16, Rgb([98; 3])));
        // At quality 100 every step is 1, and the grey comes through.
        assert_eq!(changed(Group::JpegQuality, 100.0, &grey), grey);
    }

    #[test]
    fn the_face_gets_the_pixels_and_the_image_its_share_more() {
        // The face is 112 of 128 pixels: 40 of it are 40 · 128 / 112 = 45.7 of the image.
        assert_eq!(changed(Group::Pixels, 1600.0, &stripes()).dimensions(), (46, 46));
        assert_eq!(changed(Group::Pixels, 12_544.0, &stripes()), stripes(), "as many pixels as there were");
        assert_eq!(changed(Group::Pixels, 65_536.0, &stripes()).dimensions(), (293, 293));
    }

    #[test]
    fn fine_stripes_become_grey_at_a_quarter_of_the_edge() {
        let small = changed(Group::Pixels, 28.0 * 28.0, &stripes());
        assert_eq!(small.dimensions(), (32, 32));
        let inner: Vec<u8> =
            small.enumerate_pixels().filter(|(x, ..)| (1..31).contains(x)).map(|(.., p)| p.0[0]).collect();
        assert!(inner.iter().all(|&grey| grey.abs_diff(127) <= 2), "{inner:?}");
    }

    #[test]
    fn a_face_that_stays_where_it_is_stays_as_it_is() {
        for group in [Group::ShiftRight, Group::ShiftDown, Group::Rotation] {
            assert_eq!(changed(group, 0.0, &stripes()), stripes(), "{group:?}");
        }
        assert_eq!(changed(Group::Scale, 1.0, &stripes()), stripes());
    }

    #[test]
    fn a_shift_is_a_share_of_the_face() {
        // An eighth of 112 pixels is 14.
        let right = changed(Group::ShiftRight, 0.125, &stripes());
        assert!(
            right
                .enumerate_pixels()
                .filter(|(x, ..)| *x >= 14)
                .all(|(x, y, p)| p == stripes().get_pixel(x - 14, y))
        );
        assert!(
            right.enumerate_pixels().filter(|(x, ..)| *x < 14).all(|(.., p)| p.0 == [255; 3]),
            "the border repeats"
        );
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        for (group, at) in [
            (Group::JpegQuality, 0.0),
            (Group::JpegQuality, 101.0),
            (Group::JpegQuality, 10.5),
            (Group::Pixels, 63.0),
            (Group::ShiftRight, 1.01),
            (Group::Rotation, f64::NAN),
            (Group::Scale, 0.0),
            (Group::Dimensions, 64.0),
        ] {
            assert!(ImageChange::of(group, at).is_err(), "{group:?} {at}");
        }
        let error = ImageChange::of(Group::JpegQuality, 101.0).unwrap_err();
        assert_eq!(error.to_string(), "`101` is no JPEG quality, expected a whole number from 1 to 100");
    }
}
