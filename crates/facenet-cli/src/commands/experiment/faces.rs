//! The faces that an experiment measures on.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use facenet::FaceEngine;
use facenet_core::Embedding;
use facenet_eval::{
    CellFigures, CrossValidation, FaceMatrix, HoldOut, ImageChange, ImageRef, Pairing, PairsFile,
};
use sha2::{Digest, Sha256};

use super::config::MeasureConfig;
use crate::commands::eval::{Kernels, images_of_people};
use crate::console::Console;
use crate::pipeline::{Photo, Pipeline};

/// Images with their people, the same for every cell.
pub(super) struct TestFaces {
    files: Vec<PathBuf>,
    /// Whose each image is.
    people: Vec<u32>,
    pairs: Option<Pairs>,
    protocol: HoldOut,
    pub(super) name: String,
    /// Of the names and sizes of the images, and of the pairs.
    digest: String,
}

/// A pairs file, and which file each of its images is.
struct Pairs {
    file: PairsFile,
    places: HashMap<ImageRef, usize>,
}

impl TestFaces {
    /// Lists the images, and finds those of the pairs among them.
    ///
    /// # Errors
    /// When there is no image, or one of a pair is missing.
    pub(super) fn find(config: &MeasureConfig) -> Result<Self> {
        let (files, people) = images_of_people(&config.images)?;
        let mut digest = Sha256::new();
        for file in &files {
            let inside = file.strip_prefix(&config.images).unwrap_or(file);
            let bytes = fs_err::metadata(file)?.len();
            digest.update(format!("{}\0{bytes}\n", inside.display()));
        }
        let pairs = config.pairs.as_ref().map(|path| -> Result<Pairs> {
            digest.update(fs_err::read(path)?);
            let file = PairsFile::read(path)?;
            let located =
                file.locate(&config.images).complete().context("images of the pairs file are missing")?;
            let numbers: HashMap<&PathBuf, usize> = files.iter().zip(0..).collect();
            let place = |(image, path): (ImageRef, PathBuf)| {
                let number =
                    numbers.get(&path).with_context(|| format!("`{}` is not listed", path.display()))?;
                Ok((image, *number))
            };
            Ok(Pairs { places: located.into_iter().map(place).collect::<Result<_>>()?, file })
        });
        let digest_text =
            |digest: Sha256| digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            pairs: pairs.transpose()?,
            digest: digest_text(digest),
            protocol: HoldOut { splits: config.splits, pairing: Pairing::Halves, seed: config.seed },
            name: config.name.clone().unwrap_or_else(|| config.images.display().to_string()),
            files,
            people,
        })
    }

    /// What the measurement rests on, for the key of a cell.
    pub(super) fn rests_on(&self) -> String {
        let HoldOut { splits, seed, .. } = self.protocol;
        format!("faces {}, {splits} splits, seed {seed}", self.digest)
    }

    /// The images and the protocol in words.
    pub(super) fn in_words(&self) -> String {
        let faces = crate::numbers::grouped(self.files.len());
        format!(
            "{faces} images of {} ({} splits of people, in each one half of the faces with the other)",
            self.name, self.protocol.splits
        )
    }

    /// The embedding of every image, changed first if that is asked for.
    ///
    /// # Errors
    /// When an image cannot be used: cells that miss different faces could not be compared.
    pub(super) fn embed(
        &self,
        engine: &FaceEngine,
        change: Option<ImageChange>,
        console: &mut Console,
    ) -> Result<Vec<Embedding>> {
        let mut embeddings = Vec::with_capacity(self.files.len());
        Pipeline::new(engine).with_change(change).run(
            &self.files,
            console,
            |Photo { path, faces, .. }, console| {
                match faces.into_iter().next() {
                    Some(first) => embeddings.push(first.embedding),
                    None => console.failed(&path, &anyhow!("no face was found")),
                }
                Ok(())
            },
        )?;
        let unusable = self.files.len() - embeddings.len();
        if unusable > 0 {
            bail!(
                "{unusable} of {} images cannot be used, and cells of different faces could not be compared\n\
                 hint: remove these images, or correct them",
                self.files.len()
            );
        }
        Ok(embeddings)
    }

    /// The figures of `embeddings`; of pairs of which one side is changed, with the others in `changed`.
    ///
    /// # Errors
    /// When the images are too few for the splits.
    pub(super) fn measure(
        &self,
        embeddings: &[Embedding],
        changed: Option<&[Embedding]>,
        facts: Vec<f64>,
    ) -> Result<CellFigures> {
        let faces = self.matrix(embeddings)?;
        let hold_out = match changed {
            Some(changed) => self.protocol.measure_changed(&faces, &self.matrix(changed)?, &Kernels),
            None => self.protocol.measure(&faces, &Kernels),
        };
        let hold_out = hold_out.with_context(|| {
            format!(
                "`{}` is too small for {} splits\nhint: choose fewer, `measure.splits`",
                self.name, self.protocol.splits
            )
        })?;
        let right = changed.unwrap_or(embeddings);
        let accuracy = |Pairs { file, places }: &Pairs| {
            let scored = file.score(|l, r| Some(embeddings[places[l]].distance(&right[places[r]])))?;
            Ok::<_, anyhow::Error>(CrossValidation::of(&scored))
        };
        let accuracy = self.pairs.as_ref().map(accuracy).transpose()?.flatten();
        Ok(CellFigures::of(&hold_out, accuracy.as_ref(), facts))
    }

    fn matrix(&self, embeddings: &[Embedding]) -> Result<FaceMatrix> {
        let mut faces = FaceMatrix::new(embeddings.first().map_or(0, Embedding::dimension));
        for (embedding, &person) in embeddings.iter().zip(&self.people) {
            faces.push(embedding, person)?;
        }
        Ok(faces)
    }
}
