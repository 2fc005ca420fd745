//! `facenet model import` and `model export`.

use std::path::PathBuf;

use crate::scene::{FILTERS, Scene};

/// A folder with two faces, and our drawn model as `ours.onnx`.
fn scene() -> Scene {
    let scene = Scene::with_faces(&[("a.png", 1, 0), ("b.png", 2, 0)]);
    scene.run(&["model", "export", "ours.onnx"]).ended(0);
    scene
}

fn imported() -> Scene {
    let scene = scene();
    let import = ["model", "import", "ours.onnx", "--as", "embedder", "-o", "m.safetensors"];
    scene.run_plain(&import).ended(0);
    scene
}

fn embeddings(scene: &Scene, args: &[&str]) -> Vec<Vec<f64>> {
    let lines = scene
        .run_plain(&[&["embed", "a.png", "b.png", "--crop", "none"], args].concat())
        .ended(0)
        .json_lines();
    let numbers = |line: &serde_json::Value| {
        line["embedding"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    lines.iter().map(numbers).collect()
}

#[test]
fn a_model_that_was_exported_and_imported_embeds_as_before() {
    let scene = imported();
    let expected = embeddings(&scene, &["--model", crate::drawn::model_file().to_str().unwrap()]);
    let found = embeddings(&scene, &["--model", "m.safetensors"]);
    assert_eq!((found.len(), found[0].len()), (2, 128));
    for (a, b) in expected.iter().flatten().zip(found.iter().flatten()) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn an_import_says_what_it_found_under_which_terms() {
    let scene = scene();
    let import = ["model", "import", "ours.onnx", "--as", "embedder", "-o", "m.safetensors"];
    let run = scene.run_plain(&[&import[..], &["--name", "mine", "--licence", "CC0"]].concat()).ended(0);
    let filters = [(r"[0-9a-f]{64}", "[digest]"), (r"@[0-9a-f]{8}-128-[0-9a-f]{12}", "@[id]")];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(run.stdout, @r"
        model    mine@[id]
        kind     embedder
        network  ours.onnx: `image` [any, 3, 64, 64] to `embedding` [any, 128]; 1,742,464 weights
                 sha256 [digest]
        licence  CC0
        ");
        let shown = scene.run_plain(&["model", "show", "--model", "m.safetensors"]).ended(0);
        insta::assert_snapshot!(shown.stdout, @r#"
        model          mine@[id]
        origin         m.safetensors
        network        mine@71b9acdc: 64 x 64 pixels to 128 numbers
        parameters     1,742,464
        licence        CC0
        weights        sha256 [digest]
        preprocessing  version 1; the middle 0.875 of an aligned crop
        thresholds     none calibrated
        "#);
    });
}

#[test]
fn an_import_without_terms_says_so() {
    let scene = scene();
    let import = ["model", "import", "ours.onnx", "--as", "embedder", "-o", "m.safetensors", "--json"];
    let told = scene.run_plain(&import).ended(0).json();
    assert!(told["licence"].is_null());
    assert_eq!(told["networks"][0]["parameters"], 1_742_464);
    let text = scene.run_plain(&["model", "show", "--model", "m.safetensors"]).ended(0).stdout;
    assert!(text.contains("licence        none stated"), "{text}");
}

#[test]
fn a_manifest_of_one_s_own_extends_a_preset() {
    let scene = scene();
    scene.file("m.toml", "extends = \"arcface\"\nname = \"small\"\n[input]\nsize = [64, 64]\n");
    let import =
        ["model", "import", "ours.onnx", "--as", "embedder", "--manifest", "m.toml", "-o", "m.safetensors"];
    assert!(scene.run_plain(&import).ended(0).stdout.starts_with("model    small@"));
}

#[test]
fn what_does_not_fit_is_told_with_both_sides() {
    let scene = scene();
    scene.file("letter.onnx", "a letter");
    scene.file("loop.toml", "extends = \"loop.toml\"");
    let error = |file: &str, args: &[&str]| {
        let import = [&["model", "import", file, "-o", "m.safetensors"], args].concat();
        scene.run_plain(&import).ended(2).stderr
    };
    insta::assert_snapshot!(error("ours.onnx", &["--as", "embedder", "--preset", "arcface"]), @r"
    error: cannot import `ours.onnx`
      cause: the network reads `image` [any, 3, 64, 64], but the manifest gives it [any, 3, 112, 112]
    ");
    insta::assert_snapshot!(error("ours.onnx", &["--as", "detector", "--preset", "yunet"]), @r#"
    error: cannot import `ours.onnx`
      cause: the networks do not detect as their manifest says
      cause: the network has no output `cls_8`; it has `embedding`
    "#);
    insta::assert_snapshot!(error("ours.onnx", &["--as", "detector", "--preset", "mtcnn"]), @r#"
    error: cannot import `ours.onnx`
      cause: 1 ONNX files were given, but the manifest describes 3
    "#);
    insta::assert_snapshot!(error("ours.onnx", &["--as", "detector"]), @r#"error: the manifest `lite` describes the kind `embedder`, expected `detector`"#);
    insta::assert_snapshot!(error("letter.onnx", &["--as", "embedder", "--preset", "sface"]), @r#"error: `letter.onnx` is not an ONNX file, or it is damaged: a field claims 8 bytes, but 7 are left"#);
    insta::assert_snapshot!(error("ours.onnx", &["--as", "embedder", "--manifest", "loop.toml"]), @r#"error: the manifests extend each other without end: loop.toml -> loop.toml"#);
    insta::assert_snapshot!(error("ours.onnx", &["--as", "embedder", "--name", "my own"]), @r#"error: the manifest `with these options` cannot be used: the name `my own` is not 1 to 64 letters, digits, `.`, `_` and `-`"#);
    assert!(!scene.at("m.safetensors").exists());
}

#[test]
fn an_onnx_file_without_a_manifest_asks_for_one() {
    let scene = scene();
    // Without its properties the file is anybody's.
    let bytes = std::fs::read(scene.at("ours.onnx")).unwrap();
    let at = bytes.windows(16).position(|window| window == b"facenet.manifest").unwrap();
    let mut other = bytes.clone();
    other[at..at + 16].copy_from_slice(b"somebodys.notice");
    scene.file("other.onnx", other);
    let run = scene.run_plain(&["model", "import", "other.onnx", "--as", "embedder", "-o", "m"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r#"
    error: nothing says how pixels become the input of `other.onnx`

    hint: give `--preset` with one of arcface, sface, facenet, dlib, yunet, scrfd, retinaface, ultraface, mtcnn, or `--manifest`
    "#);
}

#[test]
fn an_onnx_file_is_no_model_and_is_told_how_to_become_one() {
    let run = scene().run_plain(&["embed", "a.png", "--model", "ours.onnx"]).ended(2);
    assert!(run.stderr.contains("an ONNX file is no model yet"), "{}", run.stderr);
    assert!(run.stderr.contains("\nhint: `facenet model import` makes it one\n"), "{}", run.stderr);
}

#[test]
fn embeddings_of_an_imported_model_are_not_those_of_ours() {
    let scene = imported();
    let contract = |model: &str| {
        let shown = scene.run_plain(&["model", "show", "--json", "--model", model]).ended(0).json();
        shown["id"].as_str().unwrap().to_owned()
    };
    assert_ne!(contract("m.safetensors"), contract(crate::drawn::model_file().to_str().unwrap()));
}

#[test]
fn an_imported_model_is_calibrated_and_verifies() {
    let scene = imported();
    for person in 1..=8 {
        for take in 0..3 {
            scene.image(&format!("people/p{person}/{take}.png"), &crate::drawn::face(person, take));
        }
    }
    let calibrate = ["calibrate", "m.safetensors", "--images", "people", "--far", "0.1", "--bootstrap", "0"];
    scene.run_plain(&calibrate).ended(0);
    let verify = |other: &str, code| {
        let verify = ["verify", "people/p1/0.png", other, "--crop", "none", "--far", "0.1"];
        scene.run_plain(&[&verify[..], &["--model", "m.safetensors"]].concat()).ended(code).stdout
    };
    assert!(verify("people/p1/1.png", 0).starts_with("same person"));
    verify("people/p2/0.png", 1);
}

#[test]
fn an_imported_model_is_not_exported_again() {
    let run = imported().run_plain(&["model", "export", "b.onnx", "--model", "m.safetensors"]).ended(2);
    assert!(run.stderr.contains("it is an ONNX file already"), "{}", run.stderr);
}

#[test]
fn a_detector_that_was_exported_and_imported_finds_the_same_face() {
    let scene = Scene::new();
    scene.portrait("eileen-collins-1.jpg", "a.jpg");
    scene.run_plain(&["model", "export", "d.onnx", "--as", "detector"]).ended(0);
    scene.run_plain(&["model", "import", "d.onnx", "--as", "detector", "-o", "d.safetensors"]).ended(0);
    let face = |args: &[&str]| {
        let photo = scene.run_plain(&[&["detect", "a.jpg", "--json"], args].concat()).ended(0).json();
        assert_eq!(photo["faces"].as_array().unwrap().len(), 1, "{args:?}");
        let number = |key: &str| photo["faces"][0]["face"]["box"][key].as_f64().unwrap();
        ["x", "y", "width", "height"].map(number)
    };
    let (expected, found) = (face(&[]), face(&["--detector", "d.safetensors"]));
    // It looks at the photo at one scale, the program at several, so edges may differ by a tenth of the face.
    for (a, b) in expected.iter().zip(found) {
        assert!((a - b).abs() < 0.1 * expected[2], "{expected:?} and {found:?}");
    }
}

#[test]
fn what_is_exported_and_what_is_named_must_agree() {
    let scene = Scene::new();
    let run = scene.run(&["model", "export", "d.onnx", "--as", "detector"]).ended(2);
    assert!(run.stderr.contains("name its file by `--detector`"), "{}", run.stderr);
    let run = scene.run_plain(&["model", "export", "d.onnx", "--detector", "x"]).ended(2);
    assert!(run.stderr.contains("add `--as detector`"), "{}", run.stderr);
}

#[test]
fn an_export_tells_what_it_wrote() {
    let run = Scene::new().run(&["model", "export", "ours.onnx", "--json"]).ended(0);
    insta::with_settings!({filters => [FILTERS[1], (r#""bytes":\d+"#, r#""bytes":[number]"#)]}, {
        insta::assert_snapshot!(run.stdout, @r#"{"model":"[model]","file":"ours.onnx","bytes":[number],"opset":17,"input":"image","output":"embedding"}"#);
    });
}

/// Foreign weights are not part of this repository; where they lie is told by an environment variable.
fn foreign(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    path
}

/// `model/fr_feature.onnx` of the npm package `faceplugin-face-recognition-js` 0.0.1.
#[test]
fn a_foreign_embedder_tells_drawn_faces_apart() {
    let Some(file) = foreign("FACENET_TEST_EMBEDDER_ONNX") else { return };
    let scene = Scene::with_faces(&[("a.png", 1, 0), ("b.png", 1, 1), ("c.png", 2, 0)]);
    let (file, terms) = (file.to_str().unwrap(), ["--preset", "arcface", "--licence", "MIT"]);
    let import = [&["model", "import", file, "--as", "embedder", "-o", "m.safetensors"], &terms[..]].concat();
    let run = scene.run_plain(&import).ended(0);
    assert!(run.stdout.contains("-512-87aacdfe5751\n"), "{}", run.stdout);
    let distance = |other| {
        let verify =
            ["verify", "a.png", other, "--crop", "none", "--threshold", "1", "--model", "m.safetensors"];
        let run = scene.run_plain(&[&verify[..], &["--json"]].concat());
        run.json()["distance"].as_f64().unwrap()
    };
    assert!(distance("b.png") < distance("c.png"));
}
