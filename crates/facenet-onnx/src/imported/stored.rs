//! An imported model as bytes.

use std::collections::HashMap;
use std::path::Path;

use facenet_core::Contract;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use super::{Imported, ImportedError};
use crate::file::{MAX_FILE_BYTES, OnnxFile, read_limited};
use crate::manifest::Manifest;

/// The key of everything but the networks in the file's metadata.
const KEY: &str = "facenet.imported";

/// What the metadata says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// As TOML, as people write it.
    manifest: String,
    contract: Option<Contract>,
    /// SHA-256 of each network, in their order.
    digests: Vec<String>,
}

pub(super) fn to_bytes(model: &Imported) -> Result<Vec<u8>, SafeTensorError> {
    let stored = Stored {
        manifest: model.manifest.to_toml(),
        contract: model.contract.clone(),
        digests: model.files.iter().map(OnnxFile::digest).collect(),
    };
    let json = serde_json::to_string(&stored).expect("plain data");
    let networks = model.files.iter().enumerate().map(|(i, file)| {
        let bytes = file.bytes();
        Ok((name(i), TensorView::new(Dtype::U8, vec![bytes.len()], bytes)?))
    });
    let networks = networks.collect::<Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(networks, Some(HashMap::from([(KEY.to_owned(), json)])))
}

/// The model of a file; none when the file is not in the format of models, or is one of ours.
pub(super) fn read(path: &Path) -> Result<Option<Imported>, ImportedError> {
    let unreadable = |source| ImportedError::Read { path: path.into(), source };
    let too_large = || std::io::Error::other(format!("it is larger than {} MiB", (4 * MAX_FILE_BYTES) >> 20));
    let bytes = read_limited(path, 4 * MAX_FILE_BYTES)
        .and_then(|bytes| bytes.ok_or_else(too_large))
        .map_err(unreadable)?;
    let Ok((_, metadata)) = SafeTensors::read_metadata(&bytes) else { return Ok(None) };
    let Some(json) = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)) else {
        return Ok(None);
    };
    let damaged = |reason: String| ImportedError::Damaged { path: path.into(), reason };
    let Stored { manifest, contract, digests } =
        serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?;
    let manifest = Manifest::parse(&manifest, &path.display().to_string())?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    if digests.len() != manifest.networks() {
        return Err(damaged(format!("it has {} networks, expected {}", digests.len(), manifest.networks())));
    }
    let mut files = Vec::new();
    for (i, digest) in digests.iter().enumerate() {
        let tensor = tensors.tensor(&name(i)).map_err(|error| damaged(error.to_string()))?;
        let origin = format!("{} (network {})", path.display(), i + 1);
        let file = OnnxFile::check(tensor.data().to_vec(), &origin)?;
        if file.digest() != *digest {
            let found = file.digest();
            return Err(damaged(format!("network {} has the digest {found}, but {digest} is stated", i + 1)));
        }
        files.push(file);
    }
    // The contract must be the one that the manifest and the networks give; only its calibration is its own.
    let expected = super::first_contract(&manifest, &files);
    let same = match (&contract, &expected) {
        (Some(found), Some(expected)) => {
            let expected = Contract { dimension: found.dimension, ..expected.clone() };
            found.check_comparable(&expected).is_ok()
        }
        (None, None) => true,
        _ => false,
    };
    if !same {
        return Err(damaged("its contract is not that of its networks and its manifest".into()));
    }
    Ok(Some(Imported { manifest, files, contract }))
}

fn name(i: usize) -> String {
    format!("onnx.{}", i + 1)
}
