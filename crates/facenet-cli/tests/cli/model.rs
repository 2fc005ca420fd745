//! `facenet model`.

use crate::drawn::model;
use crate::scene::{FILTERS, Scene};

#[test]
fn a_model_is_shown_with_its_thresholds() {
    let run = Scene::new().run(&["model", "show"]).ended(0);
    let filters = [FILTERS[1], (r"[0-9a-f]{64}", "[digest]"), (r"origin .*", "origin [file]")];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(run.stdout, @r"
        model          [model]
        origin [file]
        network        lite: 64 x 64 pixels to 128 numbers
        parameters     1,741,152
        multiply-adds  64,192,512 an image
        weights        sha256 [digest]
        preprocessing  version 1; the middle 0.875 of an aligned crop
        thresholds     distance  false accept rate  calibrated on
                       0.1000    0.1 %              drawn pairs
                       0.2000    1 %                drawn pairs
        ");
    });
}

#[test]
fn a_model_without_thresholds_says_so() {
    let scene = Scene::new();
    model().save(&scene.at("bare.safetensors")).unwrap();
    let run = scene.run_plain(&["model", "show", "--model", "bare.safetensors"]).ended(0);
    assert!(run.stdout.ends_with("thresholds     none calibrated\n"), "{}", run.stdout);
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let scene = Scene::new();
    model().save(&scene.at("m.safetensors")).unwrap();
    let run = scene.run_plain(&["model", "show", "--json", "--model", "m.safetensors"]).ended(0);
    insta::with_settings!({filters => [FILTERS[1], (r"[0-9a-f]{64}", "[digest]")]}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"id":"[model]","origin":"m.safetensors","network":"lite","dimension":128,"weights":"[digest]","preprocessing":{"version":1,"edge_px":64,"field":0.875},"thresholds":[],"parameters":1741152,"multiply_adds":64192512}"#
        );
    });
}

#[test]
fn a_table_has_the_rows_of_the_network_and_their_total() {
    let run = Scene::new().run_plain(&["model", "table", "lite"]).ended(0);
    insta::assert_snapshot!(run.stdout, @r"
    layer           output        parameters  multiply-adds
    input           64x64x3                -              -
    conv1           32x32x32            2.4K           2.5M
    conv2           16x16x64             18K           4.7M
    residual2       16x16x64             74K            19M
    conv3           8x8x128              74K           4.7M
    residual3       8x8x128             295K            19M
    conv4           4x4x192             221K           3.5M
    residual4       4x4x192             664K            11M
    embedding       1x1x128             393K           393K
    total                               1.7M            64M
    ");
}

#[test]
fn without_a_name_every_network_has_a_line() {
    let run = Scene::new().run_plain(&["model", "table"]).ended(0);
    insta::assert_snapshot!("model_tables", run.stdout);

    let lines = Scene::new().run_plain(&["model", "table", "--json", "--dimension", "512"]).ended(0).json();
    let names = lines.as_array().unwrap().iter().map(|line| line["network"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), facenet::network::NAMES);
    assert!(lines.as_array().unwrap().iter().all(|line| line["dimension"] == 512));
}

#[test]
fn the_paper_s_network_is_printed_as_its_table() {
    insta::assert_snapshot!(
        "model_table_nn2",
        Scene::new().run_plain(&["model", "table", "nn2"]).ended(0).stdout
    );
}

#[test]
fn the_exact_numbers_of_a_table_add_up() {
    for network in facenet::network::NAMES {
        let table = Scene::new()
            .run_plain(&["model", "table", network, "--dimension", "64", "--json"])
            .ended(0)
            .json();
        for number in ["parameters", "multiply_adds"] {
            let rows = table["rows"].as_array().unwrap().iter();
            let sum: u64 = rows.map(|row| row[number].as_u64().unwrap()).sum();
            assert_eq!(table[number], sum, "{number} of {network}");
        }
        let last = table["rows"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["layer"], &last["output"]), (&"embedding".into(), &serde_json::json!([1, 1, 64])));
    }
}

#[test]
fn a_network_that_is_not_known_is_refused_with_those_there_are() {
    let run = Scene::new().run_plain(&["model", "table", "nn9"]).ended(2);
    assert!(
        run.stderr.contains("invalid value 'nn9'")
            && run.stderr.contains("lite, lite-neck, lite-neck-96, nn1"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_that_is_no_model_is_named() {
    let scene = Scene::with_faces(&[("a.png", 1, 0)]);
    scene.file("letter.safetensors", "a letter");
    scene.file("empty.safetensors", "");
    for model in ["letter.safetensors", "empty.safetensors"] {
        let run = scene.run_plain(&["embed", "a.png", "--model", model]).ended(2);
        let expected = format!("error: `{model}` is not a safetensors file, or it is damaged");
        assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
    }
    let run = scene.run_plain(&["embed", "a.png", "--model", "gone.safetensors"]).ended(2);
    assert!(
        run.stderr.starts_with("error: cannot read the model `gone.safetensors`\n  cause: "),
        "{}",
        run.stderr
    );
}
