//! Identification: who of the gallery is this, or nobody? Closed set (CMC) and open set (FNIR at FPIR).
//! The protocol stands at [`IdentificationReport`].

mod curves;
mod picture;
mod protocol;
mod search;
pub(crate) mod table;

use std::collections::BTreeMap;

use facenet_core::Embedding;
use serde::{Deserialize, Serialize};

use self::curves::Curves;
pub use self::curves::{CmcPoint, OpenSetPoint};
pub use self::picture::{cmc_svg, fnir_svg};
pub use self::protocol::{Draw, MOST_ENROLLED};
pub use self::search::{Enrolment, Searches};
use crate::Interval;

/// The FPIRs at which FNIR is reported, loosest first.
pub const TARGET_FPIRS: [f64; 3] = [1e-1, 1e-2, 1e-3];

/// The ranks that are reported, where the gallery is that large.
pub const RANKS: [usize; 4] = [1, 5, 10, 50];

/// Gallery sizes that are tried by default, as far as half of the people who can be enrolled suffice.
const SIZES: [usize; 8] = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000];

/// Faces whose people are known.
#[derive(Debug, Clone)]
pub struct LabelledFaces {
    embeddings: Vec<Embedding>,
    /// What of each face a gallery holds, where that is another embedding than a probe's; of the same faces.
    enrolled: Option<Vec<Embedding>>,
    /// The faces of each person, in the order they came; the people in the order of their names.
    people: Vec<Vec<usize>>,
}

/// How to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentificationOptions {
    /// Gallery sizes, in people.
    pub galleries: Vec<usize>,
    /// Draws a size, at least one.
    pub draws: u32,
    /// The seed of all draws.
    pub seed: u64,
}

/// Why identification cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentificationError {
    /// Labels and faces do not belong together.
    #[error("found {labels} labels for {faces} faces, expected one each")]
    Labels {
        /// The number of labels.
        labels: usize,
        /// The number of faces.
        faces: usize,
    },
    /// Embeddings of several models.
    #[error(
        "face {face} has {found} coordinates, but face 0 has {expected}: they come from different models"
    )]
    Dimension {
        /// The face that differs.
        face: usize,
        /// The number of its coordinates.
        found: usize,
        /// The number of coordinates of the first face.
        expected: usize,
    },
    /// The gallery cannot be filled.
    #[error("a gallery of {gallery} cannot be drawn: {enrollable} people have two faces or more")]
    Gallery {
        /// The number of people asked for.
        gallery: usize,
        /// The number of people who can be enrolled.
        enrollable: usize,
    },
    /// Nobody can be enrolled, or nothing was asked for.
    #[error(
        "nothing to measure: found {enrollable} people with two faces or more, {galleries} gallery sizes, {draws} draws"
    )]
    Nothing {
        /// The number of people who can be enrolled.
        enrollable: usize,
        /// The number of gallery sizes.
        galleries: usize,
        /// The number of draws.
        draws: u32,
    },
}

/// What was found for every gallery size and enrolment; its `Display` is a table for people.
///
/// # Protocol
///
/// From faces whose people are known, each draw makes its own gallery, by the seed and the draw's number alone:
///
/// 1. People with at least two faces can be enrolled. `gallery` of them are drawn, without replacement.
/// 2. The faces of each enrolled person are shuffled. The first half of them, rounded down, but at most
///    [`MOST_ENROLLED`], are enrolled; all others of that person are mated probes.
/// 3. Every face of everybody else, also of people with a single face, is a non-mated probe (an impostor).
/// 4. Every probe is searched in the whole gallery, by each [`Enrolment`] with the same people and the same probes.
///
/// *Closed set*: the rank of a mated probe is one more than the number of other people who are at most as far from it
/// as its own person: equal distances count against the model, so a constant embedding reaches no rank but the last.
/// The CMC gives for each k the share of mated probes of rank at most k.
///
/// *Open set*, in the form of NIST's 1:N tests (ISO/IEC 19795-1): a person is returned if their distance is at most the
/// threshold. FPIR is the share of non-mated probes for which anybody is returned; FNIR the share of mated probes for
/// which the own person is not, or not at rank 1. The threshold is the largest whose FPIR is at most the target, in
/// the middle between two distances that occur; a target finer than one non-mated probe is not measurable.
///
/// Figures are means over the draws, with the range that the middle 95 % of the draws lie in: it says how much the
/// choice of the gallery matters, not how other people would fare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdentificationReport {
    /// The model whose embeddings were searched.
    pub model: String,
    /// The data that the faces are from.
    pub data: String,
    /// Faces.
    pub faces: usize,
    /// People.
    pub people: usize,
    /// People with at least two faces.
    pub enrollable: usize,
    /// Draws a gallery size.
    pub draws: u32,
    /// The seed of the draws.
    pub seed: u64,
    /// By gallery size, then by enrolment.
    pub galleries: Vec<GalleryReport>,
}

/// What was found for one gallery size and enrolment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GalleryReport {
    /// Enrolled people.
    pub gallery: usize,
    /// How they are enrolled.
    pub enrolment: Enrolment,
    /// Mated probes a draw, on average.
    pub mated: f64,
    /// Non-mated probes a draw, on average.
    pub non_mated: f64,
    /// The share of mated probes at rank 1, 5, 10 and 50 or better, as far as the gallery is that large.
    pub ranks: Vec<RankRate>,
    /// FNIR at FPIR 1e-1, 1e-2 and 1e-3.
    pub open_set: Vec<FnirAtFpir>,
    /// The share of mated probes at each rank or better, mean over draws: ranks 1, 2, 3, … thinned beyond 50.
    pub cmc: Vec<CmcPoint>,
    /// FNIR over FPIR, mean over draws; empty without non-mated probes.
    pub fnir: Vec<OpenSetPoint>,
}

