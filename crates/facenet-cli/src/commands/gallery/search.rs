//! `facenet gallery search`.

use anyhow::Result;
use facenet_gallery::GalleryFilter;

use super::GalleryFile;
use crate::commands::identify::{self, Answers, TemplateOption};
use crate::console::Console;
use crate::galleries;
use crate::inputs::Inputs;
use crate::outcome::Outcome;
use crate::photos::PhotoOptions;
use crate::threshold::ThresholdOptions;

/// Name the people in images, out of a gallery.
///
/// Prints the nearest people for each face, and the nearest as its person if at most the threshold away. Exits with 0
/// if every face is somebody, with 1 if one is nobody. `facenet identify --gallery` does the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery search family.faces visitor.jpg
  facenet gallery search family.faces inbox/ --tag cousin -k 1 --json")]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    #[command(flatten)]
    inputs: Inputs,
    /// Only people with this tag; may be given more than once.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How many of the nearest people to show.
    #[arg(short, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    #[command(flatten)]
    template: TemplateOption,
    #[command(flatten)]
    threshold: ThresholdOptions,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print a line of JSON a face.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let store = args.file.open()?;
    let engine = args.photos.build()?;
    let cut = args.threshold.choose(engine.contract(), identify::FALSE_ACCEPT_RATE)?;
    let filter = GalleryFilter { tags: args.tags.clone() };
    let finder = super::finder(&store, engine.contract(), filter, args.template.template, console)?;
    let pipeline = args.photos.pipeline(&engine)?;
    let probes = args.inputs.files(console)?;
    let answers = Answers { finder: &finder, cut: &cut, k: args.k.into(), json: args.json };
    identify::answer_all(&answers, &galleries::shown(&args.file.gallery), &pipeline, &probes, console)
}
