//! Learns the embedding: dataset, sampler, miner, triplet loss, AdaGrad, checkpoints.

mod augment;
mod checkpoint;
mod config;
mod curves;
mod dataset;
mod loader;
mod log;
mod loss;
mod miner;
mod network;
mod ops;
mod optimiser;
mod run;
mod sampler;
mod train;
mod validate;

pub use augment::*;
pub use checkpoint::*;
pub use config::*;
pub use dataset::*;
pub use loader::*;
pub use log::{LogError, Record, StepRecord, ValidationRecord};
pub use loss::{Loss, triplet_loss};
pub use miner::*;
pub use network::{Gradients, Pass, TrainNetwork};
pub use optimiser::{AdaGrad, AdaGradConfig};
pub use run::{RunError, RunFolder};
pub use sampler::*;
pub use train::{Event, TrainError, Trained, train};
pub use validate::{ValidateError, Validator};
