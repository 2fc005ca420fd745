//! The old model's embeddings of all training images: taken once, kept in a file, and never changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use facenet::write_beside;
use facenet_core::{Contract, Embedder};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, ImageId};
use crate::processes::Processes;
use crate::survey::Survey;

/// The key of what the embeddings are of, in the file's metadata.
const KEY: &str = "facenet.old-embeddings";
/// The name of the only tensor.
const ROWS: &str = "embeddings";

/// An old model's embedding of each image of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct OldEmbeddings {
    facts: Facts,
    /// `[images, dimension]`; zeros for an image that cannot be read.
    rows: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    contract: Contract,
    /// SHA-256 over all images, [`Dataset::content_digest`].
    images: String,
}

/// Why a file of old embeddings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OldEmbeddingsError {
    /// It cannot be read.
    #[error("cannot read the old model's embeddings from `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the old model's embeddings to `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is of another program, or damaged.
    #[error(
        "`{path}` holds no embeddings of an old model, or it is damaged: {reason}\nhint: remove it; it is made anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It is of another model.
    #[error(
        "the embeddings in `{path}` are of `{found}`, but the run is to be harmonic to `{expected}`\n\
         hint: name that model in `harmonic.to`, or start another run with `--run`"
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// [`Contract::id`] of the model that made them.
        found: String,
        /// [`Contract::id`] of the model that is asked for.
        expected: String,
    },
    /// Images have changed since.
    #[error(
        "the training images have changed since `{path}` was made: digest {found}, now {expected}\n\
         hint: start another run with `--run`, or put the images back"
    )]
    OtherImages {
        /// The file.
        path: PathBuf,
        /// The digest that it was made on.
        found: String,
        /// The digest of the images now.
        expected: String,
    },
}

impl OldEmbeddings {
    /// Embeds every image of a data set, without augmentation; each process takes its share.
    ///
    /// An image that cannot be read has no embedding.
    pub(crate) fn of(dataset: &Dataset, embedder: &dyn Embedder, processes: &dyn Processes) -> Self {
        let images = dataset.content_digest();
        let contract = embedder.contract().clone();
        let all: Vec<ImageId> = (0..dataset.image_count() as u32).map(ImageId).collect();
        let seen = Survey::of(dataset, embedder, &all, processes);
        let mut rows = vec![0.0; all.len() * contract.dimension];
        for (image, row) in seen.images.iter().zip(seen.embeddings.chunks_exact(contract.dimension)) {
            rows[image.0 as usize * contract.dimension..][..contract.dimension].copy_from_slice(row);
        }
        Self { facts: Facts { contract, images }, rows }
    }

    /// The model that made them.
    pub fn contract(&self) -> &Contract {
        &self.facts.contract
    }

    /// The unit embedding of an image, `[dimension]`; none if it could not be read.
    ///
    /// # Panics
    /// When the data set has no such image.
    pub fn of_image(&self, image: ImageId) -> Option<&[f32]> {
        let dimension = self.facts.contract.dimension;
        let row = &self.rows[image.0 as usize * dimension..][..dimension];
        row.iter().any(|v| *v != 0.0).then_some(row)
    }

    /// Writes them, beside their place and then renamed.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), OldEmbeddingsError> {
        let wrong = |source| OldEmbeddingsError::Write { path: path.into(), source };
        write_beside(path, &self.to_bytes()).map_err(wrong)
    }

    /// Reads those of a model on the images of a data set.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, is of another model, or the images have changed since.
    pub fn load(path: &Path, model: &Contract, dataset: &Dataset) -> Result<Self, OldEmbeddingsError> {
        let bytes =
            fs_err::read(path).map_err(|source| OldEmbeddingsError::Read { path: path.into(), source })?;
        let found = Self::from_bytes(&bytes)
            .map_err(|reason| OldEmbeddingsError::Damaged { path: path.into(), reason })?;
        let made_by = &found.facts.contract;
        if made_by.check_comparable(model).is_err() {
            let (found, expected) = (made_by.id(), model.id());
            return Err(OldEmbeddingsError::OtherModel { path: path.into(), found, expected });
        }
        let expected = dataset.content_digest();
        if found.facts.images != expected {
            let found = found.facts.images;
            return Err(OldEmbeddingsError::OtherImages { path: path.into(), found, expected });
        }
        Ok(found)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes: Vec<u8> = self.rows.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dimension = self.facts.contract.dimension;
        let view = TensorView::new(Dtype::F32, vec![self.rows.len() / dimension, dimension], &bytes)
            .expect("as many bytes as the shape says");
        let facts = serde_json::to_string(&self.facts).expect("facts are plain data");
        safetensors::serialize([(ROWS, view)], Some(HashMap::from([(KEY.to_owned(), facts)])))
            .expect("one plain tensor")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let facts = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
        let facts: Facts = serde_json::from_str(facts.ok_or("it does not say what it holds")?)
            .map_err(|error| error.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let tensor = file.tensor(ROWS).map_err(|error| error.to_string())?;
        let (values, _) = tensor.data().as_chunks::<4>();
        match tensor.shape() {
            [_, dimension] if *dimension == facts.contract.dimension && tensor.dtype() == Dtype::F32 => {
                Ok(Self { rows: values.iter().map(|v| f32::from_le_bytes(*v)).collect(), facts })
            }
            shape => Err(format!("its tensor is {shape:?} {:?}", tensor.dtype())),
        }
    }
}
