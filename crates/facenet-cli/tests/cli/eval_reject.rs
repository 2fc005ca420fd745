//! `facenet eval reject`.

use image::imageops;

use crate::drawn::face;
use crate::scene::Scene;

/// Four people with two images each; the second image of one is so blurred that its colours run together.
fn people() -> Scene {
    let scene = Scene::new();
    for person in 1..=4u8 {
        for take in 1..=2u8 {
            let image = face(person, take);
            let image = if (person, take) == (4, 2) { imageops::blur(&image, 30.0) } else { image };
            scene.image(&format!("faces/p{person}/p{person}_000{take}.png"), &image);
        }
    }
    let genuine: String = (1..=4).map(|p| format!("p{p}\t1\t2\n")).collect();
    let impostors = "p1\t1\tp2\t1\np2\t1\tp3\t1\np3\t1\tp1\t2\np1\t1\tp3\t2\n";
    scene.file("pairs.txt", format!("1\t4\n{genuine}{impostors}"));
    scene
}

#[test]
fn without_the_blurred_face_the_error_is_lower() {
    let args = ["eval", "reject", "--images", "faces", "--pairs", "pairs.txt", "--json"];
    let curve = people().run(&args).ended(0).json();
    let points = curve["points"].as_array().unwrap();
    assert_eq!((&curve["pairs"], points.len()), (&8.into(), 9));
    let left: Vec<u64> = points.iter().map(|point| point["left"].as_u64().unwrap()).collect();
    assert_eq!(left, [8, 8, 8, 7, 7, 6, 6, 5, 4]);
    let least = |at: usize| points[at]["least_quality"].as_f64().unwrap();
    assert!(least(3) > 2.0 * least(0), "{} to {}", least(0), least(3));
    assert!(points[3]["eer"].as_f64().unwrap() <= points[0]["eer"].as_f64().unwrap());
}

#[test]
fn the_table_is_printed_and_a_missing_image_is_told() {
    let scene = people();
    let run = scene.run(&["eval", "reject", "--images", "faces", "--pairs", "pairs.txt"]).ended(0);
    assert!(
        run.stdout.starts_with("rejected   pairs left   quality from       EER   genuine pairs missed\n")
    );
    fs_err::remove_file(scene.at("faces/p1/p1_0001.png")).unwrap();
    scene.run(&["eval", "reject", "--images", "faces", "--pairs", "pairs.txt"]).ended(2);
    scene.run(&["eval", "reject", "--images", "faces", "--pairs", "pairs.txt", "--skip-missing"]).ended(0);
}
