//! A model file: weights and the contract that says what they are for.

mod shipped;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use facenet_core::{Contract, Preprocessing, Threshold};
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::network::{self, Graph, UnknownNetwork};
use crate::preprocess::PREPROCESSING_VERSION;
use crate::weights::{Tensor, Weights, WeightsError};
pub use shipped::{NotShipped, Shipped};

/// The key of the contract in a weight file's metadata.
const CONTRACT_KEY: &str = "facenet.contract";

/// A network with its weights and its contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    contract: Contract,
    weights: Weights,
}

/// Why a model cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("cannot read the model `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the model `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The bytes are no safetensors file, or a damaged one.
    #[error("`{origin}` is not a safetensors file, or it is damaged: {reason}")]
    NotSafetensors {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A safetensors file of another program.
    #[error("`{origin}` holds no contract under `{CONTRACT_KEY}`, so it is no model of this program")]
    NoContract {
        /// Where the bytes come from.
        origin: String,
    },
    /// The contract cannot be understood.
    #[error("the contract of `{origin}` cannot be understood: {reason}")]
    Contract {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A network that this program does not know.
    #[error("cannot use the model `{origin}`")]
    Network {
        /// Where the bytes come from.
        origin: String,
        /// The cause.
        source: UnknownNetwork,
    },
    /// A tensor is not of 32-bit or 16-bit floats.
    #[error("tensor `{name}` of `{origin}` is {found}, expected F32 or F16")]
    Type {
        /// Where the bytes come from.
        origin: String,
        /// The tensor.
        name: String,
        /// Its element type.
        found: String,
    },
    /// The tensors are not the network's.
    #[error("the weights of `{origin}` do not fit the network `{network}`")]
    Weights {
        /// Where the bytes come from.
        origin: String,
        /// The network of the contract.
        network: String,
        /// The cause.
        source: WeightsError,
    },
    /// The weights are not those that the contract was made for.
    #[error(
        "the weights of `{origin}` have digest {found}, but its contract names {expected}: the file was altered"
    )]
    Digest {
        /// Where the bytes come from.
        origin: String,
        /// The digest of the tensors.
        found: String,
        /// The digest in the contract.
        expected: String,
    },
}

