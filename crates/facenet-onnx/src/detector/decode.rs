//! From the outputs of a network to faces, in pixels of its input.

use facenet::network::Pyramid;
use facenet::{Place, Tensor};
use facenet_core::{BoundingBox, Face, Point};

use super::DetectorError;
use crate::manifest::{Decode, DetectorOutput};

/// The variances that SSD's boxes are divided by in training (Liu et al. 2016), for centres and sizes.
const VARIANCE: [f32; 2] = [0.1, 0.2];

/// The outputs of a network in the order of decoding, for an input of this size.
pub(super) struct Maps<'a> {
    pub(super) outputs: Vec<&'a Tensor>,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The faces above the manifest's score, in no order.
///
/// # Errors
/// When an output is too short or too long.
pub(super) fn decode(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    match output.decode {
        Decode::Yunet => yunet(maps, output),
        Decode::Scrfd => scrfd(maps, output),
        Decode::Retinaface => retinaface(maps, output),
        Decode::Corners => corners(maps, output),
        Decode::Pyramid => pyramid(maps, output),
        Decode::Mtcnn => unreachable!("its networks are decoded one by one"),
    }
}

fn yunet(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    let (levels, mut faces) = (output.strides.len(), Vec::new());
    for (level, &stride) in output.strides.iter().enumerate() {
        let (rows, columns) = maps.positions(stride);
        let rows_of = |kind: usize, what, size| maps.rows(kind * levels + level, what, rows * columns, size);
        let (class, object) = (rows_of(0, "class scores", 1)?, rows_of(1, "objectness", 1)?);
        let (boxes, points) = (rows_of(2, "boxes", 4)?, rows_of(3, "landmarks", 10)?);
        let stride = stride as f32;
        for (i, (class, object)) in class.iter().zip(object).enumerate() {
            let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            if score < output.score {
                continue;
            }
            let (row, column) = ((i / columns) as f32, (i % columns) as f32);
            let values = &boxes[4 * i..][..4];
            let (x, y) = ((column + values[0]) * stride, (row + values[1]) * stride);
            let bounds = around(x, y, values[2].exp() * stride, values[3].exp() * stride);
            let point = |dx: f32, dy: f32| Point { x: (column + dx) * stride, y: (row + dy) * stride };
            faces.push(Face { bounds, landmarks: Some(five(&points[10 * i..][..10], point)), score });
        }
    }
    Ok(faces)
}

fn scrfd(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    const ANCHORS: usize = 2;
    let (levels, mut faces) = (output.strides.len(), Vec::new());
    for (level, &stride) in output.strides.iter().enumerate() {
        let (rows, columns) = maps.positions(stride);
        let rows_of =
            |kind: usize, what, size| maps.rows(kind * levels + level, what, rows * columns * ANCHORS, size);
        let (scores, boxes) = (rows_of(0, "scores", 1)?, rows_of(1, "boxes", 4)?);
        let (points, stride) = (rows_of(2, "landmarks", 10)?, stride as f32);
        for (i, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= output.score) {
            let position = i / ANCHORS;
            let (x, y) = ((position % columns) as f32 * stride, (position / columns) as f32 * stride);
            let edges = &boxes[4 * i..][..4];
            let bounds = BoundingBox {
                x: x - edges[0] * stride,
                y: y - edges[1] * stride,
                width: (edges[0] + edges[2]) * stride,
                height: (edges[1] + edges[3]) * stride,
            };
            let point = |dx: f32, dy: f32| Point { x: x + dx * stride, y: y + dy * stride };
            faces.push(Face { bounds, landmarks: Some(five(&points[10 * i..][..10], point)), score });
        }
    }
    Ok(faces)
}

