//! An adapter's file: a safetensors file like a model's, with what it is of in its metadata.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use facenet_core::{Adapter, AdapterFacts, NotAnAdapter};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::model::write_beside;

/// The key of what an adapter is of, in its file's metadata.
const KEY: &str = "facenet.adapter";

/// Why an adapter cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The file cannot be read.
    #[error("cannot read the adapter `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the adapter `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is of another kind, or damaged.
    #[error("`{path}` is no adapter of this program, or it is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Its numbers do not fit what it says it is.
    #[error("`{path}` is damaged")]
    Numbers {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: NotAnAdapter,
    },
}

/// Writes an adapter, beside its place and then renamed.
///
/// # Errors
/// When it cannot be written.
pub fn save_adapter(adapter: &Adapter, path: &Path) -> Result<(), AdapterError> {
    let (from, to) = (adapter.facts().from.dimension, adapter.facts().to.dimension);
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let (matrix, bias) = (bytes(adapter.matrix()), bytes(adapter.bias()));
    let view =
        |shape, bytes| TensorView::new(Dtype::F32, shape, bytes).expect("as many bytes as the shape says");
    let tensors = [("matrix", view(vec![to, from], &matrix)), ("bias", view(vec![to], &bias))];
    let facts = serde_json::to_string(adapter.facts()).expect("facts are plain data");
    let file = safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_owned(), facts)])));
    let wrong = |source| AdapterError::Write { path: path.into(), source };
    let file = file.map_err(|error| wrong(std::io::Error::other(error)))?;
    write_beside(path, &file).map_err(wrong)
}

/// Reads an adapter.
///
/// # Errors
/// When the file cannot be read, is of another kind, or is damaged.
pub fn load_adapter(path: &Path) -> Result<Adapter, AdapterError> {
    let bytes = fs_err::read(path).map_err(|source| AdapterError::Read { path: path.into(), source })?;
    let (facts, matrix, bias) =
        read(&bytes).map_err(|reason| AdapterError::Damaged { path: path.into(), reason })?;
    Adapter::new(facts, matrix, bias).map_err(|source| AdapterError::Numbers { path: path.into(), source })
}

fn read(bytes: &[u8]) -> Result<(AdapterFacts, Vec<f32>, Vec<f32>), String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let facts = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
    let facts = serde_json::from_str(facts.ok_or("it does not say which models it joins")?)
        .map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let values = |name: &str| {
        let tensor = file.tensor(name).map_err(|error| error.to_string())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("`{name}` is {:?}, expected F32", tensor.dtype()));
        }
        let (values, _) = tensor.data().as_chunks::<4>();
        Ok(values.iter().map(|v| f32::from_le_bytes(*v)).collect())
    };
    Ok((facts, values("matrix")?, values("bias")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Shipped};

    fn adapter() -> Adapter {
        let contract = Model::shipped(Shipped::Small).unwrap().contract().clone();
        let facts = AdapterFacts {
            from: contract.clone(),
            to: contract,
            faces: 7,
            held_out_distance: 0.25,
            digest: "0f3a".into(),
            harmonic: None,
        };
        let matrix = (0..128 * 128).map(|i| (i as f32 * 0.37).sin()).collect();
        Adapter::new(facts, matrix, vec![0.5; 128]).unwrap()
    }

    #[test]
    fn a_saved_adapter_is_loaded_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        save_adapter(&adapter(), &path).unwrap();
        assert_eq!(load_adapter(&path).unwrap(), adapter());
    }

    #[test]
    fn other_and_damaged_files_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let refusal = || load_adapter(&path).unwrap_err().to_string();
        assert!(refusal().contains("cannot read the adapter"));
        Model::shipped(Shipped::Small).unwrap().save(&path).unwrap();
        assert!(refusal().contains("does not say which models it joins"), "{}", refusal());
        save_adapter(&adapter(), &path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 2;
        bytes.truncate(last);
        std::fs::write(&path, &bytes).unwrap();
        assert!(refusal().contains("or it is damaged"), "{}", refusal());
    }
}