/// The share of mated probes found at a rank or better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankRate {
    /// The rank, from 1.
    pub rank: usize,
    /// Mean and range over draws, in `[0, 1]`.
    pub rate: DrawMean,
}

/// FNIR at one target FPIR.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FnirAtFpir {
    /// The share of non-mated probes for which anybody may be returned.
    pub target_fpir: f64,
    /// Mean and range over draws, in `[0, 1]`; none where a draw has too few non-mated probes to measure it.
    pub fnir: Option<DrawMean>,
    /// The mean of the draws' thresholds; none as `fnir`.
    pub threshold: Option<f64>,
}

/// The mean of a figure over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawMean {
    /// The mean.
    pub mean: f64,
    /// The middle 95 % of the draws; none with a single draw.
    pub range: Option<Interval>,
}

impl LabelledFaces {
    /// Takes one embedding a face and the name of its person.
    ///
    /// # Errors
    /// When their numbers differ, or the embeddings have several dimensions.
    pub fn new(embeddings: Vec<Embedding>, labels: &[&str]) -> Result<Self, IdentificationError> {
        if labels.len() != embeddings.len() {
            return Err(IdentificationError::Labels { labels: labels.len(), faces: embeddings.len() });
        }
        let expected = embeddings.first().map_or(0, Embedding::dimension);
        if let Some(face) = embeddings.iter().position(|face| face.dimension() != expected) {
            let found = embeddings[face].dimension();
            return Err(IdentificationError::Dimension { face, found, expected });
        }
        let mut people: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (face, label) in labels.iter().enumerate() {
            people.entry(label).or_default().push(face);
        }
        Ok(Self { embeddings, enrolled: None, people: people.into_values().collect() })
    }

    /// The same faces, of which a gallery holds these embeddings instead: another model's in the same space.
    ///
    /// # Errors
    /// When their number or dimension differs.
    pub fn enrolled_as(self, gallery: Vec<Embedding>) -> Result<Self, IdentificationError> {
        if gallery.len() != self.faces() {
            return Err(IdentificationError::Labels { labels: self.faces(), faces: gallery.len() });
        }
        let expected = self.embeddings.first().map_or(0, Embedding::dimension);
        if let Some(face) = gallery.iter().position(|face| face.dimension() != expected) {
            let found = gallery[face].dimension();
            return Err(IdentificationError::Dimension { face, found, expected });
        }
        Ok(Self { enrolled: Some(gallery), ..self })
    }

    /// The number of faces.
    pub fn faces(&self) -> usize {
        self.embeddings.len()
    }

    /// The number of people.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// The number of people with at least two faces.
    pub fn enrollable(&self) -> usize {
        self.people.iter().filter(|faces| faces.len() > 1).count()
    }

    /// 10, 30, 100, 300 … people as far as they are fewer than half of those who can be enrolled, and that half
    /// (at least one): the other half are impostors.
    pub fn default_galleries(&self) -> Vec<usize> {
        let half = (self.enrollable() / 2).max(1);
        SIZES.into_iter().filter(|&size| size < half).chain([half]).collect()
    }
}

impl IdentificationReport {
    /// Measures `faces` by the protocol of this module; `model` and `data` say what they are.
    ///
    /// # Errors
    /// When nobody can be enrolled, no size or no draw is asked for, or a gallery is larger than the number of people
    /// with two faces.
    pub fn measure(
        model: &str,
        data: &str,
        faces: &LabelledFaces,
        options: &IdentificationOptions,
    ) -> Result<Self, IdentificationError> {
        let IdentificationOptions { galleries, draws, seed } = options;
        let enrollable = faces.enrollable();
        if enrollable == 0 || *draws == 0 || galleries.is_empty() {
            let galleries = galleries.len();
            return Err(IdentificationError::Nothing { enrollable, galleries, draws: *draws });
        }
        if let Some(&gallery) = galleries.iter().find(|&&size| size == 0 || size > enrollable) {
            return Err(IdentificationError::Gallery { gallery, enrollable });
        }
        let reports = galleries.iter().flat_map(|&gallery| measure_gallery(faces, gallery, *draws, *seed));
        Ok(Self {
            model: model.into(),
            data: data.into(),
            faces: faces.faces(),
            people: faces.people(),
            enrollable,
            draws: *draws,
            seed: *seed,
            galleries: reports.collect(),
        })
    }
}

impl DrawMean {
    /// None without a draw.
    fn of(figures: &[f64]) -> Option<Self> {
        let mean = figures.iter().sum::<f64>() / figures.len() as f64;
        let all: Vec<Option<f64>> = figures.iter().copied().map(Some).collect();
        let range = if figures.len() > 1 { Interval::of(&all) } else { None };
        (!figures.is_empty()).then_some(Self { mean, range })
    }
}

/// One report an enrolment.
fn measure_gallery(faces: &LabelledFaces, gallery: usize, draws: u32, seed: u64) -> Vec<GalleryReport> {
    let mut curves = Enrolment::ALL.map(|_| Curves::new(gallery));
    for number in 0..draws {
        let draw = Draw::new(faces, gallery, seed, number);
        for (curves, searches) in curves.iter_mut().zip(Searches::of(faces, &draw)) {
            curves.add(&searches);
        }
    }
    Enrolment::ALL.into_iter().zip(curves).map(|(enrolment, curves)| curves.report(enrolment)).collect()
}

#[cfg(test)]
mod tests;
