//! The report as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::{HarmonicReport, UpgradedGallery};
use crate::{Comparison, DrawMean, VerificationReport};

impl Display for HarmonicReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (old, new) = (&self.old.model, &self.new.model);
        writeln!(f, "old (v1)      {old}\nnew (v2)      {new}")?;
        if let Some(independent) = &self.independent {
            writeln!(f, "independent   {}", independent.model)?;
        }
        writeln!(
            f,
            "pairs         {} of {}\n",
            self.old.pairs.genuine + self.old.pairs.impostors,
            self.old.data
        )?;
        writeln!(
            f,
            "{:<13} {:>17}  {:>13}  {:>13}  {:>7}",
            "", "accuracy", "VAL @ 1e-1", "VAL @ 1e-2", "AUC"
        )?;
        row(f, "old–old", &self.old)?;
        row(f, "new–old", &self.mixed)?;
        row(f, "new–new", &self.new)?;
        if let Some(independent) = &self.independent {
            row(f, "independent", independent)?;
        }
        write!(f, "\ngain          {}", change(&self.gain))?;
        if let Some(cost) = &self.cost {
            write!(f, "\ncost          {}", change(cost))?;
        }
        let Some(first) = self.upgrade.first() else { return Ok(()) };
        write!(f, "\n\ngallery of {} people   rank 1    FNIR at FPIR 10 %", first.gallery)?;
        self.upgrade.iter().try_for_each(|gallery| step(f, gallery))
    }
}

fn row(f: &mut Formatter<'_>, name: &str, report: &VerificationReport) -> Result {
    let accuracy = report.accuracy.as_ref().map_or("–".into(), |found| {
        format!("{:.2} % ± {:.2}", 100.0 * found.mean, 100.0 * found.standard_error)
    });
    let val = |at: usize| {
        report.val_at_far[at]
            .overall
            .as_ref()
            .map_or("–".into(), |point| format!("{:.2} %", 100.0 * point.val))
    };
    writeln!(f, "{name:<13} {accuracy:>17}  {:>13}  {:>13}  {:>7.4}", val(0), val(1), report.auc)
}

/// The difference in accuracy, the first figure of a comparison, in points.
fn change(comparison: &Comparison) -> String {
    let Some(accuracy) = comparison.figures.first() else { return "–".into() };
    match (accuracy.difference, accuracy.interval) {
        (Some(difference), Some(interval)) => {
            let points = [difference, interval.low, interval.high].map(|share| 100.0 * share);
            let words = accuracy.verdict.words();
            format!("{:+.2} points of accuracy ({:+.2} … {:+.2})  {words}", points[0], points[1], points[2])
        }
        _ => "–".into(),
    }
}

fn step(f: &mut Formatter<'_>, gallery: &UpgradedGallery) -> Result {
    let name = match gallery.upgraded {
        None => "old, old probes".into(),
        Some(share) => format!("{:.0} % upgraded", 100.0 * share),
    };
    let percent = |mean: &DrawMean| format!("{:.2} %", 100.0 * mean.mean);
    let fnir = gallery.fnir.as_ref().map_or("–".into(), percent);
    write!(f, "\n{name:<22} {:>8}  {fnir:>8}", percent(&gallery.rank_1))
}
