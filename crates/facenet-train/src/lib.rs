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

mod adapter;
mod augment;
mod averaging;
mod checkpoint;
mod config;
mod curves;
mod dataset;
mod detector;
mod device;
mod exact;
mod harmonic;
mod loader;
mod log;
mod loss;
mod miner;
mod network;
mod offline;
mod ops;
mod optimiser;
mod page;
mod pieces;
mod processes;
mod range;
mod run;
mod sampler;
mod schedule;
mod snapshot;
mod start;
mod survey;
mod suspects;
mod train;
mod validate;

pub use adapter::{AdapterLearnError, learn_adapter};
pub use augment::{Augment, AugmentConfig, AugmentError};
pub use averaging::{Averaging, AveragingConfig};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use config::{
    ConfigError, DataConfig, NetworkConfig, RunConfig, StageConfig, TrainConfig, ValidConfig,
    ValidationConfig,
};
pub use dataset::{Dataset, DatasetError, Identity, ImageId, MIN_EDGE_PX, PartBy, PartConfig, Unreadable};
pub use detector::{
    DetectorConfig, DetectorConfigError, DetectorData, DetectorEvent, DetectorLossConfig, DetectorNetwork,
    DetectorRunConfig, DetectorTrainError, RefinerConfig, RefinerData, RefinerLossConfig, RefinerNetwork,
    RefinerSampleConfig, SceneConfig, TrainedDetector, ValidDetectorConfig, ValidRefinerConfig,
    train_detector, train_refiner,
};
pub use device::{ComputeDevice, DeviceConfig, DeviceError, DeviceName, Precision};
pub use harmonic::{HarmonicConfig, HarmonicError, OldEmbeddings, OldEmbeddingsError};
pub use loader::{BatchSource, LoadError, LoadedBatch, Loader, LoaderConfig, OfflineBatches};
pub use log::{DetectorRecord, DetectorValidationRecord, LogError, Record, StepRecord, ValidationRecord};
pub use loss::{
    ArcfaceConfig, Batch, BatchHardConfig, ContrastiveConfig, CosfaceConfig, DistanceKind, HeadShape, Loss,
    LossConfig, Measured, Objective, ObjectiveError, SoftmaxConfig, mean_distances, triplet_loss,
};
pub use miner::{
    Hardness, MeanDistances, MineError, Mined, MinerConfig, NegativeRule, NotEmbeddings, PositiveRule,
    SquaredDistances, Triplet, TripletKind, all_triplets, mine,
};
pub use network::{Dropout, Gradients, Pass, TrainNetwork};
pub use offline::{OfflineConfig, OfflinePool, Subset};
pub use optimiser::{AdaGradConfig, AdamConfig, Optimiser, OptimiserConfig, SgdConfig, clip};
pub use page::{End, LivePage};
pub use pieces::StepMemory;
#[cfg(feature = "mpi")]
pub use processes::Mpi;
pub use processes::{Alone, Processes};
pub use range::OutOfRange;
pub use run::{RunError, RunFolder};
pub use sampler::{BatchPlan, Draw, Item, Sampler, SamplerConfig, SamplerError};
pub use schedule::{ScheduleConfig, ScheduleShape};
pub use snapshot::{BINS, Face, HardTriplet, Histogram, MAX_HARDEST, Snapshot};
pub use start::{StartConfig, StartError};
pub use suspects::{SamePerson, SheetLimits, Stranger, SuspectConfig, Suspects, Twins, contact_sheet};
pub use train::{Event, TrainError, Trained, train, train_together};
pub use validate::{ValidateError, Validator};
