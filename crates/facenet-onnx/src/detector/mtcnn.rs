//! MTCNN (Zhang et al. 2016): a network proposes boxes over a pyramid of the image, a second one refines them, a third one
//! finds landmarks.
//!
//! The details that the paper leaves open, and the rounding, are those of the MATLAB original as its conversions keep
//! them; tests hold the faces against what one of them gives.

use facenet::Tensor;
use facenet_core::{BoundingBox, Face, Point, RgbImage};

use super::boxes::{Measure, kept, stretch};
use super::scale::{cut, resized, side};
use super::{DetectorError, share};
use crate::manifest::{DetectorOutput, Input, Layout};
use crate::pixels;
use crate::session::Session;

/// Each level of the pyramid is so much smaller than the one before: half the area.
const STEP: f64 = 0.709;
/// Edges of what the networks see, in pixels.
const EDGES: [u32; 3] = [12, 24, 48];
/// Pixels between neighbouring proposals.
const STRIDE: usize = 2;
/// The least scores of proposals and of refined boxes; that of faces is the manifest's.
const SCORES: [f32; 2] = [0.6, 0.7];
/// Overlaps of proposals at one level, and of all of them and the refined ones.
const OVERLAPS: [f32; 2] = [0.5, 0.7];
/// Boxes that are given to a network at a time.
const BATCH: usize = 64;

/// The three networks.
#[derive(Debug)]
pub(super) struct Mtcnn {
    input: Input,
    output: DetectorOutput,
    /// Proposals, refinement, output.
    sessions: [Session; 3],
}

/// What a network says of a box.
#[derive(Debug, Clone, Copy)]
struct Answer {
    score: f32,
    /// How far left, top, right and bottom edge lie from the box's, as shares of its sides.
    shift: [f32; 4],
    /// Five times x, five times y, as shares of the box's sides; zeros where the network gives none.
    points: [f32; 10],
}

impl Mtcnn {
    pub(super) fn new(
        input: Input,
        output: DetectorOutput,
        sessions: Vec<Session>,
    ) -> Result<Self, DetectorError> {
        let sessions = sessions.try_into().expect("the number of networks is checked");
        let networks = Self { input, output, sessions };
        for (network, edge) in EDGES.into_iter().enumerate() {
            networks.ask(network, &[RgbImage::from_pixel(edge, edge, [128; 3].into())])?;
        }
        Ok(networks)
    }

    pub(super) fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, DetectorError> {
        let longest = f64::from(image.width().max(image.height()));
        let scale = (f64::from(self.output.largest_edge_px) / longest).min(1.0);
        let seen = resized(image, side(image.width(), scale), side(image.height(), scale));

        let proposed = self.propose(&seen)?;
        let refined = self.refine(&seen, &proposed)?;
        let mut faces = self.finish(&seen, &refined)?;
        let across = image.width() as f32 / seen.width() as f32;
        let down = image.height() as f32 / seen.height() as f32;
        faces.iter_mut().for_each(|face| stretch(face, across, down));
        Ok(faces)
    }

    /// Boxes that might be faces, over a pyramid.
    fn propose(&self, image: &RgbImage) -> Result<Vec<Face>, DetectorError> {
        let (width, height) = image.dimensions();
        let mut scale = f64::from(EDGES[0]) / f64::from(self.output.least_face_px);
        let (mut faces, mut answers) = (Vec::new(), Vec::new());
        while f64::from(width.min(height)) * scale >= f64::from(EDGES[0]) {
            let scaled = |edge: u32| (f64::from(edge) * scale).ceil() as u32;
            let level = resized(image, scaled(width), scaled(height));
            let (found, said) = self.level(&level, scale)?;
            for i in kept(&found, OVERLAPS[0], Measure::Union) {
                faces.push(found[i].clone());
                answers.push(said[i]);
            }
            scale *= STEP;
        }
        let moved = |i: usize| {
            // Here, and only here, a side is counted without its last pixel.
            let sides = [faces[i].bounds.width - 1.0, faces[i].bounds.height - 1.0];
            truncated(&squared(&moved(&faces[i], answers[i].shift, sides)))
        };
        Ok(kept(&faces, OVERLAPS[1], Measure::Union).into_iter().map(moved).collect())
    }

    /// The proposals of one level, where they are before they are moved.
    fn level(&self, level: &RgbImage, scale: f64) -> Result<(Vec<Face>, Vec<Answer>), DetectorError> {
        let answers = self.ask(0, std::slice::from_ref(level))?;
        let columns = positions(level.width());
        let likely = answers.into_iter().enumerate().filter(|(_, answer)| answer.score >= SCORES[0]);
        let face = |(i, answer): (usize, Answer)| {
            let ends = |position: usize| {
                let start = STRIDE as f64 * position as f64;
                let from = ((start + 1.0) / scale).trunc() - 1.0;
                (from as f32, ((start + f64::from(EDGES[0])) / scale).trunc() as f32)
            };
            let ((left, right), (top, bottom)) = (ends(i % columns), ends(i / columns));
            let bounds = BoundingBox { x: left, y: top, width: right - left, height: bottom - top };
            (Face { bounds, landmarks: None, score: answer.score }, answer)
        };
        Ok(likely.map(face).unzip())
    }

