//! The data set as the network sees it at the moment: images embedded in bulk, without augmentation.

use facenet::ChipCutter;
use facenet_core::{Chip, Embedder};
use rayon::prelude::*;

use crate::augment::Augment;
use crate::dataset::{Dataset, ImageId};
use crate::processes::Processes;

/// Images that are embedded at once.
const BATCH: usize = 64;

/// Images with their embeddings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// Those that can be read, in the order asked for.
    pub(crate) images: Vec<ImageId>,
    /// The positions of their people in [`Dataset::identities`].
    pub(crate) labels: Vec<u32>,
    /// Unit rows, `[images, dimension]`.
    pub(crate) embeddings: Vec<f32>,
}

impl Survey {
    /// Embeds `wanted` images, each process its share.
    pub(crate) fn of(
        dataset: &Dataset,
        embedder: &dyn Embedder,
        wanted: &[ImageId],
        processes: &dyn Processes,
    ) -> Self {
        let contract = embedder.contract();
        let augment = Augment::none(contract.preprocessing).expect("a model's preprocessing is in range");
        let dimension = contract.dimension;
        let own: Vec<ImageId> =
            wanted.iter().copied().skip(processes.rank()).step_by(processes.count()).collect();
        // An image that cannot be read has no direction: a row of zeros.
        let rows = own.chunks(BATCH).flat_map(|batch| rows(dataset, &augment, embedder, batch, dimension));
        let shares = processes.gather(&rows.collect::<Vec<f32>>());

        let mut survey = Self { images: Vec::new(), labels: Vec::new(), embeddings: Vec::new() };
        for (position, image) in wanted.iter().enumerate() {
            let share = &shares[position % processes.count()];
            let row = &share[position / processes.count() * dimension..][..dimension];
            if row.iter().any(|v| *v != 0.0) {
                survey.images.push(*image);
                survey.labels.push(dataset.identity_of(*image));
                survey.embeddings.extend_from_slice(row);
            }
        }
        survey
    }
}

fn rows(
    dataset: &Dataset,
    augment: &Augment,
    embedder: &dyn Embedder,
    images: &[ImageId],
    dimension: usize,
) -> Vec<f32> {
    let cut = |image: &ImageId| augment.chip(&mut ChipCutter::new(), &*dataset.image(*image).ok()?, 0).ok();
    let chips: Vec<Option<Chip>> = images.par_iter().map(cut).collect();
    let (places, readable): (Vec<usize>, Vec<Chip>) =
        chips.into_iter().enumerate().filter_map(|(place, chip)| Some((place, chip?))).unzip();
    let mut rows = vec![0.0; images.len() * dimension];
    if let Ok(embeddings) = embedder.embed(&readable) {
        for (place, embedding) in places.iter().zip(&embeddings) {
            rows[place * dimension..][..dimension].copy_from_slice(embedding.as_slice());
        }
    }
    rows
}
