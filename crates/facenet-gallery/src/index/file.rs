//! An index in a file beside its gallery.
//!
//! ```text
//! FACENET-INDEX-1\n   16 bytes
//! length              of the header, u32, little-endian like all numbers here
//! header              JSON
//! SHA-256             of header and payload, 32 bytes
//! payload             ids, u64 each; then float rows `[ids, dimension]` (exact) or the graph in usearch's format
//! ```
//!
//! A file of this program's own making, not one to take from strangers: the checksum finds damage, not malice.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Flat, Hnsw, Index, IndexError, IndexKind, IndexOptions, Precision, Store};

const MAGIC: &[u8; 16] = b"FACENET-INDEX-1\n";

/// No header is longer, in bytes.
const MAX_HEADER: usize = 64 * 1024;

/// What an index was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The gallery's id.
    pub gallery: String,
    /// The id of the contract that its vectors are under.
    pub contract: String,
    /// The faces that the gallery had.
    pub state: State,
}

/// Which faces of a gallery an index is of. Identifiers are never given twice, so a gallery that has so many faces up to the
/// same identifier has the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// How many.
    pub faces: u64,
    /// Up to which identifier; 0 for none.
    pub last: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    binding: Binding,
    kind: IndexKind,
    precision: Precision,
    dimension: usize,
    faces: usize,
    connectivity: usize,
}

/// Why an index cannot be taken from its file, or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexFileError {
    /// There is none yet.
    #[error("there is no index `{path}`")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the index `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written, for example on a full disk; an older one is then as it was.
    #[error("cannot write the index `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no index, or was cut off or changed.
    #[error("the index `{path}` is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// It was built from other faces: of another gallery or contract.
    #[error("the index `{path}` is of {what} `{found}`, expected `{expected}`")]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs: `gallery` or `contract`.
        what: &'static str,
        /// What the file says.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// It was built by other settings, or another size of index is due.
    #[error("the index `{path}` was built by other settings: {why}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What differs.
        why: String,
    },
    /// The graph could not be built anew or written out.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl IndexFileError {
    /// Whether building the index anew is the answer. Not when reading or writing itself fails.
    pub fn is_rebuildable(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Write { .. })
    }
}

impl Index {
    /// Writes it to `path`, bound to what it was built from; an older file is replaced, and only by a whole one.
    ///
    /// What was removed is not in the file: a graph that has lost faces is first built anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, path: &Path, binding: &Binding) -> Result<(), IndexFileError> {
        let header = Header {
            binding: binding.clone(),
            kind: self.kind(),
            precision: self.options.precision,
            dimension: self.options.dimension,
            faces: self.len(),
            connectivity: self.options.connectivity,
        };
        let header = serde_json::to_vec(&header).expect("a header of numbers and text");
        let (ids, vectors) = match &mut self.store {
            Store::Exact(flat) => {
                let (ids, rows) = flat.all();
                (ids, rows.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            Store::Hnsw(hnsw) => hnsw.write_out()?,
        };
        let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let digest = Sha256::new().chain_update(&header).chain_update(&ids).chain_update(&vectors).finalize();

        let length = (header.len() as u32).to_le_bytes();
        let parts: [&[u8]; 6] = [MAGIC, &length, &header, &digest, &ids, &vectors];
        write_beside(path, &parts).map_err(|source| IndexFileError::Write { path: path.into(), source })
    }

    /// Reads the index that [`save`](Self::save) wrote for a gallery and contract, and the state that it is of.
    ///
    /// # Errors
    /// When there is none; it is damaged, or bound to something else than `binding`, whose state may differ; or `options`
    /// ask for another index. [`IndexFileError::is_rebuildable`] says whether to build it anew.
    pub fn load(
        path: &Path,
        options: IndexOptions,
        binding: &Binding,
    ) -> Result<(Self, State), IndexFileError> {
        let bytes = read(path)?;
        let damaged = |why: &str| IndexFileError::Damaged { path: path.into(), why: why.into() };
        let rest =
            bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as an index of version 1"))?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(|| damaged("it ends in its header"))?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_HEADER || rest.len() < length + 32 {
            return Err(damaged("it ends in its header"));
        }
        let (header, rest) = rest.split_at(length);
        let (digest, payload) = rest.split_at(32);
        if Sha256::new().chain_update(header).chain_update(payload).finalize().as_slice() != digest {
            return Err(damaged("its checksum differs"));
        }
        let header: Header = serde_json::from_slice(header).map_err(|error| damaged(&error.to_string()))?;
        check_binding(path, &header.binding, binding)?;
        check_settings(path, &header, options)?;
        let store = store(&header, options, payload)
            .ok_or_else(|| damaged("its length is not that of its faces"))??;
        Ok((Self { options, store }, header.binding.state))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, IndexFileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => IndexFileError::Missing { path: path.into() },
        _ => IndexFileError::Read { path: path.into(), source },
    };
    let mut file = fs_err::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn check_binding(path: &Path, found: &Binding, expected: &Binding) -> Result<(), IndexFileError> {
    for (what, found, expected) in
        [("gallery", &found.gallery, &expected.gallery), ("contract", &found.contract, &expected.contract)]
    {
        if found != expected {
            let (found, expected) = (found.clone(), expected.clone());
            return Err(IndexFileError::Other { path: path.into(), what, found, expected });
        }
    }
    Ok(())
}

fn check_settings(path: &Path, header: &Header, options: IndexOptions) -> Result<(), IndexFileError> {
    let differs = |why: String| Err(IndexFileError::Settings { path: path.into(), why });
    if header.dimension != options.dimension {
        return differs(format!("{} coordinates, expected {}", header.dimension, options.dimension));
    }
    if header.precision != options.precision {
        return differs(format!("precision {:?}, expected {:?}", header.precision, options.precision));
    }
    if header.kind == IndexKind::Exact && header.faces > options.exact_up_to {
        return differs(format!("{} faces without a graph", header.faces));
    }
    if header.kind == IndexKind::Hnsw && header.connectivity != options.connectivity {
        return differs(format!("connectivity {}, expected {}", header.connectivity, options.connectivity));
    }
    Ok(())
}

/// None when the payload's length is not what the header says.
fn store(header: &Header, options: IndexOptions, payload: &[u8]) -> Option<Result<Store, IndexError>> {
    let (ids, vectors) = payload.split_at_checked(header.faces.checked_mul(8)?)?;
    let ids: Vec<u64> = ids.as_chunks().0.iter().map(|id| u64::from_le_bytes(*id)).collect();
    Some(match header.kind {
        IndexKind::Exact => {
            let rows: Vec<f32> =
                vectors.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
            if rows.len() * 4 != vectors.len() || rows.len() != ids.len() * header.dimension {
                return None;
            }
            let mut flat = Flat::new(options);
            flat.add(&ids, &rows);
            Ok(Store::Exact(flat))
        }
        IndexKind::Hnsw => Hnsw::from_bytes(options, &ids, vectors).map(Store::Hnsw),
    })
}

fn write_beside(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Readable by its owner alone, as temporary files are: embeddings are biometric data. Named as the index and more, so
    // that what a killed program leaves is found and deleted with the gallery's other remains.
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push("-");
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
