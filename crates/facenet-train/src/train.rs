//! The training loop.

mod error;
mod event;
mod step;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use facenet::{FrozenNetwork, Model};
use facenet_core::{Contract, Embedder, Harmonic};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::harmonic::{Harmony, OldEmbeddings, Tie};
use crate::log::{Record, ValidationRecord, Window};
use crate::loss::Objective;
use crate::page::{End, LivePage};
use crate::processes::{Alone, Processes};
use crate::run::RunFolder;
use crate::start::Start;
use crate::survey::Survey;
use crate::validate::Validator;
use crate::{
    Averaging, BatchSource, Dataset, HarmonicError, ImageId, LoadedBatch, Loader, OfflineBatches,
    OfflinePool, Optimiser, Sampler, Snapshot, StageConfig, Subset, Suspects, TrainNetwork, ValidConfig,
};
pub use error::TrainError;
pub use event::{Event, Trained};
use step::{Cut, Taken, Teacher, step};

/// Mean squared distance between people below which the embedding counts as collapsed: random points of the sphere
/// lie 2 apart, so all faces then crowd into a hundredth of that.
const COLLAPSED: f32 = 0.02;

/// Trains with triplets mined inside each batch (Schroff et al. 2015, §3), or with another loss of the settings, from
/// the last checkpoint of `run` if it has one. The same settings and data give the same weights on the CPU, stopped
/// and resumed or not.
///
/// # Errors
/// See [`TrainError`]; whatever stops a run, its last checkpoint stays.
pub fn train(
    config: &ValidConfig,
    run: &mut RunFolder,
    mut show: impl FnMut(Event),
) -> Result<Trained, TrainError> {
    let writer = Writer { run, show: &mut show, page: None };
    Trainer::start(config, None, Some(writer), &Alone)?.run()
}

/// Trains as [`train`] does, together with other processes: each takes its share of every batch. The first one alone
/// writes to its run folder and tells what happens. `old` is the model that the settings want the new one to be harmonic
/// to, if they want that.
///
/// # Errors
/// As [`train`]. The other processes then still wait for this one: end them with [`Processes::abort`].
pub fn train_together(
    config: &ValidConfig,
    old: Option<&dyn Embedder>,
    run: Option<&mut RunFolder>,
    processes: &dyn Processes,
    mut show: impl FnMut(Event),
) -> Result<Trained, TrainError> {
    let writer = run.map(|run| Writer { run, show: &mut show, page: None });
    Trainer::start(config, old, writer, processes)?.run()
}

/// The part of the first process: the run folder, and who watches.
struct Writer<'a> {
    run: &'a mut RunFolder,
    show: &'a mut dyn FnMut(Event),
    /// The page of the run, once it has begun.
    page: Option<LivePage>,
}

impl Writer<'_> {
    fn log(&mut self, record: Record) -> Result<(), TrainError> {
        self.run.log(&record)?;
        if let Some(page) = &mut self.page {
            page.add(record);
        }
        Ok(())
    }
}

struct Trainer<'a> {
    config: &'a ValidConfig,
    processes: &'a dyn Processes,
    writer: Option<Writer<'a>>,
    dataset: Arc<Dataset>,
    sampler: Sampler,
    /// Of the data, and of the models that the run rests on.
    digest: String,
    /// The losses with the steps from which they hold, the first from 0.
    stages: Vec<(StageConfig, Box<dyn Objective>)>,
    /// What ties the new embedding to an old one.
    tie: Option<Tie>,
    validator: Option<Validator>,
    state: Checkpoint,
}

