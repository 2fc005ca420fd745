//! What a verification test found, as JSON with stable keys and as a table for people.

mod table;

use std::path::Path;

use facenet_core::Threshold;
use serde::{Deserialize, Serialize};

use crate::output::{WriteError, write_file};
use crate::{CrossValidation, Roc, ScoredPairs, Uncertainty, ValAtFar};

/// The false accept rates at which VAL is reported, loosest first; 1e-3 is the paper's. One that asks for more
/// impostor pairs than there are (fewer than `1 / FAR`) is reported as not measurable.
pub const TARGET_FARS: [f64; 6] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/// What a verification test found; its `Display` is a table for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationReport {
    /// The model whose embeddings were compared.
    pub model: String,
    /// The data that the pairs are from.
    pub data: String,
    /// How many pairs were compared.
    pub pairs: PairCounts,
    /// Accuracy by cross-validation; none with a single fold.
    pub accuracy: Option<CrossValidation>,
    /// VAL at each of [`TARGET_FARS`], in their order.
    pub val_at_far: Vec<ValAtFar>,
    /// Area under the ROC, in `[0, 1]`: see [`Roc::auc`].
    pub auc: f64,
    /// Equal error rate, in `[0, 1]`: see [`Roc::eer`].
    pub eer: f64,
    /// d′: see [`ScoredPairs::d_prime`].
    #[serde(default)]
    pub d_prime: Option<f64>,
    /// Intervals over other people; none when they were not asked for, or it is not known who is in the pairs.
    #[serde(default)]
    pub uncertainty: Option<Uncertainty>,
}

/// How many pairs a report rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs of one person.
    pub genuine: u64,
    /// Pairs of two people.
    pub impostors: u64,
    /// Pairs that were listed but could not be compared; they count nowhere else.
    pub skipped: u64,
    /// Folds, at least one.
    pub folds: usize,
}

impl VerificationReport {
    /// Measures `pairs`; `model` and `data` say what they are of, for example a contract's id and a file's name.
    pub fn measure(model: &str, data: &str, pairs: &ScoredPairs) -> Self {
        let roc = Roc::of(pairs);
        Self {
            model: model.into(),
            data: data.into(),
            pairs: PairCounts {
                genuine: pairs.genuine(),
                impostors: pairs.impostors(),
                skipped: pairs.skipped(),
                folds: pairs.folds(),
            },
            accuracy: CrossValidation::of(pairs),
            val_at_far: TARGET_FARS.map(|target| ValAtFar::of(pairs, target)).into(),
            auc: roc.auc(),
            eer: roc.eer(),
            d_prime: pairs.d_prime(),
            uncertainty: None,
        }
    }

    /// As [`measure`](Self::measure), with intervals from `draws` draws of the people of the pairs: see [`Uncertainty`].
    pub fn measure_with_intervals(
        model: &str,
        data: &str,
        pairs: &ScoredPairs,
        draws: u32,
        seed: u64,
    ) -> Self {
        let uncertainty = Uncertainty::of(pairs, &TARGET_FARS, draws, seed);
        Self { uncertainty, ..Self::measure(model, data, pairs) }
    }

    /// The thresholds that were calibrated, strictest first and each once, as a contract holds them.
    pub fn thresholds(&self) -> Vec<Threshold> {
        let points = self.val_at_far.iter().rev().filter_map(|val| val.overall);
        let mut thresholds: Vec<_> = points
            .map(|point| Threshold {
                distance: point.threshold,
                false_accept_rate: point.far,
                data: self.data.clone(),
                interval: None,
            })
            .collect();
        thresholds.dedup();
        thresholds
    }

    /// The report as indented JSON; an absent figure is `null`.
    pub fn to_json(&self) -> String {
        let mut json =
            serde_json::to_string_pretty(self).expect("a report holds text and finite numbers only");
        json.push('\n');
        json
    }

    /// Writes [`to_json`](Self::to_json) to a file, beside first and then renamed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<(), WriteError> {
        write_file(path, self.to_json())
    }
}

#[cfg(test)]
mod tests;
