//! Why a training run stops before its end.

use facenet::{ModelError, WeightsError};

use crate::checkpoint::CheckpointError;
use crate::log::LogError;
use crate::run::RunError;
use crate::validate::ValidateError;
use crate::{DatasetError, DeviceError, HarmonicError, LoadError, ObjectiveError, SamplerError, StartError};

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
    #[error("{0}")]
    Memory(String),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Loss(ObjectiveError),
    #[error(
        "process {rank} of {count} sees other settings or other data than the first\n\
         hint: give every process the same config and the same files"
    )]
    Differ { rank: usize, count: usize },
    #[error(transparent)]
    Start(Box<StartError>),
    #[error(transparent)]
    Harmonic(Box<HarmonicError>),
    #[error("a weight is not a number after step {step}; the last good checkpoint is kept")]
    Weights {
        step: u64,
        #[source]
        source: WeightsError,
    },
    #[error(
        "the embedding has collapsed: for {patience} steps, people lay only {distance:.4} apart on average, where \
         random points lie 2\nhint: choose semi-hard negatives (`loss.rule`), lower `schedule.learning_rate`, \
         or take more people a batch"
    )]
    Collapsed { patience: u64, distance: f32 },
}

impl From<RunError> for TrainError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<StartError> for TrainError {
    fn from(error: StartError) -> Self {
        Self::Start(Box::new(error))
    }
}

impl From<HarmonicError> for TrainError {
    fn from(error: HarmonicError) -> Self {
        Self::Harmonic(Box::new(error))
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