impl<'a> Trainer<'a> {
    fn start(
        config: &'a ValidConfig,
        old: Option<&dyn Embedder>,
        mut writer: Option<Writer<'a>>,
        processes: &'a dyn Processes,
    ) -> Result<Self, TrainError> {
        let settings = config.settings();
        let dataset = Dataset::open_part(&settings.data.train, settings.data.part)?;
        let dataset = Arc::new(dataset.cached_up_to(settings.data.cache_mib));
        if let Some(writer) = &mut writer {
            (writer.show)(Event::Data {
                identities: dataset.identities().len(),
                images: dataset.image_count(),
                ignored: dataset.ignored(),
            });
        }
        let sampler = Sampler::new(&dataset.image_counts(), settings.batch, settings.seed)?;
        let harmony = match &settings.harmonic {
            Some(_) => Some(Arc::new(harmony(config, old, &dataset, writer.as_ref(), processes)?)),
            None => None,
        };
        let start = settings.start.as_ref().map(Start::load).transpose()?;
        let older = harmony.as_ref().map(|harmony| harmony.old.contract());
        let digest = digest(&dataset, start.as_ref(), older);
        let stages: Vec<(StageConfig, Box<dyn Objective>)> =
            config.stages().into_iter().map(|stage| (stage.clone(), stage.loss.objective())).collect();
        let state = match &mut writer {
            Some(writer) => match writer.run.last_checkpoint()? {
                Some(path) => Some(Checkpoint::load(&path, config, &digest)?),
                None => Some(first(config, &stages, dataset.identities().len(), start.as_ref())?),
            },
            None => None,
        };
        let mut state = shared(config, &digest, state, processes)?;
        state.network = state.network.on(settings.device.open()?);
        let validator = match (&settings.data.validation, &writer) {
            (Some(pairs), Some(_)) => Some(Validator::open(pairs, &model(config, &state)?)?),
            _ => None,
        };
        if let Some(writer) = &mut writer {
            writer.run.begin(&settings.to_toml(), settings.run.keep, state.step)?;
            writer.page = Some(writer.run.page(settings, &dataset, state.step)?);
            (writer.show)(Event::Starts { step: state.step, steps: settings.schedule.steps });
        }
        let tie = harmony.map(|harmony| Tie::new(harmony, &dataset));
        Ok(Self { config, processes, writer, dataset, sampler, digest, stages, tie, validator, state })
    }

    fn run(mut self) -> Result<Trained, TrainError> {
        let learnt = self.learn();
        let step = self.state.step;
        if let Some(Writer { run, page: Some(page), .. }) = &self.writer {
            let end = match &learnt {
                Ok(()) => End::Finished,
                Err(error) => End::Stopped(with_causes(error)),
            };
            // What stopped the run comes first.
            let closed = page.close(step, &end).map_err(|source| run.page_error(source));
            learnt.and(closed.map_err(TrainError::from))?;
        } else {
            learnt?;
        }
        self.finish()
    }

    fn learn(&mut self) -> Result<(), TrainError> {
        let settings = self.config.settings();
        let cut = Cut::of(self.config, self.sampler.max_batch(), self.processes.count())?;
        let mut loader = self.loader()?;
        let mut window = Window::default();
        while self.state.step < settings.schedule.steps {
            if self.survey()? {
                loader = self.loader()?;
            }
            let (batch, waited) = timed(|| loader.next());
            let batch = batch?;
            let begun = Instant::now();
            let at = self.stages.iter().rposition(|(stage, _)| stage.from <= batch.step);
            let (stage, objective) = &self.stages[at.expect("the first stage is from step 0")];
            let teacher = Teacher { loss: &stage.loss, objective: &**objective, tie: self.tie.as_ref() };
            let taken = step(self.config, &mut self.state, &teacher, &batch, cut, self.processes)?;
            window.add(&taken.measured, taken.distances, &batch, waited, begun.elapsed());
            self.watch_collapse(&taken)?;
            self.tell(&mut window, &taken, &batch)?;
        }
        Ok(())
    }

    fn loader(&self) -> Result<Loader, TrainError> {
        let settings = self.config.settings();
        let excluded = match (&self.state.suspects, settings.suspects) {
            (Some(suspects), Some(config)) if config.drop => suspects.impossible().into_iter().collect(),
            _ => HashSet::new(),
        };
        let offline = self.state.offline.clone().zip(settings.offline);
        let source = BatchSource {
            dataset: Arc::clone(&self.dataset),
            sampler: self.sampler.clone(),
            augment: self.config.augment().clone(),
            excluded: Arc::new(excluded),
            offline: offline.map(|(pool, config)| OfflineBatches {
                pool: Arc::new(pool),
                config,
                seed: settings.seed,
            }),
        };
        Loader::start(source, self.state.step, settings.loader).map_err(TrainError::Threads)
    }

