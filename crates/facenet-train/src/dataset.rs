//! People and their images, in one order that does not depend on where they lie.

mod cache;
mod folder;
mod part;
mod shards;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use facenet_core::RgbImage;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use cache::Cache;
pub use cache::Unreadable;
pub use part::{PartBy, PartConfig};

/// The smallest image that is accepted, in pixels of its shorter edge. A face of fewer pixels is not
/// recognisable, and any part of it that a network could see still has several pixels.
pub const MIN_EDGE_PX: u32 = 16;

/// An image of a [`Dataset`]: its position in the order of identity, then image name, both by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageId(pub u32);

/// A person and the images of that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The folder's name.
    pub name: String,
    /// The images, as a range of [`ImageId`]s; never empty.
    pub images: Range<u32>,
}

/// A labelled set of face crops on disk: people and their images.
///
/// Two sources are known:
/// - a folder with a folder for each person (the layout of LFW, VGGFace2, CASIA): `PERSON/IMAGE.jpg`;
/// - tar shards (WebDataset), one `*.tar` or a folder of them, with entries `PERSON/IMAGE.webp`. They are
///   listed once and read by position later. A person may be spread over several shards. In a folder with
///   shards nothing else is looked at.
///
/// What has the extension of an image and lies in a person's folder is listed, and is only opened when it is
/// asked for; hidden files are passed over. Identities are numbered from 0 in the order of their names,
/// images through all identities.
#[derive(Debug)]
pub struct Dataset {
    identities: Vec<Identity>,
    entries: Vec<Entry>,
    shards: Vec<shards::Shard>,
    ignored: usize,
    cache: Cache,
}

/// Why a dataset could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Nothing lies at the path.
    #[error("no dataset at `{path}`: expected a folder with a folder for each person, or tar shards")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A folder could not be listed.
    #[error("cannot list `{path}`")]
    List {
        /// The folder, or the file whose size could not be found out.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A shard could not be listed to its end.
    #[error("the shard `{path}` is damaged")]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// No image in a person's folder was found.
    #[error(
        "`{path}` holds no image of a person, but {ignored} other files\n\
         hint: expected `PERSON/IMAGE.jpg` right under it, or tar shards with such entries"
    )]
    NoIdentity {
        /// The dataset.
        path: PathBuf,
        /// Files that were passed over.
        ignored: usize,
    },
    /// There is nobody to tell the only person from.
    #[error("`{path}` holds the images of one person only, `{name}`, but learning needs at least two people")]
    OneIdentity {
        /// The dataset.
        path: PathBuf,
        /// The person.
        name: String,
    },
    /// Two images have one name.
    #[error("the image `{name}` is there twice: `{first}` and `{second}`")]
    Duplicate {
        /// Person and image.
        name: String,
        /// Where one lies.
        first: String,
        /// Where the other lies.
        second: String,
    },
}

/// One image of the listing.
#[derive(Debug)]
struct Entry {
    identity: String,
    name: String,
    bytes: u64,
    place: Place,
}

/// Where the bytes of an image are.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    Shard { shard: usize, offset: u64 },
}

/// What one source holds.
#[derive(Debug, Default)]
struct Listing {
    entries: Vec<Entry>,
    shards: Vec<shards::Shard>,
    /// Files that are no images or lie in no person's folder.
    ignored: usize,
}

