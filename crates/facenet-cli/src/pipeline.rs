//! Many images through the engine: read and cut in parallel, embedded in batches, handed on in order.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use facenet::{FaceEngine, Limits, cut_chip, read_image};
use facenet_core::{Chip, Embedding, Face, RgbImage};
use facenet_eval::ImageChange;
use rayon::prelude::*;

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
    with_pictures: bool,
    change: Option<ImageChange>,
}

/// What was found in an image.
#[derive(Debug)]
pub(crate) struct Photo {
    /// The image's file.
    pub(crate) path: PathBuf,
    /// Its faces, most confident first; there may be none.
    pub(crate) faces: Vec<FoundFace>,
}

/// A face with its embedding.
#[derive(Debug)]
pub(crate) struct FoundFace {
    pub(crate) face: Face,
    pub(crate) embedding: Embedding,
    /// The face cut out, at most 128 pixels wide and high, if [`Pipeline::with_pictures`] asked for it.
    pub(crate) picture: Option<RgbImage>,
}

/// A face that waits for its embedding.
struct CutFace {
    face: Face,
    picture: Option<RgbImage>,
}

impl<'a> Pipeline<'a> {
    /// A pipeline through `engine`.
    pub(crate) fn new(engine: &'a FaceEngine) -> Self {
        Self { engine, with_pictures: false, change: None }
    }

    /// Keeps a small picture of every face too.
    pub(crate) fn with_pictures(self) -> Self {
        Self { with_pictures: true, ..self }
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
                        Ok(faces) => each(Photo { path: path.clone(), faces }, console)?,
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
        Ok(Photo { path: path.into(), faces })
    }

    /// The faces of each image of a window.
    fn window(&self, paths: &[PathBuf]) -> Vec<Result<Vec<FoundFace>>> {
        let cut: Vec<Result<Vec<(CutFace, Chip)>>> = paths.par_iter().map(|path| self.cut(path)).collect();

        let mut chips = Vec::new();
        let mut photos = Vec::with_capacity(cut.len());
        for photo in cut {
            photos.push(photo.map(|faces| {
                let (faces, cut): (Vec<CutFace>, Vec<Chip>) = faces.into_iter().unzip();
                chips.extend(cut);
                faces
            }));
        }

        let mut embeddings = chips.chunks(BATCH).flat_map(|batch| self.embed(batch));
        let mut join = |CutFace { face, picture }| {
            let embedding = embeddings.next().expect("one embedding a chip")?;
            Ok(FoundFace { face, embedding, picture })
        };
        // Every face takes its embedding, also after one of its image that has none.
        let mut join_all = |faces: Vec<CutFace>| {
            let joined: Vec<Result<FoundFace>> = faces.into_iter().map(&mut join).collect();
            joined.into_iter().collect()
        };
        photos.into_iter().map(|photo| photo.and_then(&mut join_all)).collect()
    }

    fn cut(&self, path: &Path) -> Result<Vec<(CutFace, Chip)>> {
        let image = self.changed(read_image(path, &Limits::default()).map_err(|error| error.reason)?)?;
        let picture = |face: &Face| {
            let edge_px = face.bounds.width.max(face.bounds.height).min(PICTURE_EDGE_PX as f32) as u32;
            cut_chip(&image, &face.bounds, edge_px.max(1)).map(|chip| chip.image().clone())
        };
        let faces = self.engine.chips(&image)?.into_iter().map(|(face, chip)| {
            let picture = self.with_pictures.then(|| picture(&face)).transpose()?;
            Ok((CutFace { face, picture }, chip))
        });
        faces.collect()
    }

    fn changed(&self, image: RgbImage) -> Result<RgbImage> {
        let Some(change) = self.change else { return Ok(image) };
        match self.engine.detect(&image)?.first() {
            Some(face) => change.apply(&image, &face.bounds).context("cannot change the image"),
            None => Ok(image),
        }
    }

    /// One result a chip. A batch that fails is tried chip by chip, so that a single face does not take the others
    /// with it.
    fn embed(&self, chips: &[Chip]) -> Vec<Result<Embedding>> {
        match self.engine.embed(chips) {
            Ok(embeddings) => embeddings.into_iter().map(Ok).collect(),
            Err(error) if chips.len() == 1 => vec![Err(Error::new(error))],
            Err(_) => chips.iter().flat_map(|chip| self.embed(std::slice::from_ref(chip))).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
