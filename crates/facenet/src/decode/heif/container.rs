//! The container: which pictures are shown, how large they are, how they lie; the codecs do the rest.

use std::borrow::Cow;

use heic_rs::boxes::BoxIter;
use heic_rs::context::Context;
use heic_rs::ftyp::FileType;
use heic_rs::grid::{self, Grid};
use heic_rs::hevc::Frame;
use heic_rs::props::ItemProps;
use heic_rs::{
    Brand, Error, MatrixCoefficients, Mirror, Nclx, PixelLayout, Range, Transform, color, meta, transform,
};
use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{DynamicImage, ImageError, RgbImage, RgbaImage};
use rayon::prelude::*;

use super::Coding;
use crate::decode::{DecodeError, Limits};

/// The most bytes of the catalogue of pictures. It is a few KiB with hundreds of tiles, and some more with a colour
/// profile; but its entries are looked up one by one, so that minutes of work fit into 4 MiB.
const MAX_CATALOGUE_BYTES: usize = 256 << 10;

/// The most tiles of a picture: 48 are those of a photo of 12 megapixels, 1,692 those of the largest in tiles of 256
/// pixels.
const MAX_TILES: usize = 4_096;

/// What a decoded pixel takes at most before it becomes a colour, in bytes: three samples of 16 bits.
const PIXEL_BYTES: u64 = 6;

/// A codec of pictures.
pub(super) trait Codec: Sync {
    /// How many pixels the decoder takes memory for, as the picture's header says.
    fn pixels(&self, properties: &ItemProps<'_>) -> Result<u64, Error>;

    /// Decodes a picture.
    fn decode(&self, properties: &ItemProps<'_>, data: Cow<'_, [u8]>) -> Result<Frame, Error>;
}

/// Decodes the main picture of a file.
pub(super) fn decode(
    bytes: &[u8],
    coding: Coding,
    codec: &impl Codec,
    limits: &Limits,
) -> Result<DynamicImage, DecodeError> {
    let refused = |error| refused(error, coding, limits);
    let file = open(bytes).map_err(refused)?;
    let main = file.meta.primary;
    let properties = file.props(main).map_err(refused)?;
    limits.check_pixels(file.coded_size(main, &properties).map_err(refused)?)?;

    let picture = Picture::of(&file, main).map_err(refused)?;
    let alpha = file.alpha_item(main).and_then(|item| item.map(|item| Picture::of(&file, item)).transpose());
    let alpha = alpha.map_err(refused)?;
    let pixels = |picture: &Picture<'_>| picture.pixels(codec).map_err(refused);
    let pixels = pixels(&picture)?.saturating_add(alpha.as_ref().map_or(Ok(0), pixels)?);
    limits.check_memory(pixels.saturating_mul(PIXEL_BYTES))?;

    let colours = picture.colours(&properties);
    let frame = picture.decode(codec, limits).map_err(refused)?;
    let alpha = alpha.map(|alpha| alpha.decode(codec, limits)).transpose().map_err(refused)?;
    let image = shown(&frame, alpha.as_ref(), colours, limits).map_err(refused)?;
    let image = transform::apply_all(image, &turns(&properties.transforms)).map_err(refused)?;
    Ok(plain(image))
}

fn plain(image: heic_rs::Image) -> DynamicImage {
    let (width, height) = (image.width, image.height);
    let image = match image.layout {
        PixelLayout::Rgba8 => RgbaImage::from_raw(width, height, image.data).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, image.data).map(DynamicImage::from),
    };
    image.expect("as many bytes as the size asks for")
}

/// Reads the catalogue of pictures.
fn open(bytes: &[u8]) -> Result<Context<'_>, Error> {
    if BoxIter::new(bytes).require(b"meta", "meta")?.payload.len() > MAX_CATALOGUE_BYTES {
        return Err(Error::Unsupported("the catalogue of pictures is larger than 256 KiB"));
    }
    // The brands were looked at before; the library would refuse those of AVIF.
    let ftyp = FileType { major: Brand::Mif1, effective: Brand::Mif1, minor_version: 0, compatible_count: 0 };
    Ok(Context { file: bytes, ftyp, meta: meta::parse(bytes)? })
}

