//! Embeddings in a file, by the name of their image.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet_core::Embedding;
use serde::Deserialize;

/// Embeddings by `PERSON/IMAGE`, all of one dimension.
#[derive(Debug)]
pub(crate) struct EmbeddingFile {
    name: String,
    dimension: usize,
    by_image: HashMap<String, Embedding>,
}

/// The name in a line of `FILE.rows.jsonl`.
#[derive(Deserialize)]
struct Row {
    path: PathBuf,
}

impl EmbeddingFile {
    /// Reads `path` by its ending; `names` are those of the rows of an `.npy`.
    ///
    /// # Errors
    /// When the file cannot be read, holds no embeddings, or names do not fit it.
    pub(super) fn read(path: &Path, names: Option<&Path>) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        let rows = match ending.as_deref() {
            Some("npy") => {
                let beside = path.with_extension("rows.jsonl");
                rows_of_array(path, names.unwrap_or(&beside))
            }
            Some("csv") if names.is_none() => rows_of_csv(path),
            Some("csv") => bail!("`--names` is for `.npy`: each line of a `.csv` begins with its name"),
            _ => bail!(
                "cannot read embeddings from `{}`: expected a name that ends in `.npy` or `.csv`",
                path.display()
            ),
        };
        Self::of(path, rows?).with_context(|| format!("cannot use the embeddings `{}`", path.display()))
    }

    fn of(path: &Path, rows: Vec<(String, Vec<f32>)>) -> Result<Self> {
        let Some(dimension) = rows.first().map(|(_, values)| values.len()) else {
            bail!("found no embedding")
        };
        let mut by_image = HashMap::new();
        for (name, values) in rows {
            if values.len() != dimension {
                bail!("`{name}` has {} numbers, but the first embedding has {dimension}", values.len());
            }
            let embedding =
                Embedding::normalize(values).with_context(|| format!("`{name}` is no embedding"))?;
            if by_image.insert(key(Path::new(&name)), embedding).is_some() {
                bail!("`{name}` is there twice");
            }
        }
        Ok(Self { name: path.display().to_string(), dimension, by_image })
    }

    /// The file.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The coordinates of an embedding.
    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The embedding of an image.
    pub(super) fn find(&self, image: &Path) -> Option<&Embedding> {
        self.by_image.get(&key(image))
    }
}

/// `PERSON/IMAGE` without the ending of an image: the last two parts of a path.
fn key(path: &Path) -> String {
    let bare =
        if facenet_gallery::has_image_ending(path) { path.with_extension("") } else { path.to_path_buf() };
    let parts: Vec<_> = bare
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        })
        .collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

/// An array `[rows, dimension]` of 32- or 64-bit floats, and a name a row.
fn rows_of_array(path: &Path, names: &Path) -> Result<Vec<(String, Vec<f32>)>> {
    let cannot_read = || format!("cannot read the embeddings `{}`", path.display());
    let file = std::io::BufReader::new(fs_err::File::open(path).with_context(cannot_read)?);
    let array = npyz::NpyFile::new(file).with_context(cannot_read)?;
    let &[rows, dimension] = array.shape() else {
        bail!("`{}` has the shape {:?}, expected [images, numbers]", path.display(), array.shape());
    };
    if array.order() != npyz::Order::C {
        bail!(
            "`{}` is stored by columns, expected rows\nhint: write `numpy.ascontiguousarray` of it",
            path.display()
        );
    }
    let values: Vec<f32> = match array.dtype().descr().contains("f8") {
        true => {
            array.into_vec::<f64>().with_context(cannot_read)?.into_iter().map(|value| value as f32).collect()
        }
        false => array.into_vec::<f32>().with_context(cannot_read)?,
    };
    let names = names_of_rows(names)?;
    if names.len() as u64 != rows {
        bail!("`{}` has {rows} rows, but there are {} names", path.display(), names.len());
    }
    if dimension == 0 {
        bail!("`{}` has rows without numbers", path.display());
    }
    Ok(names.into_iter().zip(values.chunks(dimension as usize).map(<[f32]>::to_vec)).collect())
}

/// A name a line, plain or in JSON.
fn names_of_rows(path: &Path) -> Result<Vec<String>> {
    let text = fs_err::read_to_string(path)
        .context("the rows of the array have no names\nhint: pass a file with a name a line by `--names`")?;
    let in_json = path.extension().is_some_and(|ending| ending == "jsonl");
    let name = |(number, line): (usize, &str)| match in_json {
        false => Ok(line.trim().to_owned()),
        true => {
            let row: Row = serde_json::from_str(line).with_context(|| {
                format!("`{}`, line {}: expected JSON with a `path`", path.display(), number + 1)
            })?;
            Ok(row.path.to_string_lossy().into_owned())
        }
    };
    text.lines().enumerate().map(name).collect()
}

/// `NAME,0.1,0.2,…` a line; a first line of headings is passed over.
fn rows_of_csv(path: &Path) -> Result<Vec<(String, Vec<f32>)>> {
    let text = fs_err::read_to_string(path)?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, values) = line.split_once(',').unwrap_or((line, ""));
        let values: Result<Vec<f32>, _> = values.split(',').map(|value| value.trim().parse()).collect();
        match values {
            Ok(values) => rows.push((name.trim().trim_matches('"').to_owned(), values)),
            Err(_) if number == 0 => {}
            Err(_) => bail!(
                "`{}`, line {}: expected a name and numbers, separated by commas",
                path.display(),
                number + 1
            ),
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Result<EmbeddingFile> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("foreign.csv");
        fs_err::write(&path, text).unwrap();
        EmbeddingFile::read(&path, None)
    }

    #[test]
    fn an_image_is_found_by_person_and_name_wherever_it_lies() {
        let file = csv("image,x,y\nada/ada_0001.jpg,3,4\ndeep/er/bob/bob_0001,0,2\n").unwrap();
        let found = |path: &str| file.find(Path::new(path)).map(|e| e.as_slice().to_vec());
        assert_eq!(found("/elsewhere/ada/ada_0001.png"), Some(vec![0.6, 0.8]));
        assert_eq!(found("bob/bob_0001.webp"), Some(vec![0.0, 1.0]));
        assert_eq!((found("ada/ada_0002.jpg"), found("eve/ada_0001.jpg")), (None, None));
        assert_eq!(file.dimension(), 2);
    }

    #[test]
    fn what_is_no_embedding_is_refused_by_name() {
        for (text, expected) in [
            ("", "found no embedding"),
            ("a/1,1,2\nb/1,1", "`b/1` has 1 numbers, but the first embedding has 2"),
            ("a/1,0,0", "`a/1` is no embedding"),
            ("a/1,NaN,1", "`a/1` is no embedding"),
            ("a/1.jpg,1,0\nx/a/1.png,0,1", "`x/a/1.png` is there twice"),
            ("a/1,1,2\nb/1,one,2", "line 2: expected a name and numbers, separated by commas"),
        ] {
            let error = format!("{:#}", csv(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_name_without_a_person_is_itself() {
        assert_eq!(key(Path::new("1.jpg")), "1");
        assert_eq!(key(Path::new("./ada/v1.2/ada.0001")), "v1.2/ada.0001");
    }
}
