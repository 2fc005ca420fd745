//! Faces that were embedded before, as `facenet embed --output FILE.npy` leaves them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use facenet_core::{Embedding, Face};
use serde::Deserialize;

use super::Faces;

/// A line of `FILE.rows.jsonl`.
#[derive(Deserialize)]
struct Row {
    path: PathBuf,
    face: Option<Face>,
    quality: Option<Quality>,
    model: Option<String>,
}

#[derive(Deserialize)]
struct Quality {
    value: f32,
}

/// The faces of `path`, `[faces, dimension]` floats; `FILE.rows.jsonl` beside it names their photos. Without that file a
/// face is named by its row's number, counted from 1.
///
/// # Errors
/// When a file cannot be read, they do not fit, or the rows are of another model than `model` or not of `dimension`.
pub(super) fn read(path: &Path, model: &str, dimension: usize) -> Result<Faces> {
    let about = || format!("cannot use the embeddings `{}`", path.display());
    let file = std::io::BufReader::new(fs_err::File::open(path).with_context(about)?);
    let array = npyz::NpyFile::new(file).with_context(about)?;
    let shape = array.shape().to_vec();
    let &[rows, found] = shape.as_slice() else {
        bail!("`{}` has the shape {shape:?}, expected [faces, numbers]", path.display());
    };
    ensure!(
        found == dimension as u64 && array.order() == npyz::Order::C,
        "`{}` has rows of {found} numbers, but the model `{model}` makes {dimension}\n\
         hint: name the model by `--model`",
        path.display()
    );
    let values = array.into_vec::<f32>().with_context(about)?;
    let mut faces = named(&path.with_extension("rows.jsonl"), rows as usize, model)?;
    for (number, row) in values.chunks_exact(dimension).enumerate() {
        let embedding = Embedding::normalize(row.to_vec())
            .with_context(|| format!("`{}`, row {}", path.display(), number + 1))?;
        faces.embeddings.push(embedding);
    }
    Ok(faces)
}

fn named(path: &Path, rows: usize, model: &str) -> Result<Faces> {
    let mut faces = Faces::default();
    if !path.exists() {
        faces.sources = (1..=rows).map(|row| PathBuf::from(row.to_string())).collect();
        faces.faces = vec![None; rows];
        faces.quality = vec![1.0; rows];
        return Ok(faces);
    }
    for (number, line) in (1..).zip(fs_err::read_to_string(path)?.lines()) {
        let row: Row = serde_json::from_str(line)
            .with_context(|| format!("`{}`, line {number}: expected JSON with a `path`", path.display()))?;
        if let Some(found) = row.model.filter(|found| found != model) {
            bail!(
                "`{}`, line {number}: the face was embedded by `{found}`, but the threshold is of `{model}`\n\
                 hint: name the model by `--model`",
                path.display()
            );
        }
        faces.sources.push(row.path);
        faces.faces.push(row.face);
        faces.quality.push(row.quality.map_or(1.0, |quality| quality.value));
    }
    let lines = faces.sources.len();
    ensure!(lines == rows, "`{}` has {lines} lines for {rows} rows", path.display());
    Ok(faces)
}