    /// Boxes that are likely faces.
    fn refine(&self, image: &RgbImage, faces: &[Face]) -> Result<Vec<Face>, DetectorError> {
        let (faces, answers) = self.look(1, image, faces, SCORES[1])?;
        let moved = |i: usize| {
            let sides = [faces[i].bounds.width, faces[i].bounds.height];
            truncated(&squared(&moved(&faces[i], answers[i].shift, sides)))
        };
        Ok(kept(&faces, OVERLAPS[1], Measure::Union).into_iter().map(moved).collect())
    }

    /// The faces, with landmarks.
    fn finish(&self, image: &RgbImage, faces: &[Face]) -> Result<Vec<Face>, DetectorError> {
        let (faces, answers) = self.look(2, image, faces, self.output.score)?;
        let moved = |(face, answer): (&Face, &Answer)| {
            let BoundingBox { x, y, width, height } = face.bounds;
            let point =
                |i: usize| Point { x: x + answer.points[i] * width, y: y + answer.points[5 + i] * height };
            let landmarks = Some(std::array::from_fn(point));
            Face { landmarks, ..moved(face, answer.shift, [width, height]) }
        };
        let faces: Vec<Face> = faces.iter().zip(&answers).map(moved).collect();
        let kept = kept(&faces, self.output.overlap, Measure::Smaller);
        Ok(kept.into_iter().map(|i| faces[i].clone()).collect())
    }

    /// The boxes that a network finds likely enough, with its scores and what it says of them.
    fn look(
        &self,
        network: usize,
        image: &RgbImage,
        faces: &[Face],
        least: f32,
    ) -> Result<(Vec<Face>, Vec<Answer>), DetectorError> {
        let mut likely = (Vec::new(), Vec::new());
        let most = if self.sessions[network].takes_batches() { BATCH } else { 1 };
        for faces in faces.chunks(most) {
            let cut = |face: &Face| {
                let BoundingBox { x, y, width, .. } = face.bounds;
                cut(image, x as i64, y as i64, width as u32, EDGES[network])
            };
            let answers = self.ask(network, &faces.iter().map(cut).collect::<Vec<_>>())?;
            for (face, answer) in faces.iter().zip(answers).filter(|(_, answer)| answer.score > least) {
                likely.0.push(Face { score: answer.score, ..face.clone() });
                likely.1.push(answer);
            }
        }
        Ok(likely)
    }

    /// What a network says of images of one size: of the first network row by row over the positions of the image.
    fn ask(&self, network: usize, images: &[RgbImage]) -> Result<Vec<Answer>, DetectorError> {
        let (width, height) = (images[0].width() as usize, images[0].height() as usize);
        let mut values = Vec::new();
        images.iter().for_each(|image| pixels::write(image, &self.input, height, width, &mut values));
        let shape = pixels::shape(self.input.layout, images.len(), height, width);
        let outputs = self.sessions[network].run(&Tensor { shape, values }, share())?;
        let (rows, columns) = match network {
            0 => (positions(height as u32), positions(width as u32)),
            _ => (1, 1),
        };
        let grid = Grid { layout: self.input.layout, images: images.len(), rows, columns };
        let (scores, shifts) = (grid.find("scores", 2, &outputs)?, grid.find("boxes", 4, &outputs)?);
        let points = if network == 2 { Some(grid.find("landmarks", 10, &outputs)?) } else { None };
        let answer = |i: usize| Answer {
            score: grid.value(scores, 2, i, 1),
            shift: std::array::from_fn(|k| grid.value(shifts, 4, i, k)),
            points: std::array::from_fn(|k| points.map_or(0.0, |points| grid.value(points, 10, i, k))),
        };
        Ok((0..images.len() * rows * columns).map(answer).collect())
    }
}

/// How the values of an output lie.
struct Grid {
    layout: Layout,
    images: usize,
    rows: usize,
    columns: usize,
}

