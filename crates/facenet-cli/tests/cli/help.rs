//! What the program says about itself.

use crate::scene::Scene;

/// The help of `command`, without what depends on how the program was built.
fn help(command: &[&str]) -> String {
    let help = Scene::new().run_plain(&[command, &["--help"]].concat()).ended(0).stdout;
    help.lines()
        .filter(|line| !line.starts_with("  train"))
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn the_help_texts() {
    insta::assert_snapshot!("facenet", help(&[]));
    for command in [
        "embed",
        "verify",
        "identify",
        "cluster",
        "eval pairs",
        "eval identify",
        "eval cluster",
        "eval detect",
        "eval report",
        "eval lfw",
        "eval ytf",
        "eval bin",
        "eval holdout",
        "calibrate",
        "model show",
        "model table",
        "bench",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        insta::assert_snapshot!(command.replace(' ', "_"), help(&words));
    }
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
