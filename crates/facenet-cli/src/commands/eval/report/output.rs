//! The files of a report.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use facenet_core::{Distance, RgbImage};
use facenet_eval::{
    ClusteringReport, Comparison, Curve, HardestPairs, IdentificationReport, ImageRef, NamedPair, Part,
    RejectCurve, ReportPage, Slices, VerificationReport, det_svg, facts_csv, reject_svg, roc_svg_with_bands,
    write_file,
};
use serde::Serialize;

use super::super::command_line::command_line;
use super::super::identify::{Pictures, write_picture};
use super::{Args, Measured};
use crate::pipeline::Pipeline;

/// `report.json`. Images are named as the pairs file names them.
#[derive(Debug, Serialize)]
struct ReportJson<'a> {
    command: &'a str,
    verification: &'a VerificationReport,
    comparison: Option<&'a Comparison>,
    slices: &'a [Slices],
    identification: Option<&'a IdentificationReport>,
    clustering: Option<&'a ClusteringReport>,
    reject: Option<&'a RejectCurve>,
    hardest: HardestJson,
}

#[derive(Debug, Serialize)]
struct HardestJson {
    genuine: Vec<PairJson>,
    impostors: Vec<PairJson>,
}

#[derive(Debug, Serialize)]
struct PairJson {
    left: String,
    right: String,
    distance: Distance,
}

/// Writes everything and gives the text of `report.json`.
pub(super) fn write(
    args: &Args,
    measured: &Measured<'_>,
    hardest: &HardestPairs<'_>,
    pipeline: Option<&Pipeline<'_>>,
) -> Result<String> {
    let command = args.command();
    let curves = Curves::of(measured)?;
    let people = measured.identification.as_ref().map(Pictures::of).transpose()?;
    let faces = pipeline.map(|pipeline| faces(measured, hardest, pipeline)).transpose()?.unwrap_or_default();
    let html = page(args, measured, hardest, (&curves, people.as_ref()), &faces)?;
    let json = serde_json::to_string_pretty(&ReportJson {
        command: &command,
        verification: &measured.verification,
        comparison: measured.comparison.as_ref(),
        slices: &measured.slices,
        identification: measured.identification.as_ref(),
        clustering: measured.clustering.as_ref(),
        reject: measured.reject.as_ref(),
        hardest: HardestJson {
            genuine: pairs_json(&hardest.genuine),
            impostors: pairs_json(&hardest.impostors),
        },
    })? + "\n";
    let csv = facts_csv(
        &measured.verification,
        measured.comparison.as_ref(),
        &measured.slices,
        measured.identification.as_ref(),
        measured.clustering.as_ref(),
        measured.reject.as_ref(),
    );

    fs_err::create_dir_all(&args.out)?;
    write_file(&args.out.join("report.json"), &json)?;
    write_file(&args.out.join("report.csv"), csv)?;
    write_picture(&args.out, "roc", &curves.roc)?;
    write_picture(&args.out, "det", &curves.det)?;
    curves.reject.as_ref().map_or(Ok(()), |svg| write_picture(&args.out, "quality", svg))?;
    people.as_ref().map_or(Ok(()), |pictures| pictures.write(&args.out))?;
    write_file(&args.out.join("report.html"), html)?;
    Ok(json)
}

/// The curves of verification, and of the same without pictures of poor quality, as SVG.
struct Curves {
    roc: String,
    det: String,
    reject: Option<String>,
}

impl Curves {
    fn of(measured: &Measured<'_>) -> Result<Self> {
        let band = measured.verification.uncertainty.as_ref().map(|uncertainty| &uncertainty.band);
        let band = band.filter(|band| !band.points.is_empty());
        let mut curves = vec![(Curve { label: &measured.model, roc: &measured.roc }, band)];
        if let (Some(comparison), Some(roc)) = (&measured.comparison, &measured.other_roc) {
            curves.push((Curve { label: &comparison.against, roc }, None));
        }
        let roc = roc_svg_with_bands("Verification", &curves)?;
        let reject = measured.reject.as_ref().map(|curve| reject_svg("Without poor pictures", curve));
        Ok(Self { roc, det: det_svg("Verification errors", &curves)?, reject: reject.transpose()? })
    }
}

