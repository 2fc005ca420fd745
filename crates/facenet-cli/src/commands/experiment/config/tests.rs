//! Configs, right and wrong.

use super::*;

fn config(text: &str) -> ExperimentConfig {
    toml::from_str(&format!("{text}\n[measure]\nimages = \"faces\"")).unwrap()
}

fn refusal(text: &str) -> String {
    format!("{:#}", config(text).axes().unwrap_err())
}

fn names(text: &str) -> Vec<String> {
    match config(text).axes().unwrap() {
        Axes::OfImages(_, cells) => cells.into_iter().map(|(cell, _)| cell.name).collect(),
        Axes::OfTraining(_, cells) => cells.into_iter().map(|(cell, _)| cell.name).collect(),
    }
}

#[test]
fn the_least_config_of_images_is_the_papers_table() {
    let names = names("[image]");
    assert_eq!(names.len(), 11);
    assert_eq!((names[0].as_str(), names[10].as_str()), ("JPEG 10", "65,536 pixels"));
    assert_eq!(config("[image]").fars, [1e-1, 1e-2, 1e-3]);
}

#[test]
fn the_least_config_of_dimensions_is_the_papers_table() {
    assert_eq!(names("[dimension]\n[training]\nconfig = \"base.toml\""), ["64", "128", "256", "512"]);
}

#[test]
fn networks_are_named_and_stand_at_their_multiply_adds() {
    let config = config("[network]\nnames = [\"nn4\", \"lite\"]\n[training]\nconfig = \"base.toml\"");
    let Axes::OfTraining(ExperimentKind::Network, cells) = config.axes().unwrap() else { panic!() };
    assert_eq!((cells[0].0.name.as_str(), cells[1].0.name.as_str()), ("nn4", "lite"));
    assert!((cells[0].0.at - 284.7e6).abs() < 0.1e6, "{}", cells[0].0.at);
}

#[test]
fn exactly_one_experiment_is_asked_for() {
    for (text, found) in [("", 0), ("[image]\n[invariance]", 2)] {
        let expected = format!(
            "found {found} of the tables `[network]`, `[image]`, `[dimension]`, `[data]` and `[invariance]`, expected one"
        );
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (text, expected) in [
        ("[image]\njpeg = [0]", "`0` is no JPEG quality, expected a whole number from 1 to 100"),
        ("[image]\njpeg = []\npixels = []", "found nothing to measure, expected at least one value"),
        ("[invariance]\nturn = [5, 5]", "`turned +5°` is asked for twice"),
        (
            "fars = [0.5]\n[image]",
            "`fars` holds 0.5, but expected some of 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6",
        ),
        ("[dimension]", "`[dimension]` trains networks, but there is no `[training]` that says how"),
    ] {
        assert_eq!(refusal(text), expected);
    }
    let unknown = refusal("[network]\nnames = [\"nn9\"]\n[training]\nconfig = \"base.toml\"");
    assert!(unknown.starts_with("`network.names` is not usable: ") && unknown.contains("nn9"), "{unknown}");
}

#[test]
fn a_misspelt_key_is_refused() {
    let text = "[measure]\nimages = \"faces\"\n[image]\nquality = [10]";
    let error = toml::from_str::<ExperimentConfig>(text).unwrap_err().to_string();
    assert!(error.contains("unknown field `quality`, expected `jpeg` or `pixels`"), "{error}");
}

#[test]
fn other_images_are_not_measured_by_the_pairs_of_the_config() {
    let config: ExperimentConfig =
        toml::from_str("[image]\n[measure]\nimages = \"a\"\npairs = \"a.txt\"\nname = \"a\"").unwrap();
    let other = config.clone().replacing(Some("b".into()), None);
    assert_eq!((other.measure.pairs, other.measure.name), (None, None));
    let pairs = config.clone().replacing(None, Some("c.txt".into()));
    assert_eq!((pairs.measure.pairs, pairs.measure.images), (Some("c.txt".into()), "a".into()));
    assert_eq!(config.clone().replacing(None, None).measure.pairs, config.measure.pairs);
}

#[test]
fn every_experiment_that_comes_with_the_program_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/experiments");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        ExperimentConfig::load(&file).unwrap().axes().unwrap();
    }
}
