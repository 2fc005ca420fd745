//! `facenet gallery upgrade`.

use facenet::Model;
use facenet_core::{Distance, Harmonic, HarmonicMeasure, Threshold};
use serde_json::Value;

use crate::drawn::model;
use crate::scene::{Run, Scene};

fn with_thresholds(model: Model) -> Model {
    let threshold = |distance, false_accept_rate| Threshold {
        distance: Distance::new(distance).unwrap(),
        false_accept_rate,
        data: "drawn pairs".into(),
        interval: None,
    };
    model.with_thresholds(vec![threshold(0.1, 1e-3), threshold(0.2, 1e-2)])
}

/// A gallery of an old model, that model, a new one that is harmonic to it (the same in half precision), and one that is not.
fn scene() -> Scene {
    let scene = Scene::with_faces(&[
        ("people/Ada/1.png", 1, 0),
        ("people/Ada/2.png", 1, 9),
        ("people/Bob/1.png", 2, 0),
        ("heap/c.png", 3, 0),
        ("probe.png", 1, 4),
    ]);
    let old = with_thresholds(model());
    let measured = HarmonicMeasure { old: 0.8, mixed: 0.85, new: 0.9, data: "drawn pairs".into() };
    let harmonic = Harmonic {
        to: old.contract().id(),
        thresholds: old.contract().thresholds.clone(),
        calibration: None,
        measured: Some(measured),
    };
    let new = with_thresholds(old.clone().halved()).with_harmonic(vec![harmonic]);
    with_thresholds(old.clone().mirrored()).save(&scene.at("other.safetensors")).unwrap();
    new.save(&scene.at("new.safetensors")).unwrap();
    old.save(&scene.at("old.safetensors")).unwrap();
    gallery(&scene, &["create", "g", "--model", "old.safetensors"]).ended(0);
    let of_old = ["--model", "old.safetensors", "--crop", "center"];
    gallery(&scene, &[&["add", "g", "people", "--folders"], &of_old[..]].concat()).ended(0);
    gallery(&scene, &[&["add", "g", "heap"], &of_old[..]].concat()).ended(0);
    scene
}

fn gallery(scene: &Scene, args: &[&str]) -> Run {
    scene.run_plain(&[&["gallery"], args].concat())
}

fn upgrade(scene: &Scene, args: &[&str]) -> Value {
    gallery(scene, &[&["upgrade", "g", "--json"], args].concat()).ended(0).json()
}

fn search(scene: &Scene, model: &str) -> Run {
    gallery(scene, &["search", "g", "probe.png", "--model", model, "--crop", "center", "--json"])
}

const NEW: [&str; 2] = ["--model", "new.safetensors"];

#[test]
fn old_faces_are_found_by_the_new_model_and_embedded_anew_step_by_step() {
    let scene = scene();
    assert_eq!(upgrade(&scene, &[])["from"], Value::Null);
    let state = upgrade(&scene, &[&NEW[..], &["--limit", "0"]].concat());
    assert_eq!((&state["faces"], &state["older"], &state["embedded"]), (&4.into(), &4.into(), &0.into()));
    let answer = search(&scene, "new.safetensors").ended(0).json();
    assert_eq!((&answer["person"], &answer["nearest"][0]["older_model"]), (&"Ada".into(), &state["from"]));

    // Known people come first.
    let state = upgrade(&scene, &[&NEW[..], &["--limit", "3", "--rate", "50"]].concat());
    assert_eq!((&state["older"], &state["embedded"]), (&1.into(), &3.into()));
    let answer = search(&scene, "new.safetensors").ended(0).json();
    assert_eq!((&answer["person"], answer["nearest"][0].get("older_model")), (&"Ada".into(), None));

    // One photo is gone: its face keeps the embedding that it has.
    fs_err::remove_file(scene.at("heap/c.png")).unwrap();
    let state = upgrade(&scene, &NEW);
    assert_eq!((&state["older"], &state["without_image"]), (&1.into(), &1.into()));
    let shown = gallery(&scene, &["show", "g"]).ended(0).stdout;
    assert!(shown.trim_end().ends_with(&format!("by {}", state["from"].as_str().unwrap())), "{shown}");

    let state = upgrade(&scene, &["--finish"]);
    assert_eq!(state["from"], Value::Null);
    gallery(&scene, &["check", "g"]).ended(0);
    let error = gallery(&scene, &["upgrade", "g", "--undo"]).ended(2).stderr;
    assert_eq!(error, "error: the gallery `g` is not being upgraded\n");
}

#[test]
fn an_upgrade_is_taken_back() {
    let scene = scene();
    let export = |name: &str| {
        gallery(&scene, &["export", "g", "-o", name]).ended(0);
        let text = scene.text(name);
        text.lines().filter(|line| !line.contains("\"event\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = export("before.jsonl");
    upgrade(&scene, &NEW);
    assert_ne!(export("between.jsonl"), before);
    upgrade(&scene, &["--undo"]);
    let after = export("after.jsonl");
    // The last line counts the events too.
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);
    search(&scene, "old.safetensors").ended(0);
}

#[test]
fn a_model_that_is_not_harmonic_comes_in_by_embedding_all_anew() {
    let scene = scene();
    let other = ["upgrade", "g", "--model", "other.safetensors"];
    let error = gallery(&scene, &other).ended(2).stderr;
    assert!(error.contains("cannot be upgraded as it is") && error.contains("`--anew`"), "{error}");
    let photo = fs_err::read(scene.at("heap/c.png")).unwrap();
    fs_err::remove_file(scene.at("heap/c.png")).unwrap();
    let error = gallery(&scene, &[&other[..], &["--anew"]].concat()).ended(2).stderr;
    assert!(error.contains("1 of the faces of the gallery `g` would be left"), "{error}");
    search(&scene, "old.safetensors").ended(0);
    scene.file("heap/c.png", photo);
    let state = gallery(&scene, &[&other[..], &["--anew", "--json"]].concat()).ended(0).json();
    assert_eq!((&state["older"], &state["embedded"]), (&0.into(), &4.into()));
    search(&scene, "other.safetensors").ended(0);
    search(&scene, "old.safetensors").ended(2);
}