impl Grid {
    /// The output with `size` values a position; the networks' outputs have no agreed order.
    fn find<'a>(
        &self,
        what: &'static str,
        size: usize,
        outputs: &'a [Tensor],
    ) -> Result<&'a [f32], DetectorError> {
        let count = self.images * self.rows * self.columns;
        let found = outputs.iter().find(|output| output.values.len() == count * size);
        found.map(|output| output.values.as_slice()).ok_or_else(|| DetectorError::Shape {
            what,
            found: outputs.iter().map(|output| output.values.len()).collect(),
            expected: format!("one output of {count} x {size} values"),
        })
    }

    /// Value `k` of position `i`, counted over images, rows and columns.
    fn value(&self, values: &[f32], size: usize, i: usize, k: usize) -> f32 {
        let area = self.rows * self.columns;
        let (image, row, column) = (i / area, i % area / self.columns, i % self.columns);
        let place = match self.layout {
            Layout::Nchw => (k * self.rows + row) * self.columns + column,
            Layout::Nhwc => (row * self.columns + column) * size + k,
            Layout::Nwhc => (column * self.rows + row) * size + k,
        };
        values[image * area * size + place]
    }
}

/// Positions of the first network along a side: a pool of two, rounded up, between three convolutions of 3.
fn positions(edge: u32) -> usize {
    (edge as usize - 2).div_ceil(STRIDE) - 4
}

/// The box with its edges moved by shares of `sides`.
fn moved(face: &Face, shift: [f32; 4], [across, down]: [f32; 2]) -> Face {
    let BoundingBox { x, y, width, height } = face.bounds;
    let (left, top) = (x + shift[0] * across, y + shift[1] * down);
    let (right, bottom) = (x + width + shift[2] * across, y + height + shift[3] * down);
    let bounds = BoundingBox { x: left, y: top, width: right - left, height: bottom - top };
    Face { bounds, ..face.clone() }
}

/// The square around the box's centre, as large as its longer side.
fn squared(face: &Face) -> Face {
    let BoundingBox { x, y, width, height } = face.bounds;
    let edge = width.max(height);
    let bounds =
        BoundingBox { x: x + (width - edge) / 2.0, y: y + (height - edge) / 2.0, width: edge, height: edge };
    Face { bounds, ..face.clone() }
}

/// The square with its ends cut to whole pixels, counted from 1 as the original does; of at least a pixel.
fn truncated(face: &Face) -> Face {
    let BoundingBox { x, y, width, .. } = face.bounds;
    let (left, top) = ((x + 1.0).trunc() - 1.0, (y + 1.0).trunc() - 1.0);
    // Both sides come out within a pixel of each other; the first decides, so that the square stays one.
    let edge = ((x + width).trunc() - left).max(1.0);
    let bounds = BoundingBox { x: left, y: top, width: edge, height: edge };
    Face { bounds, ..face.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, width: f32, height: f32) -> Face {
        Face { bounds: BoundingBox { x, y, width, height }, landmarks: None, score: 1.0 }
    }

    #[test]
    fn positions_are_those_of_two_convolutions_and_a_pool_of_two() {
        // 12 -> 10 -> 5 -> 3 -> 1; 13 -> 11 -> 6 -> 4 -> 2.
        assert_eq!([12, 13, 14, 15, 100].map(positions), [1, 2, 2, 3, 45]);
    }

    #[test]
    fn a_box_becomes_a_square_around_its_centre() {
        assert_eq!(squared(&face(10.0, 20.0, 4.0, 8.0)), face(8.0, 20.0, 8.0, 8.0));
    }

    #[test]
    fn ends_are_cut_towards_zero_counted_from_one() {
        // From 1 the ends are 3.7 and 11.2, cut to 3 and 11: pixels 2 to 10 counted from 0.
        assert_eq!(truncated(&face(2.7, 2.7, 8.5, 8.5)), face(2.0, 2.0, 9.0, 9.0));
        assert_eq!(truncated(&face(-1.6, -1.6, 3.0, 3.0)).bounds.x, -1.0);
        assert_eq!(truncated(&face(5.0, 5.0, 0.0, 0.0)).bounds.width, 1.0);
    }

    #[test]
    fn edges_move_by_shares_of_the_sides() {
        let found = moved(&face(10.0, 10.0, 20.0, 40.0), [0.1, -0.1, 0.2, 0.0], [20.0, 40.0]);
        assert_eq!(found, face(12.0, 6.0, 22.0, 44.0));
    }

    #[test]
    fn values_are_found_in_every_layout() {
        let grid = |layout| Grid { layout, images: 2, rows: 2, columns: 3 };
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        // The second image, second row, third column, second of two values.
        assert_eq!(grid(Layout::Nchw).value(&values, 2, 11, 1), 12.0 + 6.0 + 5.0);
        assert_eq!(grid(Layout::Nhwc).value(&values, 2, 9, 1), 12.0 + 2.0 * 3.0 + 1.0);
        assert_eq!(grid(Layout::Nwhc).value(&values, 2, 8, 1), 12.0 + 2.0 * (2.0 * 2.0) + 1.0);
    }
}
