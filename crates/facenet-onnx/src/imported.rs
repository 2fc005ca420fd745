//! Other people's models as one file: the networks, the manifest, the terms and the contract.
//!
//! The file is in the format of ours, safetensors: each ONNX file is a tensor of bytes, and the rest is JSON in its
//! metadata.

mod error;
mod stored;

use std::path::Path;

use facenet::{PREPROCESSING_VERSION, write_beside};
use facenet_core::{Calibration, Contract, Preprocessing, Threshold};
use sha2::{Digest, Sha256};

use crate::detector::OnnxDetector;
use crate::embedder::OnnxEmbedder;
use crate::file::{OnnxFile, hex};
use crate::manifest::{Decode, Input, Manifest, Role};
use crate::session::Session;

pub use error::ImportedError;
pub(crate) use error::named;

/// A model of other people, checked against its manifest by a first run.
#[derive(Debug)]
pub struct Imported {
    manifest: Manifest,
    files: Vec<OnnxFile>,
    /// Of an embedder.
    contract: Option<Contract>,
}

impl Imported {
    /// Joins the networks with what the manifest says of them.
    ///
    /// # Errors
    /// When they do not fit each other: another number of networks, another input, other outputs than stated.
    pub fn new(manifest: Manifest, files: Vec<OnnxFile>) -> Result<Self, ImportedError> {
        let expected = manifest.networks();
        if files.len() != expected {
            return Err(ImportedError::Networks { found: files.len(), expected });
        }
        let mut model = Self { contract: first_contract(&manifest, &files), manifest, files };
        match model.manifest.role() {
            Role::Embedder => {
                model.contract = Some(facenet_core::Embedder::contract(&model.embedder()?).clone());
            }
            Role::Detector => drop(model.detector()?),
        }
        Ok(model)
    }

    /// Reads an imported model; none when the file is a model, but not an imported one.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or was altered.
    pub fn load(path: &Path) -> Result<Option<Self>, ImportedError> {
        stored::read(path)
    }

    /// Writes the model, beside its place and then renamed.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), ImportedError> {
        let wrong = |source| ImportedError::Write { path: path.into(), source };
        let bytes = stored::to_bytes(self).map_err(|error| wrong(std::io::Error::other(error)))?;
        write_beside(path, &bytes).map_err(wrong)
    }

    /// What the networks expect and what their outputs mean.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The networks.
    pub fn files(&self) -> &[OnnxFile] {
        &self.files
    }

    /// What embeddings are comparable with; none of a detector.
    pub fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }

    /// The model as an embedder.
    ///
    /// # Errors
    /// When it is none, or does not do what its manifest says.
    pub fn embedder(&self) -> Result<OnnxEmbedder, ImportedError> {
        let (Some(embedder), Some(contract)) = (&self.manifest.embedder, &self.contract) else {
            return Err(ImportedError::Role { found: Role::Detector, expected: Role::Embedder });
        };
        let session = Session::new(&self.files[0])?;
        check_input(&session, &self.manifest.input)?;
        OnnxEmbedder::new(contract.clone(), &self.manifest.input, embedder, session)
    }

    /// The model as a detector.
    ///
    /// # Errors
    /// When it is none, or does not do what its manifest says.
    pub fn detector(&self) -> Result<OnnxDetector, ImportedError> {
        let Some(detector) = &self.manifest.detector else {
            return Err(ImportedError::Role { found: Role::Embedder, expected: Role::Detector });
        };
        let sessions = self.files.iter().map(Session::new).collect::<Result<Vec<_>, _>>()?;
        sessions.iter().try_for_each(|session| check_input(session, &self.manifest.input))?;
        Ok(OnnxDetector::new(&self.manifest.input, detector, sessions)?)
    }

    /// The same model with other calibrated thresholds, from the strictest to the loosest.
    pub fn with_thresholds(mut self, thresholds: Vec<Threshold>) -> Self {
        if let Some(contract) = &mut self.contract {
            contract.thresholds = thresholds;
        }
        self
    }

    /// The same model with another curve from distance to probability, or none.
    pub fn with_calibration(mut self, calibration: Option<Calibration>) -> Self {
        if let Some(contract) = &mut self.contract {
            contract.calibration = calibration;
        }
        self
    }
}

impl Manifest {
    /// How many ONNX files the model is made of.
    pub fn networks(&self) -> usize {
        match &self.detector {
            Some(detector) if detector.decode == Decode::Mtcnn => 3,
            _ => 1,
        }
    }
}

/// The contract of an embedder, whose dimension is known after a first run.
///
/// Two imports of one file with other colours or scales give other embeddings. So a digest of how pixels become the
/// input, and of which output is taken, is part of the name.
fn first_contract(manifest: &Manifest, files: &[OnnxFile]) -> Option<Contract> {
    let embedder = manifest.embedder.as_ref()?;
    let reading = serde_json::to_string(&(&manifest.input, &embedder.output)).expect("plain data");
    let reading = &hex(&Sha256::digest(reading))[..8];
    let [edge_px, _] = manifest.input.size.expect("an embedder's manifest has a size");
    Some(Contract {
        network: format!("{}@{reading}", manifest.name),
        dimension: embedder.dimension.unwrap_or(0),
        weights: files[0].digest(),
        preprocessing: Preprocessing { version: PREPROCESSING_VERSION, edge_px, field: embedder.field },
        thresholds: Vec::new(),
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    })
}

/// Holds what a network reads against what the manifest gives it.
fn check_input(session: &Session, input: &Input) -> Result<(), ImportedError> {
    let Some(sizes) = &session.input().sizes else { return Ok(()) };
    let [height, width] = input.size.map_or([None; 2], |size| size.map(|edge| Some(edge as usize)));
    let expected = crate::pixels::shape_of(input.layout, None, Some(3), height, width);
    let fits = sizes.len() == 4
        && sizes.iter().zip(expected).all(|(size, given)| given.is_none_or(|given| size.allows(given)));
    if fits {
        return Ok(());
    }
    let told = expected.map(|size| size.map_or("any".into(), |size| size.to_string())).join(", ");
    Err(ImportedError::Input { found: session.input().clone(), expected: format!("[{told}]") })
}

#[cfg(test)]
mod tests;
