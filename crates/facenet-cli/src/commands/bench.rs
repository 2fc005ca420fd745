//! `facenet bench`: how fast is this machine with this model?

pub(crate) mod memory;
mod rate;
#[cfg(feature = "train")]
mod training;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet::{FaceEngine, Limits, read_image};
use facenet_core::{Chip, Face, RgbImage};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;

use self::memory::peak_bytes;
use self::rate::per_second;
use crate::console::Console;
use crate::engine::EngineOptions;
use crate::inputs::expand;
use crate::numbers::{counted, grouped};
use crate::outcome::Outcome;
use crate::pipeline::{BATCH, Pipeline};

/// Images that are looked at, at most: their pixels are held in memory.
const MOST_PHOTOS: usize = 64;

/// Measure how fast this machine embeds, and with images given, how fast it decodes them, finds faces, aligns them, and
/// does all of it.
///
/// Rates are images a second, for one thread and for all (see `--threads`): the best of five runs of a fifth of a
/// second or more each. Memory is the most that the program held at any time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet bench
  facenet bench photos/ --threads 4 --json
  facenet bench --train nn4                   (in programs with training)")]
pub(crate) struct Args {
    /// Images, folders or patterns to find faces in; the first 64 are used.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    engine: EngineOptions,
    /// Measure also a training step of this network with 32 faces, and mining among 1,800.
    #[cfg(feature = "train")]
    #[arg(long, value_name = "NETWORK", value_parser = clap::builder::PossibleValuesParser::new(facenet::network::NAMES))]
    train: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    threads: usize,
    measures: Vec<Measure>,
    photos: Option<Photos>,
    /// None where the system does not say.
    peak_memory_bytes: Option<u64>,
}

/// Images a second.
#[derive(Debug, Serialize)]
struct Measure {
    name: &'static str,
    batch: usize,
    one_thread: f64,
    all_threads: f64,
}

/// What was decoded.
#[derive(Debug, Serialize)]
struct Photos {
    count: usize,
    pixels: u64,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.engine.build()?;
    let threads = rayon::current_num_threads();
    let pools = [pool(1)?, pool(threads)?];
    let mut measures: Vec<Measure> = [1, BATCH].map(|batch| embedding(&engine, batch, &pools)).into();

    let mut photos = None;
    if !args.paths.is_empty() {
        let files = expand(&args.paths, console)?;
        let (files, images) = read(&files, console)?;
        measures.push(decoding(&files, &pools));
        measures.push(detecting(&engine, &images, &pools)?);
        measures.push(aligning(&engine, &images, &pools)?);
        measures.push(whole(&engine, &files, &pools));
        let pixels = images.iter().map(|image| u64::from(image.width()) * u64::from(image.height())).sum();
        photos = Some(Photos { count: images.len(), pixels });
    }
    #[cfg(feature = "train")]
    if let Some(network) = &args.train {
        measures.extend(training::measures(network, &pools)?);
    }
    let model = engine.contract().id();
    let report = Report { model, threads, measures, photos, peak_memory_bytes: peak_bytes() };
    if args.json {
        console.print_json(&report)?;
    } else {
        print(&report, console)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .with_context(|| format!("cannot start {threads} threads"))
}

fn measure(name: &'static str, batch: usize, pools: &[ThreadPool; 2], work: impl Fn() + Sync) -> Measure {
    let [one_thread, all_threads] = pools.each_ref().map(|pool| pool.install(|| per_second(batch, &work)));
    Measure { name, batch, one_thread, all_threads }
}

fn embedding(engine: &FaceEngine, batch: usize, pools: &[ThreadPool; 2]) -> Measure {
    let edge_px = engine.contract().preprocessing.edge_px;
    // Pixels that differ everywhere; their values do not change the speed.
    let pixel = |x: u32, y: u32| [(x * 7 + y) as u8, (x + y * 5) as u8, (x * y) as u8].into();
    let chip = Chip::new(RgbImage::from_fn(edge_px, edge_px, pixel)).expect("an image that is square");
    let chips = vec![chip; batch];
    let embed = || drop(engine.embed(&chips).expect("a chip of the model's own size"));
    measure("embed", batch, pools, embed)
}

/// The first images that can be read, with their files.
fn read(files: &[PathBuf], console: &mut Console) -> Result<(Vec<PathBuf>, Vec<RgbImage>)> {
    let mut read = (Vec::new(), Vec::new());
    for file in files.iter().take(MOST_PHOTOS) {
        match read_image(file, &Limits::default()) {
            Ok(image) => {
                read.0.push(file.clone());
                read.1.push(image);
            }
            Err(error) => console.failed(file, &error.reason.into()),
        }
    }
    anyhow::ensure!(!read.0.is_empty(), "no image can be used");
    Ok(read)
}

fn decoding(files: &[PathBuf], pools: &[ThreadPool; 2]) -> Measure {
    let decode = |file: &Path| drop(std::hint::black_box(read_image(file, &Limits::default())));
    measure("decode", files.len(), pools, || files.par_iter().for_each(|file| decode(file)))
}

fn detecting(engine: &FaceEngine, images: &[RgbImage], pools: &[ThreadPool; 2]) -> Result<Measure> {
    images.iter().try_for_each(|image| engine.detect(image).map(drop))?;
    let detect = |image: &RgbImage| drop(std::hint::black_box(engine.detect(image)));
    Ok(measure("detect", images.len(), pools, || images.par_iter().for_each(detect)))
}

/// Cutting out all faces of each image.
fn aligning(engine: &FaceEngine, images: &[RgbImage], pools: &[ThreadPool; 2]) -> Result<Measure> {
    let faces: Vec<Vec<Face>> = images.iter().map(|image| engine.detect(image)).collect::<Result<_, _>>()?;
    let align = |(image, faces): (&RgbImage, &Vec<Face>)| {
        faces.iter().for_each(|face| drop(std::hint::black_box(engine.chip(image, face))));
    };
    Ok(measure("align", images.len(), pools, || images.par_iter().zip(&faces).for_each(align)))
}

/// All of it, from files to embeddings.
fn whole(engine: &FaceEngine, files: &[PathBuf], pools: &[ThreadPool; 2]) -> Measure {
    let pipeline = Pipeline::new(engine);
    measure("end to end", files.len(), pools, || drop(std::hint::black_box(pipeline.window(files))))
}

fn print(report: &Report, console: &Console) -> Result<()> {
    let threads = counted(report.threads, "thread", "threads");
    console.print(format_args!("model {}", report.model))?;
    console.print(format_args!(
        "{:<14}{:>6}{:>14}{threads:>14}{:>8}",
        "images/s", "batch", "1 thread", "ratio"
    ))?;
    for Measure { name, batch, one_thread, all_threads } in &report.measures {
        let ratio = all_threads / one_thread;
        console
            .print(format_args!("{name:<14}{batch:>6}{one_thread:>14.1}{all_threads:>14.1}{ratio:>8.2}"))?;
    }
    if let Some(Photos { count, pixels }) = report.photos {
        let mean = pixels as f64 / count as f64 / 1e6;
        console.print(format_args!("photos: {}, {mean:.2} megapixels each on average", grouped(count)))?;
    }
    if let Some(bytes) = report.peak_memory_bytes {
        console.print(format_args!("peak memory: {:.0} MiB", bytes as f64 / f64::from(1 << 20)))?;
    }
    Ok(())
}
