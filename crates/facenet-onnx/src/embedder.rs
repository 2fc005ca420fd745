//! Other people's networks as an [`Embedder`].

use facenet::{Tensor, WrongEdge};
use facenet_core::{BoxError, Chip, Contract, Embedder, Embedding};
use rayon::prelude::*;

use crate::imported::ImportedError;
use crate::manifest::{EmbedderOutput, Input};
use crate::pixels;
use crate::session::{Session, SessionError, Share};

/// Chips that one thread gives to a network at a time, where it takes several.
const GROUP: usize = 8;

/// A network of an ONNX file with its contract.
#[derive(Debug)]
pub struct OnnxEmbedder {
    contract: Contract,
    input: Input,
    session: Session,
    /// Which of the outputs is the embedding.
    output: usize,
}

/// Why a network gave no embedding.
#[derive(Debug, thiserror::Error)]
pub enum EmbedderError {
    /// The network failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network did not give one row of numbers an image.
    #[error("the network gave {found:?} for {batch} images, expected {batch} rows of {dimension} numbers")]
    Rows {
        /// The shape that came.
        found: Vec<usize>,
        /// The number of images.
        batch: usize,
        /// The numbers in an embedding.
        dimension: usize,
    },
    /// The network gave zeros, which have no direction.
    #[error("the network gave no direction for a face")]
    Direction(#[from] facenet_core::NotADirection),
}

impl OnnxEmbedder {
    /// Joins a network with its contract, whose dimension is left to the network where `expected` names none.
    pub(crate) fn new(
        mut contract: Contract,
        input: &Input,
        expected: &EmbedderOutput,
        session: Session,
    ) -> Result<Self, ImportedError> {
        let output = output_index(&session, expected.output.as_deref())?;
        let mut embedder = Self { contract: contract.clone(), input: input.clone(), session, output };
        let edge = contract.preprocessing.edge_px;
        // A first run, with a grey image: whatever does not fit is found now and not at the first face.
        let grey = Chip::new(facenet_core::RgbImage::from_fn(edge, edge, |_, _| [128; 3].into()));
        let first = embedder.run(&[grey.expect("a square of at least one pixel")], Share::AllThreads)?;
        let found = first.values.len();
        if let Some(dimension) = expected.dimension.filter(|&dimension| dimension != found) {
            return Err(ImportedError::Dimension { found, expected: dimension });
        }
        contract.dimension = found;
        embedder.contract = contract;
        Ok(embedder)
    }

    /// The values of the output for some chips.
    fn run(&self, chips: &[Chip], share: Share) -> Result<Tensor, EmbedderError> {
        let edge = self.contract.preprocessing.edge_px as usize;
        let mut values = Vec::new();
        chips.iter().for_each(|chip| pixels::write(chip.image(), &self.input, edge, edge, &mut values));
        let shape = pixels::shape(self.input.layout, chips.len(), edge, edge);
        let mut outputs = self.session.run(&Tensor { shape, values }, share)?;
        Ok(outputs.swap_remove(self.output))
    }

    fn embed_group(&self, chips: &[Chip], share: Share) -> Result<Vec<Embedding>, EmbedderError> {
        let (batch, dimension) = (chips.len(), self.contract.dimension);
        let Tensor { shape, values } = self.run(chips, share)?;
        if values.len() != batch * dimension {
            return Err(EmbedderError::Rows { found: shape, batch, dimension });
        }
        values.chunks_exact(dimension).map(|row| Ok(Embedding::normalize(row.to_vec())?)).collect()
    }
}

impl Embedder for OnnxEmbedder {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn embed(&self, chips: &[Chip]) -> Result<Vec<Embedding>, BoxError> {
        let expected = self.contract.preprocessing.edge_px;
        if let Some(chip) = chips.iter().find(|chip| chip.edge() != expected) {
            return Err(Box::new(WrongEdge { found: chip.edge(), expected }));
        }
        let most = if self.session.takes_batches() { GROUP } else { 1 };
        let group = chips.len().div_ceil(rayon::current_num_threads()).clamp(1, most);
        if chips.len() <= group {
            return match chips {
                [] => Ok(Vec::new()),
                chips => Ok(self.embed_group(chips, Share::AllThreads)?),
            };
        }
        let groups: Result<Vec<_>, _> =
            chips.par_chunks(group).map(|chips| self.embed_group(chips, Share::OneThread)).collect();
        Ok(groups?.into_iter().flatten().collect())
    }
}

/// Which output a name means; without a name the only one.
fn output_index(session: &Session, name: Option<&str>) -> Result<usize, ImportedError> {
    let outputs = session.outputs();
    let found = || outputs.iter().map(|output| output.name.clone()).collect();
    match name {
        Some(name) => outputs
            .iter()
            .position(|output| output.name == name)
            .ok_or_else(|| ImportedError::NoOutput { expected: name.into(), found: found() }),
        None if outputs.len() == 1 => Ok(0),
        None => Err(ImportedError::WhichOutput { found: found() }),
    }
}
