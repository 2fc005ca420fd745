//! What ties a new embedding to an old one: triplets of both, the distance of each image to its old embedding, and the old
//! means of people as classes.

use std::collections::BTreeMap;
use std::sync::Arc;

use facenet_core::Contract;

use super::Harmony;
use crate::dataset::{Dataset, ImageId};
use crate::loss::{Batch, LossConfig, Measured, ObjectiveError, mean_distances, triplet_loss};
use crate::miner::MinerConfig;
use crate::{Mined, SoftmaxConfig, Triplet, mine};

/// A loss that ties the batch to old embeddings.
pub(crate) struct Tie {
    harmony: Arc<Harmony>,
    /// The old mean directions of all people, `[identities, dimension]`, for the influence loss.
    means: Option<Vec<f32>>,
}

impl Tie {
    pub(crate) fn new(harmony: Arc<Harmony>, dataset: &Dataset) -> Self {
        let means = (harmony.config.influence > 0.0).then(|| old_means(&harmony, dataset));
        Self { harmony, means }
    }

    /// The model that the new embedding is tied to.
    pub(crate) fn old(&self) -> &Contract {
        self.harmony.old.contract()
    }

    /// The loss of a batch of the images `ids`, `[batch]`, with its gradient at the new embeddings; the old ones have none.
    ///
    /// # Errors
    /// As [`Objective::measure`](crate::Objective::measure).
    pub(crate) fn measure(
        &self,
        batch: &Batch,
        ids: &[ImageId],
        loss: &LossConfig,
        head: Option<&[f32]>,
        seed: u64,
    ) -> Result<Measured, ObjectiveError> {
        let config = &self.harmony.config;
        let old: BTreeMap<usize, &[f32]> = ids
            .iter()
            .enumerate()
            .filter_map(|(row, image)| Some((row, self.harmony.old.of_image(*image)?)))
            .collect();
        let mut measured = match config.miner(loss) {
            Some(miner) => mixed_triplets(batch, &old, miner, seed)?,
            None => loss.objective().measure(batch, head, seed)?,
        };
        if config.regression > 0.0 {
            add_regression(&mut measured, batch, &old, config.regression);
        }
        if let Some(means) = &self.means {
            let softmax = LossConfig::Softmax(SoftmaxConfig { scale: config.influence_scale });
            let influence = softmax.objective().measure(batch, Some(means), seed)?;
            measured.value += config.influence * influence.value;
            for (sum, share) in measured.gradient.iter_mut().zip(&influence.gradient) {
                *sum += config.influence * share;
            }
        }
        Ok(measured)
    }
}

/// The triplet loss over triplets whose anchors, positives and negatives are old or new embeddings, semi-hard negatives from
/// both (the paper's figure 9). A face's old embedding is a positive of its new one. Triplets of old embeddings alone
/// teach nothing and are left out.
fn mixed_triplets(
    batch: &Batch,
    old: &BTreeMap<usize, &[f32]>,
    config: MinerConfig,
    seed: u64,
) -> Result<Measured, ObjectiveError> {
    batch.check()?;
    let new_rows = batch.labels.len();
    let rows: Vec<f32> = batch.embeddings.iter().chain(old.values().copied().flatten()).copied().collect();
    // The face of each row.
    let faces: Vec<usize> = (0..new_rows).chain(old.keys().copied()).collect();
    let labels: Vec<u32> = faces.iter().map(|face| batch.labels[*face]).collect();

    let mut mined = mine(&rows, &labels, config, seed)?;
    let is_new = |row: u32| (row as usize) < new_rows;
    mined.triplets.retain(|t| is_new(t.anchor) || is_new(t.positive) || is_new(t.negative));
    let loss = triplet_loss(&rows, batch.dimension, &mined.triplets, config.margin);
    let mut gradient = loss.gradient;
    gradient.truncate(batch.embeddings.len());

    let face = |row: u32| faces[row as usize] as u32;
    let triplets = mined
        .triplets
        .iter()
        .map(|t| Triplet { anchor: face(t.anchor), positive: face(t.positive), negative: face(t.negative) })
        .collect();
    // The distances that are watched are those of the new embeddings: the old ones cannot collapse.
    let mined = Mined { triplets, batch_means: mean_distances(batch), ..mined };
    Ok(Measured { value: loss.value, gradient, head: None, mined: Some(mined), accuracy: None })
}

/// Adds `weight` times the mean squared distance between new and old embeddings of a face.
fn add_regression(measured: &mut Measured, batch: &Batch, old: &BTreeMap<usize, &[f32]>, weight: f32) {
    let mut sum = 0.0f64;
    let share = weight / old.len().max(1) as f32;
    for (face, old) in old {
        let gradient = &mut measured.gradient[face * batch.dimension..][..batch.dimension];
        for ((slope, new), old) in gradient.iter_mut().zip(batch.row(*face)).zip(*old) {
            let difference = new - old;
            sum += f64::from(difference * difference);
            *slope += 2.0 * share * difference;
        }
    }
    measured.value += share * sum as f32;
}

/// The sum of the old embeddings of each person; one whose images cannot be read keeps a direction of its own.
fn old_means(harmony: &Harmony, dataset: &Dataset) -> Vec<f32> {
    let dimension = harmony.old.contract().dimension;
    let mut means = vec![0.0; dataset.identities().len() * dimension];
    for (person, mean) in dataset.identities().iter().zip(means.chunks_exact_mut(dimension)) {
        for row in person.images.clone().filter_map(|image| harmony.old.of_image(ImageId(image))) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        if mean.iter().all(|v| *v == 0.0) {
            mean[0] = 1.0;
        }
    }
    means
}

#[cfg(test)]
mod tests;
