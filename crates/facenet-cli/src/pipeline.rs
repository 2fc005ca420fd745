//! Many images through the engine: read and cut in parallel, embedded in batches, handed on in order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use facenet::{ChipCutter, FaceEngine, Limits, Quality, Reason, decode, read_image_bytes};
use facenet_core::{Chip, Contract, Embedding, Face, RgbImage};
use facenet_eval::ImageChange;
use rayon::prelude::*;

use crate::cache::{self, Cache, CachedFace, Content, State};
use crate::console::Console;

/// Chips that the network gets at a time: enough that its products are wide.
pub(crate) const BATCH: usize = 32;

/// Images of which the chips are held at a time. A decoded image is dropped as soon as its faces are cut out, so
/// there are never more of them than threads.
const WINDOW: usize = 2 * BATCH;

/// Edge of a face's picture, in pixels: what a page of faces shows, at a cost of 48 KB a face.
const PICTURE_EDGE_PX: u32 = 128;

/// The way of images through an engine.
pub(crate) struct Pipeline<'a> {
    engine: &'a FaceEngine,
    cache: Option<Cache>,
    with_pictures: bool,
    with_quality: bool,
    min_quality: f32,
    change: Option<ImageChange>,
}

/// What was found in an image.
#[derive(Debug)]
pub(crate) struct Photo {
    /// The image's file.
    pub(crate) path: PathBuf,
    /// Its faces, most confident first; there may be none.
    pub(crate) faces: Vec<FoundFace>,
    /// Faces that were left out because of their quality.
    pub(crate) poor: usize,
}

/// A face with its embedding.
#[derive(Debug)]
pub(crate) struct FoundFace {
    pub(crate) face: Face,
    /// If [`Pipeline::with_quality`] asked for it.
    pub(crate) quality: Option<Quality>,
    pub(crate) embedding: Embedding,
    /// The face cut out, at most 128 pixels wide and high, if [`Pipeline::with_pictures`] asked for it.
    pub(crate) picture: Option<RgbImage>,
}

/// A face that waits for its embedding.
struct CutFace {
    face: Face,
    quality: Option<Quality>,
    picture: Option<RgbImage>,
}

/// An image that was looked at.
enum Looked {
    /// Now: its faces wait for their embeddings, and are then remembered under its content.
    Now { faces: Vec<(CutFace, Chip)>, content: Option<(Content, Option<State>)> },
    /// Before: all is known.
    Before(Vec<FoundFace>),
}

impl<'a> Pipeline<'a> {
    /// A pipeline through `engine`.
    pub(crate) fn new(engine: &'a FaceEngine) -> Self {
        Self {
            engine,
            cache: None,
            with_pictures: false,
            with_quality: false,
            min_quality: 0.0,
            change: None,
        }
    }

