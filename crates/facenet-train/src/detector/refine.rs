//! The training of a detector's second look: what the first look takes for faces, cut out of labelled photos, and aligned
//! crops, for which only the place of the landmarks as a whole is known.

mod candidates;
mod config;
mod loss;
mod sample;

use facenet::network::{Graph, Pyramid};
use facenet::{DetectorModel, Weights};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::loss::Parts;
use super::photos::Photos;
use super::routine::{DetectorEvent, DetectorTrainError, Routine, Task, TrainedDetector, validation_photos};
use super::train::pixels;
use crate::dataset::Unreadable;
use crate::run::RunFolder;
use crate::{Dataset, TrainNetwork};
use candidates::Candidates;
pub use config::{
    RefinerConfig, RefinerData, RefinerLossConfig, RefinerNetwork, RefinerSampleConfig, ValidRefinerConfig,
};
use loss::batch_loss;
use sample::{Sample, Sampling, usual_landmarks};

/// What the first weights of the outputs are multiplied by, so that faces begin where they usually lie.
const FIRST_SHARE: f32 = 0.1;

/// The score from which a detector with two looks reports faces: on the validation photos of the shipped one, fewer wrong and more
/// right ones than with the first look from 0.5 on.
const SCORE: f32 = 0.6;

/// Trains the second look of a detector, from the last checkpoint of `run` if it has one. The same settings, detector and data
/// give the same weights on the CPU, stopped and resumed or not. The model holds both looks.
///
/// # Errors
/// See [`DetectorTrainError`]; whatever stops a run, its last checkpoint stays.
pub fn train_refiner(
    config: &ValidRefinerConfig,
    run: &mut RunFolder,
    mut show: impl FnMut(DetectorEvent),
) -> Result<TrainedDetector, DetectorTrainError> {
    start(config, run, &mut show)?.run()
}

/// Faces that are looked at again.
struct Refining {
    detector: DetectorModel,
    network: String,
    photos: Photos,
    candidates: Candidates,
    crops: Option<Dataset>,
    sampling: Sampling,
    loss: RefinerLossConfig,
    digest: String,
}

fn start<'a>(
    config: &ValidRefinerConfig,
    run: &'a mut RunFolder,
    show: &'a mut dyn FnMut(DetectorEvent),
) -> Result<Routine<'a, Refining>, DetectorTrainError> {
    let settings = config.settings();
    let photos = Photos::open(&settings.data.folder.join("train.jsonl"), settings.data.cache_mib)?;
    let validation = validation_photos(&settings.data.folder)?;
    if photos.len() == 0 {
        return Err(DetectorTrainError::Empty(settings.data.folder.join("train.jsonl")));
    }
    let (faces, held_out) = (photos.face_count(), validation.len());
    show(DetectorEvent::Data { photos: photos.len(), faces, validation: held_out });
    let crops = settings.data.crops.as_deref().map(Dataset::open).transpose()?;
    let crops = crops.map(|crops| crops.cached_up_to(settings.data.cache_mib));
    let detector = match &settings.detector {
        Some(path) => DetectorModel::load(path)?,
        None => DetectorModel::shipped()?,
    };
    let detector = detector.without_refiner();
    let candidates = Candidates::find(&detector, &photos).map_err(DetectorTrainError::Candidates)?;
    let (right, wrong) = (candidates.faces.len(), candidates.others.len());
    show(DetectorEvent::Candidates { right, wrong, aligned: crops.as_ref().map_or(0, Dataset::image_count) });
    if right == 0 {
        return Err(DetectorTrainError::Nothing("face"));
    }
    let digest = format!(
        "{} found by {} crops {}",
        photos.digest(),
        detector.facts().weights,
        crops.as_ref().map_or(String::new(), Dataset::digest)
    );
    let sampling = Sampling { config: settings.sample, batch: settings.batch, seed: settings.seed };
    let network = settings.network.name.clone();
    let task =
        Refining { detector, network, photos, candidates, crops, sampling, loss: settings.loss, digest };
    let first = |graph: &Graph| Ok(first_network(graph, settings.seed));
    Routine::start(task, config.routine(), validation, first, run, show)
}

impl Task for Refining {
    type Sample = Sample;

    fn batch(&self, step: u64) -> Vec<Sample> {
        self.sampling.batch(&self.photos, &self.candidates, self.crops.as_ref(), step)
    }

    fn pixels(&self, samples: &[Sample]) -> Vec<f32> {
        pixels(samples.iter().map(|sample| &sample.image))
    }

    fn loss(&self, outputs: &[Vec<f32>], samples: &[Sample]) -> (Parts, Vec<Vec<f32>>) {
        let (parts, gradient) = batch_loss(&self.loss, &outputs[0], samples);
        (parts, vec![gradient])
    }

    fn model(&self, weights: Weights) -> DetectorModel {
        self.detector.clone().with_refiner(&self.network, weights).with_score(SCORE)
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }

    fn take_unreadable(&self) -> Vec<Unreadable> {
        let mut unreadable = self.photos.take_unreadable();
        unreadable.extend(self.crops.iter().flat_map(Dataset::take_unreadable));
        unreadable
    }

    fn unreadable_count(&self) -> usize {
        self.photos.unreadable_count() + self.crops.as_ref().map_or(0, Dataset::unreadable_count)
    }
}

/// The network before its first step: it gives the usual face, neither sure nor unsure of it.
fn first_network(graph: &Graph, seed: u64) -> TrainNetwork {
    let mut network = TrainNetwork::new(graph.clone(), &mut ChaCha8Rng::seed_from_u64(seed));
    for (name, values) in network.tensors_mut() {
        if name == "output.weight" {
            values.iter_mut().for_each(|value| *value *= FIRST_SHARE);
        } else if name == "output.bias" {
            let points = usual_landmarks();
            let landmarks = points.iter().flat_map(|point| [point.x, point.y]);
            values[Pyramid::OUTPUTS - 10..].iter_mut().zip(landmarks).for_each(|(value, at)| *value = at);
        }
    }
    network
}

#[cfg(test)]
mod tests;
