//! The configs that come with the program.

use std::path::Path;

use facenet_train::{DetectorConfig, RefinerConfig, TrainConfig};

#[test]
fn every_config_that_comes_with_the_program_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let files: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        // Experiments are the program's; their trainings start from configs that are here.
        .filter_entry(|entry| entry.file_name() != "experiments")
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    assert!(files.len() > 1, "{files:?}");
    for file in files {
        match file.file_stem().unwrap().to_str().unwrap() {
            "detector" => drop(DetectorConfig::load(&file).unwrap().validate().unwrap()),
            "refiner" => drop(RefinerConfig::load(&file).unwrap().validate().unwrap()),
            _ => drop(TrainConfig::load(&file).unwrap().validate().unwrap()),
        }
    }
}
