//! Photos of nobody, each told by its number, and chance.

use facenet_core::{BoundingBox, Contract, Embedding, Face, Harmonic, HarmonicMeasure, Preprocessing};
use facenet_gallery::{FaceId, FileRecord, Form, NewFace, NewPhoto, PhotoDigest, Settings, StoredEmbedding};

/// Coordinates of an embedding.
const DIMENSION: usize = 128;

/// A generator of numbers (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub(crate) fn settings() -> Settings {
    let contract = Contract {
        network: "drawn".into(),
        dimension: DIMENSION,
        weights: "00112233445566".into(),
        preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
        thresholds: vec![],
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    let (older, upgrading_from) = (Vec::new(), None);
    Settings { contract, form: Form::Float, keeps_paths: true, keeps_crops: true, older, upgrading_from }
}

/// A model that is harmonic to that of [`settings`].
pub(crate) fn newer_model() -> Contract {
    let old = settings().contract;
    let measured = HarmonicMeasure { old: 0.8, mixed: 0.85, new: 0.9, data: "drawn".into() };
    let (to, thresholds, calibration) = (old.id(), Vec::new(), None);
    let harmonic = vec![Harmonic { to, thresholds, calibration, measured: Some(measured) }];
    Contract { weights: "ffffffffffff".into(), harmonic, ..old }
}

/// What the newer model makes of a face.
pub(crate) fn anew(face: FaceId) -> StoredEmbedding {
    embedding(face.0 as u32, 200)
}

/// The content of photo `number`, which tells the number.
pub(crate) fn digest(number: u32) -> PhotoDigest {
    let mut dice = Dice::new(u64::from(number) + 1);
    let mut bytes: [u8; 32] = std::array::from_fn(|_| (dice.next() >> 32) as u8);
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    PhotoDigest(bytes)
}

/// The number of the photo with this content.
pub(crate) fn number(content: PhotoDigest) -> u32 {
    u32::from_le_bytes(*content.0.first_chunk().unwrap())
}

pub(crate) fn embedding(number: u32, face: u32) -> StoredEmbedding {
    let mut dice = Dice::new(u64::from(number) << 8 | u64::from(face) | 1 << 60);
    let values = (0..DIMENSION).map(|_| dice.share() as f32 - 0.5).collect();
    StoredEmbedding::of(&Embedding::normalize(values).unwrap(), Form::Float)
}

/// Sixteen bytes of each face that no other has.
pub(crate) fn traces(number: u32) -> Vec<[u8; 16]> {
    let trace = |face| *embedding(number, face).as_bytes()[128..].first_chunk().unwrap();
    (0..FACES).map(trace).collect()
}

/// Faces of a photo.
const FACES: u32 = 2;

pub(crate) fn photo(number: u32) -> NewPhoto {
    let bounds = BoundingBox { x: 1.0, y: 2.0, width: 3.0, height: 4.0 };
    let face = |face| NewFace {
        found: Face { bounds, landmarks: None, score: 0.5 },
        quality: None,
        embedding: embedding(number, face),
        crop: Some(embedding(number, face + 100).as_bytes().repeat(3)),
        person: None,
    };
    NewPhoto {
        content: digest(number),
        file: Some(FileRecord { path: format!("/photos/{number}.jpg"), size: 1, changed_ns: 1 }),
        faces: (0..FACES).map(face).collect(),
    }
}
