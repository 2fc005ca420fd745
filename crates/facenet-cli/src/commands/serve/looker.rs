//! The engine of the service: many images, decoded and cut in parallel, embedded together.

use anyhow::Result;
use facenet::{AlignedCrop, DecodeError, FaceEngine, Limits, decode};
use facenet_core::{Chip, Contract, Detector, Embedding, Face, RgbImage};
use facenet_server::{Aim, Engine, Image, Look, NotLooked, Place, SeenFace};
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
    /// For each face whether it has a chip.
    is_cut: Vec<bool>,
    chips: Vec<Chip>,
}

impl Looker {
    /// Looks with `engine` at what `limits` allow.
    pub(super) fn new(engine: FaceEngine, limits: &facenet_server::Limits) -> Self {
        let decoding = Limits { max_bytes: limits.body_bytes as u64, max_pixels: limits.pixels };
        Self { engine, limits: decoding, max_faces: limits.faces }
    }

    fn cut(&self, Image { bytes, aim, place }: &Image) -> Result<Cut, NotLooked> {
        let image = decode(bytes, &self.limits).map_err(not_decoded)?;
        let mut faces = self.faces(&image, place).map_err(|error| failed(&error))?;
        let most = if let Place::Known(known) = place { known.len() } else { self.max_faces };
        let left_out = faces.len().saturating_sub(most);
        faces.truncate(most);
        let cut = |face| -> Result<(SeenFace, Option<Chip>)> {
            let quality = quality(&image, &face);
            let crop = match aim {
                Aim::Crops => Some(jpeg(&picture(&self.engine, &image, &face)?)?),
                Aim::Faces | Aim::Embeddings => None,
            };
            let chip = (*aim > Aim::Faces).then(|| self.engine.chip(&image, &face));
            let chip = match place {
                Place::Known(_) => chip.and_then(Result::ok),
                Place::Anywhere | Place::Whole => chip.transpose()?,
            };
            let reasons = quality.reasons.iter().map(name).collect::<Result<_>>()?;
            Ok((SeenFace { face, quality: quality.value, reasons, embedding: None, crop }, chip))
        };
        let cut: Result<Vec<_>> = faces.into_iter().map(cut).collect();
        let (faces, chips): (Vec<SeenFace>, Vec<Option<Chip>>) =
            cut.map_err(|error| failed(&error))?.into_iter().unzip();
        let (width, height) = image.dimensions();
        Ok(Cut {
            look: Look { width, height, faces, left_out },
            is_cut: chips.iter().map(Option::is_some).collect(),
            chips: chips.into_iter().flatten().collect(),
        })
    }
}

impl Looker {
    /// The faces of an image, where they are looked for.
    fn faces(&self, image: &RgbImage, place: &Place) -> Result<Vec<Face>> {
        match place {
            Place::Anywhere => Ok(self.engine.detect(image)?),
            Place::Known(faces) => Ok(faces.to_vec()),
            // A kept picture shows what the model saw of the face, and that is the middle of an aligned crop.
            Place::Whole => Ok(AlignedCrop::new(1.0)?.detect(image).map_err(anyhow::Error::from_boxed)?),
        }
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
            Ok(Cut { look, is_cut, .. }) if image.aim > Aim::Faces => joined(look, &is_cut, &mut embeddings),
            other => other.map(|cut| cut.look),
        };
        images.iter().zip(cut).map(join).collect()
    }
}

/// Gives every face that was cut out its embedding, also after one that has none.
fn joined(
    mut look: Look,
    is_cut: &[bool],
    embeddings: &mut impl Iterator<Item = Result<Embedding>>,
) -> Result<Look, NotLooked> {
    let mut fault = None;
    for (face, _) in look.faces.iter_mut().zip(is_cut).filter(|(_, is_cut)| **is_cut) {
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
