//! The training loop of the detector.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facenet::network::Graph;
use facenet::{DetectorModel, DetectorModelError, Place, Weights, WeightsError, detector_input};
use facenet_core::BoxError;
use facenet_eval::{DetectionReport, LabelledFace, LabelledPhoto, LabelsError, read_detection_labels};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::ValidDetectorConfig;
use super::loss::{Parts, scene_loss};
use super::photos::Photos;
use super::scene::{Scene, Scenery};
use super::validate;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::dataset::Unreadable;
use crate::loader::Ahead;
use crate::log::{DetectorRecord, DetectorValidationRecord, LogError, Record};
use crate::run::{RunError, RunFolder};
use crate::train::timed;
use crate::{DeviceError, LoadError, TrainNetwork, clip};

/// The score that an untrained network gives everywhere, so that the many places without a face do not drown the few
/// with one in the first steps (Lin et al. 2017, "Focal Loss", §4.1).
const FIRST_SCORE: f32 = 0.01;
/// What the first weights of the maps are multiplied by, so that boxes begin near the size of their place.
const FIRST_SHARE: f32 = 0.1;
/// The score from which a trained detector reports faces, until its card measures another.
const SCORE: f32 = 0.5;

/// What happens during a run, for whoever shows it.
#[derive(Debug)]
pub enum DetectorEvent<'a> {
    /// The data was read.
    Data {
        /// Photos to learn from.
        photos: usize,
        /// Faces in them that are learnt.
        faces: usize,
        /// Photos to validate with.
        validation: usize,
    },
    /// The run goes on after this many steps; 0 at the start.
    Starts {
        /// Steps already taken.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
    /// A step was taken.
    Step {
        /// Steps taken.
        step: u64,
    },
    /// A window of steps was logged.
    Logged(&'a DetectorRecord),
    /// The detector was validated.
    Validated(&'a DetectorValidationRecord),
    /// A photo could not be read; it is left out from now on.
    Unreadable(&'a Unreadable),
}

/// What a finished run gives.
#[derive(Debug)]
pub struct TrainedDetector {
    /// The model.
    pub model: DetectorModel,
    /// Its figures on the validation photos; none without.
    pub report: Option<DetectionReport>,
    /// Photos that could not be read.
    pub unreadable: usize,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is the error of the stage that it is named after")]
pub enum DetectorTrainError {
    #[error("cannot use the training data")]
    Data(#[from] LabelsError),
    #[error("`{0}` tells of no photos to learn from")]
    Empty(std::path::PathBuf),
    #[error("cannot prepare batches")]
    Load(#[from] LoadError),
    #[error("cannot start the threads that prepare batches")]
    Threads(#[source] std::io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("cannot validate the detector")]
    Validate(#[source] BoxError),
    #[error(transparent)]
    Model(#[from] DetectorModelError),
    #[error(
        "the loss of step {step} is not a number; the last good checkpoint is kept\n\
         hint: lower `schedule.learning_rate`, or lengthen `schedule.warm_up`"
    )]
    NotANumber { step: u64 },
    #[error("a weight is not a number after step {step}; the last good checkpoint is kept")]
    Weights {
        step: u64,
        #[source]
        source: WeightsError,
    },
}

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
    Trainer::start(config, run, &mut show)?.run()
}

struct Trainer<'a> {
    config: &'a ValidDetectorConfig,
    run: &'a mut RunFolder,
    show: &'a mut dyn FnMut(DetectorEvent),
    photos: Arc<Photos>,
    validation: Vec<LabelledPhoto>,
    /// Of the data.
    digest: String,
    state: Checkpoint,
    places: Vec<Place>,
}

/// Steps since the last record.
#[derive(Default)]
struct Window {
    parts: Parts,
    loss: f64,
    steps: usize,
    waited: Duration,
    worked: Duration,
}

impl<'a> Trainer<'a> {
    fn start(
        config: &'a ValidDetectorConfig,
        run: &'a mut RunFolder,
        show: &'a mut dyn FnMut(DetectorEvent),
    ) -> Result<Self, DetectorTrainError> {
        let settings = config.settings();
        let labels = settings.data.folder.join("train.jsonl");
        let photos = Arc::new(Photos::open(&labels, settings.data.cache_mib)?);
        if photos.len() == 0 {
            return Err(DetectorTrainError::Empty(labels));
        }
        let validation = settings.data.folder.join("val.jsonl");
        let validation = if validation.exists() { read_detection_labels(&validation)? } else { Vec::new() };
        let (faces, held_out) = (photos.face_count(), validation.len());
        show(DetectorEvent::Data { photos: photos.len(), faces, validation: held_out });
        let start = settings.network.start.as_deref().map(DetectorModel::load).transpose()?;
        // What a run begins with is a part of what it learns from.
        let begun = start.as_ref().map_or(String::new(), |model| format!(" from {}", model.facts().weights));
        let (digest, terms) = (photos.digest() + &begun, config.terms());
        let mut state = match (run.last_checkpoint()?, start) {
            (Some(path), _) => Checkpoint::read(&path, &terms, &digest)?,
            (None, None) => Checkpoint::first(first_network(config.graph(), settings.seed), &terms),
            (None, Some(model)) => Checkpoint::first(network_of(config.graph(), &model)?, &terms),
        };
        state.network = state.network.on(settings.device.open()?);
        run.begin(&settings.to_toml(), settings.run.keep, state.step)?;
        show(DetectorEvent::Starts { step: state.step, steps: settings.schedule.steps });
        let edge = settings.network.edge_px;
        let places = Place::all(edge, edge).collect();
        Ok(Self { config, run, show, photos, validation, digest, state, places })
    }

    fn run(mut self) -> Result<TrainedDetector, DetectorTrainError> {
        let settings = self.config.settings();
        let mut loader = self.loader()?;
        let mut window = Window::default();
        while self.state.step < settings.schedule.steps {
            let (scenes, waited) = timed(|| loader.next());
            let scenes = scenes?;
            let begun = Instant::now();
            let parts = self.step(&scenes)?;
            window.parts.add(&parts);
            window.loss += parts.value();
            window.steps += 1;
            window.waited += waited;
            window.worked += begun.elapsed();
            self.tell(&mut window)?;
        }
        self.finish()
    }

    fn loader(&self) -> Result<Ahead<Vec<Scene>>, DetectorTrainError> {
        let settings = self.config.settings();
        let scenery = Scenery {
            config: settings.scene,
            edge_px: settings.network.edge_px as u32,
            batch: settings.batch,
            seed: settings.seed,
        };
        let photos = Arc::clone(&self.photos);
        let make = move |step| scenery.batch(&photos, step);
        Ahead::start(make, self.state.step, settings.loader.workers, settings.loader.ahead)
            .map_err(DetectorTrainError::Threads)
    }

    /// Measures the loss of a batch and moves the weights against its gradient.
    fn step(&mut self, scenes: &[Scene]) -> Result<Parts, DetectorTrainError> {
        let settings = self.config.settings();
        let step = self.state.step;
        let pass = self.state.network.forward_maps(pixels(scenes), None);
        let faces: Vec<&[LabelledFace]> = scenes.iter().map(|scene| scene.faces.as_slice()).collect();
        let (parts, gradients) = batch_loss(self.config, &self.places, &pass.maps, &faces);
        if !parts.value().is_finite() {
            return Err(DetectorTrainError::NotANumber { step });
        }
        let statistics = pass.statistics();
        let mut gradients = pass.backward(gradients);
        self.state.network.absorb_statistics(&statistics);
        if let Some(norm) = settings.optimiser.clip_norm() {
            clip(&mut gradients, norm);
        }
        let parameters = self.state.network.tensors_mut();
        let parameters =
            parameters.filter_map(|(name, values)| Some((name, values, gradients.get(name)?.as_slice())));
        self.state.optimiser.step(settings.schedule.rate(step), parameters);
        if let Some(averaging) = &mut self.state.averaging {
            let tensors = self.state.network.tensors().iter();
            averaging.update(step, tensors.map(|(name, tensor)| (name.as_str(), tensor.values.as_slice())));
        }
        self.state.step += 1;
        Ok(parts)
    }

    /// Shows, logs, validates and saves what is due after a step.
    fn tell(&mut self, window: &mut Window) -> Result<(), DetectorTrainError> {
        let settings = self.config.settings();
        let step = self.state.step;
        for unreadable in self.photos.take_unreadable() {
            (self.show)(DetectorEvent::Unreadable(&unreadable));
            self.run.log(&Record::Unreadable { place: unreadable.place, reason: unreadable.reason })?;
        }
        (self.show)(DetectorEvent::Step { step });
        let due = |every: u64| step.is_multiple_of(every) || step == settings.schedule.steps;
        if due(settings.run.log_every) {
            let rate = settings.schedule.rate(step - 1);
            let record = std::mem::take(window).finish(step, rate, settings.batch);
            (self.show)(DetectorEvent::Logged(&record));
            self.run.log(&Record::Detector(record))?;
        }
        if due(settings.run.checkpoint_every) {
            self.run.save_checkpoint(&self.state, &self.config.terms(), &self.digest)?;
        }
        if due(settings.run.validate_every) && !self.validation.is_empty() {
            let report = self.validate()?;
            let record = validate::record(step, &report);
            (self.show)(DetectorEvent::Validated(&record));
            self.run.log(&Record::DetectorValidation(record))?;
            self.run.draw_curves()?;
        }
        Ok(())
    }

    fn validate(&self) -> Result<DetectionReport, DetectorTrainError> {
        validate::measure(&self.model()?, &self.validation).map_err(DetectorTrainError::Validate)
    }

    fn model(&self) -> Result<DetectorModel, DetectorTrainError> {
        let weights = Weights::new(self.state.tensors(), self.config.graph())
            .map_err(|source| DetectorTrainError::Weights { step: self.state.step, source })?;
        Ok(DetectorModel::new(&self.config.settings().network.name, SCORE, weights))
    }

    fn finish(self) -> Result<TrainedDetector, DetectorTrainError> {
        let model = self.model()?;
        let report = if self.validation.is_empty() { None } else { Some(self.validate()?) };
        self.run.draw_curves()?;
        self.run.finish_detector(&model, report.as_ref())?;
        Ok(TrainedDetector { model, report, unreadable: self.photos.unreadable_count() })
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

/// The network's input, `[batch, 3, edge, edge]`.
fn pixels(scenes: &[Scene]) -> Vec<f32> {
    let edge = scenes.first().map_or(0, |scene| scene.image.width() as usize);
    let mut pixels = vec![0.0; scenes.len() * 3 * edge * edge];
    pixels
        .par_chunks_mut((3 * edge * edge).max(1))
        .zip(scenes)
        .for_each(|(pixels, scene)| detector_input(&scene.image, (edge, edge), pixels));
    pixels
}

/// The loss of a batch, and its gradient at the maps.
fn batch_loss(
    config: &ValidDetectorConfig,
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
            scene_loss(&config.settings().loss, places, maps, faces[scene], gradients)
        })
        .collect();
    let mut sum = Parts::default();
    parts.iter().for_each(|parts| sum.add(parts));
    let share = 1.0 / sum.positives.max(1) as f32;
    gradients.par_iter_mut().for_each(|map| map.iter_mut().for_each(|value| *value *= share));
    (sum, gradients)
}

impl Window {
    fn finish(self, step: u64, learning_rate: f32, batch: usize) -> DetectorRecord {
        let seconds = (self.waited + self.worked).as_secs_f64().max(1e-9);
        let positives = self.parts.positives.max(1) as f64;
        let steps = self.steps.max(1) as f64;
        DetectorRecord {
            step,
            loss: (self.loss / steps) as f32,
            score_loss: (self.parts.score / positives) as f32,
            box_loss: (self.parts.boxes / positives) as f32,
            landmark_loss: (self.parts.landmarks / positives) as f32,
            overlap: (self.parts.overlap / positives) as f32,
            positives: self.parts.positives as f64 / steps,
            learning_rate,
            scenes_per_second: (self.steps * batch) as f64 / seconds,
            waiting: self.waited.as_secs_f64() / seconds,
        }
    }
}

#[cfg(test)]
mod tests;
