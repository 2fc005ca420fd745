//! `facenet eval cluster`: how well do clusters agree with the people?

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use facenet_core::Distance;
use facenet_eval::{ClusteringReport, ClusteringRun, ClusteringScores, write_file};
use facenet_gallery::{ClusterError, ClusterOptions, Cut, Linkage, MAX_FACES, cluster};

use super::labelled::LabelledFolder;
use super::source::{Source, SourceOptions};
use crate::commands::bench::memory::peak_bytes;
use crate::console::Console;
use crate::outcome::Outcome;
use crate::output::check_writable;
use crate::threshold;

/// Measure clustering on a folder of people, by each linkage and threshold.
///
/// Prints pairwise and BCubed precision, recall and F, normalised mutual information, the number of clusters and what
/// it cost. The thresholds are all that the model was calibrated to, on the data named beside them, unless some are
/// given by hand: none is chosen by its scores on this data.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet eval cluster --images crops/
  facenet eval cluster --images crops/ --linkage average --threshold 0.7 --threshold 0.9 --json")]
pub(crate) struct Args {
    /// The folder of the images, a folder a person.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Cluster by this linkage only (`average`, `complete`, `single`, `ward`); may be given several times.
    #[arg(long = "linkage", value_name = "NAME")]
    linkages: Vec<Linkage>,
    /// Join up to this squared distance (inclusive, 0 to 4) instead of the calibrated ones; may be given several times.
    #[arg(long = "threshold", value_name = "DISTANCE", value_parser = threshold::distance)]
    thresholds: Vec<Distance>,
    /// Write `clustering.json` into this folder too.
    #[arg(short, long, alias = "output", value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    source: SourceOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let source = args.source.open()?;
    let cuts = cuts(&args.thresholds, &source)?;
    if let Some(folder) = &args.out {
        check_writable(&folder.join("clustering.json"))?;
    }
    let faces = LabelledFolder::embed(&args.images, &source, console)?;
    let linkages = if args.linkages.is_empty() { Linkage::ALL.to_vec() } else { args.linkages.clone() };
    let data = args.images.display().to_string();
    let report = measure(&source.name(), &data, &faces, &linkages, &cuts)?;

    let json = serde_json::to_string_pretty(&report)? + "\n";
    if let Some(folder) = &args.out {
        fs_err::create_dir_all(folder)?;
        write_file(&folder.join("clustering.json"), &json)?;
        console.note(format_args!("wrote clustering.json to {}", folder.display()));
    }
    if args.json {
        console.print(json.trim_end())?;
    } else {
        console.print(&report)?;
    }
    Ok(console.outcome(Outcome::Yes))
}

/// The thresholds given by hand, or all of the model's, strictest first and each distance once.
pub(super) fn cuts<'a>(by_hand: &[Distance], source: &'a Source) -> Result<Vec<Cut<'a>>> {
    if !by_hand.is_empty() {
        return Ok(by_hand.iter().map(|&distance| Cut::Chosen(distance)).collect());
    }
    if source.thresholds().is_empty() {
        bail!(
            "`{}` has no calibrated thresholds\n\
             hint: choose squared distances from 0 to 4 yourself, for example `--threshold 1.1`",
            source.name()
        );
    }
    let mut seen = BTreeSet::new();
    let mut cuts: Vec<Cut<'_>> = source.thresholds().iter().map(Cut::Calibrated).collect();
    cuts.retain(|cut| seen.insert(cut.distance()));
    cuts.sort_by_key(Cut::distance);
    Ok(cuts)
}

/// Every linkage at every cut.
pub(super) fn measure(
    model: &str,
    data: &str,
    faces: &LabelledFolder,
    linkages: &[Linkage],
    cuts: &[Cut<'_>],
) -> Result<ClusteringReport> {
    if faces.embeddings.len() > MAX_FACES {
        return Err(ClusterError::TooMany { faces: faces.embeddings.len() }.into());
    }
    let mut runs = Vec::new();
    for &linkage in linkages {
        for cut in cuts {
            runs.push(measure_one(faces, linkage, cut)?);
        }
    }
    Ok(ClusteringReport { model: model.into(), data: data.into(), runs, peak_bytes: peak_bytes() })
}

fn measure_one(faces: &LabelledFolder, linkage: Linkage, cut: &Cut<'_>) -> Result<ClusteringRun> {
    let options = ClusterOptions { linkage, ..ClusterOptions::at(cut.distance()) };
    let start = Instant::now();
    let clusters = cluster(&faces.embeddings, &options)?;
    let seconds = start.elapsed().as_secs_f64();

    let count = faces.embeddings.len();
    let mut labels = vec![0; count];
    for (label, cluster) in clusters.iter().enumerate() {
        cluster.faces().for_each(|face| labels[face] = label);
    }
    let (threshold_from, false_accept_rate) = match cut {
        Cut::Calibrated(threshold) => (threshold.data.clone(), Some(threshold.false_accept_rate)),
        Cut::Chosen(_) | Cut::WrongPairs { .. } => ("by hand".into(), None),
    };
    Ok(ClusteringRun {
        linkage: linkage.name().into(),
        threshold: cut.distance(),
        threshold_from,
        false_accept_rate,
        scores: ClusteringScores::of(&faces.people, &labels)?,
        seconds,
        distances_bytes: 4 * (count as u64 * (count as u64).saturating_sub(1) / 2),
    })
}
