//! `facenet cluster`.

use crate::scene::{FILTERS, Scene};

fn heap() -> Scene {
    Scene::with_faces(&[
        ("heap/1.png", 1, 0),
        ("heap/2.png", 2, 0),
        ("heap/3.png", 1, 0),
        ("heap/4.png", 3, 0),
        ("heap/5.png", 2, 0),
        ("heap/6.png", 2, 0),
    ])
}

const GROUPS: &str = "person-001\theap/2.png\nperson-001\theap/5.png\nperson-001\theap/6.png\n\
                      person-002\theap/1.png\nperson-002\theap/3.png\nalone\theap/4.png\n";

#[test]
fn a_line_a_face_comes_person_by_person() {
    let run = heap().run(&["cluster", "heap"]).ended(0);
    assert_eq!(run.stdout, GROUPS);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            run.stderr,
            @"facenet: 6 faces: 2 people, 1 alone; the threshold is [number] (false accept rate [number] % on drawn pairs)"
        );
    });
}

#[test]
fn every_linkage_finds_people_that_are_clearly_apart() {
    for linkage in ["average", "complete", "single", "ward"] {
        let run = heap().run(&["cluster", "heap", "--linkage", linkage]).ended(0);
        assert_eq!(run.stdout, GROUPS, "{linkage}");
    }
    let run = heap().run(&["cluster", "heap", "--linkage", "median"]).ended(2);
    assert!(run.stderr.contains("`median` is no linkage"), "{}", run.stderr);
}

#[test]
fn the_largest_threshold_joins_everybody() {
    let run = heap().run(&["cluster", "heap", "--threshold", "4", "--quiet"]).ended(0);
    assert_eq!((run.stdout.matches("person-001").count(), run.stderr.as_str()), (6, ""));
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let run = heap().run(&["cluster", "heap/1.png", "heap/3.png", "heap/4.png", "--json"]).ended(0);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"model":"[model]","threshold":{"distance":[number],"false_accept_rate":[number],"data":"drawn pairs"},"linkage":"average","people":[{"name":"person-001","faces":[{"path":"heap/1.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]},"mean_distance":[number],"doubtful":false},{"path":"heap/3.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]},"mean_distance":[number],"doubtful":false}]}],"alone":[{"path":"heap/4.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]},"mean_distance":null,"doubtful":false}],"questions":[]}"#
        );
    });
}

#[test]
fn folders_and_a_page_replace_the_printed_table() {
    let scene = heap();
    let run = scene.run(&["cluster", "heap", "--output", "new/sorted", "--html", "new/page.html"]).ended(0);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr.ends_with("facenet: wrote new/sorted\nfacenet: wrote new/page.html\n"),
        "{}",
        run.stderr
    );
    assert_eq!(scene.names("new"), ["page.html", "sorted"]);
    assert_eq!(scene.names("new/sorted"), ["alone", "person-001", "person-002"]);
    assert_eq!(scene.names("new/sorted/person-001"), ["2.png", "5.png", "6.png"]);
    assert_eq!(scene.names("heap").len(), 6, "photos are copied");

    let page = scene.text("new/page.html");
    assert_eq!(page.matches("<img src=\"data:image/jpeg;base64,").count(), 6);
    assert!(page.contains("drawn pairs") && page.contains("Person 2"));
}

#[test]
fn json_is_printed_beside_a_page() {
    let scene = heap();
    let run = scene.run(&["cluster", "heap", "--html", "page.html", "--json", "--quiet"]).ended(0);
    assert_eq!(run.json()["people"].as_array().unwrap().len(), 2);
    assert!(scene.at("page.html").is_file());
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_work() {
    let scene = heap();
    scene.file("album/mine.txt", "");
    for (option, output, reason) in [
        ("--output", "album", "exists and is not an empty folder"),
        ("--output", "album/mine.txt/sorted", "cannot write"),
        ("--html", "album/mine.txt/page.html", "cannot write"),
        ("--html", "album", "it is a folder"),
    ] {
        // A file that is no image would be named if the work had begun.
        let run = scene.run(&["cluster", "album/mine.txt", option, output]).ended(2);
        let told =
            run.stderr.starts_with("error: ") && run.stderr.contains(output) && run.stderr.contains(reason);
        assert!(told, "{option} {output}:\n{}", run.stderr);
    }
    assert_eq!(scene.names("album"), ["mine.txt"]);
}

#[test]
fn bad_images_are_named_and_the_others_are_clustered() {
    let scene = heap();
    scene.file("heap/0.jpg", "a letter");
    let run = scene.run(&["cluster", "heap", "--quiet"]).ended(2);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        (GROUPS, "facenet: heap/0.jpg: not an image, but text\n")
    );
}

#[test]
fn what_is_known_binds() {
    let scene = heap();
    scene.file("known.tsv", "different\theap/2.png\theap/5.png\nsame\theap/1.png\theap/4.png\n");
    for linkage in ["average", "complete"] {
        let run = scene.run(&["cluster", "heap", "--known", "known.tsv", "--linkage", linkage]).ended(0);
        let group = |photo: &str| {
            let line = run.stdout.lines().find(|line| line.contains(photo)).unwrap();
            line.split('\t').next().unwrap().to_owned()
        };
        assert_ne!(group("2.png"), group("5.png"), "{linkage}");
        assert_eq!(group("1.png"), group("4.png"), "{linkage}");
    }
    scene.file("known.tsv", "different\theap/1.png\theap/3.png\nsame\theap/3.png\theap/1.png\n");
    let run = scene.run(&["cluster", "heap", "--known", "known.tsv"]).ended(2);
    assert!(run.stderr.contains("told to be two people, but also one person"), "{}", run.stderr);
}

#[test]
fn embeddings_are_grouped_as_their_photos() {
    let scene = heap();
    scene.run(&["embed", "heap", "--output", "faces.npy"]).ended(0);
    let run = scene.run(&["cluster", "--embeddings", "faces.npy"]).ended(0);
    assert_eq!(run.stdout, GROUPS);
    fs_err::remove_file(scene.at("faces.rows.jsonl")).unwrap();
    let run = scene.run(&["cluster", "--embeddings", "faces.npy"]).ended(0);
    assert!(run.stdout.starts_with("person-001\t2\n"), "{}", run.stdout);
    scene.run(&["cluster", "heap", "--embeddings", "faces.npy"]).ended(2);
}

#[test]
fn a_share_of_wrong_pairs_needs_a_curve_and_a_share_that_was_measured() {
    let run = heap().run(&["cluster", "heap", "--wrong-pairs", "3%"]).ended(2);
    assert!(run.stderr.contains("expected one of 1%, 2%, 5%, 10%"), "{}", run.stderr);
}
