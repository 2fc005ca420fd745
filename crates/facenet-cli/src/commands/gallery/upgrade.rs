//! `facenet gallery upgrade`.

mod images;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use facenet::load_adapter;
use facenet_gallery::{
    FaceId, FaceRecord, PhotoId, Settings, Store, StoredEmbedding, Upgrade, all_faces, upgrade_order,
};
use serde::Serialize;

use self::images::{Embedded, Images};
use super::GalleryFile;
use crate::console::Console;
use crate::loaded::Loaded;
use crate::numbers::counted;
use crate::outcome::Outcome;

/// Photos whose faces are embedded anew in one step: what an interrupted run has to look at again.
const STEP: usize = 32;

/// Bring a gallery to another model, without adding its photos again.
///
/// The new model must be harmonic to the gallery's, or an adapter from the one to the other be given; both must have been
/// measured by `facenet eval harmonic --write`. From then on the gallery takes the new model's probes, new faces are
/// embedded by it, and old ones stay searchable in one ranking. Faces whose photo, or kept picture, is still there are
/// embedded anew: those of known people first, then the newest. That may be interrupted, limited and run again. Until
/// `--finish` all can be taken back by `--undo`.
///
/// A model that is neither comes in by `--anew`, if every face's image is still there.
///
/// Without a model it says how far an upgrade has come.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet gallery upgrade family.faces --model new.safetensors
  facenet gallery upgrade family.faces --model base --adapter small-to-base.safetensors --limit 0
  facenet gallery upgrade family.faces --model new.safetensors --rate 5    five photos a second
  facenet gallery upgrade family.faces --finish")]
pub(crate) struct Args {
    #[command(flatten)]
    file: GalleryFile,
    /// The new model: `small` or `base`, which ship with the program, or a model file.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["undo", "finish"])]
    model: Option<PathBuf>,
    /// Take the gallery's embeddings into the new model's space by this adapter.
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with = "anew")]
    adapter: Option<PathBuf>,
    /// Embed all faces anew in one step, by any model; nothing is changed if one has no image any more.
    #[arg(long, requires = "model", conflicts_with_all = ["limit", "rate"])]
    anew: bool,
    /// Embed the faces of at most so many photos anew now; 0 for none.
    #[arg(long, value_name = "N", requires = "model")]
    limit: Option<usize>,
    /// Embed the faces of at most so many photos a second anew.
    #[arg(long, value_name = "N", requires = "model", value_parser = rate)]
    rate: Option<f64>,
    /// Take the upgrade back: embeddings are again what they were before.
    #[arg(long, conflicts_with = "finish")]
    undo: bool,
    /// End the upgrade: the embeddings from before are deleted.
    #[arg(long)]
    finish: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "expected a number above 0".into())
}

