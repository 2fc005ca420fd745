//! `facenet eval harmonic`: does an old gallery work with a new model?

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use facenet::{load_adapter, save_adapter};
use facenet_core::{Comparability, Contract, Embedding, Harmonic};
use facenet_eval::{
    Bootstrap, Curve, HarmonicEmbeddings, HarmonicNames, HarmonicReport, ImageRef, PairsFile, calibrate,
    mixed_pairs, roc_svg, upgraded_galleries, write_file,
};

use super::embeddings::{SkipOptions, locate};
use super::identify::DrawOptions;
use super::labelled::LabelledFolder;
use super::source::Source;
use crate::console::Console;
use crate::engine::{Crop, ModelOptions};
use crate::loaded::Loaded;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Measure whether a new model works with an old model's embeddings.
///
/// Verification of the same pairs with both faces by OLD, with the first by NEW and the second by OLD, and with both by
/// NEW: figure 8 of the FaceNet paper. Then identification in a gallery of which nothing, a quarter, half and all is
/// embedded anew. The gain is that of an old gallery by new probes; the cost, with `--independent`, what NEW loses by being
/// comparable with OLD. Intervals of 95 % are over people, drawn anew for both sides of a difference alike.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval harmonic old.safetensors new.safetensors --images crops/ --pairs pairs.txt
  facenet eval harmonic old.safetensors new.safetensors --images crops/ --pairs pairs.txt --write
  facenet eval harmonic old.safetensors other.safetensors --adapter old-to-other.safetensors \\
    --images crops/ --pairs pairs.txt --out report/")]
pub(crate) struct Args {
    /// The old model, whose embeddings a gallery holds.
    old: PathBuf,
    /// The new model, which embeds probes.
    new: PathBuf,
    /// A new model that was trained without regard to the old one, to see what being harmonic costs.
    #[arg(long, value_name = "FILE")]
    independent: Option<PathBuf>,
    /// Take old embeddings into the new model's space by this adapter first.
    #[arg(long, value_name = "FILE")]
    adapter: Option<PathBuf>,
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// The pairs file, as for `facenet eval pairs`.
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// Where the face lies in an image.
    #[arg(long, value_enum, default_value_t = Crop::None)]
    crop: Crop,
    #[command(flatten)]
    skip: SkipOptions,
    /// Write what was found into NEW's contract, or into the adapter, with thresholds for mixed pairs; only then galleries
    /// take NEW's probes against OLD's faces.
    #[arg(long)]
    write: bool,
    /// The false accept rates of these thresholds; may be given several times.
    #[arg(long, value_name = "RATE", default_values_t = [0.1, 0.01])]
    far: Vec<f64>,
    /// The name of the data in report and contract; by default the path of the pairs.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// How often the people of the pairs are drawn anew for intervals; 0 for none.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::DRAWS)]
    bootstrap: u32,
    #[command(flatten)]
    draws: DrawOptions,
    /// Write `harmonic.json` and the curves `harmonic.svg` into this folder too.
    #[arg(short, long, alias = "output", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Every image of the folder by one model.
struct Seen {
    contract: Contract,
    folder: LabelledFolder,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    if let Some(folder) = &args.out {
        check_writable(&folder.join("harmonic.json"))?;
    }
    let pairs = PairsFile::read(&args.pairs)?;
    let located = locate(&pairs, &args.images, args.skip, console)?;
    let old = see(args, &args.old, console)?;
    let new = see(args, &args.new, console)?;
    let independent = args.independent.as_ref().map(|path| see(args, path, console)).transpose()?;
    let stored = stored(args, &old, &new, console)?;

    let embeddings = HarmonicEmbeddings {
        old: by_image(&located, &old.folder.sources, &old.folder.embeddings),
        stored: by_image(&located, &old.folder.sources, &stored),
        new: by_image(&located, &new.folder.sources, &new.folder.embeddings),
        independent: independent.as_ref().map_or_else(HashMap::new, |seen| {
            by_image(&located, &seen.folder.sources, &seen.folder.embeddings)
        }),
    };
    let data = args.data.clone().unwrap_or_else(|| args.pairs.display().to_string());
    let ids = [&old, &new].map(|seen| seen.contract.id());
    let independent_id = independent.as_ref().map(|seen| seen.contract.id());
    let names =
        HarmonicNames { old: &ids[0], new: &ids[1], independent: independent_id.as_deref(), data: &data };
    let (mut report, curves) =
        HarmonicReport::measure(names, &pairs, &embeddings, args.bootstrap, args.draws.seed)
            .with_context(|| format!("nothing can be measured on `{}`", args.pairs.display()))?;
    report.upgrade = upgrade(args, &old.folder, &stored, &new.folder)?;

