//! Scenes: what a detector is shown in training, made of one labelled photo or of four.

use std::io::Cursor;

use facenet_core::{BoundingBox, RgbImage};
use facenet_eval::LabelledFace;
use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::photos::Photos;
use super::pose::{self, Area, Pose};
use crate::augment::pixels::{Colour, blur, recolour};
use crate::range::{OutOfRange, within};

/// The part of a face's box that must be seen for it to be learnt; of others the network learns nothing.
const LEAST_SEEN: f32 = 0.6;
/// The least height of a face that is learnt, in pixels.
const LEAST_PX: f32 = 6.0;

/// How scenes are made of photos. Chances are in `[0, 1]`, each drawn for itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceneConfig {
    /// The chance of a scene of four photos around a cross (the mosaic of YOLOv4), instead of one.
    pub mosaic: f64,
    /// The chance that a photo is shown as a whole, instead of at a scale that gives one of its faces a size drawn evenly
    /// on a logarithmic scale.
    pub whole: f64,
    /// The smallest side that a face is given, in pixels.
    pub smallest_px: f32,
    /// The largest side that a face is given, as a part of the scene's edge or the mosaic's tile, up to 1.
    pub largest: f32,
    /// The most that a photo is enlarged.
    pub enlarge: f32,
    /// The chance of a mirrored photo.
    pub flip: f64,
    /// How far a photo is turned to each side, in degrees.
    pub turn: f32,
    /// The chance of a photo that is turned up to four times as far.
    pub turn_far: f64,
    /// How much lighter or darker it may be, as a share of the full range.
    pub brightness: f32,
    /// How much its contrast may change, as a share.
    pub contrast: f32,
    /// How much its saturation may change, as a share.
    pub saturation: f32,
    /// The chance of a scene without colour.
    pub grey: f64,
    /// The chance of a blurred scene.
    pub blur: f64,
    /// The chance of a scene that was saved as a JPEG of quality 20 to 80.
    pub jpeg: f64,
}

impl Default for SceneConfig {
    fn default() -> Self {
        Self {
            mosaic: 0.5,
            whole: 0.3,
            smallest_px: 9.0,
            largest: 0.7,
            enlarge: 2.0,
            flip: 0.5,
            turn: 10.0,
            turn_far: 0.15,
            brightness: 0.2,
            contrast: 0.3,
            saturation: 0.4,
            grey: 0.1,
            blur: 0.15,
            jpeg: 0.2,
        }
    }
}

impl SceneConfig {
    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        for (key, value) in [
            ("mosaic", self.mosaic),
            ("whole", self.whole),
            ("flip", self.flip),
            ("turn_far", self.turn_far),
            ("brightness", self.brightness.into()),
            ("contrast", self.contrast.into()),
            ("saturation", self.saturation.into()),
            ("grey", self.grey),
            ("blur", self.blur),
            ("jpeg", self.jpeg),
        ] {
            within((0.0..=1.0).contains(&value), key, &value, "a number from 0 to 1")?;
        }
        let Self { smallest_px, largest, enlarge, turn, .. } = *self;
        within((1.0..=64.0).contains(&smallest_px), "smallest_px", &smallest_px, "a number from 1 to 64")?;
        within(largest > 0.0 && largest <= 1.0, "largest", &largest, "a number above 0, up to 1")?;
        within((0.1..=8.0).contains(&enlarge), "enlarge", &enlarge, "a number from 0.1 to 8")?;
        within((0.0..=45.0).contains(&turn), "turn", &turn, "degrees from 0 to 45")
    }

    /// Colour, blur and compression.
    pub(super) fn spoil(&self, image: &mut RgbImage, rng: &mut ChaCha8Rng) {
        let mut around = |middle: f32, by: f32| middle + rng.random_range(-1.0..=1.0f32) * by;
        let mut colour = Colour {
            brightness: around(0.0, self.brightness),
            contrast: around(1.0, self.contrast),
            saturation: around(1.0, self.saturation),
        };
        if rng.random_bool(self.grey) {
            colour.saturation = 0.0;
        }
        recolour(image, colour);
        if rng.random_bool(self.blur) {
            for _ in 0..rng.random_range(1..=3) {
                blur(image);
            }
        }
        if rng.random_bool(self.jpeg) {
            let mut bytes = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut bytes, rng.random_range(20..=80));
            image.write_with_encoder(encoder).expect("a scene fits into a JPEG and memory");
            let decoded = image::load(Cursor::new(bytes), ImageFormat::Jpeg);
            *image = decoded.expect("what was just written is a JPEG").into_rgb8();
        }
    }
}

/// A scene and its faces, those that are not to be learnt among them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// A square.
    pub(super) image: RgbImage,
    pub(super) faces: Vec<LabelledFace>,
}

/// Makes scenes: a function of the photos, the settings, the seed, the step and the scene's number in its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenery {
    pub(super) config: SceneConfig,
    pub(super) edge_px: u32,
    pub(super) batch: usize,
    pub(super) seed: u64,
}

impl Scenery {
    /// The scenes of a step's batch. Over the steps, every photo leads a scene once before any does again.
    pub(super) fn batch(&self, photos: &Photos, step: u64) -> Vec<Scene> {
        (0..self.batch as u64).map(|number| self.scene(photos, step * self.batch as u64 + number)).collect()
    }