    /// Looks at the data set under the weights of now, if the settings ask for that at this step, for offline
    /// triplets and for wrong labels; whether it changed what batches are made of.
    fn survey(&mut self) -> Result<bool, TrainError> {
        let settings = self.config.settings();
        let step = self.state.step;
        let due = |every: u64| step > 0 && step.is_multiple_of(every);
        let offline = settings.offline.filter(|config| due(config.every));
        let suspects = settings.suspects.filter(|config| due(config.every));
        if offline.is_none() && suspects.is_none() {
            return Ok(false);
        }
        let model = model(self.config, &self.state)?;
        let not_a_number = |_| TrainError::NotANumber { step, faces: "of the whole data set".into() };
        if let Some(config) = suspects {
            let all: Vec<ImageId> = (0..self.dataset.image_count() as u32).map(ImageId).collect();
            let seen = Survey::of(&self.dataset, &FrozenNetwork::new(&model), &all, self.processes);
            let suspects = self.state.suspects.get_or_insert_with(|| Suspects::new(config));
            suspects.look(&seen.embeddings, &seen.labels, &seen.images).map_err(not_a_number)?;
            if let Some(writer) = &mut self.writer {
                let sheet = writer.run.suspect(suspects, &self.dataset)?;
                let images = suspects.impossible().len();
                (writer.show)(Event::Suspected { step, images, sheet });
                if let Some(page) = &mut writer.page {
                    page.set_suspects(images);
                }
            }
        }
        if let Some(config) = offline {
            let usable = |_: ImageId| true;
            let drawn = Subset::draw(self.dataset.identities(), &config, usable, settings.seed, step);
            let Survey { images, labels, embeddings } =
                Survey::of(&self.dataset, &FrozenNetwork::new(&model), &drawn.images, self.processes);
            let subset = Subset { images, labels };
            let (pool, _) = OfflinePool::mine(&embeddings, &subset, config.triplets, settings.seed, step)
                .map_err(|error| TrainError::Loss(error.into()))?;
            if let Some(writer) = &mut self.writer {
                let (triplets, images) = (pool.len(), subset.images.len());
                (writer.show)(Event::MinedOffline { step, triplets, images });
            }
            self.state.offline = Some(pool);
        }
        Ok(true)
    }

    fn watch_collapse(&mut self, taken: &Taken) -> Result<(), TrainError> {
        let patience = self.config.settings().run.collapse_patience;
        let distance = taken.distances.map_or(f32::INFINITY, |means| means.negative);
        if distance >= COLLAPSED {
            self.state.collapsed_steps = 0;
            return Ok(());
        }
        self.state.collapsed_steps += 1;
        let step = self.state.step;
        if let (1, Some(writer)) = (self.state.collapsed_steps, &mut self.writer) {
            (writer.show)(Event::Collapsed { step });
        }
        if self.state.collapsed_steps < patience {
            Ok(())
        } else {
            Err(TrainError::Collapsed { patience, distance })
        }
    }

    /// Shows, logs, validates and saves what is due after a step.
    fn tell(&mut self, window: &mut Window, taken: &Taken, batch: &LoadedBatch) -> Result<(), TrainError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let settings = self.config.settings();
        let step = self.state.step;
        for unreadable in self.dataset.take_unreadable() {
            (writer.show)(Event::Unreadable(&unreadable));
            writer.log(Record::Unreadable { place: unreadable.place, reason: unreadable.reason })?;
        }
        (writer.show)(Event::Step { step });

