//! `facenet eval report`.

use crate::drawn::{face, model_file};
use crate::scene::{Run, Scene};

const PAIRS: &str = "2\t2
ada\t1\t2
bob\t1\t2
ada\t1\tbob\t1
ada\t2\tbob\t2
cyd\t1\t2
dan\t1\t2
cyd\t1\tdan\t1
cyd\t2\tdan\t2
";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("pairs.txt", PAIRS);
    scene.file("people.csv", "person,sex\nada,f\nbob,m\ncyd,f\ndan,f\n");
    for (person, name) in (1u8..).zip(["ada", "bob", "cyd", "dan"]) {
        for take in 0..2u8 {
            scene.image(&format!("faces/{name}/{name}_000{}.png", take + 1), &face(person, take));
        }
    }
    scene
}

fn eval(scene: &Scene, more: &[&str]) -> Run {
    let always = [
        "eval",
        "report",
        "--images",
        "faces",
        "--pairs",
        "pairs.txt",
        "--out",
        "new/report",
        "--bootstrap",
        "40",
    ];
    scene.run(&[&always[..], more].concat())
}

#[test]
fn the_report_is_a_page_two_tables_and_pictures() {
    let scene = scene();
    let model = model_file().to_str().unwrap();
    let run = eval(&scene, &["--metadata", "people.csv", "--against", model, "--json"]).ended(0);
    assert_eq!(
        scene.names("new/report"),
        [
            "cmc.png",
            "cmc.svg",
            "det.png",
            "det.svg",
            "fnir.png",
            "fnir.svg",
            "quality.png",
            "quality.svg",
            "report.csv",
            "report.html",
            "report.json",
            "roc.png",
            "roc.svg"
        ]
    );
    assert_eq!(run.stdout, scene.text("new/report/report.json"));

    let report = run.json();
    assert_eq!(report["verification"]["auc"], 1.0);
    assert_eq!(report["verification"]["uncertainty"]["draws"], 40);
    assert_eq!(report["slices"][0]["column"], "sex");
    assert_eq!(report["slices"][0]["between"]["impostors"], 2);
    for figure in report["comparison"]["figures"].as_array().unwrap() {
        assert!(
            ["no_difference_shown", "not_measurable"].contains(&figure["verdict"].as_str().unwrap()),
            "{figure}"
        );
    }
    assert_eq!(report["identification"]["people"], 4);
    assert_eq!(report["clustering"]["runs"].as_array().unwrap().len(), 8);
    assert_eq!(report["hardest"]["genuine"].as_array().unwrap().len(), 4);

    let html = scene.text("new/report/report.html");
    for section in
        ["verification", "comparison", "groups", "identification", "clustering", "quality", "hardest"]
    {
        assert!(html.contains(&format!("<h2 id=\"{section}\">")), "{section}");
    }
    assert_eq!(html.matches("<img ").count(), 16);
    assert_eq!(report["reject"]["points"].as_array().unwrap().len(), 9);
    assert!(html.contains("facenet eval cluster --images faces --model "));
    assert!(
        scene.text("new/report/report.csv").starts_with("part,subject,figure,value,low,high\nverification,")
    );
}

#[test]
fn pairs_only_leaves_out_people_and_their_other_images() {
    let scene = scene();
    scene.file("faces/zoe/zoe_0001.png", "a letter that no pair names");
    let run = eval(&scene, &["--pairs-only", "--json"]).ended(0);
    assert!(run.json()["identification"].is_null() && run.json()["clustering"].is_null());
    let pictures =
        ["det", "quality", "roc"].map(|name| [format!("{name}.png"), format!("{name}.svg")]).concat();
    let mut files =
        [pictures, ["csv", "html", "json"].map(|ending| format!("report.{ending}")).into()].concat();
    files.sort();
    assert_eq!(scene.names("new/report"), files);
}

#[test]
fn an_image_of_a_pair_that_cannot_be_used_stops_the_report_unless_it_may_be_skipped() {
    let scene = scene();
    scene.file("faces/ada/ada_0001.png", "a letter");
    let run = eval(&scene, &["--pairs-only"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: faces/ada/ada_0001.png: not an image, but text
    error: 1 of 8 images cannot be used

    hint: pass `--skip-missing` to measure without their pairs
    ");
    let run = eval(&scene, &["--pairs-only", "--skip-missing", "--json"]).ended(0);
    assert_eq!(run.json()["verification"]["pairs"]["skipped"], 2);
}

#[test]
fn a_table_that_names_nobody_is_refused_before_the_work() {
    let scene = scene();
    scene.file("people.csv", "who,sex\nada,f\n");
    let run = eval(&scene, &["--metadata", "people.csv"]).ended(2);
    assert!(run.stderr.starts_with("error: `people.csv` has the columns `who`, `sex`"), "{}", run.stderr);
    assert!(!scene.at("new").exists());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let scene = scene();
    scene.file("new/report", "taken");
    let run = eval(&scene, &[]).ended(2);
    assert_eq!(run.stderr, "error: cannot write `new/report`: it is a file, expected a folder\n");
}
