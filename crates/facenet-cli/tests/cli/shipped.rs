//! The model that comes with the program.

use crate::scene::Scene;

#[test]
fn without_a_model_file_the_shipped_model_is_used() {
    let scene = Scene::with_faces(&[("a.png", 1, 0), ("b.png", 1, 0)]);
    let shown = scene.run_plain(&["model", "show", "--json"]).ended(0).json();
    assert_eq!(shown["origin"], "`small`, shipped with the program");
    let verdict = scene.run_plain(&["verify", "a.png", "b.png", "--json"]).ended(0).json();
    assert_eq!((&verdict["model"], &verdict["distance"]), (&shown["id"], &0.0.into()));
}

#[test]
fn a_model_that_ships_goes_by_its_name_and_a_file_by_its_path() {
    let scene = Scene::with_faces(&[("a.png", 1, 0)]);
    let id = |model: &str| {
        let shown = scene.run_plain(&["model", "show", "--json", "--model", model]).ended(0).json();
        shown["id"].as_str().unwrap().to_owned()
    };
    let names = ["small", "base"].map(id);
    assert_ne!(names[0], names[1]);
    crate::drawn::model().save(&scene.at("base")).unwrap();
    assert_eq!(id("base"), names[1], "the name wins");
    assert_eq!(id("./base"), crate::drawn::model().contract().id());
    let error = scene.run_plain(&["model", "show", "--model", "large"]).ended(2).stderr;
    assert!(error.contains("no model that ships is named `large`; there are `small` and `base`"), "{error}");
}

#[test]
fn the_shipped_model_has_a_threshold_for_every_default() {
    let scene = Scene::with_faces(&[("people/Ada/1.png", 1, 0)]);
    scene.run_plain(&["cluster", "people"]).ended(0);
    scene.run_plain(&["identify", "people/Ada/1.png", "--gallery", "people"]).ended(0);
}
