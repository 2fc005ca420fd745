//! The training of the detector's first look.

use std::sync::Arc;

use facenet::network::Graph;
use facenet::{DetectorModel, Place, Weights, detector_input};
use facenet_core::RgbImage;
use facenet_eval::LabelledFace;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::loss::{Parts, scene_loss};
use super::photos::Photos;
use super::routine::{DetectorEvent, DetectorTrainError, Routine, Task, TrainedDetector, validation_photos};
use super::scene::{Scene, Scenery};
use super::{DetectorLossConfig, ValidDetectorConfig};
use crate::TrainNetwork;
use crate::dataset::Unreadable;
use crate::run::RunFolder;

/// The score that an untrained network gives everywhere, so that the many places without a face do not drown the few
/// with one in the first steps (Lin et al. 2017, "Focal Loss", §4.1).
const FIRST_SCORE: f32 = 0.01;
/// What the first weights of the maps are multiplied by, so that boxes begin near the size of their place.
const FIRST_SHARE: f32 = 0.1;
/// The score from which a trained detector reports faces, until its card measures another.
const SCORE: f32 = 0.5;

/// Trains a detector, from the last checkpoint of `run` if it has one. The same settings and data give the same weights on
/// the CPU, stopped and resumed or not.
///
/// # Errors
/// See [`DetectorTrainError`]; whatever stops a run, its last checkpoint stays.
pub fn train_detector(
    config: &ValidDetectorConfig,
    run: &mut RunFolder,
    mut show: impl FnMut(DetectorEvent),
) -> Result<TrainedDetector, DetectorTrainError> {
    start(config, run, &mut show)?.run()
}

/// Places of scenes that learn faces.
struct Finding {
    network: String,
    photos: Arc<Photos>,
    scenery: Scenery,
    loss: DetectorLossConfig,
    places: Vec<Place>,
    /// What the run begins with is a part of what it learns from.
    digest: String,
}

fn start<'a>(
    config: &ValidDetectorConfig,
    run: &'a mut RunFolder,
    show: &'a mut dyn FnMut(DetectorEvent),
) -> Result<Routine<'a, Finding>, DetectorTrainError> {
    let settings = config.settings();
    let photos = Photos::open(&settings.data.folder.join("train.jsonl"), settings.data.cache_mib)?;
    let validation = validation_photos(&settings.data.folder)?;
    if photos.len() == 0 {
        return Err(DetectorTrainError::Empty(settings.data.folder.join("train.jsonl")));
    }
    let (faces, held_out) = (photos.face_count(), validation.len());
    show(DetectorEvent::Data { photos: photos.len(), faces, validation: held_out });
    let start = settings.network.start.as_deref().map(DetectorModel::load).transpose()?;
    let begun = start.as_ref().map_or(String::new(), |model| format!(" from {}", model.facts().weights));
    let edge = settings.network.edge_px;
    let task = Finding {
        network: settings.network.name.clone(),
        digest: photos.digest() + &begun,
        photos: Arc::new(photos),
        scenery: Scenery {
            config: settings.scene,
            edge_px: edge as u32,
            batch: settings.batch,
            seed: settings.seed,
        },
        loss: settings.loss,
        places: Place::all(edge, edge).collect(),
    };
    let first = |graph: &Graph| match start {
        None => Ok(first_network(graph, settings.seed)),
        Some(model) => network_of(graph, &model),
    };
    Routine::start(task, config.routine(), validation, first, run, show)
}

impl Task for Finding {
    type Sample = Scene;

    fn batch(&self, step: u64) -> Vec<Scene> {
        self.scenery.batch(&self.photos, step)
    }

    fn pixels(&self, scenes: &[Scene]) -> Vec<f32> {
        pixels(scenes.iter().map(|scene| &scene.image))
    }

    fn loss(&self, maps: &[Vec<f32>], scenes: &[Scene]) -> (Parts, Vec<Vec<f32>>) {
        let faces: Vec<&[LabelledFace]> = scenes.iter().map(|scene| scene.faces.as_slice()).collect();
        batch_loss(&self.loss, &self.places, maps, &faces)
    }

    fn model(&self, weights: Weights) -> DetectorModel {
        DetectorModel::new(&self.network, SCORE, weights)
    }

    fn digest(&self) -> String {
        self.digest.clone()
    }

    fn take_unreadable(&self) -> Vec<Unreadable> {
        self.photos.take_unreadable()
    }

    fn unreadable_count(&self) -> usize {
        self.photos.unreadable_count()
    }
}

/// The network before its first step.
fn first_network(graph: &Graph, seed: u64) -> TrainNetwork {
    let mut network = TrainNetwork::new(graph.clone(), &mut ChaCha8Rng::seed_from_u64(seed));
    for (name, values) in network.tensors_mut() {
        if name.ends_with(".output.weight") {
            values.iter_mut().for_each(|value| *value *= FIRST_SHARE);
        } else if name.ends_with(".output.bias") {
            values[0] = (FIRST_SCORE / (1.0 - FIRST_SCORE)).ln();
        }
    }
    network
}

/// The network of a model, to go on from.
fn network_of(graph: &Graph, model: &DetectorModel) -> Result<TrainNetwork, DetectorTrainError> {
    TrainNetwork::from_weights(graph.clone(), model.weights().tensors().clone())
        .map_err(|source| DetectorTrainError::Weights { step: 0, source })
}

/// Squares as a network's input, `[batch, 3, edge, edge]`.
pub(super) fn pixels<'a>(squares: impl ExactSizeIterator<Item = &'a RgbImage>) -> Vec<f32> {
    let squares: Vec<&RgbImage> = squares.collect();
    let edge = squares.first().map_or(0, |square| square.width() as usize);
    let mut pixels = vec![0.0; squares.len() * 3 * edge * edge];
    pixels
        .par_chunks_mut((3 * edge * edge).max(1))
        .zip(squares)
        .for_each(|(pixels, square)| detector_input(square, (edge, edge), pixels));
    pixels
}

/// The loss of a batch, and its gradient at the maps.
fn batch_loss(
    config: &DetectorLossConfig,
    places: &[Place],
    maps: &[Vec<f32>],
    faces: &[&[LabelledFace]],
) -> (Parts, Vec<Vec<f32>>) {
    let mut gradients: Vec<Vec<f32>> = maps.iter().map(|map| vec![0.0; map.len()]).collect();
    let lens: Vec<usize> = maps.iter().map(|map| map.len() / faces.len()).collect();
    let scenes = gradients.iter_mut().zip(&lens).map(|(gradient, len)| gradient.chunks_exact_mut(*len));
    let mut scenes: Vec<_> = scenes.collect();
    let by_scene: Vec<[&mut [f32]; 3]> = (0..faces.len())
        .map(|_| std::array::from_fn(|level| scenes[level].next().expect("a map for each scene")))
        .collect();
    let parts: Vec<Parts> = by_scene
        .into_par_iter()
        .enumerate()
        .map(|(scene, gradients)| {
            let maps = std::array::from_fn(|level| &maps[level][scene * lens[level]..][..lens[level]]);
            scene_loss(config, places, maps, faces[scene], gradients)
        })
        .collect();
    let mut sum = Parts::default();
    parts.iter().for_each(|parts| sum.add(parts));
    let share = 1.0 / sum.positives.max(1) as f32;
    gradients.par_iter_mut().for_each(|map| map.iter_mut().for_each(|value| *value *= share));
    (sum, gradients)
}

#[cfg(test)]
mod tests;