    /// What its embeddings are comparable with.
    pub(crate) fn contract(&self) -> &'a Contract {
        self.engine.contract()
    }

    /// Keeps a small picture of every face too.
    pub(crate) fn with_pictures(self) -> Self {
        Self { with_pictures: true, ..self }
    }

    /// Tells the quality of every face too.
    pub(crate) fn with_quality(self) -> Self {
        Self { with_quality: true, ..self }
    }

    /// Leaves out faces of a quality below `least`.
    pub(crate) fn with_least_quality(self, least: f32) -> Self {
        Self { min_quality: least, with_quality: self.with_quality || least > 0.0, ..self }
    }

    /// Looks up photos that were looked at before, and remembers the others.
    pub(crate) fn with_cache(self, cache: Option<Cache>) -> Self {
        // One kind of entry for all: with quality.
        Self { with_quality: self.with_quality || cache.is_some(), cache, ..self }
    }

    /// Changes every image before it is embedded, about its most confident face.
    pub(crate) fn with_change(self, change: Option<ImageChange>) -> Self {
        Self { change, ..self }
    }

    /// Gives each of `paths` that is an image to `each`, in their order; one that is not is reported on `console`
    /// as failed, and the others go on.
    ///
    /// # Errors
    /// When `each` fails; the rest is then left.
    pub(crate) fn run(
        &self,
        paths: &[PathBuf],
        console: &mut Console,
        mut each: impl FnMut(Photo, &mut Console) -> Result<()>,
    ) -> Result<()> {
        console.begin(paths.len());
        let mut work = || {
            for paths in paths.chunks(WINDOW) {
                for (path, faces) in paths.iter().zip(self.window(paths)) {
                    match faces {
                        Ok(faces) => each(self.sifted(path, faces), console)?,
                        Err(error) => console.failed(path, &error),
                    }
                    console.advance(1);
                }
            }
            Ok(())
        };
        let result = work();
        console.end();
        result
    }

    /// The faces of a single image.
    ///
    /// # Errors
    /// When it is no image, or a stage of the engine fails; the error names the file.
    pub(crate) fn photo(&self, path: &Path) -> Result<Photo> {
        let faces = self.window(&[path.to_path_buf()]).remove(0);
        let faces =
            faces.map_err(|error| error.context(format!("cannot use the image `{}`", path.display())))?;
        Ok(self.sifted(path, faces))
    }

    /// What is found in each of a few images.
    pub(crate) fn photos(&self, paths: &[PathBuf]) -> Vec<Result<Photo>> {
        let found = self.window(paths).into_iter().zip(paths);
        found.map(|(faces, path)| faces.map(|faces| self.sifted(path, faces))).collect()
    }

    fn sifted(&self, path: &Path, mut faces: Vec<FoundFace>) -> Photo {
        let found = faces.len();
        let is_good = |face: &FoundFace| face.quality.as_ref().is_none_or(|q| q.value >= self.min_quality);
        faces.retain(is_good);
        Photo { path: path.into(), poor: found - faces.len(), faces }
    }

    /// The faces of each image of a window.
    pub(crate) fn window(&self, paths: &[PathBuf]) -> Vec<Result<Vec<FoundFace>>> {
        let looked: Vec<Result<Looked>> = paths.par_iter().map(|path| self.look(path)).collect();

        let mut chips = Vec::new();
        let mut photos = Vec::with_capacity(looked.len());
        for photo in looked {
            photos.push(photo.map(|looked| match looked {
                Looked::Before(faces) => (faces, Vec::new(), None),
                Looked::Now { faces, content } => {
                    let (faces, cut): (Vec<CutFace>, Vec<Chip>) = faces.into_iter().unzip();
                    chips.extend(cut);
                    (Vec::new(), faces, content)
                }
            }));
        }

        let mut embeddings = chips.chunks(BATCH).flat_map(|batch| self.embed(batch));
        let mut join = |CutFace { face, quality, picture }| {
            let embedding = embeddings.next().expect("one embedding a chip")?;
            Ok(FoundFace { face, quality, embedding, picture })
        };
        // Every face takes its embedding, also after one of its image that has none.
        let mut join_all = |faces: Vec<CutFace>| -> Result<Vec<FoundFace>> {
            let joined: Vec<Result<FoundFace>> = faces.into_iter().map(&mut join).collect();
            joined.into_iter().collect()
        };
        let mut finish = |(before, cut, content): (Vec<FoundFace>, Vec<CutFace>, Option<_>)| {
            let now = join_all(cut)?;
            match (&self.cache, content) {
                (Some(cache), Some((content, state))) => remember(cache, &content, state, now),
                _ => Ok(before.into_iter().chain(now).collect()),
            }
        };
        photos.into_iter().map(|photo| photo.and_then(&mut finish)).collect()
    }

    /// Looks an image up, or at it.
    fn look(&self, path: &Path) -> Result<Looked> {
        let Some(cache) = &self.cache else {
            let bytes = read_image_bytes(path, &Limits::default()).map_err(|error| error.reason)?;
            return Ok(Looked::Now { faces: self.cut(&bytes)?, content: None });
        };
        if let Some(faces) = cache.content(path).and_then(|content| cache.faces(&content)) {
            return self
                .known(faces, || Ok(read_image_bytes(path, &Limits::default()).map_err(|e| e.reason)?));
        }
        let state = State::of(path);
        let bytes = read_image_bytes(path, &Limits::default()).map_err(|error| error.reason)?;
        let content = cache::content(&bytes);
        if let Some(faces) = cache.faces(&content) {
            cache.put_file(state, &content)?;
            return self.known(faces, || Ok(bytes));
        }
        Ok(Looked::Now { faces: self.cut(&bytes)?, content: Some((content, state)) })
    }

    /// Faces that were found before; `bytes` are the image's, for pictures of them.
    fn known(&self, faces: Vec<CachedFace>, bytes: impl FnOnce() -> Result<Vec<u8>>) -> Result<Looked> {
        let image = match self.with_pictures && !faces.is_empty() {
            true => Some(decode(&bytes()?, &Limits::default())?),
            false => None,
        };
        let found = faces.into_iter().map(|CachedFace { face, quality, embedding }| {
            let picture = image.as_ref().map(|image| self.picture(image, &face)).transpose()?;
            Ok(FoundFace { face, quality, embedding, picture })
        });
        Ok(Looked::Before(found.collect::<Result<_>>()?))
    }

    fn cut(&self, bytes: &[u8]) -> Result<Vec<(CutFace, Chip)>> {
        let image = self.changed(decode(bytes, &Limits::default())?)?;
        let faces = self.engine.chips(&image)?.into_iter().map(|(face, chip)| {
            let picture = self.with_pictures.then(|| self.picture(&image, &face)).transpose()?;
            let quality = self.with_quality.then(|| quality(&image, &face));
            Ok((CutFace { face, quality, picture }, chip))
        });
        faces.collect()
    }

    fn picture(&self, image: &RgbImage, face: &Face) -> Result<RgbImage> {
        picture(self.engine, image, face)
    }

    fn changed(&self, image: RgbImage) -> Result<RgbImage> {
        let Some(change) = self.change else { return Ok(image) };
        match self.engine.detect(&image)?.first() {
            Some(face) => change.apply(&image, &face.bounds).context("cannot change the image"),
            None => Ok(image),
        }
    }

    fn embed(&self, chips: &[Chip]) -> Vec<Result<Embedding>> {
        embed(self.engine, chips)
    }
}

