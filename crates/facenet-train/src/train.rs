//! The training loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facenet::{Model, ModelError, WeightsError};
use facenet_eval::VerificationReport;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::log::{LogError, Record, StepRecord, ValidationRecord, Window};
use crate::run::{RunError, RunFolder};
use crate::validate::{ValidateError, Validator};
use crate::{
    AdaGrad, BatchSource, Dataset, DatasetError, LoadError, LoadedBatch, Loader, MineError, Mined, Sampler,
    SamplerError, TrainNetwork, Unreadable, ValidConfig, mine, triplet_loss,
};

/// Mean squared distance between people below which the embedding counts as collapsed: random points of the sphere
/// lie 2 apart, so all faces then crowd into a hundredth of that.
const COLLAPSED: f32 = 0.02;

/// What happens during a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// The data was read.
    Data {
        /// People.
        identities: usize,
        /// Faces.
        images: usize,
        /// Entries that are no images.
        ignored: usize,
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
    Logged(&'a StepRecord),
    /// The network was validated.
    Validated(&'a ValidationRecord),
    /// An image could not be read; it is skipped from now on.
    Unreadable(&'a Unreadable),
    /// All faces lie in nearly one point; the run goes on for a while, since training can recover.
    Collapsed {
        /// Steps taken.
        step: u64,
    },
}

/// What a finished run gives.
#[derive(Debug)]
pub struct Trained {
    /// The model, with thresholds calibrated on the validation pairs if there are any.
    pub model: Model,
    /// Its figures on the validation pairs; none without.
    pub report: Option<VerificationReport>,
    /// Images that could not be read.
    pub unreadable: usize,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is the error of the stage that it is named after")]
pub enum TrainError {
    #[error("cannot use the training data")]
    Data(#[from] DatasetError),
    #[error("cannot draw batches of people")]
    Sampler(#[from] SamplerError),
    #[error("cannot prepare batches")]
    Load(#[from] LoadError),
    #[error("cannot start the threads that prepare batches")]
    Threads(#[source] std::io::Error),
    #[error(transparent)]
    Run(Box<RunError>),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Validate(Box<ValidateError>),
    #[error(transparent)]
    Model(Box<ModelError>),
    #[error(
        "the loss or an embedding of step {step} is not a number (faces {faces}); the last good checkpoint is kept\n\
         hint: lower `schedule.learning_rate`, or lengthen `schedule.warm_up`"
    )]
    NotANumber { step: u64, faces: String },
    #[error("a weight is not a number after step {step}; the last good checkpoint is kept")]
    Weights {
        step: u64,
        #[source]
        source: WeightsError,
    },
    #[error(
        "the embedding has collapsed: for {patience} steps, people lay only {distance:.4} apart on average, where \
         random points lie 2\nhint: choose semi-hard negatives (`triplets.rule`), lower `schedule.learning_rate`, \
         or take more people a batch"
    )]
    Collapsed { patience: u64, distance: f32 },
}

impl From<RunError> for TrainError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<ModelError> for TrainError {
    fn from(error: ModelError) -> Self {
        Self::Model(Box::new(error))
    }
}

impl From<ValidateError> for TrainError {
    fn from(error: ValidateError) -> Self {
        Self::Validate(Box::new(error))
    }
}

/// Trains with triplets mined inside each batch (Schroff et al. 2015, §3), from the last checkpoint of `run` if it
/// has one. The same settings and data give the same weights on the CPU, stopped and resumed or not.
///
/// # Errors
/// See [`TrainError`]; whatever stops a run, its last checkpoint stays.
pub fn train(
    config: &ValidConfig,
    run: &mut RunFolder,
    mut show: impl FnMut(Event),
) -> Result<Trained, TrainError> {
    let settings = config.settings();
    let dataset = Arc::new(Dataset::open(&settings.data.train)?.cached_up_to(settings.data.cache_mib));
    show(Event::Data {
        identities: dataset.identities().len(),
        images: dataset.image_count(),
        ignored: dataset.ignored(),
    });
    let sampler = Sampler::new(&dataset.image_counts(), settings.batch, settings.seed)?;
    let digest = dataset.digest();
    let mut state = match run.last_checkpoint()? {
        Some(path) => Checkpoint::load(&path, config, &digest)?,
        None => start(config),
    };
    let validator = match &settings.data.validation {
        Some(pairs) => Some(Validator::open(pairs, &model(config, &state)?)?),
        None => None,
    };
    run.begin(config, state.step)?;
    show(Event::Starts { step: state.step, steps: settings.schedule.steps });

    let source = BatchSource { dataset: Arc::clone(&dataset), sampler, augment: config.augment().clone() };
    let mut loader = Loader::start(source, state.step, settings.loader).map_err(TrainError::Threads)?;
    let mut window = Window::default();
    while state.step < settings.schedule.steps {
        let (batch, waited) = timed(|| loader.next());
        let batch = batch?;
        let taken = Instant::now();
        let (loss, mined) = step(config, &mut state, &batch)?;
        window.add(loss, &mined, batch.labels.len(), batch.skipped, waited, taken.elapsed());
        watch_collapse(config, &mut state, &mined, &mut show)?;
        for unreadable in dataset.take_unreadable() {
            show(Event::Unreadable(&unreadable));
            run.log(&Record::Unreadable { place: unreadable.place, reason: unreadable.reason })?;
        }
        show(Event::Step { step: state.step });

        let last = state.step == settings.schedule.steps;
        let due = |every: u64| state.step.is_multiple_of(every) || last;
        if due(settings.run.log_every) {
            let record =
                std::mem::take(&mut window).finish(state.step, settings.schedule.rate(state.step - 1));
            show(Event::Logged(&record));
            run.log(&Record::Step(record))?;
        }
        if due(settings.run.validate_every)
            && let Some(validator) = &validator
        {
            let report = validator.measure(&model(config, &state)?)?;
            let record = ValidationRecord::of(state.step, &report);
            show(Event::Validated(&record));
            run.log(&Record::Validation(record))?;
            run.draw_curves()?;
        }
        if due(settings.run.checkpoint_every) {
            run.save_checkpoint(&state, config, &digest)?;
        }
    }
    finish(config, &state, validator.as_ref(), dataset.unreadable_count(), run)
}

fn start(config: &ValidConfig) -> Checkpoint {
    let mut rng = ChaCha8Rng::seed_from_u64(config.settings().seed);
    Checkpoint {
        step: 0,
        network: TrainNetwork::new(config.graph().clone(), &mut rng),
        optimiser: AdaGrad::new(config.settings().optimiser),
        collapsed_steps: 0,
    }
}

/// Embeds, mines, and moves the weights against the gradient of the loss.
fn step(
    config: &ValidConfig,
    state: &mut Checkpoint,
    batch: &LoadedBatch,
) -> Result<(f32, Mined), TrainError> {
    let settings = config.settings();
    let not_a_number = || TrainError::NotANumber { step: batch.step, faces: faces(batch) };
    let pass = state.network.forward(batch.images.clone());
    let seed = settings.seed ^ (batch.step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mined = match mine(&pass.embeddings, &batch.labels, settings.triplets, seed) {
        Ok(mined) => mined,
        Err(MineError::NotEmbeddings(_)) => return Err(not_a_number()),
        Err(MineError::Margin(_) | MineError::Cap(_)) => unreachable!("valid settings are in range"),
    };
    let dimension = config.graph().dimension();
    let loss = triplet_loss(&pass.embeddings, dimension, &mined.triplets, settings.triplets.margin);
    if !loss.value.is_finite() {
        return Err(not_a_number());
    }
    state.network.absorb_statistics(&pass);
    let gradients = pass.backward(loss.gradient);
    let rate = settings.schedule.rate(batch.step);
    state.optimiser.step(&mut state.network, &gradients, rate);
    state.step = batch.step + 1;
    Ok((loss.value, mined))
}

/// The faces of a batch, shortened: enough to find it again.
fn faces(batch: &LoadedBatch) -> String {
    let mut names: Vec<String> = batch.ids.iter().take(8).map(|id| id.0.to_string()).collect();
    if batch.ids.len() > names.len() {
        names.push(format!("… {} in all", batch.ids.len()));
    }
    names.join(", ")
}

fn watch_collapse(
    config: &ValidConfig,
    state: &mut Checkpoint,
    mined: &Mined,
    show: &mut impl FnMut(Event),
) -> Result<(), TrainError> {
    let patience = config.settings().run.collapse_patience;
    let distance = mined.batch_means.map_or(f32::INFINITY, |means| means.negative);
    if distance >= COLLAPSED {
        state.collapsed_steps = 0;
        return Ok(());
    }
    state.collapsed_steps += 1;
    if state.collapsed_steps == 1 {
        show(Event::Collapsed { step: state.step });
    }
    if state.collapsed_steps < patience { Ok(()) } else { Err(TrainError::Collapsed { patience, distance }) }
}

fn model(config: &ValidConfig, state: &Checkpoint) -> Result<Model, TrainError> {
    let weights =
        state.network.weights().map_err(|source| TrainError::Weights { step: state.step, source })?;
    let network = &config.settings().network;
    Ok(Model::new(&network.name, network.dimension, config.preprocessing(), Vec::new(), weights))
}

fn finish(
    config: &ValidConfig,
    state: &Checkpoint,
    validator: Option<&Validator>,
    unreadable: usize,
    run: &mut RunFolder,
) -> Result<Trained, TrainError> {
    let mut model = model(config, state)?;
    let report = validator.map(|validator| validator.measure(&model)).transpose()?;
    if let Some(report) = &report {
        model = model.with_thresholds(report.thresholds());
    }
    run.draw_curves()?;
    run.finish(&model, report.as_ref())?;
    Ok(Trained { model, report, unreadable })
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}
