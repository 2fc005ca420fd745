//! `facenet calibrate`, and what `verify` makes of it.

use crate::drawn::{face, model};
use crate::scene::Scene;

/// An uncalibrated model, and two images of each of twelve people.
fn scene() -> Scene {
    let scene = Scene::new();
    model().save(&scene.at("m.safetensors")).unwrap();
    for person in 1..=12u8 {
        for take in 1..=2u8 {
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &face(person, take - 1));
        }
    }
    scene
}

#[test]
fn a_calibrated_model_states_a_probability() {
    let scene = scene();
    let pair = [
        "verify",
        "faces/p1/p1_0001.png",
        "faces/p1/p1_0002.png",
        "--crop",
        "none",
        "--model",
        "m.safetensors",
    ];
    let json = scene.run_plain(&[&pair[..], &["--threshold", "1", "--json"]].concat()).ended(0).json();
    assert_eq!(json["probability"], serde_json::Value::Null);

    let calibrate = ["calibrate", "m.safetensors", "--far", "0.1", "--images", "faces", "--plot", "r.svg"];
    let run = scene.run_plain(&[&calibrate[..], &["--data", "drawn faces"]].concat()).ended(0);
    assert!(
        run.stdout.starts_with("data        drawn faces: 12 genuine, 264 impostor pairs\nthreshold   "),
        "{}",
        run.stdout
    );
    assert!(scene.text("r.svg").starts_with("<svg"));

    let run = scene.run_plain(&[&pair[..], &["--far", "0.1"]].concat()).ended(0);
    assert!(run.stdout.contains("  (probability at even odds)\n"), "{}", run.stdout);
    let json = scene.run_plain(&[&pair[..], &["--far", "0.1", "--json"]].concat()).ended(0).json();
    assert!(json["probability"].as_f64().unwrap() > 0.75, "{json}");
    let show = scene.run_plain(&["model", "show", "--model", "m.safetensors"]).ended(0).stdout;
    assert!(show.contains("at even odds, fitted on drawn faces") && show.contains("95 % sure of"), "{show}");
}

#[test]
fn a_rate_that_the_data_cannot_support_is_refused_and_the_model_stays() {
    let scene = scene();
    let before = fs_err::read(scene.at("m.safetensors")).unwrap();
    let run = scene.run_plain(&["calibrate", "m.safetensors", "--far", "1e-3", "--images", "faces"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: `m.safetensors` is not calibrated and stays as it was
      cause: a false accept rate of 0.001 needs 3000 impostor pairs (3 / rate), but `faces` has 264
    ");
    assert_eq!(fs_err::read(scene.at("m.safetensors")).unwrap(), before);
}

#[test]
fn another_file_can_take_the_calibration() {
    let scene = scene();
    scene.file("pairs.txt", "1\np1 1 2\np1 1 p2 1\n");
    let before = fs_err::read(scene.at("m.safetensors")).unwrap();
    let calibrate =
        ["calibrate", "m.safetensors", "--images", "faces", "--output", "new.safetensors", "--far"];
    let run = scene.run_plain(&[&calibrate[..], &["1", "--pairs", "pairs.txt", "--json"]].concat()).ended(2);
    assert!(
        run.stderr.contains("needs 3 impostor pairs (3 / rate), but `pairs.txt` has 1"),
        "{}",
        run.stderr
    );
    let run = scene.run_plain(&[&calibrate[..], &["0.5", "--json", "--bootstrap", "0"]].concat()).ended(0);
    assert_eq!(run.json()["thresholds"][0].get("interval"), None);
    assert!(scene.at("new.safetensors").exists());
    assert_eq!(fs_err::read(scene.at("m.safetensors")).unwrap(), before);
}