    if let Some(folder) = &args.out {
        fs_err::create_dir_all(folder)?;
        write_file(&folder.join("harmonic.json"), report.to_json())?;
        let curves: Vec<Curve<'_>> = curves.curves.iter().map(|(label, roc)| Curve { label, roc }).collect();
        write_file(&folder.join("harmonic.svg"), roc_svg("An old gallery with a new model", &curves)?)?;
        console.note(format_args!("wrote harmonic.json and harmonic.svg to {}", folder.display()));
    }
    if args.write {
        write(args, [&old.contract, &new.contract], &report, &pairs, &embeddings, &data)?;
        let file = args.adapter.as_ref().unwrap_or(&args.new);
        console.note(format_args!("wrote what was found into {}", file.display()));
    }
    if args.json {
        console.print(report.to_json().trim_end())?;
    } else {
        console.print(&report)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

fn see(args: &Args, model: &Path, console: &mut Console) -> Result<Seen> {
    let engine = ModelOptions::of(model).build(args.crop)?;
    let contract = engine.contract().clone();
    let folder = LabelledFolder::embed(&args.images, &Source::Engine(Box::new(engine)), console)?;
    Ok(Seen { contract, folder })
}

/// The old embeddings as new ones are compared with them.
fn stored(args: &Args, old: &Seen, new: &Seen, console: &Console) -> Result<Vec<Embedding>> {
    let (old_id, new_id) = (old.contract.id(), new.contract.id());
    if let Some(path) = &args.adapter {
        let adapter = load_adapter(path)?;
        let facts = adapter.facts();
        let joins = facts.from.check_comparable(&old.contract).and(facts.to.check_comparable(&new.contract));
        joins.with_context(|| format!("`{}` is no adapter from `{old_id}` to `{new_id}`", path.display()))?;
        return old.folder.embeddings.iter().map(|embedding| Ok(adapter.apply(embedding)?)).collect();
    }
    if old.contract.dimension != new.contract.dimension {
        bail!(
            "`{old_id}` and `{new_id}` make embeddings of {} and {} coordinates, which cannot be compared\n\
             hint: learn an adapter between them with `facenet adapter learn`, and pass it as `--adapter`",
            old.contract.dimension,
            new.contract.dimension
        );
    }
    if new.contract.harmonic_to(&old_id).is_none()
        && !matches!(new.contract.compare_with(&old.contract), Ok(Comparability::Same))
    {
        console
            .note(format_args!("{new_id} was not trained to be harmonic to {old_id}: expect poor results"));
    }
    Ok(old.folder.embeddings.clone())
}

fn by_image(
    located: &BTreeMap<ImageRef, PathBuf>,
    sources: &[PathBuf],
    embeddings: &[Embedding],
) -> HashMap<ImageRef, Embedding> {
    let by_path: HashMap<&Path, &Embedding> = sources.iter().map(PathBuf::as_path).zip(embeddings).collect();
    let found = located.iter().filter_map(|(image, path)| Some((image, by_path.get(path.as_path())?)));
    found.map(|(image, embedding)| (image.clone(), (*embedding).clone())).collect()
}

/// Identification on the faces that both models could embed.
fn upgrade(
    args: &Args,
    old: &LabelledFolder,
    stored: &[Embedding],
    new: &LabelledFolder,
) -> Result<Vec<facenet_eval::UpgradedGallery>> {
    let by_path: HashMap<&Path, usize> = new.sources.iter().map(PathBuf::as_path).zip(0..).collect();
    let both: Vec<(usize, usize)> = (0..old.sources.len())
        .filter_map(|at| Some((at, *by_path.get(old.sources[at].as_path())?)))
        .collect();
    let labels: Vec<&str> = both.iter().map(|(at, _)| old.people[*at].as_str()).collect();
    let of_old = |list: &[Embedding]| both.iter().map(|(at, _)| list[*at].clone()).collect::<Vec<_>>();
    let of_new: Vec<Embedding> = both.iter().map(|(_, at)| new.embeddings[*at].clone()).collect();
    let DrawOptions { draws, seed } = args.draws;
    upgraded_galleries(&labels, &of_old(&old.embeddings), &of_old(stored), &of_new, draws, seed)
        .context("identification cannot be measured")
}

/// Writes into NEW's contract, or into the adapter, what was found.
fn write(
    args: &Args,
    [old, new]: [&Contract; 2],
    report: &HarmonicReport,
    pairs: &PairsFile,
    embeddings: &HarmonicEmbeddings,
    data: &str,
) -> Result<()> {
    let scored = mixed_pairs(pairs, embeddings)?;
    let calibrated = calibrate(&scored, &args.far, data, args.bootstrap, args.draws.seed)
        .context("mixed pairs cannot be calibrated")?;
    let found = |to: &Contract| Harmonic {
        to: to.id(),
        thresholds: calibrated.thresholds.clone(),
        calibration: Some(calibrated.calibration.clone()),
        measured: report.statement(),
    };
    if let Some(path) = &args.adapter {
        return Ok(save_adapter(&load_adapter(path)?.with_harmonic(found(new)), path)?);
    }
    let Some(model) = Loaded::load(&args.new)?.into_ours() else {
        bail!("`{}` was imported, and was not trained by this program", args.new.display());
    };
    if model.contract().harmonic_to(&old.id()).is_none() {
        bail!(
            "`{}` was not trained to be harmonic to `{}`, so nothing is written into it\n\
             hint: train it with a table `[harmonic]`, or embed the gallery's photos anew",
            args.new.display(),
            old.id()
        );
    }
    let stated = model.contract().harmonic.iter();
    let stated =
        stated.map(|stated| if stated.to == old.id() { found(old) } else { stated.clone() }).collect();
    Ok(model.with_harmonic(stated).save(&args.new)?)
}