/// A picture that is not decoded yet, whole or in tiles.
struct Picture<'f> {
    file: &'f Context<'f>,
    grid: Option<Grid>,
    tiles: Vec<(u32, ItemProps<'f>)>,
}

impl<'f> Picture<'f> {
    fn of(file: &'f Context<'f>, item: u32) -> Result<Self, Error> {
        let (grid, items) = file.grid(item)?.map_or((None, vec![item]), |(grid, tiles)| (Some(grid), tiles));
        if items.len() > MAX_TILES {
            return Err(Error::Unsupported("the picture has more than 4,096 tiles"));
        }
        let tiles =
            items.into_iter().map(|tile| Ok((tile, file.props(tile)?))).collect::<Result<_, Error>>()?;
        Ok(Self { file, grid, tiles })
    }

    fn pixels(&self, codec: &impl Codec) -> Result<u64, Error> {
        self.tiles.iter().try_fold(0, |sum: u64, (_, tile)| Ok(sum.saturating_add(codec.pixels(tile)?)))
    }

    /// How its samples become colours. Files that do not say it hold sRGB in the coefficients of BT.601 and the full
    /// range (ISO/IEC 23000-22, 7.3.6.4), and so do the photos of telephones.
    fn colours(&self, properties: &ItemProps<'_>) -> Nclx {
        let told = properties.nclx.or(self.tiles.first().and_then(|(_, tile)| tile.nclx));
        told.unwrap_or(Nclx {
            primaries: 1,
            transfer: 13,
            matrix: MatrixCoefficients::Bt601,
            matrix_code: 6,
            range: Range::Full,
        })
    }

    fn decode(&self, codec: &impl Codec, limits: &Limits) -> Result<Frame, Error> {
        let decoded = |(item, properties): &(u32, _)| codec.decode(properties, self.file.item_data(*item)?);
        let mut frames: Vec<Frame> = self.tiles.par_iter().map(decoded).collect::<Result<_, Error>>()?;
        match &self.grid {
            Some(grid) => grid::compose(grid, &frames, limits.max_pixels),
            None => Ok(frames.swap_remove(0)),
        }
    }
}

/// How the picture is to be cropped, turned and mirrored.
///
/// The library has the first edition's reading of a mirror's axis. Since the second, and with libheif and libavif, 0
/// exchanges top and bottom, 1 left and right (ISO/IEC 23008-12:2022, 6.5.12).
fn turns(read: &[Transform]) -> Vec<Transform> {
    let turn = |read: &Transform| match read {
        Transform::Mirror(Mirror::LeftRight) => Transform::Mirror(Mirror::TopBottom),
        Transform::Mirror(Mirror::TopBottom) => Transform::Mirror(Mirror::LeftRight),
        other => *other,
    };
    read.iter().map(turn).collect()
}

/// The frame in colours, with its transparency if it has any.
fn shown(
    frame: &Frame,
    alpha: Option<&Frame>,
    colours: Nclx,
    limits: &Limits,
) -> Result<heic_rs::Image, Error> {
    if alpha.is_some_and(|alpha| (alpha.width, alpha.height) != (frame.width, frame.height)) {
        return Err(Error::Malformed("the transparency has another size than the picture"));
    }
    let layout = if alpha.is_some() { PixelLayout::Rgba8 } else { PixelLayout::Rgb8 };
    color::convert(frame, alpha, colours, layout, limits.max_pixels, None)
}

fn refused(error: Error, coding: Coding, limits: &Limits) -> DecodeError {
    let format = coding.format();
    let hint = || ImageFormatHint::Name(format.to_owned());
    match error {
        Error::Truncated(_) => DecodeError::CutOff { format },
        Error::PixelLimit { .. } => DecodeError::TooMuchMemory { limit: limits.memory() },
        Error::Unsupported(what) => {
            let kind = UnsupportedErrorKind::GenericFeature(what.to_owned());
            let source = ImageError::Unsupported(UnsupportedError::from_format_and_kind(hint(), kind));
            DecodeError::UnsupportedFeature { format, source }
        }
        error => {
            DecodeError::Damaged { format, source: ImageError::Decoding(DecodingError::new(hint(), error)) }
        }
    }
}
