//! `facenet eval identify`.

use crate::scene::{Run, Scene};

/// Six people with four faces each, and one with a single face.
fn scene() -> Scene {
    let scene = Scene::new();
    for person in 1..=6u8 {
        for take in 0..4u8 {
            scene.image(
                &format!("faces/p{person}/p{person}_000{take}.png"),
                &crate::drawn::face(person, take),
            );
        }
    }
    scene.image("faces/stranger/one.png", &crate::drawn::face(7, 0));
    scene
}

fn eval(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["eval", "identify", "--images", "faces", "--draws", "3"], more].concat())
}

#[test]
fn people_who_look_different_are_all_found_in_every_gallery() {
    let report = eval(&scene(), &["--json"]).ended(0).json();
    assert_eq!(
        (&report["faces"], &report["people"], &report["enrollable"]),
        (&25.into(), &7.into(), &6.into())
    );
    let galleries = report["galleries"].as_array().unwrap();
    assert_eq!(galleries.len(), 3, "half of six people, by three enrolments");
    for gallery in galleries {
        assert_eq!(
            (&gallery["gallery"], &gallery["mated"], &gallery["non_mated"]),
            (&3.into(), &6.0.into(), &13.0.into())
        );
        assert_eq!(gallery["ranks"][0]["rate"]["mean"], 1.0);
        assert_eq!(gallery["open_set"][0]["fnir"]["mean"], 0.0);
        assert!(gallery["open_set"][1]["fnir"].is_null(), "13 strangers do not measure FPIR 1e-2");
    }
}

#[test]
fn the_table_names_galleries_and_what_they_cannot_measure() {
    let run = eval(&scene(), &["--gallery-size", "2", "--gallery-size", "6"]).ended(0);
    for line in [
        "gallery of 2, one image  (4 mated and 17 non-mated probes a draw)",
        "gallery of 6, best of all  (12 mated and 1 non-mated probes a draw)",
        "  FNIR @ FPIR 1e-1  not measurable: needs 10 non-mated probes in every draw, found 1",
        "  rank 1            100.00 % (100.00 … 100.00)",
    ] {
        assert!(run.stdout.contains(line), "{line} in\n{}", run.stdout);
    }
}

#[test]
fn the_same_seed_draws_the_same_and_files_say_what_is_printed() {
    let scene = scene();
    let run = eval(&scene, &["--json", "--out", "new/report", "--seed", "5"]).ended(0);
    assert_eq!(run.stdout, scene.text("new/report/identification.json"));
    assert_eq!(
        scene.names("new/report"),
        ["cmc.png", "cmc.svg", "fnir.png", "fnir.svg", "identification.json"]
    );
    assert_eq!(run.stdout, eval(&scene, &["--json", "--seed", "5"]).ended(0).stdout);
}

#[test]
fn a_gallery_that_is_too_large_is_an_error() {
    let run = eval(&scene(), &["--gallery-size", "7"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: identification cannot be measured on `faces`
      cause: a gallery of 7 cannot be drawn: 6 people have two faces or more
    ");
}

#[test]
fn a_face_that_cannot_be_used_is_named_and_the_others_are_measured() {
    let scene = scene();
    scene.file("faces/p1/p1_0000.png", "a letter");
    let run = eval(&scene, &["--json"]).ended(2);
    assert_eq!(run.json()["faces"], 24);
    assert_eq!(run.stderr, "facenet: faces/p1/p1_0000.png: not an image, but text\n");
}
