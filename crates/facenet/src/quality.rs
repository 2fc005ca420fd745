//! How good a picture of a face is, and what is wrong with it.

mod measures;

use facenet_core::{Face, Point, RgbImage};
use serde::{Deserialize, Serialize};

use crate::align::{Framing, TurnedSquare};
use crate::{ChipCutter, ChipError};
use measures::Measures;

/// The part of a 128-pixel crop that is looked at: the standard crop.
const FIELD: f32 = 0.875;
/// The edge that faces are looked at in: that of the standard crop.
const LOOK_PX: u32 = 112;
/// A reason is told where the part of the value that belongs to it is below this.
const POOR: f32 = 0.5;

/// How good a picture of a face is.
///
/// The value is the product of what is lost by each of the reasons, which is made to rank faces, not to say how likely
/// an error is. Dropping the worst of a set lowers the errors among the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// In `[0, 1]`; higher is better.
    pub value: f32,
    /// What is wrong, the worst first; empty for a good picture.
    pub reasons: Vec<Reason>,
}

/// What is wrong with a picture of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The standard crop has less than about 35 pixels of the photo on its edge.
    TooSmall,
    /// Fine detail is missing: out of focus, moved, enlarged or heavily compressed.
    Blurred,
    /// It looks to the side, up or down: a cheek is hidden. Only told where landmarks are known.
    TurnedAway,
    /// Much of it is nearly black.
    Underexposed,
    /// Much of it is white.
    Overexposed,
    /// The photo ends within it.
    CutOff,
}

impl Reason {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooSmall => "too small",
            Self::Blurred => "blurred",
            Self::TurnedAway => "turned away",
            Self::Underexposed => "underexposed",
            Self::Overexposed => "overexposed",
            Self::CutOff => "cut off",
        }
    }
}

impl Quality {
    /// The quality of `face` in `image`. Faces with landmarks are looked at as aligned by them, others in the middle
    /// square of their box.
    ///
    /// # Errors
    /// When the face cannot be cut out of the image.
    pub fn of(image: &RgbImage, face: &Face) -> Result<Self, ChipError> {
        let not_a_box = ChipError::NotABox { bounds: face.bounds };
        let square = Framing::Landmarks.square(face, FIELD).ok_or(not_a_box)?;
        let look = ChipCutter::new().cut_turned(image, &square, LOOK_PX)?;
        let Measures { detail, dark, white } = Measures::of(look.image());
        let turned = face.landmarks.as_ref().map_or(0.0, |landmarks| turned(landmarks, &square));
        let inside = square.part_inside(image.width(), image.height());
        // Where each loss begins and is total. Those of detail and darkness were chosen on labelled pairs by the
        // error that is left without the worst tenth; the others by looking at faces.
        Ok(Self::from_parts([
            (Reason::TooSmall, ramp(square.edge, 10.0, 60.0)),
            (Reason::Blurred, ramp(detail, 0.05, 0.25)),
            (Reason::TurnedAway, ramp(turned, 0.75, 0.15)),
            (Reason::Underexposed, ramp(dark, 0.4, 0.0)),
            (Reason::Overexposed, ramp(white, 0.4, 0.02)),
            (Reason::CutOff, ramp(inside, 0.5, 0.99)),
        ]))
    }

    fn from_parts(mut parts: [(Reason, f32); 6]) -> Self {
        let value = parts.iter().map(|part| part.1).product();
        parts.sort_by(|a, b| a.1.total_cmp(&b.1));
        let poor = parts.into_iter().filter(|part| part.1 < POOR);
        Self { value, reasons: poor.map(|part| part.0).collect() }
    }
}

/// How far a face looks away: 0 straight on, 1 about in profile.
///
/// The nose of a head that turns moves towards the eye that goes away, and up or down between eyes and mouth. Both are
/// measured along the square, against the distance that the eyes and the mouth keep from each other.
fn turned(landmarks: &[Point; 5], square: &TurnedSquare) -> f32 {
    let (sin, cos) = square.angle.sin_cos();
    let [left_eye, right_eye, nose, left_mouth, right_mouth] = landmarks.map(|point| {
        let (x, y) = (point.x - square.centre.x, point.y - square.centre.y);
        [(x * cos + y * sin) / square.edge, (y * cos - x * sin) / square.edge]
    });
    let middle = |a: [f32; 2], b: [f32; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    let (eyes, mouth) = (middle(left_eye, right_eye), middle(left_mouth, right_mouth));
    let height = (mouth[1] - eyes[1]).max(1e-3);
    let aside = nose[0] - (eyes[0] + mouth[0]) / 2.0;
    // In the template the nose lies half way down.
    let down = (nose[1] - eyes[1]) / height - 0.5;
    // The face of the template is 0.31 wide between the eyes and 0.36 high between eyes and mouth.
    let width = (right_eye[0] - left_eye[0]).hypot(right_eye[1] - left_eye[1]).max(0.15);
    (2.0 * aside.abs() / width).max(2.0 * down.abs()).min(1.0)
}

/// 0 at `none` and beyond, 1 at `full` and beyond, straight between; `full` may be the smaller.
fn ramp(value: f32, none: f32, full: f32) -> f32 {
    ((value - none) / (full - none)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
