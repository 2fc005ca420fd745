//! The training loop that both networks of a detector share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facenet::network::Graph;
use facenet::{DetectorModel, DetectorModelError, Weights, WeightsError};
use facenet_core::BoxError;
use facenet_eval::{DetectionReport, LabelledPhoto, LabelsError, read_detection_labels};

use super::config::DetectorRunConfig;
use super::loss::Parts;
use super::validate;
use crate::checkpoint::{Checkpoint, CheckpointError, Terms};
use crate::dataset::Unreadable;
use crate::loader::Ahead;
use crate::log::{DetectorRecord, DetectorValidationRecord, LogError, Record};
use crate::run::{RunError, RunFolder};
use crate::train::timed;
use crate::{
    AveragingConfig, DatasetError, DeviceConfig, DeviceError, LoadError, LoaderConfig, OptimiserConfig,
    ScheduleConfig, TrainNetwork, clip,
};

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
    /// What a second look learns from was searched for.
    Candidates {
        /// Boxes on faces.
        right: usize,
        /// Boxes on none.
        wrong: usize,
        /// Aligned crops.
        aligned: usize,
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
    #[error("cannot use the aligned crops")]
    Crops(#[from] DatasetError),
    #[error("there is no {0} to learn from")]
    Nothing(&'static str),
    #[error("cannot find the faces to look at again")]
    Candidates(#[source] BoxError),
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

/// What a network of a detector learns, and from what.
pub(super) trait Task: Send + Sync + 'static {
    /// A picture with what is known of it.
    type Sample: Send + 'static;

    /// The samples of a step: a function of the step alone.
    fn batch(&self, step: u64) -> Vec<Self::Sample>;

    /// The network's input, `[samples, 3, height, width]`.
    fn pixels(&self, samples: &[Self::Sample]) -> Vec<f32>;

    /// The loss of a batch, and its gradient at the network's outputs.
    fn loss(&self, outputs: &[Vec<f32>], samples: &[Self::Sample]) -> (Parts, Vec<Vec<f32>>);

    /// The detector that the weights make.
    fn model(&self, weights: Weights) -> DetectorModel;

    /// SHA-256 over what is learnt from.
    fn digest(&self) -> String;

    /// Pictures found unreadable since the last call.
    fn take_unreadable(&self) -> Vec<Unreadable>;

    /// Pictures found unreadable so far.
    fn unreadable_count(&self) -> usize;
}

/// How a task is learnt: a part of the settings of a run.
pub(super) struct Settings {
    pub(super) batch: usize,
    pub(super) optimiser: OptimiserConfig,
    pub(super) averaging: Option<AveragingConfig>,
    pub(super) schedule: ScheduleConfig,
    pub(super) device: DeviceConfig,
    pub(super) loader: LoaderConfig,
    pub(super) run: DetectorRunConfig,
    pub(super) graph: Graph,
    /// The settings that decide the weights, as text.
    pub(super) recipe: String,
    /// All settings, as text.
    pub(super) toml: String,
}

impl Settings {
    pub(super) fn terms(&self) -> Terms<'_> {
        Terms {
            recipe: self.recipe.clone(),
            graph: &self.graph,
            averaging: self.averaging,
            optimiser: self.optimiser,
        }
    }
}

/// A run of a task.
pub(super) struct Routine<'a, T: Task> {
    task: Arc<T>,
    settings: Settings,
    run: &'a mut RunFolder,
    show: &'a mut dyn FnMut(DetectorEvent),
    validation: Vec<LabelledPhoto>,
    /// Of the data.
    digest: String,
    state: Checkpoint,
}

/// Steps since the last record.
#[derive(Default)]
pub(super) struct Window {
    parts: Parts,
    loss: f64,
    steps: usize,
    waited: Duration,
    worked: Duration,
}

/// The photos that a run is validated on, if the folder of its data has some.
pub(super) fn validation_photos(folder: &std::path::Path) -> Result<Vec<LabelledPhoto>, LabelsError> {
    let labels = folder.join("val.jsonl");
    if labels.exists() { read_detection_labels(&labels) } else { Ok(Vec::new()) }
}

impl<'a, T: Task> Routine<'a, T> {
    /// Goes on from the last checkpoint of `run`, or begins with the network that `first` gives.
    pub(super) fn start(
        task: T,
        settings: Settings,
        validation: Vec<LabelledPhoto>,
        first: impl FnOnce(&Graph) -> Result<TrainNetwork, DetectorTrainError>,
        run: &'a mut RunFolder,
        show: &'a mut dyn FnMut(DetectorEvent),
    ) -> Result<Self, DetectorTrainError> {
        let digest = task.digest();
        let terms = settings.terms();
        let mut state = match run.last_checkpoint()? {
            Some(path) => Checkpoint::read(&path, &terms, &digest)?,
            None => Checkpoint::first(first(&settings.graph)?, &terms),
        };
        drop(terms);
        state.network = state.network.on(settings.device.open()?);
        run.begin(&settings.toml, settings.run.keep, state.step)?;
        show(DetectorEvent::Starts { step: state.step, steps: settings.schedule.steps });
        Ok(Self { task: Arc::new(task), settings, run, show, validation, digest, state })
    }

    pub(super) fn run(mut self) -> Result<TrainedDetector, DetectorTrainError> {
        let mut loader = self.loader()?;
        let mut window = Window::default();
        while self.state.step < self.settings.schedule.steps {
            let (samples, waited) = timed(|| loader.next());
            let samples = samples?;
            let begun = Instant::now();
            let parts = self.step(&samples)?;
            window.parts.add(&parts);
            window.loss += parts.value();
            window.steps += 1;
            window.waited += waited;
            window.worked += begun.elapsed();
            self.tell(&mut window)?;
        }
        self.finish()
    }

    pub(super) fn loader(&self) -> Result<Ahead<Vec<T::Sample>>, DetectorTrainError> {
        let task = Arc::clone(&self.task);
        let LoaderConfig { workers, ahead } = self.settings.loader;
        Ahead::start(move |step| task.batch(step), self.state.step, workers, ahead)
            .map_err(DetectorTrainError::Threads)
    }

    /// Measures the loss of a batch and moves the weights against its gradient.
    pub(super) fn step(&mut self, samples: &[T::Sample]) -> Result<Parts, DetectorTrainError> {
        let step = self.state.step;
        let pass = self.state.network.forward_maps(self.task.pixels(samples), None);
        let (parts, gradients) = self.task.loss(&pass.maps, samples);
        if !parts.value().is_finite() {
            return Err(DetectorTrainError::NotANumber { step });
        }
        let statistics = pass.statistics();
        let mut gradients = pass.backward(gradients);
        self.state.network.absorb_statistics(&statistics);
        if let Some(norm) = self.settings.optimiser.clip_norm() {
            clip(&mut gradients, norm);
        }
        let parameters = self.state.network.tensors_mut();
        let parameters =
            parameters.filter_map(|(name, values)| Some((name, values, gradients.get(name)?.as_slice())));
        self.state.optimiser.step(self.settings.schedule.rate(step), parameters);
        if let Some(averaging) = &mut self.state.averaging {
            let tensors = self.state.network.tensors().iter();
            averaging.update(step, tensors.map(|(name, tensor)| (name.as_str(), tensor.values.as_slice())));
        }
        self.state.step += 1;
        Ok(parts)
    }

    /// Shows, logs, validates and saves what is due after a step.
    pub(super) fn tell(&mut self, window: &mut Window) -> Result<(), DetectorTrainError> {
        let step = self.state.step;
        for unreadable in self.task.take_unreadable() {
            (self.show)(DetectorEvent::Unreadable(&unreadable));
            self.run.log(&Record::Unreadable { place: unreadable.place, reason: unreadable.reason })?;
        }
        (self.show)(DetectorEvent::Step { step });
        let last = self.settings.schedule.steps;
        let due = |every: u64| step.is_multiple_of(every) || step == last;
        let DetectorRunConfig { log_every, checkpoint_every, validate_every, .. } = self.settings.run;
        if due(log_every) {
            let rate = self.settings.schedule.rate(step - 1);
            let record = std::mem::take(window).finish(step, rate, self.settings.batch);
            (self.show)(DetectorEvent::Logged(&record));
            self.run.log(&Record::Detector(record))?;
        }
        if due(checkpoint_every) {
            self.run.save_checkpoint(&self.state, &self.settings.terms(), &self.digest)?;
        }
        if due(validate_every) && !self.validation.is_empty() {
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
        let weights = Weights::new(self.state.tensors(), &self.settings.graph)
            .map_err(|source| DetectorTrainError::Weights { step: self.state.step, source })?;
        Ok(self.task.model(weights))
    }

    fn finish(self) -> Result<TrainedDetector, DetectorTrainError> {
        let model = self.model()?;
        let report = if self.validation.is_empty() { None } else { Some(self.validate()?) };
        self.run.draw_curves()?;
        self.run.finish_detector(&model, report.as_ref())?;
        Ok(TrainedDetector { model, report, unreadable: self.task.unreadable_count() })
    }
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
