//! `facenet adapter`: from one model's embeddings to another's, without the faces.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet::save_adapter;
use facenet_core::Embedding;
use facenet_train::learn_adapter;
use serde::Serialize;

use super::eval::{LabelledFolder, Source};
use crate::console::Console;
use crate::engine::{Crop, ModelOptions};
use crate::outcome::Outcome;
use crate::output::check_writable;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Learn(LearnArgs),
}

/// Learn an adapter, which takes the embeddings of OLD to where NEW would put them.
///
/// It is the affine map of least squares between the embeddings of the same faces by both models, scaled to unit length
/// after it, and works for galleries whose photos are gone. Its mean squared distance on faces that were held out is
/// printed: 2 is chance. Measure what it is worth by `facenet eval harmonic OLD NEW --adapter FILE`. Four faces are needed
/// for each coordinate of OLD's embeddings, of as many people as can be had.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet adapter learn old.safetensors new.safetensors --images faces/ -o old-to-new.safetensors
  facenet adapter learn old.safetensors new.safetensors --images faces/ \\
    --old-embeddings old.npy -o old-to-new.safetensors   the old model itself runs no more")]
pub(crate) struct LearnArgs {
    /// The model whose embeddings are there.
    old: PathBuf,
    /// The model in whose space they are wanted.
    new: PathBuf,
    /// The folder of faces, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// OLD's embeddings of these images, from a file instead of the model: `.npy` or `.csv`, as for `facenet eval`.
    #[arg(long, value_name = "FILE")]
    old_embeddings: Option<PathBuf>,
    /// NEW's embeddings of these images, from a file instead of the model.
    #[arg(long, value_name = "FILE")]
    new_embeddings: Option<PathBuf>,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::None)]
    crop: Crop,
    /// The adapter to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Learnt<'a> {
    from: String,
    to: String,
    faces: u64,
    held_out_distance: f64,
    file: &'a PathBuf,
}

pub(crate) fn run(command: &Command, console: &mut Console) -> Result<Outcome> {
    let Command::Learn(args) = command;
    check_writable(&args.output)?;
    let models = [&args.old, &args.new].map(|path| ModelOptions::of(path).load());
    let [old_model, new_model] = models;
    let (from, to) = (old_model?.contract().clone(), new_model?.contract().clone());
    let old = embed(args, &args.old, args.old_embeddings.as_ref(), console)?;
    let new = embed(args, &args.new, args.new_embeddings.as_ref(), console)?;
    let by_path: HashMap<PathBuf, Embedding> = new.sources.into_iter().zip(new.embeddings).collect();
    let both = old.sources.iter().zip(old.embeddings);
    let both = both.filter_map(|(path, embedding)| Some((embedding, by_path.get(path)?.clone())));
    let (old, new): (Vec<Embedding>, Vec<Embedding>) = both.unzip();
    let adapter = learn_adapter(&from, &to, &old, &new).context("no adapter was learnt")?;
    save_adapter(&adapter, &args.output)?;

    let facts = adapter.facts();
    let (from, to, faces) = (from.id(), to.id(), facts.faces);
    if args.json {
        let held_out_distance = facts.held_out_distance;
        console.print_json(&Learnt { from, to, faces, held_out_distance, file: &args.output })?;
    } else {
        console.print(format_args!(
            "from           {from}\nto             {to}\nlearnt from    {faces} faces"
        ))?;
        console.print(format_args!(
            "held out       mean squared distance {:.3} to the other model's own embedding (chance: 2)",
            facts.held_out_distance
        ))?;
        console.print(format_args!("adapter        {}", args.output.display()))?;
    }
    Ok(console.outcome(Outcome::Yes))
}

fn embed(
    args: &LearnArgs,
    model: &Path,
    file: Option<&PathBuf>,
    console: &mut Console,
) -> Result<LabelledFolder> {
    let source = match file {
        Some(file) => Source::of_file(file)?,
        None => Source::Engine(Box::new(ModelOptions::of(model).build(args.crop)?)),
    };
    LabelledFolder::embed(&args.images, &source, console)
}
