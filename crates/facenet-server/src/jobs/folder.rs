//! Adding the photos of a folder of the server.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use facenet_gallery::{AddedPhoto, FileRecord, NewPhoto, PhotoDigest, SqliteStore, Store, has_image_ending};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::Job;
use crate::adding::{self, person_or_new};
use crate::app::App;
use crate::engine::{Image, Look};
use crate::problem::ApiError;
use crate::routes::allowed;

/// Photos that are kept in one step.
const STEP: usize = 16;
/// How many photos that failed are named.
const NAMED: usize = 100;
/// How long the job waits when the queue is full: requests of people go first.
const PAUSE: Duration = Duration::from_millis(200);
/// A file that was changed more recently could change again within the step of its clock.
const SETTLED: Duration = Duration::from_secs(2);

/// What became of the photos.
#[derive(Debug, Default, Serialize)]
struct Added {
    photos: usize,
    faces: usize,
    /// Photos that were there already.
    known: usize,
    failed: usize,
    /// The first that failed.
    failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Failure {
    path: String,
    why: String,
}

/// A photo that was read.
struct Read {
    path: PathBuf,
    file: Option<FileRecord>,
    content: PhotoDigest,
    bytes: Bytes,
}

/// Adds all photos below `folder`. Links are not followed: they could lead out of it.
pub(super) async fn run(app: &App, job: &Job, folder: &Path, by_folder: bool) -> Result<Value, ApiError> {
    app.gallery()?.need_taking(&app.contract)?;
    // A job that goes on after a restart may be from before the settings were changed.
    let folder = &allowed(folder, &app.settings.folders)?;
    let folder = folder.to_owned();
    let photos = tokio::task::spawn_blocking(move || photos_below(&folder)).await;
    let photos = photos.unwrap_or_default();
    job.expect(photos.len() as u64);
    let mut added = Added::default();
    for step in photos.chunks(STEP) {
        job.check()?;
        let read = read(app, step, &mut added).await?;
        let looked = look(app, read, &mut added).await;
        keep(app, looked, by_folder, &mut added).await?;
        job.advance(step.len() as u64);
    }
    serde_json::to_value(added).map_err(|error| ApiError::Internal(error.to_string()))
}

fn photos_below(folder: &Path) -> Vec<PathBuf> {
    let is_visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(is_visible);
    let files = walk.flatten().filter(|entry| entry.file_type().is_file() && has_image_ending(entry.path()));
    files.map(walkdir::DirEntry::into_path).collect()
}

/// The photos of a step that are not known by their files.
async fn read(app: &App, paths: &[PathBuf], added: &mut Added) -> Result<Vec<Read>, ApiError> {
    let (paths, limit) = (paths.to_vec(), app.limits().body_bytes as u64);
    let question = move |store: &SqliteStore| {
        let mut read = Vec::new();
        let mut known = 0;
        for path in paths {
            let file = state(&path);
            let is_known = match &file {
                Some(file) => store.photos_at(std::slice::from_ref(file))?.pop().flatten().is_some(),
                None => false,
            };
            known += usize::from(is_known);
            if !is_known {
                read.push((bytes(&path, limit), path, file));
            }
        }
        Ok((read, known))
    };
    let (read, known) = app.gallery()?.ask(question).await?;
    added.known += known;
    let mut photos = Vec::new();
    for (bytes, path, file) in read {
        match bytes {
            Ok(bytes) => {
                let content = PhotoDigest(Sha256::digest(&bytes).into());
                photos.push(Read { path, file, content, bytes: bytes.into() });
            }
            Err(why) => added.fail(&path, why),
        }
    }
    Ok(photos)
}

/// What is seen in the photos whose content is new; nothing in the others.
async fn look(app: &App, photos: Vec<Read>, added: &mut Added) -> Vec<(Read, Option<Look>)> {
    let mut looks = Vec::new();
    for photo in photos {
        let (app, bytes, content) = (app.clone(), photo.bytes.clone(), photo.content);
        looks.push((photo, tokio::spawn(async move { look_at(&app, bytes, content).await })));
    }
    let mut looked = Vec::new();
    for (photo, look) in looks {
        match look.await.unwrap_or_else(|_| Err(ApiError::Internal("a look panicked".into()))) {
            Ok(look) => looked.push((photo, look)),
            Err(error) => added.fail(&photo.path, error.to_string()),
        }
    }
    looked
}

async fn look_at(app: &App, bytes: Bytes, content: PhotoDigest) -> Result<Option<Look>, ApiError> {
    let desk = app.gallery()?;
    let known = desk.ask(move |store| Ok(store.photos_with(&[content])?.pop().flatten())).await?;
    if known.is_some() {
        return Ok(None);
    }
    look_patiently(app, Image::new(bytes, adding::aim(&desk.settings()))).await.map(Some)
}

/// What is seen in an image, as soon as the queue has room.
pub(super) async fn look_patiently(app: &App, image: Image) -> Result<Look, ApiError> {
    loop {
        match app.queue.look(image.clone()).await {
            Err(ApiError::Overloaded) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
}

async fn keep(
    app: &App,
    looked: Vec<(Read, Option<Look>)>,
    by_folder: bool,
    added: &mut Added,
) -> Result<(), ApiError> {
    let desk = app.gallery()?;
    let form = desk.settings().form;
    let change = move |store: &mut dyn Store| {
        let mut photos = Vec::new();
        for (Read { path, file, content, .. }, look) in looked {
            let name = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
            let faces = match look {
                Some(look) => {
                    let name = name.filter(|_| by_folder && !look.faces.is_empty());
                    let person = name.map(|name| person_or_new(store, name)).transpose()?;
                    adding::new_faces(look, form, person)?
                }
                None => Vec::new(),
            };
            photos.push(NewPhoto { content, file, faces });
        }
        let done = store.add(&photos)?;
        let new = |(photo, added): (&NewPhoto, AddedPhoto)| match added {
            AddedPhoto::New(_) => Some(photo.faces.len()),
            AddedPhoto::Known(_) => None,
        };
        Ok(photos.iter().zip(done).map(new).collect::<Vec<Option<usize>>>())
    };
    for faces in desk.change(change).await? {
        match faces {
            Some(faces) => {
                added.photos += 1;
                added.faces += faces;
            }
            None => added.known += 1,
        }
    }
    Ok(())
}

impl Added {
    fn fail(&mut self, path: &Path, why: String) {
        self.failed += 1;
        if self.failures.len() < NAMED {
            self.failures.push(Failure { path: path.display().to_string(), why });
        }
    }
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let length = fs_err::metadata(path).map_err(|error| error.to_string())?.len();
    if length > limit {
        return Err(format!("the file has more than the {limit} bytes that are allowed"));
    }
    fs_err::read(path).map_err(|error| error.to_string())
}

/// The state of the file at `path`; none when the system does not tell it, or the path is no text.
fn state(path: &Path) -> Option<FileRecord> {
    let metadata = fs_err::metadata(path).ok()?;
    let changed = metadata.modified().ok()?;
    let is_settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age >= SETTLED);
    let changed_ns = changed.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()?;
    Some(FileRecord {
        path: path.to_str()?.to_owned(),
        size: metadata.len().try_into().ok()?,
        // A time that no file has: it is looked at again.
        changed_ns: if is_settled { changed_ns } else { -1 },
    })
}
