//! `facenet eval identify`: who of a gallery is this, or nobody?

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facenet_eval::{
    GalleryReport, IdentificationOptions, IdentificationReport, LabelledFaces, PictureError, cmc_svg,
    fnir_svg, png, write_file,
};

use super::labelled::LabelledFolder;
use super::source::SourceOptions;
use crate::console::Console;
use crate::numbers::SEED;
use crate::outcome::Outcome;
use crate::output::check_writable;

/// Measure identification in galleries of several sizes, drawn from a folder of people.
///
/// Each draw enrols other people: half of their faces, at most five, as one image, as their mean, or as the best of
/// all. Every other face is searched for; those of people who are not enrolled are strangers. Prints the share of
/// faces whose person is at rank 1, 5, 10 and 50 or better (closed set), and the share that is missed where at most
/// 1e-1, 1e-2 and 1e-3 of the strangers are taken for anybody (open set: FNIR at FPIR), as means over the draws with
/// the range of 95 % of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval identify --images crops/
  facenet eval identify --images lfw/ --crop center --gallery-size 100 --gallery-size 1000 --out report/")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Enrol this many people; may be given several times.
    ///
    /// By default 10, 30, 100, 300 … as far as they are fewer than half of the people with two images, and that half.
    #[arg(long = "gallery-size", value_name = "PEOPLE")]
    galleries: Vec<usize>,
    #[command(flatten)]
    draws: DrawOptions,
    /// Write `identification.json` and the curves as SVG and PNG into this folder too.
    #[arg(short, long, alias = "output", value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    source: SourceOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How galleries are drawn.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct DrawOptions {
    /// Galleries that are drawn a size.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) draws: u32,
    /// Seed of everything that is drawn: the same seed and data give the same figures.
    #[arg(long, value_name = "NUMBER", default_value_t = SEED)]
    pub(super) seed: u64,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = args.source.open()?;
    if let Some(folder) = &args.out {
        check_writable(&folder.join("identification.json"))?;
    }
    let folder = LabelledFolder::embed(&args.images, &source, console)?;
    let faces = folder.faces()?;
    let data = args.images.display().to_string();
    let report = measure(&source.name(), &data, &faces, &args.galleries, args.draws)?;

    if let Some(folder) = &args.out {
        fs_err::create_dir_all(folder)?;
        write_file(&folder.join("identification.json"), json(&report)?)?;
        let pictures = Pictures::of(&report)?;
        pictures.write(folder)?;
        console.note(format_args!("wrote identification.json and the curves to {}", folder.display()));
    }
    if args.json {
        console.print(json(&report)?.trim_end())?;
    } else {
        console.print(&report)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

/// In galleries of these sizes, or of those by default.
pub(super) fn measure(
    model: &str,
    data: &str,
    faces: &LabelledFaces,
    galleries: &[usize],
    draws: DrawOptions,
) -> Result<IdentificationReport> {
    let galleries = if galleries.is_empty() { faces.default_galleries() } else { galleries.to_vec() };
    let options = IdentificationOptions { galleries, draws: draws.draws, seed: draws.seed };
    IdentificationReport::measure(model, data, faces, &options)
        .with_context(|| format!("identification cannot be measured on `{data}`"))
}

fn json(report: &IdentificationReport) -> Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// The curves of the largest gallery.
pub(super) struct Pictures {
    pub(super) cmc: String,
    /// None without strangers.
    pub(super) fnir: Option<String>,
}

impl Pictures {
    pub(super) fn of(report: &IdentificationReport) -> Result<Self, PictureError> {
        let largest = report.galleries.iter().map(|gallery| gallery.gallery).max();
        let shown: Vec<&GalleryReport> =
            report.galleries.iter().filter(|gallery| Some(gallery.gallery) == largest).collect();
        let fnir = match fnir_svg("Open set: FNIR over FPIR", &shown) {
            Ok(svg) => Some(svg),
            Err(PictureError::NoCurve) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { cmc: cmc_svg("Closed set: CMC", &shown)?, fnir })
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let pictures = [("cmc", Some(&self.cmc)), ("fnir", self.fnir.as_ref())];
        for (name, svg) in pictures.into_iter().filter_map(|(name, svg)| Some((name, svg?))) {
            write_picture(folder, name, svg)?;
        }
        Ok(())
    }
}

/// Writes a picture as SVG and as PNG.
pub(super) fn write_picture(folder: &Path, name: &str, svg: &str) -> Result<()> {
    write_file(&folder.join(format!("{name}.svg")), svg)?;
    write_file(&folder.join(format!("{name}.png")), png(svg)?)?;
    Ok(())
}
