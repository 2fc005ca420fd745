//! The detector of this program: finds faces and their five landmarks in a photo of any size.

mod input;
mod model;
mod place;
mod refiner;
mod suppress;
mod turn;
mod views;

use std::sync::{Arc, Mutex};

use facenet_core::{BoundingBox, BoxError, Detector, Face, Point, RgbImage};
use rayon::prelude::*;

use crate::frozen::{Body, FoldedWeights, fold};
use crate::kernels::Threads;
use crate::network::{Graph, Pyramid, pyramid};
pub use input::detector_input;
pub use model::{DetectorFacts, DetectorModel, DetectorModelError, RefinerFacts};
pub use place::Place;
pub use refiner::Look;
use refiner::Refiner;
use suppress::suppress;
use turn::Turn;
use views::{View, views};

/// The largest face that a view which is not the coarsest answers for, in its pixels: coarser views see those better.
const LARGEST_PX: f32 = 160.0;
/// A box that comes nearer than this to an edge where a tile was cut is a part of a face, in pixels of the tile.
const CUT_PX: f32 = 4.0;
/// Intersection over union from which two boxes are one face.
const OVERLAP: f32 = 0.4;
/// The part of the smaller of two boxes from which it is a part of the other.
const INSIDE: f32 = 0.85;
/// The score from which a small face of a photo is reason enough to look at its surroundings in double size. At 0.1, 0.3 and 0.4
/// as many small faces are found, at 0.4 in a quarter of the time that looking everywhere takes.
const SUSPECTED: f32 = 0.4;
/// Up to which side such a face is small, in pixels of the photo.
const SMALL_PX: f32 = 24.0;
/// The score below which no face is looked at again.
const LEAST_FIRST: f32 = 0.05;
/// The score that a photo's best face must have for its other turns not to be tried: a face that stands on its head or lies on
/// its side is often found as one that stands, but with less.
const SURE: f32 = 0.95;
/// What part of the doubt about the best face, 1 less its score, the best face of another turn may leave for that turn to be
/// the photo's.
const DOUBT: f32 = 0.5;
/// The longer side of the finest view of a turn that is tried, in pixels.
const TRIED_PX: u32 = 640;
/// Graphs of that many sizes are kept for later photos.
const BODIES: usize = 8;

/// How a photo is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The least score of a face, in `(0, 1)`.
    pub score: f32,
    /// The longer side of the finest view, in pixels: larger photos are shrunk to it, so that 10 pixels of the view are
    /// the smallest face. Memory does not depend on it, time grows with its square.
    pub finest_px: u32,
    /// Photos whose longer side is at most this are looked at in double size too, where faces of up to 24 pixels are suspected.
    pub enlarge_up_to_px: u32,
    /// The longer edge of the smallest face that is wanted, in pixels of the photo: views in which it is larger than it need be
    /// are left out, which saves most of the time. 0 for any face. Smaller ones can be found all the same.
    pub smallest_px: u32,
    /// Whether photos without a certain face are also looked at lying on each side and standing on their head.
    pub turns: bool,
}

/// A value that a setting of [`Search`] may not have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{key}` is {found}, but expected {expected}")]
pub struct NotASetting {
    /// The setting.
    pub key: &'static str,
    /// The value found.
    pub found: String,
    /// What it may be.
    pub expected: &'static str,
}

impl Default for Search {
    fn default() -> Self {
        Self { score: 0.5, finest_px: 2048, enlarge_up_to_px: 640, smallest_px: 0, turns: true }
    }
}

/// A graph for inputs of a height and width.
type SizedBody = ((usize, usize), Arc<Body>);

/// A detector with its weights: finds faces of any size, at any turn by quarters.
///
/// ```
/// use facenet::FaceDetector;
/// use facenet_core::{Detector, RgbImage};
///
/// let nobody = FaceDetector::shipped()?.detect(&RgbImage::new(320, 200))?;
/// assert!(nobody.is_empty());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub struct FaceDetector {
    table: Pyramid,
    folded: FoldedWeights,
    refiner: Option<Refiner>,
    search: Search,
    /// The last used last.
    bodies: Mutex<Vec<SizedBody>>,
}

impl std::fmt::Debug for FaceDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FaceDetector({}, {:?})", self.table.name, self.search)
    }
}