/// How far an upgrade has come.
#[derive(Debug, Serialize)]
struct State {
    model: String,
    /// The model before, while the upgrade can be undone.
    from: Option<String>,
    faces: u64,
    /// Faces whose embeddings are of an older model, or were adapted from it.
    older: u64,
    /// Faces that were embedded anew by this run.
    embedded: usize,
    /// Older faces of which this run found no image.
    without_image: usize,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let mut store = args.file.open()?;
    let mut done = Done::default();
    if args.undo {
        store.undo_upgrade()?;
    } else if args.finish {
        store.finish_upgrade()?;
    } else if let Some(model) = &args.model {
        done = upgrade(args, model, &mut store, console)?;
    }
    let (settings, counts) = (store.settings(), store.counts()?);
    let state = State {
        model: settings.contract.id(),
        from: settings.upgrading_from.as_ref().map(facenet_core::Contract::id),
        faces: counts.faces,
        older: counts.older,
        embedded: done.embedded,
        without_image: done.without_image,
    };
    if args.json {
        console.print_json(&state)?;
    } else {
        print(&state, console)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

fn print(state: &State, console: &Console) -> Result<()> {
    let State { model, from, faces, older, embedded, without_image } = state;
    console.print(format_args!("model          {model}"))?;
    if let Some(from) = from {
        console
            .print(format_args!("upgraded from  {from}  (`--finish` ends that, `--undo` takes it back)"))?;
    }
    console.print(format_args!("faces          {faces}, {older} of them embedded by an older model"))?;
    if *embedded + *without_image > 0 {
        console.print(format_args!(
            "now            {embedded} embedded anew, {without_image} without an image"
        ))?;
    }
    Ok(())
}

fn upgrade(args: &Args, model: &Path, store: &mut dyn Store, console: &mut Console) -> Result<Done> {
    let loaded = Loaded::load(model)?;
    let contract = loaded.contract().clone();
    let images = Images::of(store, &contract, loaded.embedder()?)?;
    if args.anew {
        let form = store.settings().form;
        let (faces, done) = anew(&images, store, console)?;
        let faces: Vec<(FaceId, StoredEmbedding)> =
            faces.into_iter().map(|(face, e)| (face, StoredEmbedding::of(&e, form))).collect();
        store.begin_upgrade(&contract, Upgrade::Anew(&faces))?;
        return Ok(done);
    }
    match &args.adapter {
        None => store.begin_upgrade(&contract, Upgrade::Harmonic)?,
        Some(path) => store.begin_upgrade(&contract, Upgrade::Adapter(&load_adapter(path)?))?,
    }
    step_by_step(args, &images, store, console)
}

/// What became of older faces.
#[derive(Debug, Default)]
struct Done {
    embedded: usize,
    without_image: usize,
}

/// Embeds all faces anew, in memory.
fn anew(images: &Images, store: &dyn Store, console: &mut Console) -> Result<(Embedded, Done)> {
    let todo = upgrade_order(all_faces(store)?);
    console.begin(todo.len());
    let (mut all, mut done) = (Vec::new(), Done::default());
    for step in todo.chunks(STEP) {
        let embedded = embed(images, step, store, &mut done)?;
        console.advance(step.len());
        all.extend(embedded);
    }
    console.end();
    Ok((all, done))
}

/// Embeds older faces anew, each step in one transaction.
fn step_by_step(args: &Args, images: &Images, store: &mut dyn Store, console: &mut Console) -> Result<Done> {
    let Settings { form, .. } = *store.settings();
    let mut faces = all_faces(store)?;
    faces.retain(|face| face.older_model.is_some());
    let mut todo = upgrade_order(faces);
    todo.truncate(args.limit.unwrap_or(usize::MAX));
    console.begin(todo.len());
    let (begun, mut done, mut looked_at) = (Instant::now(), Done::default(), 0);
    for step in todo.chunks(args.rate.map_or(STEP, |rate| (rate.ceil() as usize).clamp(1, STEP))) {
        let embedded = embed(images, step, store, &mut done)?;
        let stored = embedded.iter().map(|(face, e)| (*face, StoredEmbedding::of(e, form)));
        store.replace_embeddings(&stored.collect::<Vec<_>>())?;
        console.advance(step.len());
        looked_at += step.len();
        if let Some(rate) = args.rate {
            let due = Duration::from_secs_f64(looked_at as f64 / rate);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
    console.end();
    if done.without_image > 0 {
        let faces = counted(done.without_image, "face has", "faces have");
        console.note(format_args!("{faces} no image any more, and keep the embedding that they have"));
    }
    Ok(done)
}

/// Embeds the faces of photos whose image is there; counts all in `done`.
fn embed(
    images: &Images,
    photos: &[(PhotoId, Vec<FaceRecord>)],
    store: &dyn Store,
    done: &mut Done,
) -> Result<Embedded> {
    let faces: usize = photos.iter().map(|(_, faces)| faces.len()).sum();
    let embedded = images.embed(photos, store)?;
    done.embedded += embedded.len();
    done.without_image += faces - embedded.len();
    Ok(embedded)
}
