//! The report as a table for people.

use std::fmt::{Display, Formatter, Result};

use super::{PairCounts, VerificationReport};
use crate::{CrossValidation, Interval, Uncertainty, ValAtFar};

impl Display for VerificationReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        row(f, "model", &self.model)?;
        row(f, "data", &self.data)?;
        row(f, "pairs", &pairs(&self.pairs))?;
        let intervals = self.uncertainty.as_ref();
        let accuracy = self.accuracy.as_ref().map_or("needs two folds, found 1".into(), accuracy);
        row(f, "accuracy", &(accuracy + &percent_interval(intervals.and_then(|i| i.accuracy))))?;
        for (i, val) in self.val_at_far.iter().enumerate() {
            let interval = intervals.and_then(|intervals| intervals.val_at_far.get(i)?.val);
            let text = val_at_far(val, &self.pairs) + &percent_interval(interval);
            row(f, &format!("VAL @ FAR {:.0e}", val.target_far), &text)?;
        }
        let auc_interval = plain_interval(intervals.and_then(|i| i.auc), 4);
        row(f, "AUC", &format!("{:.4}{auc_interval}", self.auc))?;
        row(f, "EER", &format!("{}{}", percent(self.eer), percent_interval(intervals.and_then(|i| i.eer))))?;
        let d_prime = self.d_prime.map_or("not measurable: no distance varies".into(), |d| format!("{d:.2}"));
        write!(f, "{:<16}{d_prime}{}", "d′", plain_interval(intervals.and_then(|i| i.d_prime), 2))?;
        if let Some(Uncertainty { draws, subjects, .. }) = intervals {
            let level = 100.0 * Interval::LEVEL;
            write!(f, "\n{:<16}[{level} % of {draws} draws of {subjects} people]", "intervals")?;
        }
        Ok(())
    }
}

fn percent_interval(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |Interval { low, high }| {
        format!("  [{:.2}, {:.2}]", 100.0 * low, 100.0 * high)
    })
}

fn plain_interval(interval: Option<Interval>, digits: usize) -> String {
    interval.map_or(String::new(), |Interval { low, high }| format!("  [{low:.digits$}, {high:.digits$}]"))
}

fn row(f: &mut Formatter<'_>, name: &str, value: &str) -> Result {
    writeln!(f, "{name:<16}{value}")
}

fn percent(share: f64) -> String {
    format!("{:5.2} %", 100.0 * share)
}

fn pairs(PairCounts { genuine, impostors, skipped, folds }: &PairCounts) -> String {
    let folds = if *folds == 1 { "1 fold".into() } else { format!("{folds} folds") };
    let skipped = if *skipped == 0 { String::new() } else { format!("; {skipped} skipped") };
    format!("{genuine} genuine, {impostors} impostor ({folds}{skipped})")
}

fn accuracy(accuracy: &CrossValidation) -> String {
    let CrossValidation { mean, standard_error, folds } = accuracy;
    let thresholds = || folds.iter().map(|fold| fold.threshold);
    let range = match (thresholds().min(), thresholds().max()) {
        (Some(min), Some(max)) if min < max => format!(", threshold {min:.3} … {max:.3}"),
        (Some(only), _) => format!(", threshold {only:.3}"),
        (None, _) => String::new(),
    };
    format!("{} ± {:.2}  ({} folds{range})", percent(*mean), 100.0 * standard_error, folds.len())
}

fn val_at_far(val: &ValAtFar, pairs: &PairCounts) -> String {
    let Some(point) = val.overall else {
        return not_measurable(val.target_far, pairs.impostors);
    };
    let overall = format!("{}  (threshold {:.3})", percent(point.val), point.threshold);
    match val.by_folds {
        Some(folds) => {
            format!(
                "{overall}; by folds {} ± {:.2}",
                percent(folds.mean).trim(),
                100.0 * folds.standard_error
            )
        }
        None => overall,
    }
}

fn not_measurable(target_far: f64, impostors: u64) -> String {
    let needed = (1.0 / target_far).round();
    if (impostors as f64) < needed {
        format!("not measurable: needs {needed} impostor pairs, found {impostors}")
    } else {
        "not measurable: too many impostor pairs share the smallest distance".into()
    }
}
