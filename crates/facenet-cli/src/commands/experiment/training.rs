//! Experiments that train a network for each cell: by network, dimension, and amount of data.

use anyhow::{Context, Result};
use facenet::network::{self, Graph};
use facenet::{FaceEngine, FrozenNetwork};
use facenet_eval::{CellFigures, ExperimentKind, ExperimentReport, FactColumn, FactUnit};
use facenet_train::{Dataset, PartConfig, RunFolder, TrainConfig, TrainError, ValidConfig, train};
use serde::Deserialize;

use super::Experiment;
use super::cells::Cell;
use super::config::{PartBy, Trained, TrainingConfig};
use crate::commands::train::View;
use crate::console::Console;
use crate::numbers::grouped;

pub(super) fn run(
    experiment: &Experiment<'_>,
    kind: ExperimentKind,
    cells: &[(Cell, Trained)],
    console: &mut Console,
) -> Result<ExperimentReport> {
    let Experiment { args, config, faces, out } = experiment;
    let training = config.training.as_ref().context("there is no `[training]`")?;
    let mut base = base(training)?;
    if let Some(data) = &args.data {
        base.data.train.clone_from(data);
    }
    // Cells are measured when they are trained; on the way there is nothing to choose.
    base.data.validation = None;
    // Every cell, before any is trained.
    let trainings: Vec<(Cell, ValidConfig)> = cells
        .iter()
        .map(|(cell, how)| {
            let config = varied(&base, &cell.name, *how);
            let config = config.validate().with_context(|| format!("`{}` cannot be trained", cell.name))?;
            Ok((cell.clone(), config))
        })
        .collect::<Result<_>>()?;
    let data = Dataset::open(&base.data.train)?.digest();
    let config_of = |cell: &Cell| {
        let found = trainings.iter().find(|(other, _)| other == cell);
        &found.expect("every cell has its training").1
    };

    let count = |name: &str| FactColumn { name: name.into(), unit: FactUnit::Count };
    let report = ExperimentReport {
        kind,
        of: in_words(&base, kind),
        data: faces.in_words(),
        command: experiment.command(),
        fars: config.fars.clone(),
        facts: match kind {
            ExperimentKind::Data => vec![count("people")],
            _ => vec![count("multiply-adds"), count("weights")],
        },
        rows: Vec::new(),
    };
    let rests_on = |cell: &Cell| {
        let config = config_of(cell);
        let part = config.settings().data.part;
        let crop = faces_crop(experiment);
        Ok(format!("{}, crop {crop:?}, data {data}, part {part:?}, {}", faces.rests_on(), config.recipe()))
    };
    let names: Vec<Cell> = cells.iter().map(|(cell, _)| cell.clone()).collect();
    experiment.run(report, &names, console, rests_on, |cell, console| {
        let config = config_of(cell);
        let folder = out.join("trainings").join(cell.name.replace(',', ""));
        let mut run = RunFolder::open(&folder, true)?;
        let mut view = View::new(cell.name.clone(), console.is_quiet(), args.plain);
        let trained = train(config, &mut run, |event| view.show(&event));
        view.finish();
        let model = match trained {
            Ok(trained) => trained.model,
            // What came of a cell is a result too, and the others can still be trained.
            Err(error @ TrainError::Collapsed { .. }) => {
                console.failed(&folder, &error.into());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let detector =
            faces_crop(experiment).detector(model.contract(), &crate::engine::DetectorOptions::default())?;
        let engine = FaceEngine::new(detector, Box::new(FrozenNetwork::new(&model)));
        let embeddings = faces.embed(&engine, None, console)?;
        measured(experiment, kind, config, &embeddings).map(Some)
    })
}

fn faces_crop(experiment: &Experiment<'_>) -> crate::engine::Crop {
    experiment.config.measure.crop
}

fn measured(
    experiment: &Experiment<'_>,
    kind: ExperimentKind,
    config: &ValidConfig,
    embeddings: &[facenet_core::Embedding],
) -> Result<CellFigures> {
    let settings = config.settings();
    let facts = if kind == ExperimentKind::Data {
        vec![Dataset::open_part(&settings.data.train, settings.data.part)?.identities().len()]
    } else {
        let graph = Graph::of(&network::table(&settings.network.name)?, settings.network.dimension);
        vec![graph.multiply_adds(), graph.weights()]
    };
    experiment.faces.measure(embeddings, None, facts.into_iter().map(|fact| fact as f64).collect())
}

/// The training config with the keys that replace its own.
fn base(training: &TrainingConfig) -> Result<TrainConfig> {
    let path = training.config.display();
    let text = fs_err::read_to_string(&training.config)
        .with_context(|| format!("cannot read the training config `{path}`"))?;
    let mut table: toml::Table =
        toml::from_str(&text).with_context(|| format!("the training config `{path}` is not valid"))?;
    replace(&mut table, &training.set);
    TrainConfig::deserialize(table).with_context(|| {
        format!("the training config `{path}` is not valid with the keys of `[training.set]`")
    })
}

/// Every value of `by`, in the place of the one in `table`; tables are gone through, not replaced.
fn replace(table: &mut toml::Table, by: &toml::Table) {
    for (key, value) in by {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => replace(old, new),
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
}

fn varied(base: &TrainConfig, name: &str, how: Trained) -> TrainConfig {
    let mut config = base.clone();
    match how {
        Trained::Network => config.network.name = name.into(),
        Trained::Dimension(dimension) => config.network.dimension = dimension,
        Trained::Part { images, by, seed } => {
            let by = match by {
                PartBy::Images => facenet_train::PartBy::Images,
                PartBy::People => facenet_train::PartBy::People,
            };
            config.data.part = Some(PartConfig { images, by, seed });
        }
    }
    config
}

/// What all trainings have in common.
fn in_words(base: &TrainConfig, kind: ExperimentKind) -> String {
    let network = match kind {
        ExperimentKind::Network => "networks".to_owned(),
        _ => format!("`{}` networks", base.network.name),
    };
    let batch = &base.batch;
    format!(
        "{network} trained for {} steps of {} people × up to {} faces + {} negatives, seed {}",
        grouped(base.schedule.steps as usize),
        batch.identities,
        batch.faces,
        batch.negatives,
        base.seed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Table {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn keys_are_replaced_one_by_one_and_others_stay() {
        let mut base = table("seed = 1\n[batch]\nidentities = 64\nfaces = 4\n[loss]\nkind = \"triplet\"");
        replace(&mut base, &table("seed = 2\nbatch.identities = 8\nrun.keep = 1"));
        let expected = table(
            "seed = 2\n[batch]\nidentities = 8\nfaces = 4\n[loss]\nkind = \"triplet\"\n[run]\nkeep = 1",
        );
        assert_eq!(base, expected);
    }

    #[test]
    fn a_cell_differs_in_one_thing() {
        let base: TrainConfig = toml::from_str("data.train = \"faces\"\nschedule.steps = 3").unwrap();
        let network = varied(&base, "nn4-bn", Trained::Network);
        assert_eq!(network.network.name, "nn4-bn");
        let dimension = varied(&base, "64", Trained::Dimension(64));
        assert_eq!((dimension.network.dimension, &dimension.network.name), (64, &base.network.name));
        let part = varied(&base, "100", Trained::Part { images: 100, by: PartBy::People, seed: 1 });
        let expected = PartConfig { images: 100, by: facenet_train::PartBy::People, seed: 1 };
        assert_eq!((part.data.part, &part.network), (Some(expected), &base.network));
    }
}
