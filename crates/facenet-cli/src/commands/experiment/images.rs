//! Experiments that change the images: quality and size (Table 4), and the place of the face.

use anyhow::Result;
use facenet_core::Embedding;
use facenet_eval::{ExperimentKind, ExperimentReport, FactColumn, FactUnit, ImageChange};

use super::Experiment;
use super::cells::Cell;
use crate::console::Console;

pub(super) fn run(
    experiment: &Experiment<'_>,
    kind: ExperimentKind,
    cells: &[(Cell, ImageChange)],
    console: &mut Console,
) -> Result<ExperimentReport> {
    let Experiment { args, config, faces, .. } = experiment;
    let engine = args.model.build(config.measure.crop)?;
    let one_side = kind.changes_one_side();
    let own = FactColumn { name: "distance to itself".into(), unit: FactUnit::Distance };
    let report = ExperimentReport {
        kind,
        of: format!("the model {}", engine.contract().id()),
        data: faces.in_words(),
        command: experiment.command(),
        fars: config.fars.clone(),
        facts: if one_side { vec![own] } else { Vec::new() },
        rows: Vec::new(),
    };
    let rests_on = |cell: &Cell| {
        let crop = config.measure.crop;
        Ok(format!("{}, model {}, crop {crop:?}, {}", faces.rests_on(), engine.contract().id(), cell.name))
    };
    let mut unchanged: Option<Vec<Embedding>> = None;
    let names: Vec<Cell> = cells.iter().map(|(cell, _)| cell.clone()).collect();
    experiment.run(report, &names, console, rests_on, |cell, console| {
        let change = cells.iter().find(|(other, _)| other == cell).map(|(_, change)| *change);
        let changed = faces.embed(&engine, change, console)?;
        if !one_side {
            return faces.measure(&changed, None, Vec::new()).map(Some);
        }
        if unchanged.is_none() {
            unchanged = Some(faces.embed(&engine, None, console)?);
        }
        let unchanged = unchanged.as_deref().unwrap_or_default();
        let facts = vec![mean_distance(unchanged, &changed)];
        faces.measure(unchanged, Some(&changed), facts).map(Some)
    })
}

/// How far a face lies from itself, on average.
fn mean_distance(faces: &[Embedding], changed: &[Embedding]) -> f64 {
    let sum: f64 = faces.iter().zip(changed).map(|(l, r)| f64::from(l.distance(r).value())).sum();
    sum / faces.len() as f64
}
