//! Where embeddings come from: a model of this program, or a file that anybody's model wrote.

mod file;

use std::path::{Path, PathBuf};

use anyhow::Result;
use facenet::FaceEngine;
use facenet_core::{Embedding, Threshold};

use self::file::EmbeddingFile;
use crate::console::Console;
use crate::engine::AlignedEngineOptions;
use crate::pipeline::{Photo, Pipeline};

/// Which model embeds, or which file holds the embeddings.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SourceOptions {
    #[command(flatten)]
    engine: AlignedEngineOptions,
    /// Embeddings of another program's model instead: `.npy` (a row an image) or `.csv` (a name, then the numbers).
    ///
    /// Names are those of `--images`: `PERSON/IMAGE`, with folders above or not, with an ending or not. Rows are scaled
    /// to unit length.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "crop"])]
    embeddings: Option<PathBuf>,
    /// The names of the rows of an `.npy`: a line each, or JSON lines as `facenet embed` writes them; by default
    /// FILE.rows.jsonl.
    #[arg(long, value_name = "FILE", requires = "embeddings")]
    names: Option<PathBuf>,
}

/// Where embeddings come from.
pub(crate) enum Source {
    Engine(Box<FaceEngine>),
    File(EmbeddingFile),
}

impl SourceOptions {
    /// Loads the model, or reads the file.
    ///
    /// # Errors
    /// When the file is no model, or holds no embeddings.
    pub(crate) fn open(&self) -> Result<Source> {
        match &self.embeddings {
            Some(path) => Ok(Source::File(EmbeddingFile::read(path, self.names.as_deref())?)),
            None => Ok(Source::Engine(Box::new(self.engine.build()?))),
        }
    }

    /// Opens another source: a model, or by its ending a file of embeddings.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_other(&self, path: &Path) -> Result<Source> {
        let is = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
        if is("npy") || is("csv") {
            return Ok(Source::File(EmbeddingFile::read(path, None)?));
        }
        Ok(Source::Engine(Box::new(self.engine.build_other(path)?)))
    }

    /// The options as they are given to a command, without those that are the default.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |name: &str, path: &Option<PathBuf>| {
            path.iter().flat_map(|path| [name.to_owned(), path.display().to_string()]).collect::<Vec<_>>()
        };
        [self.engine.arguments(), path("--embeddings", &self.embeddings), path("--names", &self.names)]
            .concat()
    }
}

impl Source {
    /// A file of embeddings.
    ///
    /// # Errors
    /// When it holds none.
    #[cfg(feature = "train")]
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        Ok(Self::File(EmbeddingFile::read(path, None)?))
    }

    /// What embeds: the id of a contract, or the name of the file.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Engine(engine) => engine.contract().id(),
            Self::File(file) => file.name().to_owned(),
        }
    }

    /// The coordinates of an embedding.
    pub(crate) fn dimension(&self) -> usize {
        match self {
            Self::Engine(engine) => engine.contract().dimension,
            Self::File(file) => file.dimension(),
        }
    }

    /// The thresholds that the model was calibrated to; a file has none.
    pub(crate) fn thresholds(&self) -> &[Threshold] {
        match self {
            Self::Engine(engine) => &engine.contract().thresholds,
            Self::File(_) => &[],
        }
    }

    /// Gives each of `images` with the embedding of its most confident face to `each`, in their order. One that has none
    /// is reported on `console` as failed, and left out.
    ///
    /// # Errors
    /// When `each` fails.
    pub(crate) fn embed(
        &self,
        images: &[PathBuf],
        console: &mut Console,
        mut each: impl FnMut(PathBuf, Embedding) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Engine(engine) => {
                Pipeline::new(engine).run(images, console, |Photo { path, faces, .. }, console| {
                    match faces.into_iter().next() {
                        Some(first) => each(path, first.embedding)?,
                        None => console.failed(&path, &anyhow::anyhow!("no face was found")),
                    }
                    Ok(())
                })
            }
            Self::File(file) => {
                for path in images {
                    match file.find(path) {
                        Some(embedding) => each(path.clone(), embedding.clone())?,
                        None => {
                            let absent = format!("`{}` has no embedding of this name", file.name());
                            console.failed(path, &anyhow::Error::msg(absent));
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// The engine, to look at faces; a file of embeddings sees none.
    pub(crate) fn engine(&self) -> Option<&FaceEngine> {
        match self {
            Self::Engine(engine) => Some(engine),
            Self::File(_) => None,
        }
    }
}
