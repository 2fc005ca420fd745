//! Weights that lie in other files: read only from beside the model.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Component, Path};

use rten_onnx::onnx::{DataLocation, TensorProto};

use super::MAX_FILE_BYTES;
use super::error::FileError;

/// The files beside a model that hold weights.
pub(super) struct External<'a> {
    origin: &'a str,
    folder: Option<&'a Path>,
    files: HashMap<String, Vec<u8>>,
    /// Bytes that were given out: one file may be named by many weights.
    bytes: u64,
    fetched: bool,
}

/// Whether the values of a weight lie in another file.
pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::EXTERNAL) || !tensor.external_data.is_empty()
}

/// The bytes of a regular file; none when there are more than `limit`.
pub(crate) fn read_limited(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = fs_err::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

impl<'a> External<'a> {
    pub(super) fn new(origin: &'a str, folder: Option<&'a Path>) -> Self {
        Self { origin, folder, files: HashMap::new(), bytes: 0, fetched: false }
    }

    /// Whether any weight was fetched.
    pub(super) fn fetched(&self) -> bool {
        self.fetched
    }

    /// Moves the values of `tensor` into it.
    pub(super) fn fetch(&mut self, tensor: &mut TensorProto, name: &str) -> Result<(), FileError> {
        let entry = |key: &str| {
            let mut entries = tensor.external_data.iter();
            entries.find(|entry| entry.key.as_deref() == Some(key)).and_then(|entry| entry.value.clone())
        };
        let location = entry("location").unwrap_or_default();
        let wrong = |reason: String| FileError::External {
            origin: self.origin.into(),
            name: name.into(),
            location: location.clone(),
            reason,
        };
        let number = |key: &str| match entry(key) {
            Some(text) => {
                text.parse().map(Some).map_err(|_| wrong(format!("its {key} `{text}` is no number")))
            }
            None => Ok(None),
        };
        let (offset, length): (Option<u64>, Option<u64>) = (number("offset")?, number("length")?);
        let folder = self.folder.ok_or_else(|| wrong("only weights inside the file are used here".into()))?;
        if !self.files.contains_key(&location) {
            let file = read_beside(folder, &location).map_err(wrong)?;
            self.files.insert(location.clone(), file);
        }
        let file = &self.files[&location];
        let from = offset.unwrap_or(0);
        let to = length.map_or(Some(file.len() as u64), |length| from.checked_add(length));
        let Some(part) = to.and_then(|to| file.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?))
        else {
            let length = length.map_or("the rest".into(), |length| format!("{length} bytes"));
            return Err(wrong(format!(
                "{length} from byte {from} were asked for, but it has {}",
                file.len()
            )));
        };
        self.bytes += part.len() as u64;
        if self.bytes > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { origin: self.origin.into() });
        }
        tensor.raw_data = Some(RefCell::new(part.to_vec()));
        tensor.data_location = None;
        tensor.external_data.clear();
        self.fetched = true;
        Ok(())
    }
}

/// Reads a file that lies in `folder` itself, behind whatever links: their ends must lie there too.
fn read_beside(folder: &Path, location: &str) -> Result<Vec<u8>, String> {
    let mut parts = Path::new(location).components();
    let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
        return Err("expected the plain name of a file in the same folder".into());
    };
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let told = |error: io::Error| error.to_string();
    // A link that leads to itself ends here.
    let real = fs_err::canonicalize(folder.join(location)).map_err(told)?;
    if real.parent() != Some(fs_err::canonicalize(folder).map_err(told)?.as_path()) {
        return Err(format!("it is a link out of the folder, to `{}`", real.display()));
    }
    read_limited(&real, MAX_FILE_BYTES).map_err(told)?.ok_or("it is too large".into())
}
