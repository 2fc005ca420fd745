//! What an experiment found.

use serde::{Deserialize, Serialize};

use super::paper;
use super::{ExperimentKind, FactColumn, Group, PaperVal};
use crate::{CrossValidation, FoldMean, HoldOutReport};

/// The figures of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellFigures {
    /// VAL at each of [`TARGET_FARS`](crate::TARGET_FARS) by the hold-out protocol; none where it is not measurable.
    pub val_at_far: Vec<Option<FoldMean>>,
    /// The equal error rate by the same protocol.
    pub eer: Option<FoldMean>,
    /// Accuracy over the folds of a pairs file, if there is one.
    pub accuracy: Option<FoldMean>,
    /// What else is stated, in the order of [`ExperimentReport::facts`].
    pub facts: Vec<f64>,
}

/// One row: something varied, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRow {
    /// Which axis it is on.
    pub group: Group,
    /// Where on that axis.
    pub at: f64,
    /// Its name, as in the first column of the table.
    pub name: String,
    /// What was measured; none for a row of the paper alone, and for a cell that is not finished.
    pub figures: Option<CellFigures>,
    /// What the paper found.
    pub paper: Option<PaperVal>,
}

/// What an experiment found: the table in the paper's form, and the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentReport {
    /// What was varied.
    pub kind: ExperimentKind,
    /// What stayed the same: the model, or how each was trained.
    pub of: String,
    /// The images, and the protocol.
    pub data: String,
    /// The command that made it.
    pub command: String,
    /// The FARs that the table shows, of [`TARGET_FARS`](crate::TARGET_FARS).
    pub fars: Vec<f64>,
    /// What each row states beside its figures.
    pub facts: Vec<FactColumn>,
    /// The rows in the order of the config, then those of the paper that are beside none of them.
    pub rows: Vec<ExperimentRow>,
}

impl CellFigures {
    /// From the hold-out protocol, and the accuracy over a pairs file if there is one.
    pub fn of(hold_out: &HoldOutReport, accuracy: Option<&CrossValidation>, facts: Vec<f64>) -> Self {
        let accuracy = accuracy.map(|accuracy| FoldMean {
            mean: accuracy.mean,
            standard_error: accuracy.standard_error,
            folds: accuracy.folds.len(),
        });
        Self { val_at_far: hold_out.val_at_far.clone(), eer: hold_out.eer, accuracy, facts }
    }

    /// VAL at one of [`TARGET_FARS`](crate::TARGET_FARS).
    pub(super) fn val(&self, far: f64) -> Option<FoldMean> {
        let position = crate::TARGET_FARS.iter().position(|&target| target == far)?;
        self.val_at_far.get(position).copied().flatten()
    }
}

impl ExperimentRow {
    /// A row without figures yet, beside what the paper found.
    pub fn new(kind: ExperimentKind, group: Group, at: f64, name: impl Into<String>) -> Self {
        let name = name.into();
        let beside = paper::rows(kind).into_iter().find(|row| row.is_beside(group, &name, at));
        Self { group, at, name, figures: None, paper: beside.map(|row| row.val) }
    }

    /// The paper's rows of this kind that are beside none of `rows`.
    pub fn of_paper_alone(kind: ExperimentKind, rows: &[Self]) -> Vec<Self> {
        let alone =
            |paper: &paper::PaperRow| !rows.iter().any(|row| paper.is_beside(row.group, &row.name, row.at));
        let row = |paper: paper::PaperRow| Self {
            group: paper.group,
            at: paper.at,
            name: paper.name.into(),
            figures: None,
            paper: Some(paper.val),
        };
        paper::rows(kind).into_iter().filter(alone).map(row).collect()
    }
}

impl ExperimentReport {
    /// The report as indented JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report holds text and finite numbers only") + "\n"
    }

    /// The groups, in the order of their first rows.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for row in &self.rows {
            if !groups.contains(&row.group) {
                groups.push(row.group);
            }
        }
        groups
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::experiment::FactUnit;

    pub(crate) fn mean(mean: f64, standard_error: f64) -> Option<FoldMean> {
        Some(FoldMean { mean, standard_error, folds: 5 })
    }

    /// Two of the paper's four dimensions, one of ours, one not finished.
    pub(crate) fn dimensions() -> ExperimentReport {
        let kind = ExperimentKind::Dimension;
        let row = |dimension: f64, figures| ExperimentRow {
            figures,
            ..ExperimentRow::new(kind, Group::Dimensions, dimension, format!("{dimension}"))
        };
        let figures = |val: f64| {
            Some(CellFigures {
                val_at_far: vec![mean(0.75, 0.01), mean(0.5, 0.02), mean(val, 0.0125), None, None, None],
                eer: mean(0.2, 0.004),
                accuracy: mean(0.8, 0.005),
                facts: vec![1_741_152.0],
            })
        };
        let mut rows = vec![row(32.0, figures(0.125)), row(64.0, figures(0.25)), row(128.0, None)];
        rows.extend(ExperimentRow::of_paper_alone(kind, &rows));
        ExperimentReport {
            kind,
            of: "lite, 100 steps".into(),
            data: "crops, 5 splits".into(),
            command: "facenet experiment dimension.toml".into(),
            fars: vec![1e-1, 1e-3],
            facts: vec![FactColumn { name: "weights".into(), unit: FactUnit::Count }],
            rows,
        }
    }

    #[test]
    fn the_paper_stands_beside_its_own_rows_and_below_with_the_rest() {
        let report = dimensions();
        let rows: Vec<_> =
            report.rows.iter().map(|row| (row.name.as_str(), row.paper.map(|paper| paper.val))).collect();
        let expected = [
            ("32", None),
            ("64", Some(0.868)),
            ("128", Some(0.879)),
            ("256", Some(0.877)),
            ("512", Some(0.856)),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_json_reads_back_as_it_was() {
        let report = dimensions();
        assert_eq!(serde_json::from_str::<ExperimentReport>(&report.to_json()).unwrap(), report);
    }

    #[test]
    fn a_far_that_was_not_measured_has_no_val() {
        let figures = dimensions().rows[0].figures.clone().unwrap();
        assert_eq!(figures.val(1e-3), mean(0.125, 0.0125));
        assert_eq!((figures.val(1e-4), figures.val(0.5)), (None, None));
    }
}