impl FaceDetector {
    /// A detector of a model, at the model's own score.
    pub fn new(model: &DetectorModel) -> Self {
        let table = pyramid(&model.facts().network).expect("a model's network is known");
        let graph = Graph::of_pyramid(&table, Pyramid::MULTIPLE, Pyramid::MULTIPLE);
        let folded = fold(&graph, model.weights());
        let search = Search { score: model.facts().score, ..Search::default() };
        let refiner = model.facts().refiner.as_ref().zip(model.refiner());
        let refiner = refiner.map(|(facts, weights)| Refiner::new(facts, weights));
        Self { table, folded, refiner, search, bodies: Mutex::default() }
    }

    /// The detector that ships with the program.
    ///
    /// # Errors
    /// Never for a released program: its tests load it.
    pub fn shipped() -> Result<Self, DetectorModelError> {
        Ok(Self::new(&DetectorModel::shipped()?))
    }

    /// How photos are searched.
    pub fn search(&self) -> Search {
        self.search
    }

    /// The same detector, searching in another way.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn with_search(mut self, search: Search) -> Result<Self, NotASetting> {
        let Search { score, finest_px, .. } = search;
        if !(score > 0.0 && score < 1.0) {
            let expected = "a number between 0 and 1";
            return Err(NotASetting { key: "score", found: score.to_string(), expected });
        }
        if finest_px == 0 {
            let (found, expected) = (finest_px.to_string(), "at least 1");
            return Err(NotASetting { key: "finest_px", found, expected });
        }
        self.search = search;
        Ok(self)
    }

    /// The faces of a photo as it stands, most confident first.
    fn upright(&self, photo: &RgbImage, search: &Search) -> Vec<Face> {
        let (enlarged, plain): (Vec<View>, _) =
            views(photo.width(), photo.height(), search).into_iter().partition(|view| view.enlarged);
        let mut found = self.look_twice(photo, &plain);
        let small = |face: &&Face| face.score >= SUSPECTED && side(face) <= SMALL_PX;
        let suspected: Vec<Point> = found.iter().filter(small).map(|face| face.bounds.centre()).collect();
        let enlarged: Vec<View> =
            enlarged.into_iter().filter(|view| suspected.iter().any(|at| view.shows(*at))).collect();
        if !enlarged.is_empty() {
            found.extend(self.look_twice(photo, &enlarged));
        }
        found.retain(|face| face.score >= search.score);
        suppress(found, OVERLAP, INSIDE)
    }

    /// The faces of some views, whatever their score.
    fn look_twice(&self, photo: &RgbImage, views: &[View]) -> Vec<Face> {
        let least = self.least_first();
        let first = suppress(self.look_at(photo, views, least), OVERLAP, INSIDE);
        match &self.refiner {
            Some(refiner) => refiner.again(photo, &first),
            None => first,
        }
    }

    /// The faces of some views from a score on, not yet merged.
    fn look_at(&self, photo: &RgbImage, views: &[View], least: f32) -> Vec<Face> {
        let threads = if views.len() == 1 { Threads::All } else { Threads::One };
        views.par_iter().flat_map_iter(|view| self.look(photo, view, least, threads)).collect()
    }

    /// The least score of a first look. The second one's is at most 1 and their geometric mean counts, so that nothing which
    /// could reach [`Search::score`] is left out.
    fn least_first(&self) -> f32 {
        let score = self.search.score;
        if self.refiner.is_some() { (score * score).max(LEAST_FIRST) } else { score }
    }

    /// The faces of a view, where they lie in the photo.
    fn look(&self, photo: &RgbImage, view: &View, least: f32, threads: Threads) -> Vec<Face> {
        let (height, width) = view.input();
        let mut pixels = vec![0.0; 3 * height * width];
        detector_input(&input::render(photo, view), (height, width), &mut pixels);
        let found = self.faces(&pixels, (height, width), least, threads);
        found.into_iter().filter(|face| view.answers_for(face)).map(|face| view.in_photo(&face)).collect()
    }

    /// The faces of an input, `[3, height, width]`, from a score on, boxes not yet merged.
    fn faces(&self, pixels: &[f32], size: (usize, usize), least: f32, threads: Threads) -> Vec<Face> {
        let mut faces = Vec::new();
        self.body(size).through(pixels, threads, |outputs| {
            let logit = (least / (1.0 - least)).ln();
            let mut places = Place::all(size.0, size.1);
            for (level, stride) in Pyramid::STRIDES.into_iter().enumerate() {
                let area = size.0 / stride * (size.1 / stride);
                let map = outputs.output(level);
                for (at, place) in places.by_ref().take(area).enumerate() {
                    if map[at] >= logit {
                        faces.push(face(&place, |value| map[value * area + at]));
                    }
                }
            }
        });
        faces
    }

    /// The graph for inputs of that height and width.
    fn body(&self, size: (usize, usize)) -> Arc<Body> {
        let mut bodies = self.bodies.lock().expect("no thread panics with the lock");
        let body = match bodies.iter().position(|(of, _)| *of == size) {
            Some(at) => bodies.remove(at).1,
            None => {
                let graph = Graph::of_pyramid(&self.table, size.0, size.1);
                Arc::new(Body::new(graph, Arc::clone(&self.folded)))
            }
        };
        if bodies.len() >= BODIES {
            bodies.remove(0);
        }
        bodies.push((size, Arc::clone(&body)));
        body
    }
}

