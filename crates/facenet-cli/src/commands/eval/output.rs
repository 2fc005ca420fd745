//! What every test of pairs prints and writes: the report, its intervals, its curves.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use facenet_eval::{
    Bootstrap, Centring, CompatPair, CompatReport, Curve, Roc, ScoredPairs, TransferredThreshold,
    VerificationReport, det_svg, roc_svg_with_bands, write_file,
};
use serde::Serialize;

use crate::console::Console;
use crate::numbers::SEED;
use crate::output::check_writable;

/// Folds of the Python evaluation.
const COMPAT_FOLDS: usize = 10;

/// What is printed and written.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportOptions {
    /// Write `report.json` and the curves `roc.svg` and `det.svg` into this folder too.
    #[arg(short, long, alias = "output", value_name = "DIR")]
    out: Option<PathBuf>,
    /// How often the people of the pairs are drawn anew for intervals of 95 %; 0 for none.
    ///
    /// People are drawn, not pairs, since pairs that share a person are not independent.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::DRAWS)]
    bootstrap: u32,
    /// Seed of these draws.
    #[arg(long, value_name = "NUMBER", default_value_t = SEED)]
    seed: u64,
    /// Add the figures as another program computes them.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    compat: Option<Compat>,
    /// With `--compat facenet`: take the mean embedding of the training folds off first.
    #[arg(long, requires = "compat")]
    subtract_mean: bool,
    /// Print JSON: the report as in `report.json`.
    #[arg(long)]
    json: bool,
}

/// A program whose figures can be reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compat {
    /// `facenet.evaluate` in Python: thresholds in steps of 0.01 (VAL: 0.001), smaller distances accepted, ten folds in
    /// file order, VAL's threshold interpolated
    Facenet,
}

/// What was measured, and what belongs beside it.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    pub(crate) model: &'a str,
    pub(crate) data: &'a str,
    pub(crate) scored: &'a ScoredPairs,
    /// The pairs in file order, for another program's figures; none where pairs are not of images.
    pub(crate) in_order: Option<Vec<CompatPair<'a>>>,
    pub(crate) warnings: Vec<String>,
    pub(crate) view1: Option<TransferredThreshold>,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    report: &'a VerificationReport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: &'a Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    view1: Option<TransferredThreshold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compat: Option<CompatReport>,
}

impl ReportOptions {
    /// Checks, before the work, that the folder can be written to.
    pub(crate) fn check(&self) -> Result<()> {
        self.out.as_ref().map_or(Ok(()), |folder| check_writable(&folder.join("report.json")))
    }

    /// Measures, prints, and writes if asked to.
    pub(crate) fn give(&self, measured: Measured<'_>, console: &Console) -> Result<()> {
        let Measured { model, data, scored, in_order, warnings, view1 } = measured;
        warnings.iter().for_each(|warning| console.note(format_args!("{data}: {warning}")));
        let report =
            VerificationReport::measure_with_intervals(model, data, scored, self.bootstrap, self.seed);
        let compat = self.compat.map(|Compat::Facenet| self.compat_report(in_order)).transpose()?;
        let whole = Report { report: &report, warnings: &warnings, view1, compat };
        let json = serde_json::to_string_pretty(&whole).context("cannot write the report as JSON")?;

        if let Some(folder) = &self.out {
            fs_err::create_dir_all(folder)?;
            write_file(&folder.join("report.json"), format!("{json}\n"))?;
            let roc = Roc::of(scored);
            let band = report.uncertainty.as_ref().map(|uncertainty| &uncertainty.band);
            let banded = [(Curve { label: model, roc: &roc }, band.filter(|band| !band.points.is_empty()))];
            write_file(&folder.join("roc.svg"), roc_svg_with_bands("Verification", &banded)?)?;
            write_file(&folder.join("det.svg"), det_svg("Verification errors", &banded)?)?;
            console.note(format_args!("wrote report.json, roc.svg and det.svg to {}", folder.display()));
        }
        if self.json {
            return console.print(json);
        }
        console.print(&report)?;
        if let Some(view1) = &whole.view1 {
            console.print(view1_line(view1))?;
        }
        whole.compat.as_ref().map_or(Ok(()), |compat| console.print(compat_lines(compat, &report)))
    }

    fn compat_report(&self, in_order: Option<Vec<CompatPair<'_>>>) -> Result<CompatReport> {
        let pairs = in_order.context("`--compat facenet` needs pairs of images, and these are of videos")?;
        let centring = if self.subtract_mean { Centring::TrainingMean } else { Centring::None };
        CompatReport::measure(&pairs, COMPAT_FOLDS, centring).context("`--compat facenet` cannot be computed")
    }
}

fn view1_line(view1: &TransferredThreshold) -> String {
    let TransferredThreshold { threshold, development_accuracy, test_accuracy } = view1;
    format!(
        "{:<16}{:5.2} %  (threshold {:.3}, {:.2} % on the development pairs)",
        "View 1",
        100.0 * test_accuracy,
        threshold.value(),
        100.0 * development_accuracy
    )
}

fn compat_lines(compat: &CompatReport, ours: &VerificationReport) -> String {
    let exact = ours.accuracy.as_ref().map_or(String::new(), |a| format!("; exact {:.3}", a.mean));
    let thresholds = &compat.best_thresholds;
    let least = thresholds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = thresholds.iter().copied().fold(0.0, f64::max);
    format!(
        "\nas facenet.evaluate (Python) computes it\n\
         {:<16}{:.3} ± {:.3} standard deviation  (thresholds {least:.2} … {most:.2}{exact})\n\
         {:<16}{:.5} ± {:.5} at FAR {:.5}\n\
         {:<16}{:.3}\n\
         It tries thresholds in steps of 0.01 and accepts below them, interpolates VAL's threshold, and gives the\n\
         deviation of the folds; the figures above try every threshold, accept at it, and give the standard error.",
        "accuracy",
        compat.accuracy_mean,
        compat.accuracy_deviation,
        "VAL",
        compat.val_mean,
        compat.val_deviation,
        compat.far_mean,
        "AUC",
        compat.auc,
    )
}
