//! The pictures of a batch: faces found in photos, what was wrongly found, and aligned crops.

use facenet::{Look, TEMPLATE};
use facenet_core::{BoundingBox, Point, RgbImage};
use image::imageops::{self, FilterType};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::RefinerSampleConfig;
use super::candidates::{Candidate, Candidates};
use crate::Dataset;
use crate::dataset::ImageId;
use crate::detector::SceneConfig;
use crate::detector::photos::Photos;
use crate::detector::pose::{Area, Pose, draw};

/// The edge of a look, in pixels.
const EDGE: f32 = Look::EDGE_PX as f32;
/// The look in its own pixels.
pub(super) const LOOK: Look = Look { centre: Point { x: EDGE / 2.0, y: EDGE / 2.0 }, edge: EDGE };
/// Where detectors' boxes lie on aligned faces, in pixels of the template: the medians over labelled photos.
const USUAL_BOX: BoundingBox = BoundingBox { x: 15.0, y: 17.5, width: 82.0, height: 105.0 };
/// What lies around the template in a crop on each side, and the crop's edge, in pixels of the template.
const AROUND_PX: f32 = 8.0;
const CROP_PX: f32 = 128.0;
/// How far up the square around an aligned face lies from where a detector would lay it, in pixels of the template: lower, it
/// would end below the crop, and the network would learn from where.
const UP_PX: f32 = 5.0;

/// A picture and what is true of it, in its pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// A square of [`Look::EDGE_PX`].
    pub(super) image: RgbImage,
    pub(super) truth: Truth,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Truth {
    Nothing,
    Face {
        bounds: BoundingBox,
        landmarks: Option<[Point; 5]>,
    },
    /// A face whose landmarks, brought nearest to these by a similarity, stay where they are.
    Aligned {
        template: [Point; 5],
    },
}

/// Makes batches: a function of the data, the settings, the seed and the step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    pub(super) config: RefinerSampleConfig,
    pub(super) batch: usize,
    pub(super) seed: u64,
}

/// A point of a look as outputs: in edges from its middle.
pub(super) fn in_edges(point: Point) -> [f32; 2] {
    [(point.x - LOOK.centre.x) / LOOK.edge, (point.y - LOOK.centre.y) / LOOK.edge]
}

/// Where the landmarks of a face usually lie in the look at it, as outputs.
pub(super) fn usual_landmarks() -> [Point; 5] {
    let look = Look::at(&USUAL_BOX);
    TEMPLATE.map(|point| Point {
        x: (point.x - look.centre.x) / look.edge,
        y: (point.y - look.centre.y) / look.edge,
    })
}

impl Sampling {
    /// The samples of a step; a picture that cannot be read leaves its place to another.
    pub(super) fn batch(
        &self,
        photos: &Photos,
        candidates: &Candidates,
        crops: Option<&Dataset>,
        step: u64,
    ) -> Vec<Sample> {
        let share = |of: f32| (of * self.batch as f32).round() as usize;
        let crops = crops.filter(|crops| crops.image_count() > 0);
        let aligned = crops.map_or(0, |_| share(self.config.aligned));
        let nothing = if candidates.others.is_empty() { 0 } else { share(self.config.nothing) };
        let sample = |number: usize| {
            let seed = step * self.batch as u64 + number as u64 + 1;
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            // As many draws as make it certain that one can be read, if any can.
            (0..100).find_map(|_| match crops {
                Some(crops) if number < aligned => self.aligned(crops, &mut rng),
                _ if number < aligned + nothing => self.seen(photos, &candidates.others, &mut rng),
                _ => self.seen(photos, &candidates.faces, &mut rng),
            })
        };
        (0..self.batch).filter_map(sample).collect()
    }

