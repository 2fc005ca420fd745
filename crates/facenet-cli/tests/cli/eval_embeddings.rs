//! `facenet eval … --embeddings`: figures of anybody's model.

use crate::drawn::face;
use crate::scene::Scene;

/// Six people with four images, and their embeddings as another program might write them.
fn scene() -> Scene {
    let scene = Scene::new();
    for person in 1..=6u8 {
        for take in 1..=4u8 {
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &face(person, take));
        }
    }
    scene.file("pairs.txt", "2 1\np1 1 2\np1 1 p2 1\np3 1 2\np3 2 p4 1\n");
    scene
}

#[test]
fn embeddings_that_this_program_wrote_give_the_figures_of_the_model() {
    let scene = scene();
    scene.run(&["embed", "faces", "--crop", "none", "--output", "own.npy"]).ended(0);
    let args = ["eval", "pairs", "--images", "faces", "--pairs", "pairs.txt", "--json"];
    let model = scene.run(&args).ended(0).json();
    let file = scene.run_plain(&[&args[..], &["--embeddings", "own.npy"]].concat()).ended(0).json();
    assert_eq!(file["model"], "own.npy");
    for figure in ["auc", "eer", "pairs"] {
        assert_eq!(file[figure], model[figure], "{figure}");
    }
    // Thresholds differ in the last digit: what is read back is scaled to unit length once more.
    assert_eq!(file["accuracy"]["mean"], model["accuracy"]["mean"]);
}

/// Each person a direction of their own: everybody is told apart.
fn perfect() -> String {
    let line = |person: usize, take: usize| {
        let values: Vec<&str> = (1..=6).map(|axis| if axis == person { "2" } else { "0" }).collect();
        format!("p{person}/p{person}_000{take},{}\n", values.join(","))
    };
    (1..=6).flat_map(|person| (1..=4).map(move |take| line(person, take))).collect()
}

#[test]
fn every_command_takes_a_foreign_file() {
    let scene = scene();
    scene.file("foreign.csv", perfect());
    let run = |args: &[&str]| {
        let more = ["--images", "faces", "--embeddings", "foreign.csv", "--json"];
        scene.run_plain(&[&["eval"], args, &more].concat()).ended(0).json()
    };
    assert_eq!(run(&["pairs", "--pairs", "pairs.txt"])["auc"], 1.0);
    assert_eq!(run(&["holdout", "--splits", "2"])["eer"]["mean"], 0.0);
    assert_eq!(run(&["identify", "--gallery-size", "2"])["galleries"][0]["ranks"][0]["rate"]["mean"], 1.0);
    let clusters = run(&["cluster", "--threshold", "1", "--linkage", "single"]);
    assert_eq!(clusters["runs"][0]["scores"]["clusters"], 6);
    run(&["report", "--pairs", "pairs.txt", "--out", "page"]);
    assert!(scene.names("page").contains(&"det.svg".to_owned()));
    assert!(scene.text("page/report.html").contains("DET: share of genuine pairs refused"));
}

#[test]
fn two_files_are_compared_on_the_same_pairs() {
    let scene = scene();
    scene.file("foreign.csv", perfect());
    scene.file("worse.csv", perfect().replace("p2/p2_0001,0,2", "p2/p2_0001,2,0"));
    let args = [
        "eval",
        "report",
        "--images",
        "faces",
        "--pairs",
        "pairs.txt",
        "--pairs-only",
        "--out",
        "page",
        "--json",
    ];
    let run =
        scene.run_plain(&[&args[..], &["--embeddings", "foreign.csv", "--against", "worse.csv"]].concat());
    let json = run.ended(0).json();
    assert_eq!(json["comparison"]["against"], "worse.csv");
}

#[test]
fn an_image_without_embedding_is_named_and_may_be_skipped() {
    let scene = scene();
    scene.file("foreign.csv", perfect().lines().skip(1).map(|line| format!("{line}\n")).collect::<String>());
    let args = ["eval", "pairs", "--images", "faces", "--pairs", "pairs.txt", "--embeddings", "foreign.csv"];
    let run = scene.run_plain(&args).ended(2);
    assert!(
        run.stderr.contains("p1_0001.png: `foreign.csv` has no embedding of this name"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--skip-missing"), "{}", run.stderr);
}

#[test]
fn a_model_and_a_file_at_once_are_refused() {
    let scene = scene();
    let run = scene.run(&["eval", "holdout", "--images", "faces", "--embeddings", "foreign.csv"]).ended(2);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}
