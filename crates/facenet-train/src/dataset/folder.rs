//! A folder for each person.

use std::path::Path;

use walkdir::WalkDir;

use super::{DatasetError, Entry, Listing, Place, is_image_name};

/// Lists `root/PERSON/IMAGE`. Links are followed, so that a subset can be made of links.
pub(super) fn list(root: &Path) -> Result<Listing, DatasetError> {
    let mut listing = Listing::default();
    let not_hidden =
        |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(root).max_depth(2).follow_links(true).into_iter().filter_entry(not_hidden) {
        let entry = entry.map_err(|error| failed(root, error))?;
        if entry.depth() < 2 && entry.file_type().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let person = entry.path().parent().and_then(Path::file_name);
        let (true, true, true, Some(person)) =
            (entry.depth() == 2, entry.file_type().is_file(), is_image_name(&name), person)
        else {
            listing.ignored += 1;
            continue;
        };
        let bytes = entry.metadata().map_err(|error| failed(root, error))?.len();
        let identity = person.to_string_lossy().into_owned();
        listing.entries.push(Entry { identity, name, bytes, place: Place::File(entry.into_path()) });
    }
    Ok(listing)
}

fn failed(root: &Path, error: walkdir::Error) -> DatasetError {
    let path = error.path().unwrap_or(root).to_owned();
    DatasetError::List { path, source: error.into() }
}
