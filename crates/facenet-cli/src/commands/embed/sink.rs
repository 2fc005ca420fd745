//! Where embeddings go: stdout, JSON lines or a NumPy array.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use npyz::{AutoSerialize, WriterBuilder};
use serde::Serialize;

use super::{Coordinates, FaceLine};
use crate::console::Console;
use crate::output::Unfinished;

/// A place for embeddings.
pub(super) enum Sink {
    Stdout,
    JsonLines(Unfinished),
    Array(Array),
}

/// A NumPy array, whose header can only be written when the number of rows is known.
pub(super) struct Array {
    file: Unfinished,
    rows_file: Unfinished,
    rows_path: PathBuf,
    dimension: usize,
    /// `[rows, dimension]`; one of the two stays empty.
    floats: Vec<f32>,
    bytes: Vec<i8>,
}

impl Sink {
    /// Opens `output` by its ending; without one, stdout.
    ///
    /// # Errors
    /// When the ending is not known, or a file cannot be written there.
    pub(super) fn open(output: Option<&Path>, dimension: usize) -> Result<Self> {
        let Some(path) = output else { return Ok(Self::Stdout) };
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("jsonl") => Ok(Self::JsonLines(Unfinished::beside(path)?)),
            Some("npy") => {
                let rows_path = path.with_extension("rows.jsonl");
                let (file, rows_file) = (Unfinished::beside(path)?, Unfinished::beside(&rows_path)?);
                Ok(Self::Array(Array {
                    file,
                    rows_file,
                    rows_path,
                    dimension,
                    floats: Vec::new(),
                    bytes: Vec::new(),
                }))
            }
            _ => bail!(
                "cannot write `{}`: expected a name that ends in `.npy` or `.jsonl`\n\
                 hint: `.npy` is for NumPy, `.jsonl` for everything else",
                path.display()
            ),
        }
    }

    /// Takes a face; `line` is without its embedding.
    pub(super) fn put<'a>(
        &mut self,
        line: FaceLine<'a>,
        embedding: &'a Coordinates<'a>,
        console: &Console,
    ) -> Result<()> {
        match self {
            Self::Stdout => console.print_json(&FaceLine { embedding: Some(embedding), ..line }),
            Self::JsonLines(file) => write_line(file, &FaceLine { embedding: Some(embedding), ..line }),
            Self::Array(array) => {
                match embedding {
                    Coordinates::Floats(embedding) => array.floats.extend_from_slice(embedding.as_slice()),
                    Coordinates::Bytes(quantised) => array.bytes.extend_from_slice(quantised.as_slice()),
                }
                write_line(&mut array.rows_file, &line)
            }
        }
    }

    /// Completes the files, and says where the rows of an array are named.
    pub(super) fn finish(self) -> Result<Option<PathBuf>> {
        match self {
            Self::Stdout => Ok(None),
            Self::JsonLines(file) => file.finish().map(|()| None),
            Self::Array(array) => array.finish().map(Some),
        }
    }
}

impl Array {
    fn finish(self) -> Result<PathBuf> {
        let Self { mut file, rows_file, rows_path, dimension, floats, bytes } = self;
        let written = match bytes.is_empty() {
            true => write_array(&mut file, dimension, floats),
            false => write_array(&mut file, dimension, bytes),
        };
        written.context("cannot write the array")?;
        rows_file.finish()?;
        file.finish()?;
        Ok(rows_path)
    }
}

fn write_array<T: AutoSerialize>(
    file: &mut Unfinished,
    dimension: usize,
    values: Vec<T>,
) -> std::io::Result<()> {
    let shape = [(values.len() / dimension) as u64, dimension as u64];
    let mut array = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    array.extend(values)?;
    array.finish()
}

fn write_line(file: &mut Unfinished, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *file, line).context("cannot write a line of JSON")?;
    file.write_all(b"\n").context("cannot write a line of JSON")
}
