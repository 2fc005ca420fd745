//! One step of training.

use crate::checkpoint::{Checkpoint, HEAD};
use crate::exact::{Exact, WentBack};
use crate::harmonic::Tie;
use crate::loss::{Batch, Loss, LossConfig, Measured, Objective, mean_distances, triplet_loss};
use crate::miner::{MeanDistances, Triplet};
use crate::pieces::{Pieces, StepMemory, is_normalised};
use crate::processes::Processes;
use crate::train::TrainError;
use crate::{LoadedBatch, ObjectiveError, ValidConfig, clip};

/// How a batch is taken through the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The most images of a piece.
    size: usize,
    /// Passes that are kept.
    kept: usize,
}

/// What a step learns from.
pub(crate) struct Teacher<'a> {
    pub(crate) loss: &'a LossConfig,
    /// The loss that `loss` describes.
    pub(crate) objective: &'a dyn Objective,
    /// What ties the embeddings to old ones, if they are to be harmonic.
    pub(crate) tie: Option<&'a Tie>,
}

/// What a step found.
pub(crate) struct Taken {
    /// Unit rows, `[batch, dimension]`, from before the weights moved.
    pub(crate) embeddings: Vec<f32>,
    pub(crate) measured: Measured,
    /// Mean squared distances over the batch; none unless it has pairs of both kinds.
    pub(crate) distances: Option<MeanDistances>,
}

impl Cut {
    /// The cut for batches of at most `batch` faces, shared by `processes`.
    ///
    /// # Errors
    /// When the memory that the settings allow is too small for the smallest piece, or when a batch must be cut, but
    /// its normalisation is taken over all of it.
    pub(crate) fn of(config: &ValidConfig, batch: usize, processes: usize) -> Result<Self, TrainError> {
        let settings = config.settings();
        let graph = config.graph();
        let waiting = settings.loader.ahead.get() + settings.loader.workers.get();
        // Two values a weight is what Adam needs, the most of all optimisers.
        let memory = StepMemory::of(graph, 2);
        let fits =
            settings.run.memory_mib.map_or(usize::MAX, |mib| memory.images_within(mib << 20, batch, waiting));
        let share = batch.div_ceil(processes).max(1);
        let size = match (is_normalised(graph), settings.network.norm_group) {
            (true, Some(group)) => group.min(batch),
            (true, None) if processes == 1 => batch,
            (true, None) => {
                return Err(TrainError::Memory(format!(
                    "{processes} processes share a batch, but the batch normalisation of `{}` takes its statistics over \
                     all of it\nhint: set `network.norm_group`, the faces that are normalised together, to a part of \
                     the {batch} faces of a batch",
                    settings.network.name
                )));
            }
            (false, _) if share <= fits => share,
            // Large enough for wide products, small enough to cut finely.
            (false, _) => fits.min(64),
        };
        if size > fits || size == 0 {
            let mib = |images: usize| {
                let chips = memory.chip * (batch * (waiting + 1)) as u64;
                (memory.fixed + chips + memory.image * images as u64).div_ceil(1 << 20)
            };
            let hint = if is_normalised(graph) {
                "raise `run.memory_mib`, or set `network.norm_group` to fewer faces that are normalised together"
            } else {
                "raise `run.memory_mib`"
            };
            return Err(TrainError::Memory(format!(
                "a step over {} faces at a time takes about {} MiB, but `run.memory_mib` is {}\nhint: {hint}",
                size.max(1),
                mib(size.max(1)),
                settings.run.memory_mib.unwrap_or(0),
            )));
        }
        Ok(Self { size, kept: (fits / size).max(1) - 1 })
    }
}

/// Embeds the batch, measures the loss, and moves the weights against its gradient.
///
/// # Errors
/// When the loss or an embedding is not a number.
pub(crate) fn step(
    config: &ValidConfig,
    state: &mut Checkpoint,
    teacher: &Teacher,
    batch: &LoadedBatch,
    cut: Cut,
    processes: &dyn Processes,
) -> Result<Taken, TrainError> {
    let settings = config.settings();
    let not_a_number = || TrainError::NotANumber { step: batch.step, faces: faces(batch) };
    let pieces = Pieces::of(batch.chips.len(), cut.size);
    let exact = Exact {
        network: &state.network,
        chips: &batch.chips,
        dropout: settings.network.dropout,
        seeds: &batch.seeds,
        // One piece needs no second pass, whatever the estimate says.
        kept: if pieces.count() == 1 { 1 } else { cut.kept },
        pieces,
        processes,
    };
    let embedded = exact.embed();
    let dimension = config.graph().dimension();
    let faces = Batch { embeddings: &embedded.embeddings, dimension, labels: &batch.labels };
    let seed = settings.seed ^ (batch.step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let measured = match (&batch.triplets, teacher.tie) {
        (_, Some(tie)) => tie.measure(&faces, &batch.ids, teacher.loss, state.head.as_deref(), seed),
        (Some(triplets), None) => Ok(on_triplets(config, &faces, triplets)),
        (None, None) => teacher.objective.measure(&faces, state.head.as_deref(), seed),
    };
    let measured = match measured {
        Ok(measured) if measured.value.is_finite() => measured,
        Ok(_) | Err(ObjectiveError::NotEmbeddings(_)) => return Err(not_a_number()),
        Err(error) => return Err(TrainError::Loss(error)),
    };
    let distances = match &measured.mined {
        Some(mined) => mined.batch_means,
        None => mean_distances(&faces),
    };

    let embeddings = embedded.embeddings.clone();
    let WentBack { mut gradients, statistics } = exact.backward(embedded, &measured.gradient);
    state.network.absorb_statistics(&statistics);
    if let Some(head) = &measured.head {
        gradients.insert(HEAD.into(), head.clone());
    }
    if let Some(norm) = settings.optimiser.clip_norm() {
        clip(&mut gradients, norm);
    }
    let head = state.head.as_mut().map(|head| (HEAD, head.as_mut_slice()));
    let learns = |name: &str| settings.start.as_ref().is_none_or(|start| start.learns(name, batch.step));
    let parameters = state.network.tensors_mut().filter(|(name, _)| learns(name)).chain(head);
    let parameters =
        parameters.filter_map(|(name, values)| Some((name, values, gradients.get(name)?.as_slice())));
    state.optimiser.step(settings.schedule.rate(batch.step), parameters);
    if let Some(averaging) = &mut state.averaging {
        let tensors = state.network.tensors().iter();
        averaging.update(batch.step, tensors.map(|(name, tensor)| (name.as_str(), tensor.values.as_slice())));
    }
    state.step = batch.step + 1;
    Ok(Taken { embeddings, measured, distances })
}

/// The loss on triplets that were mined beforehand.
fn on_triplets(config: &ValidConfig, faces: &Batch, triplets: &[Triplet]) -> Measured {
    let margin = config.settings().offline.unwrap_or_default().triplets.margin;
    let Loss { value, gradient } = triplet_loss(faces.embeddings, faces.dimension, triplets, margin);
    Measured { value, gradient, head: None, mined: None, accuracy: None }
}

/// The faces of a batch, shortened: enough to find it again.
fn faces(batch: &LoadedBatch) -> String {
    let mut names: Vec<String> = batch.ids.iter().take(8).map(|id| id.0.to_string()).collect();
    if batch.ids.len() > names.len() {
        names.push(format!("… {} in all", batch.ids.len()));
    }
    names.join(", ")
}
