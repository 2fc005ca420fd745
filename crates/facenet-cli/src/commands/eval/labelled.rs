//! A folder of people, embedded.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use facenet_core::Embedding;
use facenet_eval::LabelledFaces;
use facenet_gallery::FolderGallery;

use super::source::Source;
use crate::console::Console;

/// The faces of a folder that can be used, with the names of their people.
#[derive(Debug, Default)]
pub(crate) struct LabelledFolder {
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) people: Vec<String>,
    pub(crate) embeddings: Vec<Embedding>,
}

impl LabelledFolder {
    /// Embeds all images of all people under `dir`, of each its most confident face; images that cannot be used are
    /// reported on `console` as failed.
    ///
    /// # Errors
    /// When `dir` holds no folder of a person, or no face at all.
    pub(crate) fn embed(dir: &Path, source: &Source, console: &mut Console) -> Result<Self> {
        let folder = FolderGallery::scan(dir)?;
        for unreadable in &folder.unreadable {
            console.failed(&unreadable.path, &anyhow!("{}", unreadable.source));
        }
        let images: Vec<PathBuf> = folder.people.iter().flat_map(|person| &person.images).cloned().collect();
        let mut people =
            folder.people.iter().flat_map(|person| person.images.iter().map(|image| (image, &person.name)));
        let mut all = Self::default();
        source.embed(&images, console, |path, embedding| {
            let (_, person) = people.find(|(image, _)| **image == path).expect("the order is kept");
            all.sources.push(path);
            all.people.push(person.clone());
            all.embeddings.push(embedding);
            Ok(())
        })?;
        if all.embeddings.is_empty() {
            bail!("no face of `{}` can be used", dir.display());
        }
        Ok(all)
    }

    /// The faces as they are searched.
    pub(super) fn faces(&self) -> Result<LabelledFaces> {
        let labels: Vec<&str> = self.people.iter().map(String::as_str).collect();
        Ok(LabelledFaces::new(self.embeddings.clone(), &labels)?)
    }
}
