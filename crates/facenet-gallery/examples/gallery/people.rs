//! Made-up people on the sphere.

use rayon::prelude::*;

/// The coordinates of a face.
pub(crate) const DIMENSION: usize = 128;

/// The variance of people's mean faces along the first principal axes of `base`'s embeddings of 3,574 faces of 321 people,
/// those that its model card measures by.
const BETWEEN: [f64; 40] = [
    1.2e-01, 8.5e-02, 6.9e-02, 5.4e-02, 5.1e-02, 4.5e-02, 3.8e-02, 2.4e-02, 1.8e-02, 1.5e-02, 1.8e-02,
    1.3e-02, 1.4e-02, 1.5e-02, 1.4e-02, 9.1e-03, 1.0e-02, 9.6e-03, 8.1e-03, 7.5e-03, 4.9e-03, 4.2e-03,
    3.9e-03, 2.9e-03, 3.3e-03, 2.4e-03, 2.3e-03, 1.7e-03, 1.4e-03, 6.0e-04, 8.0e-04, 5.8e-04, 4.6e-04,
    3.3e-04, 2.2e-04, 2.8e-04, 1.7e-04, 1.7e-04, 1.1e-04, 8.0e-05,
];

/// The variance of a person's faces around their mean, along the same axes.
const WITHIN: [f64; 40] = [
    6.8e-03, 8.1e-03, 1.6e-02, 1.6e-02, 1.8e-02, 1.7e-02, 1.8e-02, 1.6e-02, 1.8e-02, 1.5e-02, 1.4e-02,
    1.4e-02, 1.3e-02, 1.2e-02, 1.1e-02, 1.1e-02, 1.1e-02, 1.0e-02, 1.1e-02, 9.1e-03, 7.1e-03, 7.2e-03,
    6.5e-03, 6.0e-03, 5.6e-03, 4.4e-03, 3.4e-03, 3.1e-03, 2.2e-03, 2.2e-03, 1.5e-03, 1.1e-03, 9.7e-04,
    7.1e-04, 6.9e-04, 5.6e-04, 4.3e-04, 3.7e-04, 3.0e-04, 2.6e-04,
];

/// How faces lie.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Like {
    /// As `base`'s: about thirty axes carry everything, and people overlap.
    Base,
    /// As a better model's might: people along all axes, and a person's faces 0.75 from their mean's length.
    Strong,
}

/// Faces and who they are of.
pub(crate) struct People {
    /// `[faces, DIMENSION]`.
    pub(crate) rows: Vec<f32>,
    pub(crate) truth: Vec<u32>,
}

/// `faces` of people with 1 to 19 each, ten on average.
///
/// A person's mean is normal along each axis, a face is normal around it, wider for some faces than for others (log-normal,
/// 0.35), and brought to unit length. Faces of other `part`s are other faces of the same people.
pub(crate) fn people(faces: usize, like: Like, part: u64) -> People {
    let mut truth = Vec::with_capacity(faces);
    for person in 0.. {
        let each = 1 + Draws::of(&[person, 3]).bits() % 19;
        truth.extend((0..each).map(|_| person as u32));
        if truth.len() >= faces {
            break;
        }
    }
    truth.truncate(faces);
    let mut rows = vec![0.0; faces * DIMENSION];
    rows.par_chunks_exact_mut(DIMENSION).zip(&truth).enumerate().for_each(|(face, (row, &person))| {
        let mut centre = Draws::of(&[u64::from(person), 1]);
        let mut around = Draws::of(&[face as u64, part, 2]);
        let wide = (0.35 * around.normal()).exp() / (0.35f64 * 0.35).exp();
        let mut values = [0.0; DIMENSION];
        for (axis, value) in values.iter_mut().enumerate() {
            let (between, within) = variances(like, axis);
            *value = centre.normal() * between.sqrt() + wide * around.normal() * within.sqrt();
        }
        let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        row.iter_mut().zip(values).for_each(|(to, value)| *to = (value / norm) as f32);
    });
    People { rows, truth }
}

fn variances(like: Like, axis: usize) -> (f64, f64) {
    match like {
        Like::Base => BETWEEN.get(axis).map_or((2e-5, 8e-5), |&between| (between, WITHIN[axis])),
        Like::Strong => (1.0 / DIMENSION as f64, 0.5625 / DIMENSION as f64),
    }
}

/// A stream of numbers that is a function of its key (splitmix64).
struct Draws(u64);

impl Draws {
    fn of(key: &[u64]) -> Self {
        let mut draws = Self(0x5eed);
        for part in key {
            draws.0 = draws.bits() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        draws
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Box and Muller 1958; one of the two.
    fn normal(&mut self) -> f64 {
        let uniform = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let (a, b) = (uniform(self.bits()), uniform(self.bits()));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}
