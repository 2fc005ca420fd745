//! Cutting a face out of an image, at the size that a network sees.

mod turned;

use facenet_core::{BoundingBox, Chip, RgbImage};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::align::TurnedSquare;

/// The largest edge of a chip, in pixels; networks see 64 to 299. It keeps a damaged contract from asking for all
/// memory.
pub const MAX_CHIP_EDGE_PX: u32 = 4096;

/// The least part of a box that must lie inside the image. It bounds the memory for repeated borders to four times
/// that of the image, and a face of which less is seen is not recognised anyway.
pub(crate) const LEAST_INSIDE: f64 = 0.25;

/// Cuts chips, and keeps its scratch memory from one to the next.
#[derive(Debug, Clone, Default)]
pub struct ChipCutter {
    resizer: Resizer,
    padded: Vec<u8>,
}

/// Why a box gives no chip.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ChipError {
    /// A number of the box is not finite, or the box is smaller than a pixel.
    #[error(
        "a box of {} x {} pixels at ({}, {}) cannot be cut out: expected finite numbers and at least one pixel",
        bounds.width, bounds.height, bounds.x, bounds.y
    )]
    NotABox {
        /// The box.
        bounds: BoundingBox,
    },
    /// Less than a quarter of the squared box lies inside the image.
    #[error(
        "a box of {} x {} pixels at ({}, {}) lies mostly outside the image of {width} x {height} pixels",
        bounds.width, bounds.height, bounds.x, bounds.y
    )]
    Outside {
        /// The box.
        bounds: BoundingBox,
        /// Width of the image, in pixels.
        width: u32,
        /// Height of the image, in pixels.
        height: u32,
    },
    /// A number of a turned square is not finite, or it is smaller than a pixel.
    #[error(
        "a square of {} pixels around ({}, {}) cannot be cut out: expected finite numbers and at least one pixel",
        square.edge, square.centre.x, square.centre.y
    )]
    NotASquare {
        /// The square.
        square: TurnedSquare,
    },
    /// Less than a quarter of a turned square lies inside the image.
    #[error(
        "a square of {} pixels around ({}, {}) lies mostly outside the image of {width} x {height} pixels",
        square.edge, square.centre.x, square.centre.y
    )]
    SquareOutside {
        /// The square.
        square: TurnedSquare,
        /// Width of the image, in pixels.
        width: u32,
        /// Height of the image, in pixels.
        height: u32,
    },
    /// The wanted edge is zero or above [`MAX_CHIP_EDGE_PX`].
    #[error("a chip with an edge of {edge_px} pixels was asked for, but it can have 1 to {MAX_CHIP_EDGE_PX}")]
    Edge {
        /// The edge that was asked for, in pixels.
        edge_px: u32,
    },
}

/// [`ChipCutter::cut`], for a single chip.
///
/// # Errors
/// As there.
///
/// # Examples
/// ```
/// use facenet::cut_chip;
/// use facenet_core::{BoundingBox, RgbImage};
///
/// let photo = RgbImage::from_pixel(250, 250, image::Rgb([200, 150, 120]));
/// let face = BoundingBox { x: 61.0, y: 61.0, width: 128.0, height: 128.0 };
/// assert_eq!(cut_chip(&photo, &face, 96)?.edge(), 96);
/// # Ok::<(), facenet::ChipError>(())
/// ```
pub fn cut_chip(image: &RgbImage, bounds: &BoundingBox, edge_px: u32) -> Result<Chip, ChipError> {
    ChipCutter::new().cut(image, bounds, edge_px)
}

impl ChipCutter {
    /// A cutter without scratch memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The square around `bounds`, resized to `edge_px` x `edge_px`.
    ///
    /// A box that is not square grows to one around its centre: the longer edge stays. Fractions of a pixel count.
    /// The filter is a triangle, as wide as the reduction, so that a reduction averages over all pixels of the box
    /// and fine patterns turn grey instead of into coarse ones; the chip's outermost pixels also see half a step of
    /// what lies around the box. Outside the image its border pixels repeat.
    ///
    /// The same arguments give the same chip, whatever was cut before.
    ///
    /// # Errors
    /// When the box is not finite or smaller than a pixel, lies mostly outside the image, or `edge_px` is zero or
    /// above [`MAX_CHIP_EDGE_PX`].
    pub fn cut(&mut self, image: &RgbImage, bounds: &BoundingBox, edge_px: u32) -> Result<Chip, ChipError> {
        let square = Square::around(bounds).ok_or(ChipError::NotABox { bounds: *bounds })?;
        if !(1..=MAX_CHIP_EDGE_PX).contains(&edge_px) {
            return Err(ChipError::Edge { edge_px });
        }
        let (width, height) = image.dimensions();
        if square.part_inside(width, height) < LEAST_INSIDE {
            return Err(ChipError::Outside { bounds: *bounds, width, height });
        }

        let window = Window::under(&square, edge_px);
        let chip = if window.is_inside(width, height) {
            self.resize(image.as_raw(), (width, height), &square, edge_px)
        } else {
            let mut padded = std::mem::take(&mut self.padded);
            window.copy_repeating_borders(image, &mut padded);
            let chip = self.resize(&padded, window.size(), &square.seen_from(&window), edge_px);
            self.padded = padded;
            chip
        };
        Ok(Chip::new(chip).expect("the edge is checked above"))
    }

