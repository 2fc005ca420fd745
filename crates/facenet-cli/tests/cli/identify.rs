//! `facenet identify`.

use crate::scene::{FILTERS, Scene};

fn scene() -> Scene {
    Scene::with_faces(&[
        ("people/Ada/1.png", 1, 0),
        ("people/Ada/2.png", 1, 9),
        ("people/Bob/1.png", 2, 0),
        ("people/Cyd/1.png", 3, 0),
        ("ada.png", 1, 0),
        ("stranger.png", 7, 0),
    ])
}

#[test]
fn a_known_face_has_a_name_and_the_exit_code_zero() {
    let run = scene().run(&["identify", "ada.png", "--gallery", "people", "-k", "2"]).ended(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "ada.png: Ada");
    assert_eq!(lines[1], "  1. 0.000 within  Ada  people/Ada/1.png");
    assert!(lines[2].starts_with("  2. ") && lines[2].contains(" beyond  "), "{}", lines[2]);
    assert_eq!(lines.len(), 3, "two people of three, and Ada once");
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(run.stderr, @r"
        facenet: the gallery has 4 faces of 3 people
        facenet: the threshold is [number] (false accept rate [number] % on drawn pairs)
        ");
    });
}

#[test]
fn one_stranger_among_the_probes_makes_it_one() {
    let run = scene().run(&["identify", "ada.png", "stranger.png", "--gallery", "people", "--json"]).ended(1);
    let answers = run.json_lines();
    let people: Vec<_> = answers.iter().map(|answer| answer["person"].as_str()).collect();
    assert_eq!(people, [Some("Ada"), None]);
    assert_eq!(answers[1]["nearest"].as_array().unwrap().len(), 3);
    scene().run(&["identify", "ada.png", "stranger.png", "--gallery", "people", "--threshold", "4"]).ended(0);
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let run = scene().run(&["identify", "ada.png", "--gallery", "people", "--json", "-k", "1"]).ended(0);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"path":"ada.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]},"person":"Ada","nearest":[{"person":"Ada","distance":[number],"cosine":[number],"image":"people/Ada/1.png"}],"threshold":{"distance":[number],"false_accept_rate":[number],"data":"drawn pairs"},"model":"[model]"}"#
        );
    });
}

#[test]
fn what_is_no_face_of_a_person_is_told_and_the_rest_is_searched() {
    let scene = scene();
    scene.image("people/stray.png", &crate::drawn::face(4, 0));
    scene.file("people/Void/notes.txt", "nobody");
    scene.file("people/Bob/2.jpg", "a letter");
    let run = scene.run(&["identify", "ada.png", "--gallery", "people"]).ended(2);
    assert!(run.stdout.starts_with("ada.png: Ada\n"), "{}", run.stdout);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(run.stderr, @r"
        facenet: people/stray.png: left out, it lies in no person's folder
        facenet: people/Void: left out, the folder holds no image
        facenet: people/Bob/2.jpg: not an image, but text
        facenet: the gallery has 4 faces of 3 people
        facenet: the threshold is [number] (false accept rate [number] % on drawn pairs)
        ");
    });
}

#[test]
fn a_folder_that_is_no_gallery_is_an_error_with_a_hint() {
    let scene = scene();
    scene.file("flat/1.jpg", "");
    let run = scene.run(&["identify", "ada.png", "--gallery", "flat"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: the gallery `flat` holds no images of people: expected a folder for each person

    hint: put images where the person's name is the folder's, as in `flat/Anna/photo.jpg`
    ");
    let run = scene.run(&["identify", "ada.png", "--gallery", "nowhere"]).ended(2);
    assert!(run.stderr.starts_with("error: cannot read the gallery `nowhere`\n  cause: "), "{}", run.stderr);
}

#[test]
fn a_gallery_without_a_usable_face_is_an_error() {
    let scene = scene();
    scene.file("broken/Ada/1.jpg", "a letter");
    let run = scene.run(&["identify", "ada.png", "--gallery", "broken", "--quiet"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: broken/Ada/1.jpg: not an image, but text
    error: the gallery `broken` holds no face that can be used
    ");
}

#[test]
fn a_probe_that_cannot_be_used_is_an_error_and_not_nobody() {
    let run =
        scene().run(&["identify", "gone.png", "stranger.png", "--gallery", "people", "--quiet"]).ended(2);
    assert_eq!(
        run.stderr,
        "facenet: gone.png: the file cannot be read: No such file or directory (os error 2)\n"
    );
    assert!(run.stdout.starts_with("stranger.png: nobody\n"), "{}", run.stdout);
}
