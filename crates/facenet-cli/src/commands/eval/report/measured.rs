//! All that a report is made of.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use anyhow::{Context, Result};
use facenet_core::Embedding;
use facenet_eval::{
    Bootstrap, ClusteringReport, Comparison, IdentificationReport, ImageRef, Metadata, NamedPair, PairsFile,
    PeopleNumbers, RejectCurve, Roc, Slices, VerificationReport,
};
use facenet_gallery::{Linkage, MAX_FACES};

use super::super::embeddings::{check_usable, embed, locate};
use super::super::labelled::LabelledFolder;
use super::super::source::Source;
use super::super::{cluster, identify, reject};
use super::Args;
use crate::console::Console;

/// What was measured.
pub(super) struct Measured<'a> {
    pub(super) model: String,
    /// The files of the pairs' images.
    pub(super) images: BTreeMap<ImageRef, PathBuf>,
    pub(super) pairs: Vec<NamedPair<'a>>,
    pub(super) verification: VerificationReport,
    pub(super) roc: Roc,
    pub(super) slices: Vec<Slices>,
    pub(super) comparison: Option<Comparison>,
    pub(super) other_roc: Option<Roc>,
    pub(super) identification: Option<IdentificationReport>,
    pub(super) clustering: Option<ClusteringReport>,
    /// None of embeddings without pictures.
    pub(super) reject: Option<RejectCurve>,
}

/// Embeddings by file.
type ByFile = HashMap<PathBuf, Embedding>;

pub(super) fn measure<'a>(
    args: &Args,
    pairs: &'a PairsFile,
    source: &Source,
    other: Option<&Source>,
    table: Option<&Metadata>,
    console: &mut Console,
) -> Result<Measured<'a>> {
    let images = locate(pairs, &args.images, args.skip, console)?;
    let folder = match args.pairs_only {
        true => None,
        false => Some(LabelledFolder::embed(&args.images, source, console)?),
    };
    let embeddings = match &folder {
        Some(folder) => folder.sources.iter().cloned().zip(folder.embeddings.iter().cloned()).collect(),
        None => by_file(args, &images, source, console)?,
    };
    let unusable = images.values().filter(|file| !embeddings.contains_key(*file)).count();
    check_usable(unusable, images.len(), args.skip)?;

    let model = source.name();
    let data = args.pairs.display().to_string();
    let distance = |of: &ByFile, left: &ImageRef, right: &ImageRef| {
        Some(of.get(images.get(left)?)?.distance(of.get(images.get(right)?)?))
    };
    let scored = pairs.score(|left, right| distance(&embeddings, left, right));
    let scored = scored.with_context(|| format!("nothing can be measured on `{data}`"))?;
    let named = pairs.named(|left, right| distance(&embeddings, left, right));
    let slices = table.map_or(&[][..], Metadata::columns).iter();
    let slices = slices.map(|column| Slices::of(&named, column, args.bootstrap, args.draws.seed)).collect();

    let (mut comparison, mut other_roc) = (None, None);
    if let Some(other) = other {
        let others = by_file(args, &images, other, console)?;
        let both = |left: &ImageRef, right: &ImageRef| {
            Some((distance(&embeddings, left, right)?, distance(&others, left, right)?))
        };
        let first = pairs.named(|left, right| Some(both(left, right)?.0));
        let second = pairs.named(|left, right| Some(both(left, right)?.1));
        let numbers = PeopleNumbers::of(&first);
        let bootstrap = Bootstrap::new(numbers.len(), args.bootstrap, args.draws.seed);
        let names = [model.as_str(), &other.name()];
        comparison =
            Some(Comparison::of(names, &numbers.pairs(&first), &numbers.pairs(&second), &bootstrap)?);
        other_roc = Some(Roc::of(&pairs.score(|left, right| Some(both(left, right)?.1))?));
    }

    let (identification, clustering) = match &folder {
        Some(folder) => people(args, folder, source, console)?,
        None => (None, None),
    };
    let rejected = match source.engine() {
        Some(engine) => {
            // Those that cannot be used were told when the images were embedded.
            let usable = images.iter().filter(|(_, file)| embeddings.contains_key(*file));
            let usable = usable.map(|(image, file)| (image.clone(), file.clone())).collect();
            let (judged, _) = reject::judge(engine, &usable, console)?;
            Some(reject::curve(pairs, &judged)?)
        }
        None => None,
    };
    Ok(Measured {
        verification: VerificationReport::measure_with_intervals(
            &model,
            &data,
            &scored,
            args.bootstrap,
            args.draws.seed,
        ),
        roc: Roc::of(&scored),
        model,
        pairs: named,
        images,
        slices,
        comparison,
        other_roc,
        identification,
        clustering,
        reject: rejected,
    })
}

/// Identification and clustering, as far as the people of the folder allow it.
fn people(
    args: &Args,
    folder: &LabelledFolder,
    source: &Source,
    console: &Console,
) -> Result<(Option<IdentificationReport>, Option<ClusteringReport>)> {
    let (model, data) = (source.name(), args.images.display().to_string());
    let identification = match identify::measure(&model, &data, &folder.faces()?, &[], args.draws) {
        Ok(report) => Some(report),
        Err(error) => {
            console.note(format_args!("left out: {error:#}"));
            None
        }
    };
    let clustering = match cluster::cuts(&[], source) {
        Ok(_) if folder.embeddings.len() > MAX_FACES => {
            console.note(format_args!("left out: clustering takes at most {MAX_FACES} faces"));
            None
        }
        Ok(cuts) => Some(cluster::measure(&model, &data, folder, &Linkage::ALL, &cuts)?),
        Err(_) => {
            console.note("left out: clustering needs a model with calibrated thresholds");
            None
        }
    };
    Ok((identification, clustering))
}

/// The embeddings of the pairs' images alone.
fn by_file(
    args: &Args,
    images: &BTreeMap<ImageRef, PathBuf>,
    source: &Source,
    console: &mut Console,
) -> Result<ByFile> {
    let embeddings = embed(source, images, args.skip, console)?;
    Ok(embeddings.into_iter().map(|(image, embedding)| (images[&image].clone(), embedding)).collect())
}