    /// What lies in `square`, turned upright and resized to `edge_px` x `edge_px` in one step from the original pixels.
    ///
    /// The filter is that of [`cut`](Self::cut), along the axes of the square: where it is not turned, this is the chip
    /// of its box.
    ///
    /// # Errors
    /// When the square is not finite or smaller than a pixel, lies mostly outside the image, or `edge_px` is zero or
    /// above [`MAX_CHIP_EDGE_PX`].
    pub fn cut_turned(
        &mut self,
        image: &RgbImage,
        square: &TurnedSquare,
        edge_px: u32,
    ) -> Result<Chip, ChipError> {
        let &TurnedSquare { centre, edge, angle } = square;
        if angle == 0.0 {
            let (x, y) = (centre.x - edge / 2.0, centre.y - edge / 2.0);
            return self.cut(image, &BoundingBox { x, y, width: edge, height: edge }, edge_px);
        }
        if !(square.is_finite() && edge >= 1.0) {
            return Err(ChipError::NotASquare { square: *square });
        }
        if !(1..=MAX_CHIP_EDGE_PX).contains(&edge_px) {
            return Err(ChipError::Edge { edge_px });
        }
        let (width, height) = image.dimensions();
        if f64::from(square.part_inside(width, height)) < LEAST_INSIDE {
            return Err(ChipError::SquareOutside { square: *square, width, height });
        }
        let mut chip = RgbImage::new(edge_px, edge_px);
        turned::fill(&mut chip, image, square);
        Ok(Chip::new(chip).expect("the edge is checked above"))
    }

    /// Resizes `square`, which lies within `pixels` with all that its filter reaches.
    fn resize(&mut self, pixels: &[u8], size: (u32, u32), square: &Square, edge_px: u32) -> RgbImage {
        let mut chip = RgbImage::new(edge_px, edge_px);
        let source = ImageRef::new(size.0, size.1, pixels, PixelType::U8x3).expect("three bytes a pixel");
        let mut target =
            Image::from_slice_u8(edge_px, edge_px, &mut chip, PixelType::U8x3).expect("three bytes a pixel");
        let options = ResizeOptions::new()
            .crop(square.left, square.top, square.edge, square.edge)
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize(&source, &mut target, &options).expect("the square lies within the pixels");
        chip
    }
}

/// A square in an image, in pixels; it may leave the image.
struct Square {
    left: f64,
    top: f64,
    edge: f64,
}

impl Square {
    /// None when the box is not finite or smaller than a pixel.
    fn around(bounds: &BoundingBox) -> Option<Self> {
        let [x, y, width, height] = [bounds.x, bounds.y, bounds.width, bounds.height].map(f64::from);
        let edge = width.max(height);
        let valid = [x, y, width, height].iter().all(|v| v.is_finite()) && width.min(height) >= 1.0;
        valid.then(|| Self { left: x + (width - edge) / 2.0, top: y + (height - edge) / 2.0, edge })
    }

    fn part_inside(&self, width: u32, height: u32) -> f64 {
        let overlap =
            |start: f64, length: u32| ((start + self.edge).min(length.into()) - start.max(0.0)).max(0.0);
        overlap(self.left, width) * overlap(self.top, height) / (self.edge * self.edge)
    }

    fn seen_from(&self, window: &Window) -> Self {
        Self { left: self.left - window.left as f64, top: self.top - window.top as f64, edge: self.edge }
    }
}

/// The whole pixels that a chip depends on; end exclusive.
struct Window {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Window {
    fn under(square: &Square, edge_px: u32) -> Self {
        let scale = square.edge / f64::from(edge_px);
        // The triangle reaches `max(scale, 1)` to both sides of a sample, and the outermost samples lie half a
        // step inside the square.
        let reach = scale.max(1.0) - scale / 2.0;
        Self {
            left: (square.left - reach).floor() as i64,
            top: (square.top - reach).floor() as i64,
            right: (square.left + square.edge + reach).ceil() as i64,
            bottom: (square.top + square.edge + reach).ceil() as i64,
        }
    }

    fn is_inside(&self, width: u32, height: u32) -> bool {
        self.left >= 0 && self.top >= 0 && self.right <= width.into() && self.bottom <= height.into()
    }

    fn size(&self) -> (u32, u32) {
        ((self.right - self.left) as u32, (self.bottom - self.top) as u32)
    }

    /// Fills `padded` with the window's pixels, `[height, width, 3]`; at least one of them lies in the image.
    fn copy_repeating_borders(&self, image: &RgbImage, padded: &mut Vec<u8>) {
        let (width, height) = (i64::from(image.width()), i64::from(image.height()));
        let (from, to) = (self.left.max(0), self.right.min(width));
        padded.clear();
        for y in self.top..self.bottom {
            let start = y.clamp(0, height - 1) * width * 3;
            let row = &image.as_raw()[start as usize..(start + width * 3) as usize];
            let inside = &row[(from * 3) as usize..(to * 3) as usize];
            (self.left..from).for_each(|_| padded.extend_from_slice(&row[..3]));
            padded.extend_from_slice(inside);
            (to..self.right).for_each(|_| padded.extend_from_slice(&row[row.len() - 3..]));
        }
    }
}

#[cfg(test)]
mod tests;
