//! What the program says about itself.

use crate::scene::Scene;

/// The help of `command`.
fn help(command: &[&str]) -> String {
    let help = Scene::new().run_plain(&[command, &["--help"]].concat()).ended(0).stdout;
    help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The help of the program, without what depends on how it was built: the commands that train, and with their names the
/// column in which what the others do begins.
fn help_of_all() -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_commands = false;
    for line in help(&[]).lines() {
        in_commands = line == "Commands:" || in_commands && !line.is_empty();
        match (in_commands, line.starts_with("    "), lines.last_mut()) {
            (true, true, Some(command)) => *command += &format!(" {}", line.trim()),
            (true, false, _) if line.starts_with("  ") => {
                let (name, does) = line.trim().split_once(' ').expect("a command says what it does");
                lines.push(format!("  {name}  {}", does.trim()));
            }
            _ => lines.push(line.into()),
        }
    }
    lines.retain(|line| !line.starts_with("  train"));
    lines.join("\n") + "\n"
}

#[test]
fn the_help_texts() {
    insta::assert_snapshot!("facenet", help_of_all());
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