    /// A look at one of `candidates`.
    fn seen(&self, photos: &Photos, candidates: &[Candidate], rng: &mut ChaCha8Rng) -> Option<Sample> {
        let Candidate { photo, bounds, face } = candidates.choose(rng)?;
        let image = photos.image(*photo)?;
        let side = (bounds.width * bounds.height).sqrt();
        let mut around = |by: f32| rng.random_range(-1.0..=1.0f32) * by;
        let Point { x, y } = bounds.centre();
        let centre =
            Point { x: x + around(self.config.shift) * side, y: y + around(self.config.shift) * side };
        let edge = Look::at(bounds).edge * around(self.config.zoom).exp();
        let angle = self.angle(rng);
        let pose = (centre, edge, angle, rng.random_bool(self.config.flip));
        let (image, pose) = self.picture(&image, pose, rng);
        let face = face.map(|face| &photos.faces(*photo)[face]);
        let truth = face.map_or(Truth::Nothing, |face| Truth::Face {
            bounds: pose.bounds(&face.bounds),
            landmarks: face.landmarks.map(|points| pose.landmarks(points)),
        });
        Some(Sample { image, truth })
    }

    /// A look at an aligned crop that does not reach beyond it: where it ends would tell where the face is.
    fn aligned(&self, crops: &Dataset, rng: &mut ChaCha8Rng) -> Option<Sample> {
        let id = rng.random_range(0..crops.image_count() as u32);
        let image = crops.image(ImageId(id)).ok()?;
        let look = Look::at(&USUAL_BOX);
        let mut around = |by: f32| rng.random_range(-1.0..=1.0f32) * by;
        let shift = self.config.shift * look.edge;
        let x = look.centre.x + AROUND_PX + around(shift);
        let y = look.centre.y + AROUND_PX - UP_PX + around(shift);
        let wanted = look.edge * around(self.config.zoom).exp();
        let angle = self.angle(rng);
        let room = x.min(CROP_PX - x).min(y).min(CROP_PX - y);
        let edge = wanted.min(2.0 * room / (angle.sin().abs() + angle.cos().abs()));
        // Pixels of this crop for one of the template.
        let scale = image.width().min(image.height()) as f32 / CROP_PX;
        let centre = Point { x: x * scale, y: y * scale };
        let pose = (centre, edge * scale, angle, rng.random_bool(self.config.flip));
        let (image, pose) = self.picture(&image, pose, rng);
        let template =
            TEMPLATE.map(|Point { x, y }| Point { x: (x + AROUND_PX) * scale, y: (y + AROUND_PX) * scale });
        Some(Sample { image, truth: Truth::Aligned { template: pose.landmarks(template) } })
    }

    /// In radians.
    fn angle(&self, rng: &mut ChaCha8Rng) -> f32 {
        let far = if rng.random_bool(self.config.turn_far) { 4.0 } else { 1.0 };
        (rng.random_range(-1.0..=1.0f32) * self.config.turn * far).to_radians()
    }

    /// A square of a photo as a look at it, coarse or not; and how the photo lies in it.
    fn picture(
        &self,
        photo: &RgbImage,
        (centre, edge, angle, mirrored): (Point, f32, f32, bool),
        rng: &mut ChaCha8Rng,
    ) -> (RgbImage, Pose) {
        let edge_px = Look::EDGE_PX as u32;
        let seen_px = if rng.random_bool(self.config.coarse) {
            rng.random_range(self.config.smallest_px.ln()..=EDGE.ln()).exp().round() as u32
        } else {
            edge_px
        };
        let pose_in = |edge_px: f32| {
            let middle = (edge_px / 2.0, edge_px / 2.0);
            Pose::new((centre.x, centre.y), edge_px / edge.max(1e-3), angle, mirrored, middle)
        };
        let filling: [u8; 3] = std::array::from_fn(|_| rng.random_range(64..192));
        let mut image = RgbImage::from_pixel(seen_px, seen_px, filling.into());
        let area = Area { left: 0, top: 0, width: seen_px, height: seen_px };
        draw(photo, &pose_in(seen_px as f32), area, &mut image);
        if seen_px < edge_px {
            image = imageops::resize(&image, edge_px, edge_px, FilterType::Triangle);
        }
        SceneConfig::default().spoil(&mut image, rng);
        (image, pose_in(EDGE))
    }
}