impl Model {
    /// Joins weights with the facts that make them a model; the digest is computed here.
    pub fn new(
        network: &str,
        dimension: usize,
        preprocessing: Preprocessing,
        thresholds: Vec<Threshold>,
        weights: Weights,
    ) -> Self {
        let contract = Contract {
            network: network.into(),
            dimension,
            weights: weights.digest(),
            preprocessing,
            thresholds,
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        };
        Self { contract, weights }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or is of another program or network: see [`ModelError`].
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let bytes = fs_err::read(path).map_err(|source| ModelError::Read { path: path.into(), source })?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a model from memory; `origin` names it in errors.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(bytes: &[u8], origin: &str) -> Result<Self, ModelError> {
        let damaged = |error: &dyn std::fmt::Display| ModelError::NotSafetensors {
            origin: origin.into(),
            reason: error.to_string(),
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
        let contract = metadata.metadata().as_ref().and_then(|entries| entries.get(CONTRACT_KEY));
        let contract = contract.ok_or_else(|| ModelError::NoContract { origin: origin.into() })?;
        let contract = read_contract(contract)
            .map_err(|reason| ModelError::Contract { origin: origin.into(), reason })?;

        let table = network::table(&contract.network)
            .map_err(|source| ModelError::Network { origin: origin.into(), source })?;
        let tensors = read_tensors(bytes, origin)?;
        let weights = Weights::new(tensors, &Graph::of(&table, contract.dimension)).map_err(|source| {
            ModelError::Weights { origin: origin.into(), network: contract.network.clone(), source }
        })?;
        let found = weights.digest();
        if found != contract.weights {
            return Err(ModelError::Digest { origin: origin.into(), found, expected: contract.weights });
        }
        Ok(Self { contract, weights })
    }

    /// Writes the model file, beside its place and then renamed.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let wrong = |source| ModelError::Write { path: path.into(), source };
        let bytes = self.to_bytes().map_err(|e| wrong(std::io::Error::other(e)))?;
        write_beside(path, &bytes).map_err(wrong)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let contract = serde_json::to_string(&self.contract).expect("a contract is plain data");
        let metadata = HashMap::from([(CONTRACT_KEY.to_owned(), contract)]);
        tensors_to_bytes(self.weights.tensors(), metadata)
    }

    /// What the embeddings of this model are comparable with.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The same model with other calibrated thresholds, from the strictest to the loosest.
    pub fn with_thresholds(mut self, thresholds: Vec<Threshold>) -> Self {
        self.contract.thresholds = thresholds;
        self
    }

    /// The same model with its weights rounded to half precision (normalisations and biases are few, and stay), so that its file takes half the space. Its embeddings
    /// are others, if by little: it has no thresholds until it is calibrated.
    pub fn halved(self) -> Self {
        let weights = self.weights.halved();
        let Contract { network, dimension, preprocessing, mirrored, .. } = self.contract;
        let halved = Self::new(&network, dimension, preprocessing, Vec::new(), weights);
        if mirrored { halved.mirrored() } else { halved }
    }

    /// The same model with embeddings from a face and its mirror image: [`Contract::mirrored`]. It has no thresholds
    /// until it is calibrated.
    pub fn mirrored(mut self) -> Self {
        self.contract = Contract {
            mirrored: true,
            thresholds: Vec::new(),
            calibration: None,
            harmonic: Vec::new(),
            ..self.contract
        };
        self
    }

    /// The same model with other statements about the models that it is harmonic to.
    pub fn with_harmonic(mut self, harmonic: Vec<facenet_core::Harmonic>) -> Self {
        self.contract.harmonic = harmonic;
        self
    }

    /// The same model with another curve from distance to probability, or none.
    pub fn with_calibration(mut self, calibration: Option<facenet_core::Calibration>) -> Self {
        self.contract.calibration = calibration;
        self
    }
}

/// Writes a file beside its place and renames it, so that no reader and no crash ever sees half of it.
///
/// # Errors
/// When the folder cannot be written to or the disk is full; the old file is then untouched.
pub fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;

    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".facenet-");
    // A temporary file is its owner's alone; this one will be an ordinary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn read_contract(text: &str) -> Result<Contract, String> {
    let contract: Contract = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let Preprocessing { version, edge_px, field } = contract.preprocessing;
    if version != PREPROCESSING_VERSION {
        return Err(format!("preprocessing version {version}, but this program has {PREPROCESSING_VERSION}"));
    }
    if !(field > 0.0 && field <= 1.0) {
        return Err(format!("field {field}, expected a share above 0 and at most 1"));
    }
    if !(1..=4096).contains(&contract.dimension) {
        return Err(format!("dimension {}, expected 1 to 4096", contract.dimension));
    }
    match network::table(&contract.network) {
        Ok(table) if table.input_edge() != edge_px as usize => {
            Err(format!("input of {edge_px} pixels, but `{}` takes {}", table.name, table.input_edge()))
        }
        _ => Ok(contract),
    }
}

/// The tensors of a safetensors file in memory; `origin` names it in errors.
pub(crate) fn read_tensors(bytes: &[u8], origin: &str) -> Result<BTreeMap<String, Tensor>, ModelError> {
    let damaged = |error: safetensors::SafeTensorError| ModelError::NotSafetensors {
        origin: origin.into(),
        reason: error.to_string(),
    };
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    file.iter().map(|(name, view)| Ok((name.to_owned(), read_tensor(origin, name, &view)?))).collect()
}

