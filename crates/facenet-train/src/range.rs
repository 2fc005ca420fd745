//! A setting that is out of its range.

/// A value that a setting may not have; its key is relative to the table that it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}, but expected {expected}")]
pub struct OutOfRange {
    /// The key within its table, `margin`.
    pub key: &'static str,
    /// The value found.
    pub found: String,
    /// What it may be.
    pub expected: &'static str,
}

/// Passes where `holds`, and names the key where not.
pub(crate) fn within(
    holds: bool,
    key: &'static str,
    found: &dyn ToString,
    expected: &'static str,
) -> Result<(), OutOfRange> {
    if holds { Ok(()) } else { Err(OutOfRange { key, found: found.to_string(), expected }) }
}
