//! Turns an image into faces and embeddings: decode, detect, cut out, embed, with the networks and their weights.
//!
//! ```
//! use facenet::{CenterCrop, FaceEngine, FrozenNetwork, Model, Shipped};
//! use facenet_core::RgbImage;
//!
//! let network = FrozenNetwork::new(&Model::shipped(Shipped::Small)?);
//! let engine = FaceEngine::new(Box::new(CenterCrop::default()), Box::new(network));
//! let photo = RgbImage::from_fn(250, 250, |x, y| [x as u8, y as u8, 128].into());
//! let faces = engine.embed_faces(&photo)?;
//! assert_eq!(faces[0].1.dimension(), 128);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapter;
mod align;
mod chip;
mod decode;
mod detect;
mod detector;
mod engine;
mod frozen;
pub mod kernels;
mod model;
pub mod network;
mod preprocess;
mod quality;
mod sieve;
mod track;
mod video;
mod weights;

pub use adapter::{AdapterError, load_adapter, save_adapter};
pub use align::{CROP_PX, Framing, Similarity, TEMPLATE, TEMPLATE_PX, TurnedSquare};
pub use chip::{ChipCutter, ChipError, MAX_CHIP_EDGE_PX, cut_chip};
pub use decode::{DecodeError, ImageFileError, Limits, decode, read_image, read_image_bytes};
pub use detect::{AlignedCrop, CenterCrop, CropError, LEAST_FACE_PX, NotAPart};
pub use detector::{
    DetectorFacts, DetectorModel, DetectorModelError, FaceDetector, Look, NotASetting, Place, RefinerFacts,
    Search, detector_input,
};
pub use engine::{EngineError, FaceEngine};
pub use frozen::{Folded, FrozenNetwork, WrongEdge};
pub use model::{Model, ModelError, NotShipped, Shipped, write_beside};
pub use preprocess::{PREPROCESSING_VERSION, preprocess};
pub use quality::{Quality, Reason};
pub use sieve::Sieve;
pub use track::{Sighting, Track, Tracker, TrackerSettings};
pub use video::{Frame, VideoError, VideoFrames};
pub use weights::{NORM_EPSILON, Tensor, Weights, WeightsError, node_tensors};
