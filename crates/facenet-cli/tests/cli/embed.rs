//! `facenet embed`.

use crate::scene::{FILTERS, Scene};

fn two_faces() -> Scene {
    Scene::with_faces(&[("faces/b.png", 1, 0), ("faces/a.png", 2, 0)])
}

fn numbers(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect()
}

#[test]
fn a_line_of_json_a_face_comes_in_the_order_of_names() {
    let run = two_faces().run(&["embed", "faces"]).ended(0);
    let lines = run.json_lines();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["faces/a.png", "faces/b.png"]);
    for line in &lines {
        let embedding = numbers(&line["embedding"]);
        let norm: f32 = embedding.iter().map(|v| v * v).sum();
        assert!(embedding.len() == 128 && (norm - 1.0).abs() < 1e-5, "{norm}");
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn the_keys_of_a_line_are_stable() {
    let run = two_faces().run(&["embed", "faces/a.png"]).ended(0);
    let (start, rest) = run.stdout.split_once("\"embedding\":[").unwrap();
    let end = rest.split_once(']').unwrap().1;
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            format!("{start}\"embedding\":[...]{end}"),
            @r#"{"path":"faces/a.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]},"quality":{"value":[number],"reasons":["blurred"]},"embedding":[...],"model":"[model]"}"#
        );
    });
}

#[test]
fn a_file_of_json_lines_holds_what_would_be_printed() {
    let scene = two_faces();
    let printed = scene.run(&["embed", "faces"]).ended(0).stdout;
    let run = scene.run(&["embed", "faces", "--output", "out.jsonl"]).ended(0);
    assert_eq!(scene.text("out.jsonl"), printed);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("", "facenet: wrote 2 faces of 2 images to out.jsonl\n")
    );
}

#[test]
fn a_numpy_array_has_a_row_a_face_and_a_second_file_names_the_rows() {
    let scene = two_faces();
    let printed = scene.run(&["embed", "faces"]).ended(0).json_lines();
    let run = scene.run(&["embed", "faces", "--output", "out.npy", "--json"]).ended(0);
    assert_eq!(scene.names("."), ["faces", "out.npy", "out.rows.jsonl"]);

    let file = npyz::NpyFile::new(std::io::Cursor::new(fs_err::read(scene.at("out.npy")).unwrap())).unwrap();
    assert_eq!(file.shape(), [2, 128]);
    let values: Vec<f32> = file.into_vec().unwrap();
    let rows = scene.text("out.rows.jsonl");
    let rows: Vec<serde_json::Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    for ((line, row), values) in printed.iter().zip(&rows).zip(values.chunks(128)) {
        assert_eq!((&line["path"], &line["face"]), (&row["path"], &row["face"]));
        assert_eq!(numbers(&line["embedding"]), values);
        assert_eq!(row.get("embedding"), None);
    }
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"output":"out.npy","rows":"out.rows.jsonl","model":"[model]","images":2,"faces":2,"failed":0}"#
        );
    });
}

#[test]
fn quantised_embeddings_are_bytes_of_the_same_direction() {
    let scene = two_faces();
    let floats = scene.run(&["embed", "faces"]).ended(0).json_lines();
    let printed = scene.run(&["embed", "faces", "--quantised"]).ended(0).json_lines();
    scene.run(&["embed", "faces", "--quantised", "--output", "out.npy"]).ended(0);

    let file = npyz::NpyFile::new(std::io::Cursor::new(fs_err::read(scene.at("out.npy")).unwrap())).unwrap();
    assert_eq!(file.shape(), [2, 128]);
    assert_eq!(file.dtype().descr(), "'|i1'");
    let bytes: Vec<i8> = file.into_vec().unwrap();
    for ((float, line), bytes) in floats.iter().zip(&printed).zip(bytes.chunks(128)) {
        let written: Vec<i8> = serde_json::from_value(line["embedding"].clone()).unwrap();
        assert_eq!(written, bytes);
        assert_eq!(bytes.iter().map(|q| q.abs()).max(), Some(127));
        let norm = bytes.iter().map(|q| f32::from(*q).powi(2)).sum::<f32>().sqrt();
        let coordinates = numbers(&float["embedding"]);
        let largest = coordinates.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
        for (value, q) in coordinates.iter().zip(bytes) {
            // Half a step of rounding, and what that does to the norm.
            assert!((value - f32::from(*q) / norm).abs() < largest / 127.0, "{value} as {q}");
        }
    }
}

