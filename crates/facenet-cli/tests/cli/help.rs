//! What the program says about itself.

use crate::scene::Scene;

/// The help of `command`.
fn help(command: &[&str]) -> String {
    let help = Scene::new().run_plain(&[command, &["--help"]].concat()).ended(0).stdout;
    help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_help_texts() {
    for command in [
        "detect",
        "embed",
        "verify",
        "identify",
        "cluster",
        "track",
        "gallery",
        "gallery create",
        "gallery add",
        "gallery list",
        "gallery show",
        "gallery search",
        "gallery cluster",
        "gallery rename",
        "gallery tag",
        "gallery merge",
        "gallery split",
        "gallery correct",
        "gallery remove",
        "gallery forget",
        "gallery export",
        "gallery import",
        "gallery check",
        "gallery compact",
        "gallery upgrade",
        "gallery migrate",
        "serve",
        "serve keys",
        "serve keys add",
        "completions",
        "man",
        "cache show",
        "cache clear",
        "eval pairs",
        "eval reject",
        "eval identify",
        "eval cluster",
        "eval detect",
        "eval harmonic",
        "eval report",
        "eval lfw",
        "eval ytf",
        "eval bin",
        "eval holdout",
        "experiment",
        "calibrate",
        "model show",
        "model table",
        "model derive",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        insta::assert_snapshot!(command.replace(' ', "_"), help(&words));
    }
}

/// These differ without training.
#[cfg(feature = "train")]
#[test]
fn the_help_texts_of_a_program_that_trains() {
    insta::assert_snapshot!("facenet", help(&[]));
    for command in ["bench", "train", "train-detector", "train-refiner"] {
        insta::assert_snapshot!(command, help(&[command]));
    }
    insta::assert_snapshot!("adapter_learn", help(&["adapter", "learn"]));
}

#[cfg(feature = "onnx")]
#[test]
fn the_help_texts_of_import_and_export() {
    insta::assert_snapshot!("model_import", help(&["model", "import"]));
    insta::assert_snapshot!("model_export", help(&["model", "export"]));
}

#[test]
fn without_a_command_the_help_is_an_error() {
    let run = Scene::new().run_plain(&[]).ended(2);
    assert_eq!((run.stdout.as_str(), run.stderr.contains("Usage: facenet")), ("", true));
}

#[test]
fn the_version_is_the_package_s() {
    let run = Scene::new().run_plain(&["--version"]).ended(0);
    assert_eq!(run.stdout, format!("facenet {}\n", env!("CARGO_PKG_VERSION")));
}
