//! Models that work with another's embeddings: `facenet eval harmonic`, `facenet adapter` and `facenet model derive`.

use facenet::Model;
use facenet_core::Harmonic;

use crate::drawn::{face, model};
use crate::scene::Scene;

/// An old model, the same in half precision as a new one that says it is harmonic to it, and two images each of twelve
/// people with pairs of them.
fn scene() -> Scene {
    let scene = Scene::new();
    let old = model();
    let stated =
        Harmonic { to: old.contract().id(), thresholds: Vec::new(), calibration: None, measured: None };
    old.clone().halved().with_harmonic(vec![stated]).save(&scene.at("new.safetensors")).unwrap();
    old.save(&scene.at("old.safetensors")).unwrap();
    let mut pairs = "2\t6\n".to_owned();
    for fold in 0..2u8 {
        let people = (1..=6).map(|person| person + 6 * fold);
        people.clone().for_each(|person| pairs += &format!("p{person}\t1\t2\n"));
        people.for_each(|person| pairs += &format!("p{person}\t1\tp{}\t2\n", person % 6 + 1 + 6 * fold));
    }
    fs_err::write(scene.at("pairs.txt"), pairs).unwrap();
    for person in 1..=12u8 {
        for take in 1..=2u8 {
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &face(person, take - 1));
        }
    }
    scene
}

const MEASURE: [&str; 12] = [
    "eval",
    "harmonic",
    "old.safetensors",
    "new.safetensors",
    "--images",
    "faces",
    "--pairs",
    "pairs.txt",
    "--bootstrap",
    "20",
    "--far",
    "0.25",
];

#[test]
fn what_is_measured_is_drawn_and_written_into_the_new_model() {
    let scene = scene();
    let run = scene.run_plain(&[&MEASURE[..], &["--write", "--out", "report"]].concat()).ended(0);
    for words in ["old–old", "new–old", "new–new", "gain", "gallery of 6 people", "25 % upgraded"] {
        assert!(run.stdout.contains(words), "{words} in {}", run.stdout);
    }
    assert!(scene.text("report/harmonic.svg").starts_with("<svg"));
    let json: serde_json::Value = serde_json::from_str(&scene.text("report/harmonic.json")).unwrap();
    assert_eq!(json["upgrade"].as_array().unwrap().len(), 5);

    let new = Model::load(&scene.at("new.safetensors")).unwrap();
    let old = Model::load(&scene.at("old.safetensors")).unwrap();
    let stated = new.contract().harmonic_to(&old.contract().id()).unwrap();
    let measured = stated.measured.as_ref().unwrap();
    assert_eq!(Some(measured.mixed), json["mixed"]["accuracy"]["mean"].as_f64());
    assert_eq!((stated.thresholds.len(), measured.data.as_str()), (1, "pairs.txt"));
    assert!(new.contract().compare_with(old.contract()).is_ok());
    let show = scene.run_plain(&["model", "show", "--model", "new.safetensors"]).ended(0).stdout;
    assert!(show.contains(&format!("harmonic to    {}", old.contract().id())), "{show}");
}

#[test]
fn a_model_that_was_not_trained_to_it_is_measured_but_nothing_is_written() {
    let scene = scene();
    model().halved().save(&scene.at("new.safetensors")).unwrap();
    let run = scene.run_plain(&MEASURE).ended(0);
    assert!(run.stderr.contains("was not trained to be harmonic to"), "{}", run.stderr);
    let run = scene.run_plain(&[&MEASURE[..], &["--write"]].concat()).ended(2);
    assert!(run.stderr.contains("hint: train it with a table `[harmonic]`"), "{}", run.stderr);
}

#[cfg(feature = "train")]
#[test]
fn an_adapter_needs_four_faces_a_coordinate() {
    let scene = scene();
    let learn = ["adapter", "learn", "old.safetensors", "new.safetensors", "--images", "faces", "-o", "a"];
    let run = scene.run_plain(&learn).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: no adapter was learnt
      cause: an adapter from 128 coordinates needs 512 faces or more (four for each coordinate), found 24
    ");
    assert!(!scene.at("a").exists());
}

#[test]
fn half_precision_halves_the_file_and_mirroring_gives_another_model() {
    let scene = scene();
    let derive = ["model", "derive", "d.safetensors", "--half", "--mirrored", "--model", "old.safetensors"];
    let run = scene.run_plain(&derive).ended(0);
    assert!(run.stderr.contains("it has no thresholds yet"), "{}", run.stderr);
    let sizes =
        ["old", "d"].map(|name| fs_err::metadata(scene.at(&format!("{name}.safetensors"))).unwrap().len());
    assert!(sizes[1] < sizes[0] * 51 / 100, "{sizes:?}");
    let show = scene.run_plain(&["model", "show", "--model", "d.safetensors"]).ended(0).stdout;
    assert!(show.contains("-mirrored") && show.contains("of the face and its mirror image"), "{show}");
}