#[test]
fn bad_images_are_named_and_the_others_are_written() {
    let scene = two_faces();
    scene.file("faces/aa.jpg", "a letter");
    let run = scene.run(&["embed", "faces", "--output", "out.jsonl", "--quiet"]).ended(2);
    assert_eq!(run.stderr, "facenet: faces/aa.jpg: not an image, but text\n");
    assert_eq!(scene.text("out.jsonl").lines().count(), 2);
}

#[test]
fn an_older_output_stays_until_there_is_a_new_one() {
    let scene = two_faces();
    scene.file("out.jsonl", "old");
    scene.file("letter.jpg", "a letter");
    let run = scene.run(&["embed", "letter.jpg", "--output", "out.jsonl"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: letter.jpg: not an image, but text
    error: no face was found, so `out.jsonl` was not written
    ");
    assert_eq!(scene.text("out.jsonl"), "old");
    assert_eq!(scene.names("."), ["faces", "letter.jpg", "out.jsonl"]);

    scene.run(&["embed", "faces", "--output", "out.jsonl"]).ended(0);
    assert_eq!(scene.text("out.jsonl").lines().count(), 2);
}

#[test]
fn an_output_of_another_ending_is_refused_before_the_work() {
    let scene = two_faces();
    for output in ["out.csv", "out"] {
        let run = scene.run(&["embed", "faces", "--output", output]).ended(2);
        assert!(
            run.stderr.starts_with(&format!("error: cannot write `{output}`: expected a name that ends in"))
        );
        assert!(run.stderr.contains("\nhint: "), "{}", run.stderr);
    }
    assert_eq!(scene.names("."), ["faces"]);
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_work() {
    let scene = two_faces();
    for output in ["faces/a.png/out.npy", "nowhere/out.jsonl"] {
        let run = scene.run(&["embed", "faces", "--output", output]).ended(2);
        assert!(
            run.stderr.starts_with(&format!("error: cannot write `{output}`\n  cause: ")),
            "{}",
            run.stderr
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_named() {
    let run = two_faces().run(&["embed", "faces", "--output", "/proc/out.npy"]).ended(2);
    assert!(run.stderr.starts_with("error: cannot write `/proc/out.npy`\n  cause: "), "{}", run.stderr);
}

#[test]
fn each_crop_sees_its_part_of_the_image() {
    let scene = two_faces();
    let width = |crop: &str| {
        let lines = scene.run(&["embed", "faces/a.png", "--crop", crop]).ended(0).json_lines();
        lines[0]["face"]["box"]["width"].as_f64().unwrap()
    };
    assert!((width("center") - 0.512 * 128.0).abs() < 1e-3);
    assert_eq!((width("none"), width("tight")), (112.0, 128.0));
}

#[test]
fn the_number_of_threads_changes_no_number() {
    let scene = two_faces();
    let one = scene.run(&["embed", "faces", "--threads", "1"]).ended(0).json_lines();
    let three = scene.run(&["embed", "faces", "--threads", "3"]).ended(0).json_lines();
    for (one, three) in one.iter().zip(&three) {
        let (one, three) = (numbers(&one["embedding"]), numbers(&three["embedding"]));
        // Sums of a product may be split among threads in another way.
        assert!(one.iter().zip(&three).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let scene = two_faces();
    let command = "\"$0\" embed faces --crop center --model \"$1\" | true; exit ${PIPESTATUS[0]}";
    let status = std::process::Command::new("bash")
        .args(["-c", command, env!("CARGO_BIN_EXE_facenet"), crate::drawn::model_file().to_str().unwrap()])
        .current_dir(scene.at("."))
        .output()
        .unwrap();
    assert_eq!((status.status.code(), String::from_utf8(status.stderr).unwrap().as_str()), (Some(0), ""));
}
