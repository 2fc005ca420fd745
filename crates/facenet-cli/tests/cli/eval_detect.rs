//! `facenet eval detect`.

use std::path::Path;

use crate::scene::{Run, Scene};

/// A portrait whose face is labelled, and a picture of nobody.
fn scene() -> Scene {
    let scene = Scene::new();
    let portrait = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos/eileen-collins-1.jpg");
    scene.file("data/val/portrait.jpg", std::fs::read(portrait).unwrap());
    scene.image("data/val/nobody.png", &image::RgbImage::from_pixel(200, 150, image::Rgb([90, 120, 150])));
    scene
}

/// Where the face of the portrait is found: the label of the tests, so that they do not depend on how tight it is.
fn labels(scene: &Scene, bounds: [f32; 4]) {
    let text = format!(
        "{{\"file\":\"portrait.jpg\",\"faces\":[{{\"box\":{bounds:?},\"landmarks\":null,\"label\":\"face\"}}]}}\n\
         {{\"file\":\"nobody.png\",\"faces\":[]}}\n"
    );
    scene.file("data/val.jsonl", text);
}

fn eval(scene: &Scene, more: &[&str]) -> Run {
    scene.run_plain(&[&["eval", "detect", "--data", "data"], more].concat())
}

/// A box around the face of the portrait, drawn by hand.
const FACE: [f32; 4] = [66.0, 70.0, 98.0, 116.0];

#[test]
fn a_face_that_is_found_counts_and_one_elsewhere_is_missed() {
    let scene = scene();
    labels(&scene, FACE);
    let report = eval(&scene, &["--json"]).ended(0).json();
    assert_eq!((&report["photos"], &report["ranges"][0]["faces"]), (&2.into(), &1.into()));
    assert_eq!(report["ranges"][0]["average_precision"], 1.0);
    assert!(report["ranges"][1]["average_precision"].is_null(), "there is no small face");

    labels(&scene, [0.0, 0.0, 30.0, 30.0]);
    assert_eq!(eval(&scene, &["--json"]).ended(0).json()["ranges"][0]["average_precision"], 0.0);
}

#[test]
fn labels_of_wider_faces_form_give_the_same_figures() {
    let scene = scene();
    labels(&scene, FACE);
    let [x, y, width, height] = FACE;
    let wider = format!(
        "portrait.jpg\n1\n{x} {y} {width} {height} 0 0 0 0 0 0 \nnobody.png\n0\n0 0 0 0 0 0 0 0 0 0\n"
    );
    scene.file("gt.txt", wider);
    let arguments = ["eval", "detect", "--data", "data/val", "--wider", "gt.txt", "--json"];
    let run = scene.run_plain(&arguments).ended(0);
    assert_eq!(run.stdout, eval(&scene, &["--json"]).ended(0).stdout);
}

#[test]
fn the_table_is_printed_and_files_are_written() {
    let scene = scene();
    labels(&scene, FACE);
    let run = eval(&scene, &["--output", "new/report"]).ended(0);
    for line in
        ["2 photos, faces found at IoU 0.4", "> 64 px          1    1.000", "landmarks: none to compare"]
    {
        assert!(run.stdout.contains(line), "{line} in\n{}", run.stdout);
    }
    assert_eq!(scene.names("new/report"), ["detection.json", "detection.png", "detection.svg"]);
}

#[test]
fn a_photo_that_is_not_there_is_named_and_the_others_are_measured() {
    let scene = scene();
    let more = "{\"file\":\"gone.png\",\"faces\":[]}\n{\"file\":\"nobody.png\",\"faces\":[]}\n";
    scene.file("data/val.jsonl", more);
    let run = eval(&scene, &["--json"]).ended(2);
    assert!(run.stderr.contains("gone.png"), "{}", run.stderr);
    assert_eq!(run.json()["photos"], 1);
}

#[test]
fn labels_that_are_missing_or_empty_are_errors() {
    let scene = scene();
    let run = eval(&scene, &[]).ended(2);
    assert!(run.stderr.contains("cannot read the labels `data/val.jsonl`"), "{}", run.stderr);
    scene.file("data/val.jsonl", "");
    assert!(eval(&scene, &[]).ended(2).stderr.contains("`data` tells of no photos"));
}
