//! `facenet gallery create`.

use anyhow::Result;
use clap::ValueEnum;
use facenet_gallery::{Form, Settings, Store};

use super::GalleryFile;
use crate::console::Console;
use crate::engine::ModelOptions;
use crate::galleries;
use crate::outcome::Outcome;

/// Make an empty gallery.
///
/// It is one SQLite file that only its owner may read, or, by an address, kept by a server. What is chosen here is fixed: embeddings of different models
/// cannot be compared.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery create family.faces
  facenet gallery create visitors.faces --no-paths --embedding byte")]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    #[command(flatten)]
    model: ModelOptions,
    /// How embeddings are kept: four bytes a coordinate, or one.
    #[arg(long, value_enum, default_value_t = EmbeddingForm::Float)]
    embedding: EmbeddingForm,
    /// Keep a small picture of every face, to look at later; 128 pixels wide and high.
    #[arg(long)]
    crops: bool,
    /// Keep no paths of photos. A photo that is added again is then known by its content alone.
    #[arg(long)]
    no_paths: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EmbeddingForm {
    /// As the model gives it
    Float,
    /// A quarter of the size; distances change in the third digit
    Byte,
}

pub(super) fn run(args: &Args, console: &Console) -> Result<Outcome> {
    let form = match args.embedding {
        EmbeddingForm::Float => Form::Float,
        EmbeddingForm::Byte => Form::Byte,
    };
    let contract = args.model.load()?.contract().clone();
    let settings = Settings {
        contract,
        form,
        keeps_paths: !args.no_paths,
        keeps_crops: args.crops,
        older: Vec::new(),
        upgrading_from: None,
    };
    let id = settings.contract.id();
    let store = galleries::create(&args.file.gallery, &settings)?;
    console.note(format_args!("made the gallery {} for the model {id}", store.place()));
    Ok(Outcome::Yes)
}
