//! Tar files with entries `PERSON/IMAGE` (WebDataset), listed once and read by position.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, EntryType};

use super::{DatasetError, Entry, Listing, Place, is_image_name};

/// Headers, contents and the end marker fill whole blocks.
const BLOCK: u64 = 512;

/// An open tar file.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    file: File,
}

impl Shard {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads `length` bytes at `offset`; any number of threads at once.
    pub(super) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize]; // at most the size of the file, checked by `list`
        read_exact_at(&self.file, &self.path, &mut bytes, offset)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, _path: &Path, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Elsewhere a handle has one position, so each read takes its own handle.
#[cfg(not(unix))]
fn read_exact_at(_file: &File, path: &Path, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut own = File::open(path)?;
    own.seek(SeekFrom::Start(offset))?;
    own.read_exact(bytes)
}

/// The shards at `path`, in order of name: itself, or the `*.tar` right inside it; none if it holds none.
pub(super) fn find(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let is_tar = |p: &Path| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("tar")) && p.is_file();
    if path.is_file() {
        return Ok(vec![path.into()]);
    }
    let failed = |source| DatasetError::List { path: path.into(), source };
    let mut shards = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let inside = entry.map_err(failed)?.path();
        if is_tar(&inside) {
            shards.push(inside);
        }
    }
    shards.sort();
    Ok(shards)
}

/// Lists the entries of all shards.
pub(super) fn list(paths: Vec<PathBuf>) -> Result<Listing, DatasetError> {
    let mut listing = Listing::default();
    for path in paths {
        match list_one(&path, &mut listing) {
            Ok(file) => listing.shards.push(Shard { path, file }),
            Err(source) => return Err(DatasetError::Shard { path, source }),
        }
    }
    Ok(listing)
}

fn list_one(path: &Path, listing: &mut Listing) -> io::Result<File> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut end = 0;
    for entry in Archive::new(&file).entries_with_seek()? {
        let entry = entry?;
        let (offset, bytes) = (entry.raw_file_position(), entry.size());
        let inside = entry.path()?;
        end = offset.saturating_add(bytes).max(end);
        if end > size {
            let what =
                format!("the entry `{}` reaches to byte {end}, but the file has {size}", inside.display());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        let place = Place::Shard { shard: listing.shards.len(), offset };
        match (entry.header().entry_type(), person_and_image(&inside)) {
            (EntryType::Directory | EntryType::XGlobalHeader, _) => {}
            (EntryType::Regular | EntryType::Continuous, Some((identity, name))) if is_image_name(&name) => {
                listing.entries.push(Entry { identity, name, bytes, place });
            }
            _ => listing.ignored += 1,
        }
    }
    check_end(&file, end.next_multiple_of(BLOCK))?;
    Ok(file)
}

/// Checks for the block of zeros after the last entry. Without it the file may have been cut off between two
/// entries, which nothing else would show.
fn check_end(mut file: &File, end: u64) -> io::Result<()> {
    let mut block = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    file.take(BLOCK).read_to_end(&mut block)?;
    if block.len() as u64 == BLOCK && block.iter().all(|&b| b == 0) {
        return Ok(());
    }
    let what = format!("at byte {end} the file ends without the end marker of a tar file: it was cut off");
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
}

/// `PERSON/IMAGE`, where the person may be several folders deep; a leading `./` is passed over. None without
/// a person.
fn person_and_image(inside: &Path) -> Option<(String, String)> {
    let mut parts: Vec<_> = inside
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy()),
            _ => None,
        })
        .collect();
    let image = parts.pop()?.into_owned();
    (!parts.is_empty()).then(|| (parts.join("/"), image))
}