fn pairs_json(pairs: &[NamedPair<'_>]) -> Vec<PairJson> {
    let json = |named: &NamedPair<'_>| PairJson {
        left: named.pair.left.to_string(),
        right: named.pair.right.to_string(),
        distance: named.distance,
    };
    pairs.iter().map(json).collect()
}

fn page(
    args: &Args,
    measured: &Measured<'_>,
    hardest: &HardestPairs<'_>,
    (verification, people): (&Curves, Option<&Pictures>),
    faces: &HashMap<&ImageRef, RgbImage>,
) -> Result<String> {
    let command = args.command();
    let words = |verb: &str, more: &[&str]| {
        let mut words = args.words(&["eval", verb]);
        words.extend(more.iter().map(|&word| word.to_owned()));
        command_line(words)
    };
    let pairs = args.pairs.display().to_string();
    let skip: &[&str] = if args.skip.skip_missing { &["--skip-missing"] } else { &[] };
    let (bootstrap, draws) = (args.bootstrap.to_string(), args.draws.draws.to_string());
    let seed = args.draws.seed.to_string();
    let drawn = ["--pairs", &pairs, "--bootstrap", &bootstrap, "--seed", &seed];
    let verify = words("pairs", &[&drawn, skip].concat());
    let identify = words("identify", &["--draws", &draws, "--seed", &seed]);
    let cluster = words("cluster", &[]);
    let judge = words("reject", &[&["--pairs", &pairs], skip].concat());
    let rejection = verification.reject.iter();
    let rejection = rejection
        .map(|svg| {
            (svg.as_str(), "Errors among the pairs that are left, over the share of pairs that are rejected")
        })
        .collect();

    let mut curves = Vec::new();
    if let Some(pictures) = people {
        curves.push((pictures.cmc.as_str(), "Share of probes whose person is found at a rank or better"));
        let fnir = pictures.fnir.as_deref();
        curves.extend(
            fnir.map(|svg| (svg, "Share of probes missed, over the share of strangers taken for anybody")),
        );
    }
    let page = ReportPage {
        title: "How well faces are told apart",
        model: &measured.model,
        command: &command,
        verification: Part {
            report: &measured.verification,
            command: &verify,
            pictures: vec![
                (
                    &verification.roc,
                    "ROC: share of genuine pairs accepted, over the share of impostor pairs accepted",
                ),
                (
                    &verification.det,
                    "DET: share of genuine pairs refused, over the share of impostor pairs accepted",
                ),
            ],
        },
        slices: (!measured.slices.is_empty()).then(|| Part {
            report: measured.slices.as_slice(),
            command: &command,
            pictures: vec![],
        }),
        comparison: measured.comparison.as_ref().map(|report| Part {
            report,
            command: &command,
            pictures: vec![],
        }),
        identification: measured.identification.as_ref().map(|report| Part {
            report,
            command: &identify,
            pictures: curves,
        }),
        clustering: measured.clustering.as_ref().map(|report| Part {
            report,
            command: &cluster,
            pictures: vec![],
        }),
        reject: measured.reject.as_ref().map(|report| Part { report, command: &judge, pictures: rejection }),
        hardest,
    };
    Ok(page.html(|named| Some([faces.get(&named.pair.left)?, faces.get(&named.pair.right)?]))?)
}

/// The faces of the hardest pairs, cut out again: keeping all of them would take the memory of a whole data set.
fn faces<'a>(
    measured: &Measured<'_>,
    hardest: &HardestPairs<'a>,
    pipeline: &Pipeline<'_>,
) -> Result<HashMap<&'a ImageRef, RgbImage>> {
    let mut faces = HashMap::new();
    for named in hardest.genuine.iter().chain(&hardest.impostors) {
        for image in [&named.pair.left, &named.pair.right] {
            if faces.contains_key(image) {
                continue;
            }
            let first = pipeline.photo(&measured.images[image])?.faces.into_iter().next();
            let face = first.and_then(|face| face.picture);
            faces.insert(image, face.ok_or_else(|| anyhow!("the face of `{image}` is not found again"))?);
        }
    }
    Ok(faces)
}
