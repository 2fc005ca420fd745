//! Training of the detector: scenes made of labelled photos, places assigned to faces, and a loss on scores, boxes and
//! landmarks. Like an embedding's training, a batch is a function of seed and step, and a checkpoint holds no generator.

mod assign;
mod config;
#[cfg(test)]
mod drawn;
mod dual;
mod loss;
mod photos;
mod scene;
mod train;
mod validate;

pub use config::{
    DetectorConfig, DetectorConfigError, DetectorData, DetectorLossConfig, DetectorNetwork,
    DetectorRunConfig, ValidDetectorConfig,
};
pub use scene::SceneConfig;
pub use train::{DetectorEvent, DetectorTrainError, TrainedDetector, train_detector};
