//! `facenet eval pairs`.

use crate::drawn::face;
use crate::scene::{FILTERS, Run, Scene};

/// Two folds of two pairs; the images of a person are alike.
const PAIRS: &str = "2 1\nada 1 2\nada 1 bob 1\ncyd 1 2\ncyd 2 dan 1\n";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("pairs.txt", PAIRS);
    for (image, person) in
        [("ada_0001", 1), ("ada_0002", 1), ("bob_0001", 2), ("cyd_0001", 3), ("cyd_0002", 3), ("dan_0001", 4)]
    {
        let name = &image[..3];
        scene.image(&format!("faces/{name}/{image}.png"), &face(person, 0));
    }
    scene
}

fn eval(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["eval", "pairs", "--images", "faces", "--pairs", "pairs.txt"], more].concat())
}

#[test]
fn the_report_is_a_table() {
    let run = eval(&scene(), &["--bootstrap", "0"]).ended(0);
    let numbers = [FILTERS[1], (r"threshold [^)]*", "threshold [number]"), (r"d′ .*", "d′ [number]")];
    insta::with_settings!({filters => numbers}, {
        insta::assert_snapshot!(run.stdout, @r"
        model           [model]
        data            pairs.txt
        pairs           2 genuine, 2 impostor (2 folds)
        accuracy        100.00 % ± 0.00  (2 folds, threshold [number])
        VAL @ FAR 1e-1  not measurable: needs 10 impostor pairs, found 2
        VAL @ FAR 1e-2  not measurable: needs 100 impostor pairs, found 2
        VAL @ FAR 1e-3  not measurable: needs 1000 impostor pairs, found 2
        VAL @ FAR 1e-4  not measurable: needs 10000 impostor pairs, found 2
        VAL @ FAR 1e-5  not measurable: needs 100000 impostor pairs, found 2
        VAL @ FAR 1e-6  not measurable: needs 1000000 impostor pairs, found 2
        AUC             1.0000
        EER              0.00 %
        d′ [number]
        ");
    });
    assert_eq!(run.stderr, "");
}

#[test]
fn the_report_goes_into_a_folder_and_says_the_same_as_the_json() {
    let scene = scene();
    let run = eval(&scene, &["--out", "new/report", "--json"]).ended(0);
    assert_eq!(run.stdout, scene.text("new/report/report.json"));
    assert_eq!(run.json()["auc"], 1.0);
    assert!(scene.text("new/report/roc.svg").starts_with("<svg"));
    assert_eq!(scene.names("new/report"), ["det.svg", "report.json", "roc.svg"]);
    assert_eq!(run.stderr, "facenet: wrote report.json, roc.svg and det.svg to new/report\n");
}

#[test]
fn a_missing_person_is_an_error_that_lists_the_images() {
    let scene = scene();
    fs_err::remove_dir_all(scene.at("faces/cyd")).unwrap();
    let run = eval(&scene, &[]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: images of the pairs file are missing
      cause: 2 of 6 images are missing under `faces`:
          cyd/cyd_0001.jpg
          cyd/cyd_0002.jpg

    hint: pass `--skip-missing` to measure without their pairs
    hint: name the folder that holds one folder a person, as in LFW
    ");
    assert_eq!(run.stdout, "");
}

#[test]
fn images_that_cannot_be_used_are_named_and_nothing_is_measured() {
    let scene = scene();
    scene.file("faces/ada/ada_0002.png", "a letter");
    let run = eval(&scene, &[]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: faces/ada/ada_0002.png: not an image, but text
    error: 1 of 6 images cannot be used

    hint: pass `--skip-missing` to measure without their pairs
    ");
    assert_eq!(run.stdout, "");
}

#[test]
fn skipped_pairs_are_counted_in_the_report() {
    let scene = scene();
    scene.file("faces/bob/bob_0001.png", "a letter");
    fs_err::remove_file(scene.at("faces/dan/dan_0001.png")).unwrap();
    scene.image("faces/dan/dan_0002.png", &face(4, 0));
    scene.file("pairs.txt", PAIRS.replace("cyd 2 dan 1", "cyd 2 dan 2"));
    let run = eval(&scene, &["--skip-missing", "--json"]).ended(0);
    assert_eq!(
        run.json()["pairs"],
        serde_json::json!({"genuine": 2, "impostors": 1, "skipped": 1, "folds": 2})
    );
    assert_eq!(run.stderr, "facenet: faces/bob/bob_0001.png: not an image, but text\n");

    scene.file("pairs.txt", PAIRS);
    let run = eval(&scene, &["--skip-missing"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: 1 of 6 images are missing: their pairs are skipped
    facenet: faces/bob/bob_0001.png: not an image, but text
    error: nothing can be measured on `pairs.txt`
      cause: found 2 genuine pairs and no impostor pair, expected both
    ");
}

#[test]
fn a_wrong_count_or_line_is_named_with_its_place() {
    let scene = scene();
    scene.file("pairs.txt", PAIRS.replace("2 1\n", "2 2\n"));
    let run = eval(&scene, &[]).ended(2);
    assert_eq!(run.stderr, "error: `pairs.txt`, line 1: the header promises 8 pairs, but the file holds 4\n");
    scene.file("pairs.txt", PAIRS.replace("ada 1 2\n", "ada one 2\n"));
    let run = eval(&scene, &[]).ended(2);
    assert!(
        run.stderr.starts_with("error: `pairs.txt`, line 2: found the image number `one`"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_pairs_file_that_is_not_there_is_named() {
    let run = scene().run(&["eval", "pairs", "--images", "faces", "--pairs", "gone.txt"]).ended(2);
    assert!(
        run.stderr.starts_with("error: cannot read the pairs file `gone.txt`\n  cause: "),
        "{}",
        run.stderr
    );
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_work() {
    let scene = scene();
    let run = eval(&scene, &["--out", "pairs.txt"]).ended(2);
    assert!(
        run.stderr.starts_with("error: cannot write `pairs.txt/report.json`\n  cause: "),
        "{}",
        run.stderr
    );
}

#[test]
fn images_are_taken_for_aligned_crops_unless_told_otherwise() {
    let scene = scene();
    scene.image("faces/ada/ada_0001.png", &image::imageops::crop_imm(&face(1, 0), 0, 0, 128, 100).to_image());
    let run = eval(&scene, &[]).ended(2);
    assert!(run.stderr.contains("an aligned crop is square"), "{}", run.stderr);
    eval(&scene, &["--crop", "center"]).ended(0);
}
