//! What is kept of photos that were looked at.

use std::time::{Duration, SystemTime};

use crate::scene::{Run, Scene};

/// Three photos that were last changed a while ago, and one that is none.
fn photos() -> Scene {
    let scene = Scene::with_faces(&[("in/1.png", 1, 0), ("in/2.png", 2, 0), ("in/3.png", 1, 5)]);
    scene.file("in/4.png", "no image");
    for name in scene.names("in") {
        let file = std::fs::File::options().append(true).open(scene.at("in").join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
    }
    scene
}

fn embed(scene: &Scene) -> Run {
    scene.run(&["embed", "in", "--cache", "kept"])
}

#[test]
fn a_second_run_gives_the_same_and_does_not_open_the_photos() {
    let scene = photos();
    let first = embed(&scene).ended(2);
    assert_eq!(first.json_lines().len(), 3);
    // The same size and time, and no image any more: only a cache can still tell its face.
    let path = scene.at("in/2.png");
    let (length, time) = {
        let metadata = fs_err::metadata(&path).unwrap();
        (metadata.len() as usize, metadata.modified().unwrap())
    };
    scene.file("in/2.png", vec![0; length]);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    let second = embed(&scene).ended(2);
    assert_eq!((second.stdout, second.stderr), (first.stdout, first.stderr));
}

#[test]
fn a_photo_that_was_changed_is_looked_at_again_and_one_that_was_moved_is_not() {
    let scene = photos();
    let before = embed(&scene).ended(2).json_lines();
    let bytes = fs_err::read(scene.at("in/1.png")).unwrap();
    scene.file("in/9.png", bytes); // the content of 1
    scene.image("in/1.png", &crate::drawn::face(3, 0));
    let after = embed(&scene).ended(2).json_lines();
    assert_ne!(after[0]["embedding"], before[0]["embedding"]);
    assert_eq!(after[3]["embedding"], before[0]["embedding"]);
    let lines = |folder: &str| {
        let faces = scene.names(folder).into_iter().find(|name| name.starts_with("faces-")).unwrap();
        scene.text(&format!("{folder}/{faces}")).lines().count()
    };
    assert_eq!(lines("kept"), 4); // the contents of 1, 2 and 3, and the new one
}

#[test]
fn another_way_to_look_has_entries_of_its_own() {
    let scene = photos();
    let center = embed(&scene).json_lines();
    let tight = scene.run(&["embed", "in", "--cache", "kept", "--crop", "tight"]).json_lines();
    assert_ne!(center[0]["embedding"], tight[0]["embedding"]);
    assert_eq!(scene.names("kept").len(), 3); // two of faces, one of files
}

#[test]
fn pictures_of_a_page_are_cut_from_the_photos_again() {
    let scene = photos();
    let page = |name: &str| {
        scene.run(&["cluster", "in", "--cache", "kept", "--html", name]).ended(2);
        scene.text(name)
    };
    assert_eq!(page("first.html"), page("second.html"));
}

#[test]
fn a_cache_is_shown_cleared_and_turned_off() {
    let scene = photos();
    embed(&scene);
    scene.file("kept/mine.txt", "not of the cache");
    let shown = || scene.run_plain(&["cache", "show", "--cache", "kept", "--json"]).ended(0).json();
    assert_eq!(shown()["files"], 2);
    scene.run_plain(&["cache", "clear", "--cache", "kept"]).ended(0);
    assert_eq!((&shown()["files"], &shown()["bytes"]), (&0.into(), &0.into()));
    assert_eq!(scene.names("kept"), ["mine.txt"]);

    scene.run(&["embed", "in", "--cache", "off"]).ended(2);
    assert!(!scene.at("off").exists());
    let run = scene.run_plain(&["cache", "show"]).ended(2); // off for all tests
    assert_eq!(run.stderr, "error: there is no cache: it is off\n");
}

#[test]
fn a_cache_that_cannot_be_made_says_what_to_do() {
    let scene = photos();
    let run = scene.run(&["embed", "in", "--cache", "in/1.png"]).ended(2);
    assert!(
        run.stderr.contains("hint: name another with `--cache DIR`, or none with `--cache off`"),
        "{}",
        run.stderr
    );
}
