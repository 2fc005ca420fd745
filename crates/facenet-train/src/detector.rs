//! Training of the detector: scenes made of labelled photos, places assigned to faces, and a loss on scores, boxes and
//! landmarks. Like an embedding's training, a batch is a function of seed and step, and a checkpoint holds no generator.

mod assign;
mod config;
#[cfg(test)]
mod drawn;
mod dual;
mod loss;
mod photos;
mod pose;
mod refine;
mod routine;
mod scene;
mod train;
mod validate;

pub use config::{
    DetectorConfig, DetectorConfigError, DetectorData, DetectorLossConfig, DetectorNetwork,
    DetectorRunConfig, ValidDetectorConfig,
};
pub use refine::{
    RefinerConfig, RefinerData, RefinerLossConfig, RefinerNetwork, RefinerSampleConfig, ValidRefinerConfig,
    train_refiner,
};
pub use routine::{DetectorEvent, DetectorTrainError, TrainedDetector};
pub use scene::SceneConfig;
pub use train::train_detector;