/// A safetensors file of weights and metadata. A tensor whose values are all exact in half precision is stored so.
pub(crate) fn tensors_to_bytes(
    tensors: &BTreeMap<String, Tensor>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let raw: Vec<(&String, &[usize], Dtype, Vec<u8>)> = tensors
        .iter()
        .map(|(name, Tensor { shape, values })| {
            let (kind, bytes) = if values.iter().all(|value| f16::from_f32(*value).to_f32() == *value) {
                (Dtype::F16, values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect())
            } else {
                (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
            };
            (name, shape.as_slice(), kind, bytes)
        })
        .collect();
    let views = raw
        .iter()
        .map(|(name, shape, kind, bytes)| Ok((name, TensorView::new(*kind, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, Some(metadata))
}

fn read_tensor(origin: &str, name: &str, view: &TensorView) -> Result<Tensor, ModelError> {
    let values = match view.dtype() {
        Dtype::F32 => view.data().as_chunks::<4>().0.iter().map(|c| f32::from_le_bytes(*c)).collect(),
        Dtype::F16 => {
            view.data().as_chunks::<2>().0.iter().map(|c| f16::from_le_bytes(*c).to_f32()).collect()
        }
        other => {
            let found = format!("{other:?}");
            return Err(ModelError::Type { origin: origin.into(), name: name.into(), found });
        }
    };
    Ok(Tensor { shape: view.shape().to_vec(), values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::drawn;

    fn model() -> Model {
        let graph = Graph::of(&network::table("lite").unwrap(), 128);
        let preprocessing = Preprocessing { version: 1, edge_px: 64, field: 0.875 };
        Model::new("lite", 128, preprocessing, Vec::new(), Weights::new(drawn(&graph), &graph).unwrap())
    }

    /// The error that a model gives after `change` to its bytes.
    fn refusal(change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = model().to_bytes().unwrap();
        change(&mut bytes);
        let error = Model::from_bytes(&bytes, "m").unwrap_err();
        std::error::Error::source(&error).map_or(error.to_string(), |cause| format!("{error}: {cause}"))
    }

    /// Exchanges text in the header by text of the same length.
    fn exchange(from: &str, to: &str) -> impl FnOnce(&mut Vec<u8>) {
        let (from, to) = (from.as_bytes().to_vec(), to.as_bytes().to_vec());
        assert_eq!(from.len(), to.len());
        move |bytes| {
            let at = bytes.windows(from.len()).position(|w| *w == from).expect("the text is there");
            bytes[at..at + to.len()].copy_from_slice(&to);
        }
    }

    #[test]
    fn a_saved_model_is_loaded_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        model().save(&path).unwrap();
        assert_eq!(Model::load(&path).unwrap(), model());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn half_precision_halves_the_file_and_moves_weights_by_less_than_a_thousandth() {
        let (whole, halved) = (model(), model().halved());
        let sizes = [&whole, &halved].map(|model| model.to_bytes().unwrap().len() as f64);
        assert!(sizes[1] < 0.51 * sizes[0], "{sizes:?}");
        assert_eq!(Model::from_bytes(&halved.to_bytes().unwrap(), "m").unwrap(), halved);
        assert_ne!(halved.contract().id(), whole.contract().id());
        for (name, tensor) in whole.weights().tensors() {
            let rounded = &halved.weights().tensors()[name].values;
            assert!(tensor.values.iter().zip(rounded).all(|(a, b)| (a - b).abs() <= 1e-3 * a.abs() + 1e-7));
        }
    }

    #[test]
    fn what_changes_embeddings_takes_the_thresholds_away() {
        let model = Model::shipped(Shipped::Small).unwrap();
        assert!(model.clone().mirrored().contract().thresholds.is_empty());
        let halved = model.mirrored().halved();
        assert!(halved.contract().mirrored && halved.contract().calibration.is_none());
    }

    #[test]
    fn damaged_and_foreign_files_are_refused_with_the_reason() {
        assert!(refusal(|b| b.truncate(5)).contains("not a safetensors file"));
        assert!(refusal(|b| b.truncate(b.len() - 9)).contains("not a safetensors file"));
        assert!(
            refusal(|b| *b = b"<html>not a model at all</html>".to_vec()).contains("not a safetensors file")
        );
        assert!(refusal(exchange("facenet.contract", "facenet.contrast")).contains("holds no contract"));
        assert!(
            refusal(exchange(r#"network\":\"lite"#, r#"network\":\"lit9"#))
                .contains("no network is named `lit9`")
        );
        assert!(refusal(exchange(r#"edge_px\":64"#, r#"edge_px\":65"#)).contains("input of 65 pixels"));
        assert!(
            refusal(exchange(r#"dimension\":128"#, r#"dimension\":256"#))
                .contains("`embedding.weight` has shape [128, 3072]")
        );
        assert!(
            refusal(exchange("conv1.weight", "conv1.height"))
                .contains("`conv1.weight` [32, 3, 5, 5] is missing")
        );
        let last = |b: &mut Vec<u8>| {
            let at = b.len() - 3;
            b[at] ^= 1;
        };
        assert!(refusal(last).contains("the file was altered"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert_eq!(Model::load(Path::new("no/m")).unwrap_err().to_string(), "cannot read the model `no/m`");
        let error = model().save(Path::new("/proc/m.safetensors")).unwrap_err();
        assert_eq!(error.to_string(), "cannot write the model `/proc/m.safetensors`");
    }
}
