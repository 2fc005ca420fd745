//! `facenet eval cluster`.

use crate::drawn::{LENIENT, STRICT, face, model};
use crate::scene::{Run, Scene};

/// Three people with three faces each.
fn scene() -> Scene {
    let scene = Scene::new();
    for person in 1..=3u8 {
        for take in 0..3u8 {
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &face(person, take));
        }
    }
    scene
}

fn eval(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["eval", "cluster", "--images", "faces"], more].concat())
}

#[test]
fn every_linkage_is_measured_at_every_threshold_of_the_model() {
    let report = eval(&scene(), &["--json"]).ended(0).json();
    let runs = report["runs"].as_array().unwrap();
    let named: Vec<(&str, f64)> = runs
        .iter()
        .map(|run| (run["linkage"].as_str().unwrap(), run["threshold"].as_f64().unwrap()))
        .collect();
    assert_eq!(named.len(), 4 * 2);
    assert!(named[0].0 == "average" && (named[0].1 - f64::from(STRICT)).abs() < 1e-6, "{named:?}");
    assert!(named[7].0 == "ward" && (named[7].1 - f64::from(LENIENT)).abs() < 1e-6, "{named:?}");
    for run in runs {
        assert_eq!((&run["threshold_from"], &run["scores"]["people"]), (&"drawn pairs".into(), &3.into()));
        assert_eq!((&run["scores"]["clusters"], &run["scores"]["pairwise"]["f"]), (&3.into(), &1.0.into()));
        assert_eq!(run["distances_bytes"], 4 * 36);
    }
}

#[test]
fn a_threshold_by_hand_says_so_in_the_table() {
    let scene = scene();
    let run = eval(&scene, &["--threshold", "4", "--linkage", "single", "--out", "new"]).ended(0);
    let line = run.stdout.lines().last().unwrap();
    assert!(
        line.starts_with("single        4.000         1      0    25.00  100.00   40.00"),
        "{}",
        run.stdout
    );
    assert!(line.ends_with("by hand"), "{line}");
    assert_eq!(scene.names("new"), ["clustering.json"]);
}

#[test]
fn a_model_without_thresholds_asks_for_one() {
    let scene = scene();
    model().save(&scene.at("bare.safetensors")).unwrap();
    let run =
        scene.run_plain(&["eval", "cluster", "--images", "faces", "--model", "bare.safetensors"]).ended(2);
    assert!(run.stderr.contains("has no calibrated thresholds"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: choose squared distances"), "{}", run.stderr);
}

#[test]
fn a_folder_without_people_is_an_error() {
    let scene = Scene::with_faces(&[("faces/1.png", 1, 0)]);
    let run = eval(&scene, &[]).ended(2);
    assert!(run.stderr.contains("holds no images of people"), "{}", run.stderr);
}
