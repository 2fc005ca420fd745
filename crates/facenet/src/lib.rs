//! Turns an image into faces and embeddings: decode, detect, cut out, embed, with the networks and their weights.

mod chip;
mod decode;
mod detect;
mod engine;
mod frozen;
pub mod kernels;
mod model;
pub mod network;
mod preprocess;
mod weights;

pub use chip::{ChipCutter, ChipError, MAX_CHIP_EDGE_PX, cut_chip};
pub use decode::{DecodeError, ImageFileError, Limits, decode, read_image};
pub use detect::{AlignedCrop, CenterCrop, CropError, LEAST_FACE_PX, NotAPart};
pub use engine::{EngineError, FaceEngine};
pub use frozen::{FrozenNetwork, WrongEdge};
pub use model::{Model, ModelError, write_beside};
pub use preprocess::{PREPROCESSING_VERSION, preprocess};
pub use weights::{NORM_EPSILON, Tensor, Weights, WeightsError, node_tensors};
