//! Identification in a gallery of which a part is upgraded.

use facenet_core::Embedding;
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    DrawMean, Enrolment, IdentificationError, IdentificationOptions, IdentificationReport, LabelledFaces,
};

/// The shares of a gallery's faces that are upgraded.
pub const SHARES: [f64; 4] = [0.0, 0.25, 0.5, 1.0];

/// The FPIR that misses are counted at.
const FPIR: f64 = 1e-1;

/// Identification, with [`Enrolment::BestOf`] and half of the people enrolled, as [`IdentificationReport`] measures it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpgradedGallery {
    /// The share of the faces that the new model embedded, in `[0, 1]`; none where the probes are the old model's too:
    /// the gallery before any upgrade.
    pub upgraded: Option<f64>,
    /// Enrolled people.
    pub gallery: usize,
    /// The share of probes whose person is nearest.
    pub rank_1: DrawMean,
    /// The share of probes that are missed where a tenth of strangers are taken for somebody; none where it cannot be
    /// measured.
    pub fnir: Option<DrawMean>,
}

/// Measures a gallery of old embeddings with old probes, then with new probes as ever more of it is upgraded. The faces
/// that are upgraded first are drawn by `seed`; more upgraded ones hold fewer.
///
/// `stored` are the old embeddings as new ones are compared with them. All lists are of the same faces, those of
/// `labels`.
///
/// # Errors
/// As [`IdentificationReport::measure`].
pub fn upgraded_galleries(
    labels: &[&str],
    old: &[Embedding],
    stored: &[Embedding],
    new: &[Embedding],
    draws: u32,
    seed: u64,
) -> Result<Vec<UpgradedGallery>, IdentificationError> {
    let mut order: Vec<usize> = (0..new.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut found = vec![measure(None, &LabelledFaces::new(old.to_vec(), labels)?, draws, seed)?];
    for share in SHARES {
        let mut gallery = stored.to_vec();
        for face in &order[..(share * new.len() as f64).round() as usize] {
            gallery[*face] = new[*face].clone();
        }
        let faces = LabelledFaces::new(new.to_vec(), labels)?.enrolled_as(gallery)?;
        found.push(measure(Some(share), &faces, draws, seed)?);
    }
    Ok(found)
}

fn measure(
    upgraded: Option<f64>,
    faces: &LabelledFaces,
    draws: u32,
    seed: u64,
) -> Result<UpgradedGallery, IdentificationError> {
    let gallery = (faces.enrollable() / 2).max(1);
    let options = IdentificationOptions { galleries: vec![gallery], draws, seed };
    let report = IdentificationReport::measure("", "", faces, &options)?;
    let best_of = report.galleries.iter().find(|report| report.enrolment == Enrolment::BestOf);
    let best_of = best_of.expect("every enrolment is measured");
    let at = best_of.open_set.iter().find(|point| point.target_fpir == FPIR);
    Ok(UpgradedGallery {
        upgraded,
        gallery,
        rank_1: best_of.ranks[0].rate,
        fnir: at.and_then(|point| point.fnir),
    })
}
