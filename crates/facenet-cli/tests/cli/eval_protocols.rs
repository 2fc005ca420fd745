//! `facenet eval lfw`, `ytf`, `bin` and `holdout`.

use crate::drawn::face;
use crate::scene::Scene;

const PAIRS: &str = "2 1\nada 1 2\nada 1 bob 1\ncyd 1 2\ncyd 2 dan 1\n";

/// Three images of each of six people.
fn people() -> Scene {
    let scene = Scene::new();
    scene.file("pairs.txt", PAIRS);
    for (number, name) in (1u8..).zip(["ada", "bob", "cyd", "dan", "eve", "fay"]) {
        for take in 1..=3u8 {
            scene.image(&format!("faces/{name}/{name}_000{take}.png"), &face(number, take - 1));
        }
    }
    scene
}

/// The bytes of an image, as a `.bin` set holds them.
fn png(person: u8, take: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    face(person, take).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A pickle of protocol 3 of `(images, issame)`.
fn bin(images: &[Vec<u8>], same: &[bool]) -> Vec<u8> {
    let mut out = b"\x80\x03](".to_vec();
    for image in images {
        out.push(b'B');
        out.extend(u32::try_from(image.len()).unwrap().to_le_bytes());
        out.extend(image);
    }
    out.extend(b"e](");
    out.extend(same.iter().map(|&same| if same { 0x88 } else { 0x89 }));
    out.extend(b"e\x86.");
    out
}

#[test]
fn lfw_gives_both_views() {
    let scene = people();
    scene.file("train.txt", "1\nada 1 2\nada 1 bob 1\n");
    scene.file("test.txt", "1\ncyd 1 2\ncyd 1 dan 1\n");
    let view2 = ["eval", "lfw", "--images", "faces", "--pairs", "pairs.txt", "--crop", "none"];
    let views = [&view2[..], &["--dev-train", "train.txt", "--dev-test", "test.txt"]].concat();
    let run = scene.run(&views).ended(0);
    assert!(run.stdout.contains("\naccuracy        100.00 %"), "{}", run.stdout);
    assert!(run.stdout.contains("\nView 1          100.00 %"), "{}", run.stdout);
    let json = scene.run(&[&views[..], &["--json"]].concat()).ended(0).json();
    assert_eq!(json["view1"]["test_accuracy"], 1.0);
    assert_eq!(scene.run(&[&view2[..], &["--json"]].concat()).ended(0).json().get("view1"), None);
    scene.run(&[&view2[..], &["--dev-train", "train.txt"]].concat()).ended(2);
}

#[test]
fn odd_pairs_are_warned_of_and_counted() {
    let scene = people();
    scene.file("pairs.txt", "2 1\nada 1 2\nada 1 bob 1\nada 2 1\ncyd 2 dan 1\n");
    let run = scene.run(&["eval", "pairs", "--images", "faces", "--pairs", "pairs.txt", "--json"]).ended(0);
    assert_eq!(run.json()["pairs"]["genuine"], 2);
    assert_eq!(run.json()["warnings"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: pairs.txt: `ada/ada_0001` and `ada/ada_0002` are listed 2 times: each listing counts
    facenet: pairs.txt: `ada` in several folds: thresholds are tested on people they were chosen on
    ");
}

#[test]
fn videos_are_compared_by_frames_or_templates() {
    let scene = Scene::new();
    for (name, person) in [("ada", 1), ("bob", 2)] {
        for (video, frame) in [(0, 1), (0, 2), (1, 1), (1, 2)] {
            scene.image(&format!("db/{name}/{video}/{video}.{frame}.png"), &face(person, 2 * video + frame));
        }
    }
    scene.file("splits.txt", "split, first, second, same\n1, ada/0, ada/1, 1\n1, ada/0, bob/0, 0\n2, bob/0, bob/1, 1\n2, ada/1, bob/1, 0\n");
    let eval = ["eval", "ytf", "--images", "db", "--splits", "splits.txt", "--crop", "none"];
    for compare in ["frames", "template"] {
        let run = scene.run(&[&eval[..], &["--compare", compare, "--json"]].concat()).ended(0);
        assert_eq!((&run.json()["auc"], &run.json()["pairs"]["folds"]), (&1.0.into(), &2.into()));
    }
    let run = scene.run(&[&eval[..], &["--compat", "facenet"]].concat()).ended(2);
    assert!(run.stderr.contains("`--compat facenet` needs pairs of images"), "{}", run.stderr);
    fs_err::remove_dir_all(scene.at("db/bob/1")).unwrap();
    let run = scene.run(&eval).ended(2);
    assert!(run.stderr.contains("1 of 4 videos have no usable frame, `bob/1` first"), "{}", run.stderr);
}

#[test]
fn a_bin_set_is_measured_and_a_hostile_one_is_not_run() {
    let scene = Scene::new();
    let images = [png(1, 0), png(1, 1), png(1, 0), png(2, 0), png(3, 0), png(3, 2), png(4, 0), png(2, 1)];
    scene.file("set.bin", bin(&images, &[true, false, true, false]));
    let run = scene.run(&["eval", "bin", "set.bin", "--json"]).ended(0);
    assert_eq!(run.json()["auc"], 1.0);
    assert_eq!(run.json()["uncertainty"], serde_json::Value::Null);
    scene.file("odd.bin", bin(&images[..3], &[true]));
    let run = scene.run(&["eval", "bin", "odd.bin"]).ended(2);
    assert_eq!(
        run.stderr,
        "error: `odd.bin` holds 3 images and 1 labels, expected two images for each label\n"
    );
    scene.file("evil.bin", b"\x80\x02cos\nsystem\nU\x02ls\x85R.");
    let run = scene.run(&["eval", "bin", "evil.bin"]).ended(2);
    assert!(run.stderr.contains("found pickle code 0x63 at byte 2"), "{}", run.stderr);
    let mut broken = images.clone();
    broken[7] = b"a letter".to_vec();
    scene.file("broken.bin", bin(&broken, &[true, false, true, false]));
    let run = scene.run(&["eval", "bin", "broken.bin"]).ended(2);
    assert!(run.stderr.starts_with("facenet: broken.bin: image 8: "), "{}", run.stderr);
    let run = scene.run(&["eval", "bin", "broken.bin", "--skip-missing", "--json"]);
    assert_eq!(run.json()["pairs"]["skipped"], 1);
}

#[test]
fn holdout_splits_people_and_says_what_it_cannot_measure() {
    let scene = people();
    let eval = ["eval", "holdout", "--images", "faces", "--splits", "2", "--pairing", "all"];
    let run = scene.run(&[&eval[..], &["--out", "report"]].concat()).ended(0);
    // Three people of three faces a split: 36 pairs, 9 of them genuine.
    for line in [
        "protocol        2 splits of people (every face with every other)",
        "VAL @ FAR 1e-2  not measurable: needs 100 impostor pairs a split, found 27",
        "split 2         3 people, 9 faces, 9 genuine, 27 impostor pairs: VAL @ 1e-3 none, EER ",
    ] {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    assert_eq!(scene.names("report"), ["det.svg", "report.json", "roc.svg"]);
    let run = scene.run(&["eval", "holdout", "--images", "faces", "--splits", "9"]).ended(2);
    assert!(run.stderr.contains("`faces` is too small for 9 splits"), "{}", run.stderr);
    let run = scene.run(&["eval", "holdout", "--images", "pairs.txt"]).ended(2);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
}