impl Dataset {
    /// Lists the images at `path`; none is opened yet.
    ///
    /// # Errors
    /// When nothing is there, it cannot be listed, a shard is damaged, two images have one name, or there are
    /// fewer than two people.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Self::open_part(path, None)
    }

    /// As [`open`](Self::open), only a random part of the images; none, all of them.
    ///
    /// # Errors
    /// As [`open`](Self::open), also when the part holds fewer than two people.
    pub fn open_part(path: &Path, part: Option<PartConfig>) -> Result<Self, DatasetError> {
        if !path.exists() {
            return Err(DatasetError::Missing { path: path.into() });
        }
        let shards = shards::find(path)?;
        let listing = if shards.is_empty() { folder::list(path)? } else { shards::list(shards)? };
        Self::of(listing, path, part)
    }

    fn of(mut listing: Listing, path: &Path, part: Option<PartConfig>) -> Result<Self, DatasetError> {
        let key = |e: &Entry| (e.identity.clone(), e.name.clone());
        listing.entries.sort_by_cached_key(key);
        let Listing { entries, shards, ignored } = listing;
        if let Some(pair) = entries.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            let place = |e: &Entry| place_of(e, &shards);
            let name = format!("{}/{}", pair[0].identity, pair[0].name);
            return Err(DatasetError::Duplicate { name, first: place(&pair[0]), second: place(&pair[1]) });
        }

        let entries = match part {
            Some(part) => part.of(entries),
            None => entries,
        };
        let mut identities: Vec<Identity> = Vec::new();
        for group in entries.chunk_by(|a, b| a.identity == b.identity) {
            let start = identities.last().map_or(0, |i| i.images.end);
            let end = start + u32::try_from(group.len()).expect("fewer than 2^32 images");
            identities.push(Identity { name: group[0].identity.clone(), images: start..end });
        }
        match &identities[..] {
            [] => Err(DatasetError::NoIdentity { path: path.into(), ignored }),
            [only] => Err(DatasetError::OneIdentity { path: path.into(), name: only.name.clone() }),
            _ => Ok(Self { cache: Cache::new(entries.len()), identities, entries, shards, ignored }),
        }
    }

    /// Keeps decoded images in memory until they take `mib` MiB; 0, the default, keeps none.
    ///
    /// A 128-pixel crop takes 48 KiB. Nothing is ever thrown out for another image: an epoch asks for each
    /// image about once, and then keeping any fixed part is the best that can be done, where keeping the most
    /// recently used would have thrown out each one just before it is asked for again.
    #[must_use]
    pub fn cached_up_to(mut self, mib: usize) -> Self {
        self.cache.set_budget(mib << 20);
        self
    }

    /// The people, in order of name.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// The position of the person whom an image shows, in [`identities`](Self::identities).
    ///
    /// # Panics
    /// When there is no such image.
    pub fn identity_of(&self, image: ImageId) -> u32 {
        let position = self.identities.partition_point(|identity| identity.images.end <= image.0);
        assert!(position < self.identities.len(), "an image of this data set");
        position as u32
    }

    /// How many images there are.
    pub fn image_count(&self) -> usize {
        self.entries.len()
    }

    /// How many images each person has, in the order of [`identities`](Self::identities).
    pub fn image_counts(&self) -> Vec<u32> {
        self.identities.iter().map(|i| i.images.end - i.images.start).collect()
    }

    /// How many files were passed over, since they are no images or lie in no person's folder.
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// Where an image lies: `folder/PERSON/0007.jpg` or `shard.tar:PERSON/0007.webp`.
    ///
    /// # Panics
    /// When the image is none of this dataset.
    pub fn place(&self, image: ImageId) -> String {
        place_of(&self.entries[image.0 as usize], &self.shards)
    }

    /// Reads and decodes an image, or takes it from memory. Whether an image is readable is found out once.
    ///
    /// # Errors
    /// When it cannot be read or decoded, or is smaller than [`MIN_EDGE_PX`]; the error is also kept for
    /// [`take_unreadable`](Self::take_unreadable).
    ///
    /// # Panics
    /// When the image is none of this dataset.
    pub fn image(&self, image: ImageId) -> Result<Arc<RgbImage>, Unreadable> {
        self.cache.get_or_read(image, || self.read(image))
    }

    /// The images that have turned out to be unreadable since the last call, in their order.
    pub fn take_unreadable(&self) -> Vec<Unreadable> {
        self.cache.take_unreadable()
    }

    /// How many images have turned out to be unreadable so far.
    pub fn unreadable_count(&self) -> usize {
        self.cache.unreadable_count()
    }

    /// SHA-256 over person, name and size of every image, in hexadecimal. It is the same wherever the images
    /// lie, in folders or shards, and lets a resumed run refuse other data.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for entry in &self.entries {
            // The lengths keep `ab/c` and `a/bc` apart.
            for text in [&entry.identity, &entry.name] {
                hasher.update((text.len() as u64).to_le_bytes());
                hasher.update(text);
            }
            hasher.update(entry.bytes.to_le_bytes());
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// SHA-256 over [`digest`](Self::digest) and the bytes of every image, in hexadecimal: it changes with any image. All
    /// images are read for it. One that cannot be read counts as empty.
    pub fn content_digest(&self) -> String {
        let mut hasher = Sha256::new_with_prefix(self.digest());
        for entry in &self.entries {
            let bytes = self.bytes(entry).unwrap_or_default();
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(&self, entry: &Entry) -> std::io::Result<Vec<u8>> {
        match &entry.place {
            Place::File(path) => std::fs::read(path),
            Place::Shard { shard, offset } => self.shards[*shard].read(*offset, entry.bytes),
        }
    }

    fn read(&self, image: ImageId) -> Result<RgbImage, Unreadable> {
        let entry = &self.entries[image.0 as usize];
        let unreadable = |reason: String| Unreadable { place: self.place(image), reason };
        let bytes = self.bytes(entry).map_err(|error| unreadable(error.to_string()))?;
        let decoded = facenet::decode(&bytes, &facenet::Limits::default())
            .map_err(|error| unreadable(with_causes(&error)))?;
        match decoded.dimensions() {
            (w, h) if w.min(h) < MIN_EDGE_PX => Err(unreadable(format!(
                "it is {w} x {h} pixels, but expected at least {MIN_EDGE_PX} x {MIN_EDGE_PX}"
            ))),
            _ => Ok(decoded),
        }
    }
}

fn place_of(entry: &Entry, shards: &[shards::Shard]) -> String {
    match &entry.place {
        Place::File(path) => path.display().to_string(),
        Place::Shard { shard, .. } => {
            format!("{}:{}/{}", shards[*shard].path().display(), entry.identity, entry.name)
        }
    }
}

/// Whether the name is that of an image in a format that is decoded here, and not hidden.
fn is_image_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    !name.starts_with('.')
        && match extension.as_deref() {
            Some("jpg" | "jpeg" | "png" | "webp" | "bmp" | "gif" | "tif" | "tiff") => true,
            Some("heic" | "heif" | "hif") => cfg!(feature = "heic"),
            Some("avif") => cfg!(feature = "avif"),
            _ => false,
        }
}

/// An error and its causes on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
pub(crate) mod tests;