        let due = |every: u64| step.is_multiple_of(every) || step == settings.schedule.steps;
        if due(settings.run.log_every) {
            let record = std::mem::take(window).finish(step, settings.schedule.rate(step - 1));
            (writer.show)(Event::Logged(&record));
            writer.log(Record::Step(record))?;
            let triplets = taken.measured.mined.as_ref().map_or(&[][..], |mined| &mined.triplets);
            let snapshot = Snapshot::of(&taken.embeddings, batch, triplets);
            (writer.show)(Event::Looked(&snapshot));
            if let Some(page) = &mut writer.page {
                page.look(snapshot);
            }
        }
        if due(settings.run.validate_every)
            && let Some(validator) = &self.validator
        {
            let report = validator.measure(&model(self.config, &self.state)?)?;
            let record = ValidationRecord::of(step, &report);
            (writer.show)(Event::Validated(&record));
            writer.log(Record::Validation(record))?;
            writer.run.draw_curves()?;
        }
        if let Some(page) = &mut writer.page {
            page.refresh(step).map_err(|source| writer.run.page_error(source))?;
        }
        if due(settings.run.checkpoint_every) {
            writer.run.save_checkpoint(&self.state, &self.config.into(), &self.digest)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Trained, TrainError> {
        let mut model = model(self.config, &self.state)?;
        let report = self.validator.map(|validator| validator.measure(&model)).transpose()?;
        if let Some(report) = &report {
            model = model.with_thresholds(report.thresholds());
        }
        if let Some(tie) = &self.tie {
            let to = tie.old().id();
            let unmeasured = Harmonic { to, thresholds: Vec::new(), calibration: None, measured: None };
            model = model.with_harmonic(vec![unmeasured]);
        }
        if let Some(Writer { run, .. }) = self.writer {
            run.draw_curves()?;
            run.finish(&model, report.as_ref())?;
        }
        Ok(Trained { model, report, unreadable: self.dataset.unreadable_count() })
    }
}

/// The state before the first step.
fn first(
    config: &ValidConfig,
    stages: &[(StageConfig, Box<dyn Objective>)],
    classes: usize,
    start: Option<&Start>,
) -> Result<Checkpoint, TrainError> {
    let settings = config.settings();
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    let dimension = config.graph().dimension();
    let head = stages.iter().find_map(|(_, objective)| objective.head(classes, dimension));
    let drawn = TrainNetwork::new(config.graph().clone(), &mut rng);
    Ok(Checkpoint {
        step: 0,
        network: match start {
            Some(start) => start.apply(&drawn, &settings.network.name)?,
            None => drawn,
        },
        head: head.map(|shape| shape.start(settings.seed)),
        optimiser: Optimiser::new(settings.optimiser),
        averaging: settings.averaging.map(Averaging::new),
        offline: None,
        suspects: None,
        collapsed_steps: 0,
    })
}

/// The digest of the data, with those of the models that a run rests on.
fn digest(dataset: &Dataset, start: Option<&Start>, older: Option<&Contract>) -> String {
    let data = dataset.digest();
    if start.is_none() && older.is_none() {
        return data;
    }
    let text =
        format!("{data} {} {}", older.map_or(String::new(), Contract::id), start.map_or("", Start::digest));
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The older model's embeddings of the training images, from the run folder or taken now.
fn harmony(
    config: &ValidConfig,
    old: Option<&dyn Embedder>,
    dataset: &Dataset,
    writer: Option<&Writer>,
    processes: &dyn Processes,
) -> Result<Harmony, TrainError> {
    let settings = config.settings();
    let harmonic = settings.harmonic.clone().expect("asked only where the settings want it");
    let old = old.ok_or(HarmonicError::NoOldModel)?;
    Harmony::check(old.contract(), settings.network.dimension)?;
    let path = writer.map(|writer| writer.run.old_embeddings_path());
    let kept = match &path {
        Some(path) if path.exists() => {
            Some(OldEmbeddings::load(path, old.contract(), dataset).map_err(HarmonicError::from)?)
        }
        _ => None,
    };
    let bytes = processes.broadcast(kept.as_ref().map_or(Vec::new(), OldEmbeddings::to_bytes));
    let embeddings = match kept {
        Some(kept) => kept,
        None if bytes.is_empty() => {
            let taken = OldEmbeddings::of(dataset, old, processes);
            if let Some(path) = &path {
                taken.save(path).map_err(HarmonicError::from)?;
            }
            taken
        }
        None => OldEmbeddings::from_bytes(&bytes).expect("the first process wrote it just now"),
    };
    Ok(Harmony { config: harmonic, old: embeddings })
}

/// The first process's state, in all; their settings and data must be the same.
fn shared(
    config: &ValidConfig,
    digest: &str,
    state: Option<Checkpoint>,
    processes: &dyn Processes,
) -> Result<Checkpoint, TrainError> {
    if let (Some(state), 1) = (&state, processes.count()) {
        return Ok(state.clone());
    }
    let bytes = state.as_ref().map(|state| state.to_bytes(&config.into(), digest)).transpose();
    let bytes = bytes.expect("plain tensors of ordinary size can be written to memory");
    let bytes = processes.broadcast(bytes.unwrap_or_default());
    match state {
        Some(state) => Ok(state),
        None => Checkpoint::from_bytes(&bytes, Path::new("the first process"), &config.into(), digest)
            .map_err(|_| TrainError::Differ { rank: processes.rank(), count: processes.count() }),
    }
}

/// The model as it is now: its averaged weights, if asked for.
fn model(config: &ValidConfig, state: &Checkpoint) -> Result<Model, TrainError> {
    let weights = facenet::Weights::new(state.tensors(), config.graph())
        .map_err(|source| TrainError::Weights { step: state.step, source })?;
    let network = &config.settings().network;
    Ok(Model::new(&network.name, network.dimension, config.preprocessing(), Vec::new(), weights))
}

/// An error and its causes, without hints.
fn with_causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let mut told: Vec<String> = Vec::new();
    for text in chain.map(|text| text.lines().take_while(|line| !line.starts_with("hint: ")).collect()) {
        // A transparent error tells the same as its cause.
        if told.last() != Some(&text) {
            told.push(text);
        }
    }
    told.join(": ")
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}
