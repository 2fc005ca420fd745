//! The engine of the service: many images, decoded and cut in parallel, embedded together.

use anyhow::Result;
use facenet::{DecodeError, FaceEngine, Limits, decode};
use facenet_core::{Chip, Contract, Embedding};
use facenet_server::{Aim, Engine, Image, Look, NotLooked, SeenFace};
use rayon::prelude::*;

use crate::commands::gallery::jpeg;
use crate::failure;
use crate::pipeline::{BATCH, embed, picture, quality};

/// Looks at the images that clients send.
pub(super) struct Looker {
    engine: FaceEngine,
    limits: Limits,
    max_faces: usize,
}

/// An image whose faces wait for their embeddings, one chip each, if any are wanted.
struct Cut {
    look: Look,
    chips: Vec<Chip>,
}

impl Looker {
    /// Looks with `engine` at what `limits` allow.
    pub(super) fn new(engine: FaceEngine, limits: &facenet_server::Limits) -> Self {
        let decoding = Limits { max_bytes: limits.body_bytes as u64, max_pixels: limits.pixels };
        Self { engine, limits: decoding, max_faces: limits.faces }
    }

    fn cut(&self, Image { bytes, aim }: &Image) -> Result<Cut, NotLooked> {
        let image = decode(bytes, &self.limits).map_err(not_decoded)?;
        let mut faces = self.engine.detect(&image).map_err(|error| failed(&error.into()))?;
        let left_out = faces.len().saturating_sub(self.max_faces);
        faces.truncate(self.max_faces);
        let cut = |face| -> Result<(SeenFace, Option<Chip>)> {
            let quality = quality(&image, &face);
            let crop = match aim {
                Aim::Crops => Some(jpeg(&picture(&self.engine, &image, &face)?)?),
                Aim::Faces | Aim::Embeddings => None,
            };
            let chip = (*aim > Aim::Faces).then(|| self.engine.chip(&image, &face)).transpose()?;
            let reasons = quality.reasons.iter().map(name).collect::<Result<_>>()?;
            Ok((SeenFace { face, quality: quality.value, reasons, embedding: None, crop }, chip))
        };
        let cut: Result<Vec<_>> = faces.into_iter().map(cut).collect();
        let (faces, chips): (Vec<SeenFace>, Vec<Option<Chip>>) =
            cut.map_err(|error| failed(&error))?.into_iter().unzip();
        let (width, height) = image.dimensions();
        Ok(Cut {
            look: Look { width, height, faces, left_out },
            chips: chips.into_iter().flatten().collect(),
        })
    }
}

impl Engine for Looker {
    fn contract(&self) -> &Contract {
        self.engine.contract()
    }

    fn look(&mut self, images: &[Image]) -> Vec<Result<Look, NotLooked>> {
        let mut cut: Vec<Result<Cut, NotLooked>> = images.par_iter().map(|image| self.cut(image)).collect();
        let chips: Vec<Chip> =
            cut.iter_mut().flatten().flat_map(|cut| std::mem::take(&mut cut.chips)).collect();
        let mut embeddings = chips.chunks(BATCH).flat_map(|batch| embed(&self.engine, batch));
        let join = |(image, cut): (&Image, Result<Cut, NotLooked>)| match cut {
            Ok(Cut { look, .. }) if image.aim > Aim::Faces => joined(look, &mut embeddings),
            other => other.map(|cut| cut.look),
        };
        images.iter().zip(cut).map(join).collect()
    }
}

/// Gives every face its embedding, also after one that has none.
fn joined(
    mut look: Look,
    embeddings: &mut impl Iterator<Item = Result<Embedding>>,
) -> Result<Look, NotLooked> {
    let mut fault = None;
    for face in &mut look.faces {
        match embeddings.next().expect("one embedding a chip") {
            Ok(embedding) => face.embedding = Some(embedding),
            Err(error) => fault = Some(failed(&error)),
        }
    }
    fault.map_or(Ok(look), Err)
}

/// The reason's name in JSON.
fn name(reason: &facenet::Reason) -> Result<String> {
    Ok(serde_json::to_value(reason)?.as_str().unwrap_or_default().to_owned())
}

fn not_decoded(error: DecodeError) -> NotLooked {
    let too_large = matches!(
        error,
        DecodeError::TooManyBytes { .. }
            | DecodeError::TooManyPixels { .. }
            | DecodeError::TooMuchMemory { .. }
    );
    let (why, mut hints) = failure::line(&error.into());
    if too_large { NotLooked::TooLarge { why } } else { NotLooked::NotAnImage { why, hint: hints.pop() } }
}

fn failed(error: &anyhow::Error) -> NotLooked {
    NotLooked::Failed { why: failure::line(error).0 }
}
