//! Every probe against the whole gallery.

use facenet_core::Embedding;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Draw, LabelledFaces};

/// How the faces of a person become what is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enrolment {
    /// One face of each person.
    OneImage,
    /// The mean of the person's enrolled faces, scaled to unit length.
    MeanTemplate,
    /// All enrolled faces: a person is as near as their nearest face.
    BestOf,
}

/// What the probes of a draw found in its gallery.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Searches {
    /// Of each mated probe: the rank of its own person, from 1, and their distance.
    pub mated: Vec<(usize, f32)>,
    /// Of each non-mated probe: the distance of the nearest person.
    pub non_mated: Vec<f32>,
}

impl Enrolment {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::OneImage, Self::MeanTemplate, Self::BestOf];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneImage => "one image",
            Self::MeanTemplate => "mean template",
            Self::BestOf => "best of all",
        }
    }
}

/// What is searched: a mean template a person, and all enrolled faces person by person.
struct Gallery<'a> {
    templates: Vec<Option<Vec<f32>>>,
    enrolled: Vec<Vec<&'a [f32]>>,
}

impl Searches {
    /// The searches of one draw, for each of [`Enrolment::ALL`]; on all cores, in the draw's order.
    pub fn of(faces: &LabelledFaces, draw: &Draw) -> [Self; 3] {
        let gallery = Gallery::of(faces, draw);
        let distances = |probe: usize| gallery.distances(faces.embeddings[probe].as_slice());
        let mated: Vec<[(usize, f32); 3]> = draw
            .mated
            .par_iter()
            .map(|&(probe, person)| distances(probe).map(|distances| rank(&distances, person)))
            .collect();
        let nearest = |distances: Vec<f32>| distances.into_iter().fold(f32::INFINITY, f32::min);
        let non_mated: Vec<[f32; 3]> =
            draw.non_mated.par_iter().map(|&probe| distances(probe).map(nearest)).collect();
        [0, 1, 2].map(|enrolment| Self {
            mated: mated.iter().map(|found| found[enrolment]).collect(),
            non_mated: non_mated.iter().map(|found| found[enrolment]).collect(),
        })
    }
}

impl<'a> Gallery<'a> {
    fn of(faces: &'a LabelledFaces, draw: &Draw) -> Self {
        let gallery = faces.enrolled.as_ref().unwrap_or(&faces.embeddings);
        let slice = |&face: &usize| gallery[face].as_slice();
        let enrolled: Vec<Vec<&[f32]>> =
            draw.enrolled.iter().map(|own| own.iter().map(slice).collect()).collect();
        Self { templates: enrolled.iter().map(|own| mean(own)).collect(), enrolled }
    }

    /// The distance of every person, by each enrolment.
    fn distances(&self, probe: &[f32]) -> [Vec<f32>; 3] {
        let mut found = [0; 3].map(|_| Vec::with_capacity(self.enrolled.len()));
        for (template, own) in self.templates.iter().zip(&self.enrolled) {
            let first = squared_distance(probe, own[0]);
            let others = own[1..].iter().map(|face| squared_distance(probe, face));
            found[0].push(first);
            found[1].push(template.as_deref().map_or(first, |template| squared_distance(probe, template)));
            found[2].push(others.fold(first, f32::min));
        }
        found
    }
}

/// Ties count against the own person.
fn rank(distances: &[f32], person: usize) -> (usize, f32) {
    let own = distances[person];
    // The own distance is one of those at most as large.
    (distances.iter().filter(|&&distance| distance <= own).count(), own)
}

/// None where faces cancel out and have no mean direction: the first of them then stands for the person.
fn mean(faces: &[&[f32]]) -> Option<Vec<f32>> {
    let mut sum = vec![0.0; faces.first()?.len()];
    for face in faces {
        sum.iter_mut().zip(*face).for_each(|(sum, value)| *sum += value);
    }
    Embedding::normalize(sum).ok().map(Vec::from)
}

/// In eight sums side by side, which the processor adds at once.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_lanes, b_lanes) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..8 {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    (sums.iter().sum::<f32>() + rest).clamp(0.0, 4.0)
}
