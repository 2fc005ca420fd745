//! `facenet gallery add`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet_core::RgbImage;
use facenet_gallery::{
    AddedPhoto, AssignedBy, FileRecord, NewFace, NewPhoto, PersonId, PhotoDigest, Settings, Store,
    StoreError, StoredEmbedding,
};
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;
use serde::Serialize;

use super::{GalleryFile, files, who};
use crate::console::Console;
use crate::inputs::Inputs;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::photos::{PhotoOptions, note_missing};
use crate::pipeline::{FoundFace, Pipeline};

/// Photos that are kept in one step: what an interrupted run has to look at again.
const STEP: usize = 64;
/// As good as a face of 128 pixels needs: about 6 KB.
const JPEG_QUALITY: u8 = 90;

/// Add photos and the faces in them.
///
/// Photos that are there already are passed over: those whose file has not changed without opening it, others by their
/// content. So a run that was interrupted goes on when it is started again. The faces are nobody's until they are
/// clustered or named, unless `--person` or `--folders` says whose photos these are: then the most confident face of a
/// photo is that person's.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery add family.faces photos/
  facenet gallery add family.faces anna1.jpg anna2.jpg --person Anna
  facenet gallery add family.faces people/ --folders")]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    #[command(flatten)]
    inputs: Inputs,
    /// Whose photos these are; a person of that name is added if there is none.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// The folder that directly holds a photo is named like the person whose photo it is.
    #[arg(long, conflicts_with = "person")]
    folders: bool,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What became of the photos.
#[derive(Debug, Default, Serialize)]
struct Added {
    photos: usize,
    faces: usize,
    known: usize,
    failed: usize,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    let mut store = args.file.open()?;
    let settings = store.settings().clone();
    let comparable = settings.contract.check_comparable(engine.contract());
    comparable.map_err(|source| StoreError::OtherContract { place: store.place().into(), source })?;
    if store.is_read_only() {
        return Err(StoreError::ReadOnly { place: store.place().into() }.into());
    }
    let pipeline = args.photos.pipeline(&engine)?;
    let pipeline = if settings.keeps_crops { pipeline.with_pictures() } else { pipeline };
    let inputs = args.inputs.files(console)?;

    let mut adding =
        Adding { args, store: &mut store, settings, people: HashMap::new(), added: Added::default() };
    // The pipeline's own bar would begin anew with every step.
    console.begin(inputs.len());
    let result = inputs.chunks(STEP).try_for_each(|step| adding.step(step, &pipeline, console));
    console.end();
    let mut added = adding.added;
    added.failed = console.failures();
    result.with_context(|| format!("{} before that are kept", counted(added.photos, "photo", "photos")))?;

    if args.json {
        console.print_json(&added)?;
    }
    console.note(format_args!(
        "added {} with {}; {} there already",
        counted(added.photos, "photo", "photos"),
        counted(added.faces, "face", "faces"),
        counted(added.known, "was", "were")
    ));
    Ok(console.outcome(Outcome::Yes))
}

struct Adding<'a> {
    args: &'a Args,
    store: &'a mut dyn Store,
    settings: Settings,
    people: HashMap<String, PersonId>,
    added: Added,
}

/// A photo that is not known by its file.
struct Candidate {
    path: PathBuf,
    file: Option<FileRecord>,
    content: PhotoDigest,
}

impl Adding<'_> {
    /// Adds the photos of one step, in one transaction.
    fn step(&mut self, paths: &[PathBuf], pipeline: &Pipeline<'_>, console: &mut Console) -> Result<()> {
        let candidates = self.candidates(paths, console)?;
        let contents: Vec<PhotoDigest> = candidates.iter().map(|candidate| candidate.content).collect();
        let known = self.store.photos_with(&contents)?;
        let mut photos = Vec::new();
        let mut new = Vec::new();
        for (candidate, known) in candidates.into_iter().zip(known) {
            match known {
                Some(_) => photos.push(candidate.into_photo(Vec::new())),
                None => new.push(candidate),
            }
        }
        let paths: Vec<PathBuf> = new.iter().map(|candidate| candidate.path.clone()).collect();
        for (candidate, found) in new.into_iter().zip(pipeline.photos(&paths)) {
            match found {
                Ok(photo) => {
                    note_missing(&photo, console);
                    let person = self.person_of(&candidate.path)?;
                    let faces = self.faces(photo.faces, person)?;
                    photos.push(candidate.into_photo(faces));
                }
                Err(error) => console.failed(&candidate.path, &error),
            }
        }
        for (photo, added) in photos.iter().zip(self.store.add(&photos)?) {
            match added {
                AddedPhoto::New(_) => {
                    self.added.photos += 1;
                    self.added.faces += photo.faces.len();
                }
                AddedPhoto::Known(_) => self.added.known += 1,
            }
        }
        Ok(())
    }

    /// The photos that are not known by their files, with their contents.
    fn candidates(&mut self, paths: &[PathBuf], console: &mut Console) -> Result<Vec<Candidate>> {
        let states: Vec<Option<FileRecord>> = paths.iter().map(|path| files::state(path)).collect();
        let told: Vec<FileRecord> = states.iter().flatten().cloned().collect();
        let mut known = self.store.photos_at(&told)?.into_iter();
        let mut unknown = Vec::new();
        for (path, file) in paths.iter().zip(states) {
            console.advance(1);
            if file.is_some() && known.next().flatten().is_some() {
                self.added.known += 1;
            } else {
                unknown.push((path, file));
            }
        }
        let digests: Vec<Result<PhotoDigest>> =
            unknown.par_iter().map(|(path, _)| files::digest(path)).collect();
        let mut candidates = Vec::new();
        for ((path, file), content) in unknown.into_iter().zip(digests) {
            match content {
                Ok(content) => candidates.push(Candidate { path: path.clone(), file, content }),
                Err(error) => console.failed(path, &error),
            }
        }
        Ok(candidates)
    }

    fn person_of(&mut self, path: &Path) -> Result<Option<PersonId>> {
        let folder =
            || path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).map(str::to_owned);
        let name = if self.args.folders { folder() } else { self.args.person.clone() };
        let Some(name) = name else { return Ok(None) };
        if let Some(id) = self.people.get(&name) {
            return Ok(Some(*id));
        }
        let id = who::person_or_new(self.store, &name)?;
        self.people.insert(name, id);
        Ok(Some(id))
    }

    /// The faces of a photo, of which the first, the most confident one, is the person's.
    fn faces(&self, found: Vec<FoundFace>, person: Option<PersonId>) -> Result<Vec<NewFace>> {
        let people = person.into_iter().map(Some).chain(std::iter::repeat(None));
        let new = |(face, person): (FoundFace, Option<PersonId>)| {
            Ok(NewFace {
                found: face.face,
                quality: face.quality.map(|quality| quality.value),
                embedding: StoredEmbedding::of(&face.embedding, self.settings.form),
                crop: face.picture.as_ref().map(jpeg).transpose()?,
                person: person.map(|person| (person, AssignedBy::User)),
            })
        };
        found.into_iter().zip(people).map(new).collect()
    }
}

impl Candidate {
    fn into_photo(self, faces: Vec<NewFace>) -> NewPhoto {
        NewPhoto { content: self.content, file: self.file, faces }
    }
}

/// A face's picture, as a gallery keeps it.
///
/// # Errors
/// When it has no pixels.
pub(crate) fn jpeg(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    picture.write_with_encoder(encoder).context("cannot write a face as JPEG")?;
    Ok(bytes)
}
