//! The codec AV1, decoded in Rust by `rav1d`, which is dav1d in that language.

use std::borrow::Cow;

use heic_rs::Error;
use heic_rs::hevc::{ChromaFormat, Frame};
use heic_rs::props::ItemProps;
use heic_rs::props::simple::Ispe;
use re_rav1d::dav1d::{self, BitsPerComponent, Decoder, PixelLayout, PlanarImageComponent, Settings};

use super::container::Codec;

/// AV1.
pub(super) struct Av1;

impl Codec for Av1 {
    fn pixels(&self, properties: &ItemProps<'_>) -> Result<u64, Error> {
        let Ispe { width, height } = properties.ispe.ok_or(Error::MissingBox("ispe"))?;
        Ok(u64::from(width) * u64::from(height))
    }

    fn decode(&self, properties: &ItemProps<'_>, data: Cow<'_, [u8]>) -> Result<Frame, Error> {
        let mut settings = Settings::new();
        // Tiles of a grid are decoded side by side already, and a picture is a single frame.
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        // What the container says holds for the data too. Of nought there would be no limit.
        let limit = u32::try_from(self.pixels(properties)?).unwrap_or(u32::MAX);
        settings.set_frame_size_limit(limit.max(1));

        let mut decoder = Decoder::with_settings(&settings).map_err(refused)?;
        match decoder.send_data(data.into_owned(), None, None, None) {
            // A second frame waits for the first to be fetched, and is not wanted.
            Ok(()) | Err(dav1d::Error::Again) => {}
            Err(error) => return Err(refused(error)),
        }
        frame(&decoder.get_picture().map_err(refused)?)
    }
}

fn frame(picture: &dav1d::Picture) -> Result<Frame, Error> {
    let (width, height) = (picture.width(), picture.height());
    let Some(BitsPerComponent(bits)) = picture.bits_per_component() else {
        return Err(Error::Unsupported("an unknown number of bits"));
    };
    let chroma = match picture.pixel_layout() {
        PixelLayout::I400 => ChromaFormat::Monochrome,
        PixelLayout::I420 => ChromaFormat::Yuv420,
        PixelLayout::I422 => ChromaFormat::Yuv422,
        PixelLayout::I444 => ChromaFormat::Yuv444,
    };
    let (chroma_width, chroma_height) = chroma.chroma_size(width, height);
    let plane = |component, (width, height): (u32, u32)| match width {
        0 => Vec::new(),
        _ => samples(picture, component, bits > 8, width as usize, height as usize),
    };
    Ok(Frame {
        width,
        height,
        bit_depth: bits as u8,
        chroma,
        y: plane(PlanarImageComponent::Y, (width, height)),
        cb: plane(PlanarImageComponent::U, (chroma_width, chroma_height)),
        cr: plane(PlanarImageComponent::V, (chroma_width, chroma_height)),
        y_stride: width,
        c_stride: chroma_width,
    })
}

/// A plane without what fills its rows up.
fn samples(
    picture: &dav1d::Picture,
    component: PlanarImageComponent,
    is_wide: bool,
    width: usize,
    height: usize,
) -> Vec<u16> {
    let stride = picture.stride(component) as usize;
    let plane = picture.plane(component);
    let rows = plane.chunks(stride).take(height);
    if is_wide {
        let wide = |two: &[u8]| u16::from_ne_bytes([two[0], two[1]]);
        rows.flat_map(|row| row[..2 * width].chunks_exact(2).map(wide)).collect()
    } else {
        rows.flat_map(|row| row[..width].iter().map(|&sample| u16::from(sample))).collect()
    }
}

fn refused(error: dav1d::Error) -> Error {
    match error {
        dav1d::Error::UnsupportedBitstream => Error::Unsupported("a rare part of AV1"),
        dav1d::Error::Again => Error::Malformed("the data holds no whole picture"),
        dav1d::Error::NotEnoughMemory => Error::Malformed("the data asks for too much memory"),
        _ => Error::Malformed("the data of AV1 is damaged"),
    }
}
