//! Manifests that extend others: `extends = "arcface"`, or a file in the same folder.

use std::path::{Component, Path};

use toml::{Table, Value};

use super::{ManifestError, PRESETS};

/// Manifests that may extend each other.
const MAX_CHAIN: usize = 8;

/// The largest manifest that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The key under which a manifest names the one that it extends.
const KEY: &str = "extends";

/// The text of a manifest that comes with the program.
pub(super) fn preset_text(name: &str) -> Result<&'static str, ManifestError> {
    Ok(match name {
        "arcface" => include_str!("../../presets/arcface.toml"),
        "sface" => include_str!("../../presets/sface.toml"),
        "facenet" => include_str!("../../presets/facenet.toml"),
        "dlib" => include_str!("../../presets/dlib.toml"),
        "yunet" => include_str!("../../presets/yunet.toml"),
        "scrfd" => include_str!("../../presets/scrfd.toml"),
        "retinaface" => include_str!("../../presets/retinaface.toml"),
        "ultraface" => include_str!("../../presets/ultraface.toml"),
        "mtcnn" => include_str!("../../presets/mtcnn.toml"),
        _ => return Err(ManifestError::UnknownPreset { name: name.into() }),
    })
}

/// The table of a manifest file, over those that it extends, and its path in words.
pub(super) fn read(path: &Path) -> Result<(Table, String), ManifestError> {
    let origin = path.display().to_string();
    let unreadable = |source| ManifestError::Read { path: path.into(), source };
    let too_large = || std::io::Error::other(format!("it is larger than {MAX_BYTES} bytes"));
    let bytes = crate::file::read_limited(path, MAX_BYTES)
        .and_then(|bytes| bytes.ok_or_else(too_large))
        .map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable(std::io::Error::other("it is no text")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok((over_base(&text, Some(folder), &mut vec![origin.clone()])?, origin))
}

/// The table of a manifest in memory, over the preset that it extends.
pub(super) fn parse(text: &str, origin: &str) -> Result<Table, ManifestError> {
    over_base(text, None, &mut vec![origin.into()])
}

/// `chain` holds where the texts come from, that of `text` last.
fn over_base(text: &str, folder: Option<&Path>, chain: &mut Vec<String>) -> Result<Table, ManifestError> {
    let origin = chain.last().expect("the text comes from somewhere").clone();
    let syntax = |reason: &str| ManifestError::Syntax { origin: origin.clone(), reason: reason.into() };
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| syntax(error.message()))?;
    let Some(base) = table.remove(KEY) else { return Ok(table) };
    let Value::String(name) = base else { return Err(syntax("`extends` is no text")) };

    if PRESETS.contains(&name.as_str()) {
        let base = over_base(preset_text(&name)?, None, &mut vec![name])?;
        return Ok(merged(base, table));
    }
    let mut parts = Path::new(&name).components();
    let (Some(Component::Normal(_)), None, Some(folder)) = (parts.next(), parts.next(), folder) else {
        return Err(ManifestError::Elsewhere { origin, name });
    };
    let path = folder.join(&name);
    chain.push(path.display().to_string());
    if chain.len() > MAX_CHAIN || chain[..chain.len() - 1].contains(&chain[chain.len() - 1]) {
        return Err(ManifestError::Loop { chain: std::mem::take(chain) });
    }
    let text = fs_err::read_to_string(&path).map_err(|source| ManifestError::Read { path, source })?;
    Ok(merged(over_base(&text, Some(folder), chain)?, table))
}

/// `base` with the values of `over`; tables are merged key by key.
fn merged(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        match (base.remove(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => {
                base.insert(key, Value::Table(merged(inner, value)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}
