//! Adding photos with their faces.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use facenet_core::RgbImage;
use facenet_gallery::PhotoDigest;
use facenet_gallery::{
    AddedPhoto, AssignedBy, FileRecord, NewFace, NewPhoto, PersonId, Settings, Store, StoredEmbedding,
};
use image::codecs::jpeg::JpegEncoder;
use pyo3::prelude::*;

use super::who;
use crate::crop::Crop;
use crate::engines::{Engines, Found, Looked};
use crate::failure::{Failure, Kind, OrFail};
use crate::photo::Photo;

/// A file that was changed more recently could change again within the step of its clock.
const SETTLED: Duration = Duration::from_secs(2);
/// As good as a face of 128 pixels needs: about 6 KB.
const JPEG_QUALITY: u8 = 90;

/// How photos are added.
pub(super) struct Options {
    /// Whose photos they are.
    pub(super) person: Option<String>,
    /// Where the faces lie.
    pub(super) crop: Crop,
    /// Faces of a lower quality are left out.
    pub(super) min_quality: f32,
}

/// What became of a photo that was added.
#[pyclass(frozen, get_all, module = "facenet")]
#[derive(Debug, Clone)]
pub(crate) struct Added {
    /// The photo.
    photo: i64,
    /// Whether it is new; one that was there stays as it was.
    new: bool,
    /// How many faces were added.
    faces: usize,
}

#[pymethods]
impl Added {
    fn __repr__(&self) -> String {
        match self.new {
            true => format!("<facenet.Added photo:{} with {} faces>", self.photo, self.faces),
            false => format!("<facenet.Added photo:{}, which was there already>", self.photo),
        }
    }
}

/// Adds photos in one transaction: all or none.
///
/// # Errors
/// When one cannot be used, or the store cannot be written.
pub(super) fn add(
    store: &mut dyn Store,
    engines: &Engines,
    photos: Vec<Photo>,
    options: &Options,
) -> Result<Vec<Added>, Failure> {
    let settings = store.settings().clone();
    let paths: Vec<Option<PathBuf>> = photos.iter().map(|photo| photo.path().map(Path::to_owned)).collect();
    // Before the files are read: one that changes meanwhile is looked at again.
    let files: Vec<Option<FileRecord>> = paths.iter().map(|path| state(path.as_deref()?)).collect();
    let looked = engines.look(photos, options.crop, settings.keeps_crops)?;
    let mut new = Vec::with_capacity(looked.len());
    for ((looked, file), path) in looked.into_iter().zip(files).zip(&paths) {
        let Looked { mut faces, digest } = looked.map_err(|failure| match path {
            Some(path) => failure.within(&format!("cannot add `{}`", path.display())),
            None => failure,
        })?;
        faces.retain(|face| face.quality.value >= options.min_quality);
        new.push((faces, digest, file));
    }
    let person = options.person.as_deref().map(|name| who::person_or_new(store, name)).transpose()?;
    let photo = |(faces, digest, file): (Vec<Found>, [u8; 32], Option<FileRecord>)| {
        let faces = new_faces(faces, person, &settings)?;
        Ok(NewPhoto { content: PhotoDigest(digest), file, faces })
    };
    let new = new.into_iter().map(photo).collect::<Result<Vec<NewPhoto>, Failure>>()?;
    let added = store.add(&new).or_fail(Kind::Gallery)?;
    let told = |(photo, added): (&NewPhoto, AddedPhoto)| match added {
        AddedPhoto::New(id) => Added { photo: id.0, new: true, faces: photo.faces.len() },
        AddedPhoto::Known(id) => Added { photo: id.0, new: false, faces: 0 },
    };
    Ok(new.iter().zip(added).map(told).collect())
}

/// The faces of a photo, of which the first, the most confident one, is the person's.
fn new_faces(
    found: Vec<Found>,
    person: Option<PersonId>,
    settings: &Settings,
) -> Result<Vec<NewFace>, Failure> {
    let people = person.into_iter().map(Some).chain(std::iter::repeat(None));
    let new = |(face, person): (Found, Option<PersonId>)| {
        let embedding = face.embedding.expect("photos that are added are embedded");
        Ok(NewFace {
            found: face.face,
            quality: Some(face.quality.value),
            embedding: StoredEmbedding::of(&embedding, settings.form),
            crop: face.picture.as_ref().map(jpeg).transpose()?,
            person: person.map(|person| (person, AssignedBy::User)),
        })
    };
    found.into_iter().zip(people).map(new).collect()
}

fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    picture.write_with_encoder(encoder).or_fail(Kind::Other)?;
    Ok(bytes)
}

/// The state of the file at `path`; none when the system does not tell it, or the path is no text.
fn state(path: &Path) -> Option<FileRecord> {
    let metadata = fs_err::metadata(path).ok()?;
    let changed = metadata.modified().ok()?;
    let is_settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED);
    let changed_ns = changed.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()?;
    Some(FileRecord {
        path: who::absolute(path)?,
        size: metadata.len().try_into().ok()?,
        // A time that no file has: it is looked at again.
        changed_ns: if is_settled { changed_ns } else { -1 },
    })
}