/// The root of the area of a face's box.
fn side(face: &Face) -> f32 {
    (face.bounds.width * face.bounds.height).sqrt()
}

/// The face that the values of a place give.
fn face(place: &Place, value: impl Fn(usize) -> f32) -> Face {
    Face {
        bounds: place.bounds([1, 2, 3, 4].map(&value)),
        landmarks: Some([5, 7, 9, 11, 13].map(|at| place.point([value(at), value(at + 1)]))),
        score: 1.0 / (1.0 + (-value(0)).exp()),
    }
}

impl View {
    /// Whether a face of this view, in its pixels, is whole and not left to a coarser one.
    fn answers_for(&self, face: &Face) -> bool {
        let BoundingBox { x, y, width, height } = face.bounds;
        let centre = face.bounds.centre();
        let (right, bottom) = (self.size.0 as f32, self.size.1 as f32);
        let inside = (0.0..right).contains(&centre.x) && (0.0..bottom).contains(&centre.y);
        let rooms = [x, y, right - (x + width), bottom - (y + height)];
        let whole = rooms.iter().zip(self.cut).all(|(room, cut)| !cut || *room >= CUT_PX);
        inside && whole && (self.coarsest || width.max(height) <= LARGEST_PX)
    }

    /// A face of this view where it lies in the photo.
    fn in_photo(&self, face: &Face) -> Face {
        let point = |p: Point| Point {
            x: (f64::from(p.x) / self.scale.0 + self.origin.0) as f32,
            y: (f64::from(p.y) / self.scale.1 + self.origin.1) as f32,
        };
        let BoundingBox { x, y, width, height } = face.bounds;
        let corner = point(Point { x, y });
        let bounds = BoundingBox {
            x: corner.x,
            y: corner.y,
            width: (f64::from(width) / self.scale.0) as f32,
            height: (f64::from(height) / self.scale.1) as f32,
        };
        Face { bounds, landmarks: face.landmarks.map(|points| points.map(point)), score: face.score }
    }
}

/// Whether a face stands upright: its eyes are above its mouth, further than beside it.
fn is_upright(face: &Face) -> bool {
    face.landmarks.is_none_or(|[left_eye, right_eye, _, left_mouth, right_mouth]| {
        let down = left_mouth.y + right_mouth.y - left_eye.y - right_eye.y;
        let aside = left_mouth.x + right_mouth.x - left_eye.x - right_eye.x;
        down > aside.abs()
    })
}

impl Detector for FaceDetector {
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        let faces = self.upright(image, &self.search);
        let stands = faces.first().is_some_and(|face| face.score >= SURE && is_upright(face));
        if stands || !self.search.turns {
            return Ok(faces);
        }
        let confidence = |faces: &[Face]| faces.first().map_or(0.0, |face| face.score);
        let finest_px = self.search.finest_px.min(TRIED_PX);
        let tried = Search { finest_px, enlarge_up_to_px: 0, ..self.search };
        let turns = Turn::ALL.map(|turn| (turn, confidence(&self.upright(&turn.of(image), &tried))));
        let (turn, surest) = turns.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are turns");
        let sure_enough = 1.0 - surest <= DOUBT * (1.0 - confidence(&faces));
        if surest == 0.0 || !faces.is_empty() && !sure_enough {
            return Ok(faces);
        }
        let faces = self.upright(&turn.of(image), &self.search);
        Ok(faces.iter().map(|face| turn.back(face, image.width(), image.height())).collect())
    }
}

#[cfg(test)]
mod tests;