    /// The scene of that number since the start.
    fn scene(&self, photos: &Photos, number: u64) -> Scene {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let leader = leader(photos.len() as u64, self.seed, number);
        let edge = self.edge_px;
        let filling: [u8; 3] = std::array::from_fn(|_| rng.random_range(64..192));
        let mut scene = Scene { image: RgbImage::from_pixel(edge, edge, filling.into()), faces: Vec::new() };
        if rng.random_bool(self.config.mosaic) {
            let middle = || (edge * 3 / 10..=edge * 7 / 10, edge * 3 / 10..=edge * 7 / 10);
            let (columns, rows) = middle();
            let (x, y) = (rng.random_range(columns), rng.random_range(rows));
            let tiles = [(0, 0, x, y), (x, 0, edge - x, y), (0, y, x, edge - y), (x, y, edge - x, edge - y)];
            for (which, (left, top, width, height)) in tiles.into_iter().enumerate() {
                let photo = if which == 0 { leader } else { rng.random_range(0..photos.len()) };
                self.show(photos, photo, Area { left, top, width, height }, &mut scene, &mut rng);
            }
        } else {
            let whole = Area { left: 0, top: 0, width: edge, height: edge };
            self.show(photos, leader, whole, &mut scene, &mut rng);
        }
        self.config.spoil(&mut scene.image, &mut rng);
        scene
    }

    /// Shows a photo in an area of the scene.
    fn show(&self, photos: &Photos, photo: usize, area: Area, scene: &mut Scene, rng: &mut ChaCha8Rng) {
        let Some(image) = photos.image(photo) else { return };
        let faces = photos.faces(photo);
        let pose = self.pose(&image, faces, area, rng);
        pose::draw(&image, &pose, area, &mut scene.image);
        for face in faces {
            scene.faces.extend(shown(face, &pose, area));
        }
    }

    /// Draws how a photo lies in its area.
    fn pose(&self, image: &RgbImage, faces: &[LabelledFace], area: Area, rng: &mut ChaCha8Rng) -> Pose {
        let config = &self.config;
        let far = if rng.random_bool(config.turn_far) { 4.0 } else { 1.0 };
        let angle = (rng.random_range(-1.0..=1.0f32) * config.turn * far).to_radians();
        let mirrored = rng.random_bool(config.flip);
        let (width, height) = (area.width as f32, area.height as f32);
        let (image_width, image_height) = (image.width() as f32, image.height() as f32);
        let learnt: Vec<&LabelledFace> = faces.iter().filter(|face| !face.ignored).collect();
        match learnt.choose(rng) {
            Some(face) if !rng.random_bool(config.whole) => {
                let side = (face.bounds.width * face.bounds.height).sqrt();
                let smallest = config.smallest_px.ln();
                let largest = (config.largest * width.min(height)).ln().max(smallest);
                let wanted = rng.random_range(smallest..=largest).exp();
                let scale = (wanted / side).min(config.enlarge);
                // The face lies anywhere in the area, as far as it fits.
                let place = |len: f32, rng: &mut ChaCha8Rng| {
                    let margin = (side * scale * 0.6).min(len / 2.0);
                    rng.random_range(margin..=len - margin)
                };
                let target = (place(width, rng), place(height, rng));
                let centre = face.bounds.centre();
                Pose::new((centre.x, centre.y), scale, angle, mirrored, area.point(target))
            }
            _ => {
                let fit = (width / image_width).min(height / image_height);
                let scale = (fit * rng.random_range(0.8..=1.5f32)).min(config.enlarge);
                let jitter = |len: f32, rng: &mut ChaCha8Rng| len * rng.random_range(0.35..=0.65f32);
                let target = (jitter(width, rng), jitter(height, rng));
                let middle = (image_width / 2.0, image_height / 2.0);
                Pose::new(middle, scale, angle, mirrored, area.point(target))
            }
        }
    }
}

/// A face of a photo as the scene shows it: as much of its box as lies in the area, to be learnt if that is most of it;
/// none if nothing is seen.
fn shown(face: &LabelledFace, pose: &Pose, area: Area) -> Option<LabelledFace> {
    let whole = pose.bounds(&face.bounds);
    let seen = area.cut(&whole)?;
    let share = seen.width * seen.height / (whole.width * whole.height);
    let ignored = face.ignored || share < LEAST_SEEN || seen.height < LEAST_PX;
    let landmarks = face.landmarks.map(|points| pose.landmarks(points));
    Some(LabelledFace { bounds: seen, landmarks: landmarks.filter(|_| share >= LEAST_SEEN), ignored })
}

impl Area {
    /// The part of a box that lies in the area.
    fn cut(&self, bounds: &BoundingBox) -> Option<BoundingBox> {
        let side = |start: f32, len: f32, from: u32, room: u32| {
            let (low, high) = (start.max(from as f32), (start + len).min((from + room) as f32));
            (high > low).then_some((low, high - low))
        };
        let (x, width) = side(bounds.x, bounds.width, self.left, self.width)?;
        let (y, height) = side(bounds.y, bounds.height, self.top, self.height)?;
        Some(BoundingBox { x, y, width, height })
    }
}

/// The photo that leads a scene: in each round of all photos another order, without a list of it.
fn leader(photos: u64, seed: u64, number: u64) -> usize {
    let (round, at) = (number / photos, number % photos);
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (round + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
    // A step without common factor with the number of photos visits each once.
    let mut step = rng.random_range(photos / 3..=photos).max(1);
    while common(step, photos) != 1 {
        step += 1;
    }
    let start = rng.random_range(0..photos);
    ((start + at * step) % photos) as usize
}

fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests;