/// The face as the network sees it, in more pixels.
///
/// # Errors
/// When it cannot be cut out of `image`.
pub(crate) fn picture(engine: &FaceEngine, image: &RgbImage, face: &Face) -> Result<RgbImage> {
    let square = engine.square(face).context("a face that was cut out has a square")?;
    let edge_px = square.edge.min(PICTURE_EDGE_PX as f32) as u32;
    Ok(ChipCutter::new().cut_turned(image, &square, edge_px.max(1))?.image().clone())
}

/// One result a chip. A batch that fails is tried chip by chip, so that a single face does not take the others
/// with it.
pub(crate) fn embed(engine: &FaceEngine, chips: &[Chip]) -> Vec<Result<Embedding>> {
    match engine.embed(chips) {
        Ok(embeddings) => embeddings.into_iter().map(Ok).collect(),
        Err(error) if chips.len() == 1 => vec![Err(Error::new(error))],
        Err(_) => chips.iter().flat_map(|chip| embed(engine, std::slice::from_ref(chip))).collect(),
    }
}

/// The quality of a face; one whose standard crop lies outside the image has none.
pub(crate) fn quality(image: &RgbImage, face: &Face) -> Quality {
    Quality::of(image, face).unwrap_or(Quality { value: 0.0, reasons: vec![Reason::CutOff] })
}

/// Puts the faces of a photo into the cache, and gives them as it will give them again.
fn remember(
    cache: &Cache,
    content: &Content,
    state: Option<State>,
    faces: Vec<FoundFace>,
) -> Result<Vec<FoundFace>> {
    let (pictures, kept): (Vec<_>, Vec<_>) = faces
        .into_iter()
        .map(|FoundFace { face, quality, embedding, picture }| {
            (picture, CachedFace { face, quality, embedding })
        })
        .unzip();
    cache.put(content.clone(), kept)?;
    cache.put_file(state, content)?;
    let kept = cache.faces(content).context("the cache does not give back what was put into it")?;
    let join =
        |(CachedFace { face, quality, embedding }, picture)| FoundFace { face, quality, embedding, picture };
    Ok(kept.into_iter().zip(pictures).map(join).collect())
}

#[cfg(test)]
mod tests;
