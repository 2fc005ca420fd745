//! `facenet bench`.

use crate::scene::{FILTERS, Scene};

#[test]
fn every_rate_is_above_zero_and_the_keys_are_stable() {
    let scene = Scene::with_faces(&[("a.png", 1, 0), ("b.png", 2, 0)]);
    let run = scene.run(&["bench", "a.png", "b.png", "--threads", "2", "--json"]).ended(0);
    for measure in run.json()["measures"].as_array().unwrap() {
        assert!(
            measure["one_thread"].as_f64().unwrap() > 0.0 && measure["all_threads"].as_f64().unwrap() > 0.0
        );
    }
    let filters =
        [FILTERS[0], FILTERS[1], (r#""peak_memory_bytes":(\d+|null)"#, r#""peak_memory_bytes":[bytes]"#)];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"model":"[model]","threads":2,"measures":[{"name":"embed","batch":1,"one_thread":[number],"all_threads":[number]},{"name":"embed","batch":32,"one_thread":[number],"all_threads":[number]},{"name":"decode","batch":2,"one_thread":[number],"all_threads":[number]},{"name":"detect","batch":2,"one_thread":[number],"all_threads":[number]},{"name":"align","batch":2,"one_thread":[number],"all_threads":[number]},{"name":"end to end","batch":2,"one_thread":[number],"all_threads":[number]}],"photos":{"count":2,"pixels":32768},"peak_memory_bytes":[bytes]}"#
        );
    });
}

#[test]
fn the_table_has_a_line_a_measure() {
    let run = Scene::new().run(&["bench", "--threads", "1"]).ended(0);
    let names: Vec<_> = run.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names[..4], ["model", "images/s", "embed", "embed"]);
}

#[test]
fn images_that_cannot_be_used_are_named() {
    let scene = Scene::with_faces(&[("a.png", 1, 0)]);
    scene.file("b.jpg", "a letter");
    let run = scene.run(&["bench", "a.png", "b.jpg", "--quiet"]).ended(2);
    assert_eq!(run.stderr, "facenet: b.jpg: not an image, but text\n");
    assert!(run.stdout.contains("decode "), "{}", run.stdout);
}
