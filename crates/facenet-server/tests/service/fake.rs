//! An engine of a few lines: the image `faces:0,90` shows two faces, whose embeddings are directions of 0 and 90 degrees.

use std::sync::{Arc, Condvar, Mutex};

use facenet_core::{
    BoundingBox, Contract, Distance, Embedding, Face, Harmonic, HarmonicMeasure, Preprocessing, Threshold,
};
use facenet_server::{Aim, Engine, Image, Look, NotLooked, Place, SeenFace};

/// Sees what the text of an image says.
pub(crate) struct Fake {
    contract: Contract,
    gate: Gate,
}

/// Images that begin with `wait:` are looked at when the gate is open.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    is_open: bool,
    waits: bool,
    seen: Vec<String>,
}

impl Gate {
    /// Lets all images through from now on.
    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    /// Returns when an image waits at the gate.
    pub(crate) fn await_visitor(&self) {
        let state = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(state, |state| !state.waits).unwrap());
    }

    /// The texts of the images that the engine got.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.0.lock().unwrap().seen.clone()
    }

    fn pass(&self, text: &str) {
        let mut state = self.0.0.lock().unwrap();
        state.seen.push(text.into());
        if text.starts_with("wait:") {
            state.waits = true;
            self.0.1.notify_all();
            drop(self.0.1.wait_while(state, |state| !state.is_open).unwrap());
        }
    }
}

impl Fake {
    pub(crate) fn new(gate: Gate) -> Self {
        Self::of(contract(), gate)
    }

    /// With another model: see [`newer`].
    pub(crate) fn of(contract: Contract, gate: Gate) -> Self {
        Self { contract, gate }
    }
}

/// Two faces are one person up to 0.1 (18 degrees) at a rate of 1e-3, and up to 0.5 (41 degrees) at 1e-2.
pub(crate) fn contract() -> Contract {
    let threshold = |distance, far| Threshold {
        distance: Distance::new(distance).unwrap(),
        false_accept_rate: far,
        data: "drawn".into(),
        interval: None,
    };
    Contract {
        network: "fake".into(),
        dimension: 2,
        weights: "0f3a9c1d2b4e".into(),
        preprocessing: Preprocessing { version: 1, edge_px: 4, field: 1.0 },
        thresholds: vec![threshold(0.1, 1e-3), threshold(0.5, 1e-2)],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    }
}

/// A model that turns all faces by ten degrees, and is harmonic to [`contract`]: a distance of 0.2 between the two lets as many
/// strangers pass as one of 0.1 within either.
pub(crate) fn newer() -> Contract {
    let old = contract();
    let strict = Threshold { distance: Distance::new(0.2).unwrap(), ..old.thresholds[0].clone() };
    let measured = HarmonicMeasure { old: 0.9, mixed: 0.9, new: 0.9, data: "drawn".into() };
    let harmonic =
        Harmonic { to: old.id(), thresholds: vec![strict], calibration: None, measured: Some(measured) };
    Contract { weights: "1f3a9c1d2b4e".into(), harmonic: vec![harmonic], ..old }
}

impl Engine for Fake {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn look(&mut self, images: &[Image]) -> Vec<Result<Look, NotLooked>> {
        images.iter().map(|image| self.see(image)).collect()
    }
}

impl Fake {
    fn see(&self, Image { bytes, aim, place }: &Image) -> Result<Look, NotLooked> {
        let none = || NotLooked::NotAnImage { why: "not an image, but something else".into(), hint: None };
        if let Place::Whole = place {
            return Err(none()); // its pictures show nothing
        }
        let text = std::str::from_utf8(bytes).map_err(|_| none())?;
        self.gate.pass(text);
        match text {
            "huge" => {
                return Err(NotLooked::TooLarge { why: "an image of 9 x 9 pixels is too large".into() });
            }
            "broken" => return Err(NotLooked::Failed { why: "out of /secret/memory".into() }),
            "panic" => panic!("as the test wants it"),
            _ => {}
        }
        // What follows `#` only makes the content another one.
        let text = text.strip_prefix("wait:").unwrap_or(text).split('#').next().unwrap_or_default();
        let angles = text.strip_prefix("faces:").ok_or_else(none)?;
        let angles = angles.split(',').filter(|angle| !angle.is_empty());
        let faces = (0u8..).zip(angles).map(|(index, angle)| {
            let turned = if self.contract.harmonic.is_empty() { 0.0 } else { 10.0 };
            let radians = (angle.parse::<f32>().unwrap() + turned).to_radians();
            let direction = Embedding::normalize(vec![radians.cos(), radians.sin()]).unwrap();
            let x = 10.0 * f32::from(index);
            SeenFace {
                face: Face {
                    bounds: BoundingBox { x, y: 0.0, width: 8.0, height: 8.0 },
                    landmarks: None,
                    score: 1.0 - f32::from(index) / 100.0,
                },
                quality: 0.75,
                reasons: vec!["blurred".into()],
                embedding: (*aim >= Aim::Embeddings).then_some(direction),
                crop: (*aim >= Aim::Crops).then(|| vec![0xff, 0xd8, index]),
            }
        });
        Ok(Look { width: 100, height: 50, faces: faces.collect(), left_out: 0 })
    }
}
