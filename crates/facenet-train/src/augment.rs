//! From an aligned crop to a chip, a little different each time it is seen.

pub(crate) mod pixels;

use facenet::{ChipCutter, ChipError};
use facenet_core::{BoundingBox, Chip, Preprocessing, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use pixels::{Colour, Patch};

/// How much chips differ from the middle of their crop. The paper names no augmentation; it had 100 million
/// faces and more, which are different enough by themselves.
///
/// Chances are in `[0, 1]`; each is drawn for itself, for each face each time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// The chance of a mirrored chip.
    pub flip: f64,
    /// How much larger or smaller than the field the part that is seen may be, as a share of it, in `[0,
    /// 0.5]`.
    pub scale: f32,
    /// How far it may lie off the middle to each side, as a share of the crop's edge, in `[0, 0.5]`. It
    /// always stays inside the crop.
    pub shift: f32,
    /// How much lighter or darker it may be, as a share of the full range, in `[0, 1]`.
    pub brightness: f32,
    /// How much its contrast may change, as a share, in `[0, 1]`.
    pub contrast: f32,
    /// How much its saturation may change, as a share, in `[0, 1]`.
    pub saturation: f32,
    /// The chance of a chip without colour.
    pub grey: f64,
    /// The chance of a chip of lower resolution, as of a face far away.
    pub low_resolution: f64,
    /// The lowest such resolution, as a share of the chip's edge, above 0 and up to 1.
    pub lowest_resolution: f32,
    /// The chance of a blurred chip, as out of focus.
    pub blur: f64,
    /// The chance of a chip with a rectangle of one colour over it, as of something before the face.
    pub erase: f64,
    /// The largest part of the chip that it may cover, in `[0, 1]`.
    pub erase_area: f32,
}

impl Default for AugmentConfig {
    /// For crops of 128 pixels of which the middle 112 are the field.
    ///
    /// - Scale and shift: what a detector's boxes vary by; the crop has room for 14 % more and 6 % to each
    ///   side.
    /// - Colour: wide enough for indoor light and old cameras; photos of one album do not give the person
    ///   away.
    /// - Low resolution: common where photos hold many faces, and it costs most accuracy there (in the
    ///   paper's table 4, 40 x 40 pixels instead of 256 x 256 halve the validation rate). A quarter of 64
    ///   pixels, 16, is about where people give up too.
    /// - Grey, blur and erasing are rarer in photos, and so rarer here.
    fn default() -> Self {
        Self {
            flip: 0.5,
            scale: 0.08,
            shift: 0.04,
            brightness: 0.15,
            contrast: 0.25,
            saturation: 0.3,
            grey: 0.05,
            low_resolution: 0.2,
            lowest_resolution: 0.25,
            blur: 0.05,
            erase: 0.1,
            erase_area: 0.15,
        }
    }
}

impl AugmentConfig {
    /// No difference at all: the chip that the network will see in use.
    pub const NONE: Self = Self {
        flip: 0.0,
        scale: 0.0,
        shift: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        saturation: 0.0,
        grey: 0.0,
        low_resolution: 0.0,
        lowest_resolution: 1.0,
        blur: 0.0,
        erase: 0.0,
        erase_area: 0.0,
    };
}

/// A value of the augmentation or of the field that is out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{name}` is {found}, but expected a number {expected}")]
pub struct AugmentError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub found: f64,
    /// Its range, in words.
    pub expected: &'static str,
}

/// Cuts augmented chips for one preprocessing.
#[derive(Debug, Clone)]
pub struct Augment {
    config: AugmentConfig,
    field: f32,
    edge_px: u32,
}

impl Augment {
    /// Chips for networks with the input that `preprocessing` describes.
    ///
    /// # Errors
    /// When a setting is out of range, the field is below 0.25 or above 1, or the edge is 0 or above
    /// [`facenet::MAX_CHIP_EDGE_PX`].
    pub fn new(config: AugmentConfig, preprocessing: Preprocessing) -> Result<Self, AugmentError> {
        let chance = |name, value| check(name, value, (0.0..=1.0).contains(&value), "from 0 to 1");
        let up_to_half = |name, value: f32| check(name, value, (0.0..=0.5).contains(&value), "from 0 to 0.5");
        chance("flip", config.flip)?;
        up_to_half("scale", config.scale)?;
        up_to_half("shift", config.shift)?;
        chance("brightness", config.brightness.into())?;
        chance("contrast", config.contrast.into())?;
        chance("saturation", config.saturation.into())?;
        chance("grey", config.grey)?;
        chance("low_resolution", config.low_resolution)?;
        let lowest = config.lowest_resolution;
        check("lowest_resolution", lowest, lowest > 0.0 && lowest <= 1.0, "above 0 and up to 1")?;
        chance("blur", config.blur)?;
        chance("erase", config.erase)?;
        chance("erase_area", config.erase_area.into())?;
        let Preprocessing { field, edge_px, .. } = preprocessing;
        check("field", field, (0.25..=1.0).contains(&field), "from 0.25 to 1")?;
        check("edge_px", edge_px, (1..=facenet::MAX_CHIP_EDGE_PX).contains(&edge_px), "from 1 to 4096")?;
        Ok(Self { config, field, edge_px })
    }

