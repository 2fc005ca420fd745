//! `facenet experiment`, of images: table and plot, and going on after a stop.

use crate::drawn::face;
use crate::scene::{Run, Scene};

/// Eight people with three faces each, and a config of three cells.
fn scene(axes: &str) -> Scene {
    let scene = Scene::new();
    for person in 1..=8u8 {
        for take in 1..=3u8 {
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &face(person, take));
        }
    }
    scene.file("pairs.txt", "2 1\np1 1 2\np1 1 p2 1\np3 1 2\np3 2 p4 1\n");
    let measure = "[measure]\nimages = \"faces\"\npairs = \"pairs.txt\"\nsplits = 2\n";
    scene.file("test.toml", format!("fars = [1e-1]\n{measure}{axes}"));
    scene
}

const JPEG: &str = "[image]\njpeg = [10, 90]\npixels = [1600]\n";

fn experiment(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["experiment", "test.toml", "--out", "found"], more].concat())
}

#[test]
fn an_experiment_writes_its_table_in_three_forms_and_its_plot_in_two() {
    let scene = scene(JPEG);
    let run = experiment(&scene, &[]).ended(0);
    assert_eq!(
        scene.names("found"),
        ["cells", "plot.png", "plot.svg", "table.csv", "table.json", "table.md"]
    );
    assert_eq!(scene.names("found/cells"), ["1-600-pixels.json", "jpeg-10.json", "jpeg-90.json"]);
    let rows: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(rows[0], "| image | VAL @ FAR 1e-1 | EER | accuracy | paper: VAL @ FAR 1e-3 |");
    // Three of ours, then the eight of the paper's eleven that are beside none of them.
    assert_eq!(rows.len(), 2 + 3 + 8);
    assert!(rows[2].starts_with("| JPEG 10 | ") && rows[2].ends_with(" | 67.3 % |"), "{}", rows[2]);
    assert!(rows[12].starts_with("| 65,536 pixels | – | – | – | 86.4 % |"), "{}", rows[12]);
    assert!(scene.text("found/table.md").contains(&run.stdout), "the page holds the table");
    let json = experiment(&scene, &["--json"]).ended(0).json();
    assert_eq!((&json["kind"], json["rows"].as_array().unwrap().len()), (&"image".into(), 11));
    assert_eq!(scene.text("found/table.csv").lines().count(), 12);
}

#[test]
fn finished_cells_are_not_measured_again_and_the_table_is_the_same() {
    let scene = scene(JPEG);
    let whole = experiment(&scene, &[]).ended(0).stdout;
    fs_err::remove_file(scene.at("found/cells/jpeg-90.json")).unwrap();
    // A cell that says what no face can: it is taken up as it is.
    let path = "found/cells/jpeg-10.json";
    let text = scene.text(path);
    let mut cell: serde_json::Value = serde_json::from_str(&text).unwrap();
    cell["figures"]["accuracy"]["mean"] = 0.123.into();
    scene.file(path, cell.to_string());
    let run = experiment(&scene, &[]).ended(0);
    assert_eq!(
        run.stderr,
        "facenet: 2 of 3 cells are finished\nfacenet: 2 of 3: JPEG 90\nfacenet: wrote the table and the plot to found\n"
    );
    assert!(run.stdout.contains("12.3 %"), "{}", run.stdout);
    scene.file(path, text);
    let run = experiment(&scene, &[]).ended(0);
    assert_eq!(run.stdout, whole);
    assert!(run.stderr.starts_with("facenet: 3 of 3 cells are finished\nfacenet: wrote"), "{}", run.stderr);
}

#[test]
fn cells_of_other_data_or_settings_are_refused_before_any_work() {
    let scene = scene(JPEG);
    experiment(&scene, &[]).ended(0);
    scene.image("faces/p1/p1_0004.png", &face(1, 4));
    let run = experiment(&scene, &[]).ended(2);
    assert!(
        run.stderr.starts_with("error: the cell `JPEG 10` in `found/cells/jpeg-10.json` was"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("hint: choose another folder with `--out`"), "{}", run.stderr);
}

#[test]
fn one_side_of_a_pair_is_moved_and_a_face_that_stays_is_0_from_itself() {
    let scene = scene("[invariance]\nshift_right = [0, 0.2]\nshift_down = []\nturn = [30]\nscale = [1]\n");
    let json = experiment(&scene, &["--json"]).ended(0).json();
    let itself: Vec<(String, f64)> = json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap().into(), row["figures"]["facts"][0].as_f64().unwrap()))
        .collect();
    assert_eq!(
        itself.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["right 0", "right +0.2", "turned +30°", "scale 1"]
    );
    assert_eq!((itself[0].1, itself[3].1), (0.0, 0.0));
    assert!(itself[1].1 > 0.0 && itself[2].1 > 0.0, "{itself:?}");
}

#[test]
fn a_config_that_asks_for_nothing_or_is_not_there_is_an_error() {
    let run = experiment(&scene(""), &[]).ended(2);
    assert!(
        run.stderr.starts_with("error: cannot use the config `test.toml`\n  cause: found 0 of the tables"),
        "{}",
        run.stderr
    );
    let run = Scene::new().run(&["experiment", "gone.toml"]).ended(2);
    assert!(run.stderr.starts_with("error: cannot read the config `gone.toml`"), "{}", run.stderr);
}

#[test]
fn an_image_that_cannot_be_used_stops_the_experiment() {
    let scene = scene(JPEG);
    scene.file("faces/p1/p1_0003.png", "a letter");
    let run = experiment(&scene, &[]).ended(2);
    assert!(run.stderr.contains("faces/p1/p1_0003.png: not an image, but text"), "{}", run.stderr);
    assert!(run.stderr.contains("1 of 24 images cannot be used"), "{}", run.stderr);
}
