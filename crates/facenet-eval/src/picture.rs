//! How a picture looks: size, colours and letters.

use plotters::prelude::*;

/// Width and height, in pixels: a README shows it at half, so that lines stay smooth.
pub(crate) const SIZE_PX: (u32, u32) = (1440, 960);

/// Letters, which every viewer has.
pub(crate) const FONT: &str = "sans-serif";

/// Text and axes: nearly black.
pub(crate) const INK: RGBColor = RGBColor(31, 41, 55);

/// The grid.
pub(crate) const GRID: RGBColor = RGBColor(223, 227, 232);

/// Curves, told apart also with the usual colour blindnesses (Okabe and Ito).
pub(crate) const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Nothing was given to draw.
    #[error("found no curve to draw, expected at least one")]
    NoCurve,
    /// The drawing itself failed.
    #[error("cannot draw the picture")]
    Draw(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl<E: std::error::Error + Send + Sync + 'static> From<DrawingAreaErrorKind<E>> for PictureError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Draw(Box::new(error))
    }
}

/// Text of this height in the colour of ink.
pub(crate) fn text(height_px: u32) -> TextStyle<'static> {
    (FONT, height_px).into_font().color(&INK)
}