fn retinaface(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    let mut anchors = Vec::new(); // centre and edge
    for (&stride, edges) in output.strides.iter().zip(&output.anchors) {
        let (rows, columns) = maps.positions(stride);
        for i in 0..rows * columns {
            let at = |index: usize| (index as f32 + 0.5) * stride as f32;
            anchors.extend(edges.iter().map(|&edge| (at(i % columns), at(i / columns), edge)));
        }
    }
    let boxes = maps.rows(0, "boxes", anchors.len(), 4)?;
    let scores = maps.rows(1, "scores", anchors.len(), 2)?;
    let points = maps.rows(2, "landmarks", anchors.len(), 10)?;
    let mut faces = Vec::new();
    for (i, &(x, y, edge)) in anchors.iter().enumerate() {
        let score = scores[2 * i + 1];
        if score < output.score {
            continue;
        }
        let values = &boxes[4 * i..][..4];
        let shift = |value: f32| value * VARIANCE[0] * edge;
        let side = |value: f32| edge * (value * VARIANCE[1]).exp();
        let bounds = around(x + shift(values[0]), y + shift(values[1]), side(values[2]), side(values[3]));
        let point = |dx: f32, dy: f32| Point { x: x + shift(dx), y: y + shift(dy) };
        faces.push(Face { bounds, landmarks: Some(five(&points[10 * i..][..10], point)), score });
    }
    Ok(faces)
}

fn corners(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    let count = maps.outputs[0].values.len() / 2;
    let (scores, boxes) = (maps.rows(0, "scores", count, 2)?, maps.rows(1, "boxes", count, 4)?);
    let (width, height) = (maps.width as f32, maps.height as f32);
    let face = |(score, corners): (&[f32; 2], &[f32; 4])| {
        let [left, top, right, bottom] = *corners;
        let bounds = BoundingBox {
            x: left * width,
            y: top * height,
            width: (right - left) * width,
            height: (bottom - top) * height,
        };
        (score[1] >= output.score).then_some(Face { bounds, landmarks: None, score: score[1] })
    };
    Ok(scores.as_chunks().0.iter().zip(boxes.as_chunks().0).filter_map(face).collect())
}

fn pyramid(maps: &Maps<'_>, output: &DetectorOutput) -> Result<Vec<Face>, DetectorError> {
    let mut faces = Vec::new();
    for (level, &stride) in output.strides.iter().enumerate() {
        let (rows, columns) = maps.positions(stride);
        let area = rows * columns;
        let values = maps.rows(level, "places", area, Pyramid::OUTPUTS)?;
        for at in 0..area {
            let value = |kind: usize| values[kind * area + at];
            let score = 1.0 / (1.0 + (-value(0)).exp());
            if score < output.score {
                continue;
            }
            let place = Place::new(stride as usize, at % columns, at / columns);
            let bounds = place.bounds([1, 2, 3, 4].map(value));
            let landmarks = [5, 7, 9, 11, 13].map(|x| place.point([value(x), value(x + 1)]));
            faces.push(Face { bounds, landmarks: Some(landmarks), score });
        }
    }
    Ok(faces)
}

impl<'a> Maps<'a> {
    /// Rows and columns of a map.
    fn positions(&self, stride: u32) -> (usize, usize) {
        (self.height.div_ceil(stride as usize), self.width.div_ceil(stride as usize))
    }

    /// The values of an output that must have `count` rows of `size`.
    fn rows(
        &self,
        output: usize,
        what: &'static str,
        count: usize,
        size: usize,
    ) -> Result<&'a [f32], DetectorError> {
        let Tensor { shape, values } = self.outputs[output];
        if values.len() == count * size {
            return Ok(values);
        }
        let (height, width) = (self.height, self.width);
        let expected = format!("{count} rows of {size} for an input of {height} x {width} pixels");
        Err(DetectorError::Shape { what, found: shape.clone(), expected })
    }
}

fn around(x: f32, y: f32, width: f32, height: f32) -> BoundingBox {
    BoundingBox { x: x - width / 2.0, y: y - height / 2.0, width, height }
}

/// Five points of ten values, x and y in turn.
fn five(values: &[f32], point: impl Fn(f32, f32) -> Point) -> [Point; 5] {
    std::array::from_fn(|i| point(values[2 * i], values[2 * i + 1]))
}

#[cfg(test)]
mod tests;