    /// The chips that the network will see in use: [`AugmentConfig::NONE`].
    ///
    /// # Errors
    /// When the field or the edge is out of range, as in [`new`](Self::new).
    pub fn none(preprocessing: Preprocessing) -> Result<Self, AugmentError> {
        Self::new(AugmentConfig::NONE, preprocessing)
    }

    /// The edge of the chips, in pixels.
    pub fn edge_px(&self) -> u32 {
        self.edge_px
    }

    /// Cuts a chip of `image`, the aligned crop of a face; of one that is not square, its middle square
    /// counts. The same seed gives the same chip.
    ///
    /// # Errors
    /// When the part to be seen is smaller than a pixel; never with images of
    /// [`MIN_EDGE_PX`](crate::MIN_EDGE_PX).
    pub fn chip(&self, cutter: &mut ChipCutter, image: &RgbImage, seed: u64) -> Result<Chip, ChipError> {
        let recipe = Recipe::draw(&self.config, self.edge_px, &mut ChaCha8Rng::seed_from_u64(seed));
        let chip = self.cut(cutter, image, &recipe)?;
        if recipe.changes_no_pixel() {
            return Ok(chip);
        }

        let mut pixels = chip.image().clone();
        if recipe.flip {
            pixels::flip(&mut pixels);
        }
        if recipe.blur {
            pixels::blur(&mut pixels);
        }
        if recipe.colour != Colour::UNCHANGED {
            pixels::recolour(&mut pixels, recipe.colour);
        }
        if let Some(patch) = recipe.patch {
            pixels::cover(&mut pixels, patch);
        }
        Ok(Chip::new(pixels).expect("the pixels of a chip"))
    }

    fn cut(&self, cutter: &mut ChipCutter, image: &RgbImage, recipe: &Recipe) -> Result<Chip, ChipError> {
        let bounds = self.bounds(image.dimensions(), recipe);
        let Some(small_px) = recipe.small_px else {
            return cutter.cut(image, &bounds, self.edge_px);
        };
        let small = cutter.cut(image, &bounds, small_px)?;
        let edge = small_px as f32;
        let whole = BoundingBox { x: 0.0, y: 0.0, width: edge, height: edge };
        cutter.cut(small.image(), &whole, self.edge_px)
    }

    /// The part of the crop that is seen: the field, scaled and shifted as far as the crop has room.
    fn bounds(&self, (width, height): (u32, u32), recipe: &Recipe) -> BoundingBox {
        let crop = width.min(height) as f32;
        let edge = (crop * self.field * recipe.scale).min(crop);
        let room = (crop - edge) / 2.0;
        let start =
            |length: u32, shift: f32| (length as f32 - edge) / 2.0 + (crop * shift).clamp(-room, room);
        BoundingBox {
            x: start(width, recipe.shift.0),
            y: start(height, recipe.shift.1),
            width: edge,
            height: edge,
        }
    }
}

fn check(
    name: &'static str,
    found: impl Into<f64>,
    valid: bool,
    expected: &'static str,
) -> Result<(), AugmentError> {
    if valid { Ok(()) } else { Err(AugmentError { name, found: found.into(), expected }) }
}

/// What was drawn for one chip.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Recipe {
    flip: bool,
    scale: f32,
    shift: (f32, f32),
    colour: Colour,
    /// The edge that the chip passes through on its way, in pixels.
    small_px: Option<u32>,
    blur: bool,
    patch: Option<Patch>,
}

impl Recipe {
    fn draw(config: &AugmentConfig, edge_px: u32, rng: &mut ChaCha8Rng) -> Self {
        let around = |middle: f32, by: f32, rng: &mut ChaCha8Rng| middle + by * rng.random_range(-1.0..=1.0);
        Self {
            flip: rng.random_bool(config.flip),
            scale: around(1.0, config.scale, rng),
            shift: (around(0.0, config.shift, rng), around(0.0, config.shift, rng)),
            colour: Colour {
                brightness: around(0.0, config.brightness, rng),
                contrast: around(1.0, config.contrast, rng),
                saturation: around(1.0, config.saturation, rng) * f32::from(!rng.random_bool(config.grey)),
            },
            small_px: rng.random_bool(config.low_resolution).then(|| {
                let share = rng.random_range(config.lowest_resolution..=1.0);
                ((edge_px as f32 * share).round() as u32).max(1)
            }),
            blur: rng.random_bool(config.blur),
            patch: rng.random_bool(config.erase).then(|| Patch::draw(config.erase_area, edge_px, rng)),
        }
    }

    fn changes_no_pixel(&self) -> bool {
        !self.flip && !self.blur && self.colour == Colour::UNCHANGED && self.patch.is_none()
    }
}

#[cfg(test)]
mod tests;
