//! Learns the embedding: dataset, sampler, miner, triplet loss, AdaGrad, checkpoints.
//!
//! [`train`] reads like section 3 of the paper; every part of it can be used for itself:
//!
//! ```
//! use facenet_train::{MinerConfig, mine, triplet_loss};
//!
//! // Two faces of person 0 and one of person 1, on the unit circle.
//! let embeddings = [1.0, 0.0, 0.8, 0.6, 0.6, 0.8];
//! let mined = mine(&embeddings, &[0, 0, 1], MinerConfig { margin: 0.5, ..MinerConfig::default() }, 7)?;
//! assert_eq!((mined.pairs, mined.triplets.len()), (2, 1));
//!
//! let loss = triplet_loss(&embeddings, 2, &mined.triplets, 0.5);
//! assert!((loss.value - (0.4 - 0.8 + 0.5)).abs() < 1e-6);
//! # Ok::<(), facenet_train::MineError>(())
//! ```

mod augment;
mod checkpoint;
mod config;
mod curves;
mod dataset;
mod device;
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

pub use augment::{Augment, AugmentConfig, AugmentError};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{
    ConfigError, DataConfig, NetworkConfig, RunConfig, ScheduleConfig, TrainConfig, ValidConfig,
    ValidationConfig,
};
pub use dataset::{Dataset, DatasetError, Identity, ImageId, MIN_EDGE_PX, Unreadable};
pub use device::{ComputeDevice, DeviceConfig, DeviceError, DeviceName, Precision};
pub use loader::{BatchSource, LoadError, LoadedBatch, Loader, LoaderConfig};
pub use log::{LogError, Record, StepRecord, ValidationRecord};
pub use loss::{Loss, triplet_loss};
pub use miner::{
    Hardness, MeanDistances, MineError, Mined, MinerConfig, NegativeRule, NotEmbeddings, SquaredDistances,
    Triplet, mine,
};
pub use network::{Dropout, Gradients, Pass, TrainNetwork};
pub use optimiser::{AdaGrad, AdaGradConfig};
pub use run::{RunError, RunFolder};
pub use sampler::{BatchPlan, Draw, Item, Sampler, SamplerConfig, SamplerError};
pub use train::{Event, TrainError, Trained, train};
pub use validate::{ValidateError, Validator};
