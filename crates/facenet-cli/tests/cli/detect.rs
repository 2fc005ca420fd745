//! Finding faces in whole photos.

use image::{Rgb, RgbImage, imageops};

use crate::scene::Scene;

const OBAMA: [&str; 2] = ["barack-obama-1.jpg", "barack-obama-2.jpg"];

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_portrait_has_one_face_with_landmarks_inside_its_box() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    let photo = scene.run_plain(&["detect", "a.jpg", "--json"]).ended(0).json();
    let faces = photo["faces"].as_array().unwrap();
    assert_eq!((&photo["path"], faces.len()), (&"a.jpg".into(), 1));
    let (face, quality) = (&faces[0]["face"], &faces[0]["quality"]);
    let side = |key: &str| number(&face["box"][key]);
    for point in face["landmarks"].as_array().unwrap() {
        let (x, y) = (number(&point["x"]) - side("x"), number(&point["y"]) - side("y"));
        assert!(x > 0.0 && y > 0.0 && x < side("width") && y < side("height"), "{face}");
    }
    assert!(number(&face["score"]) > 0.5 && (0.0..=1.0).contains(&number(&quality["value"])));
    assert!(quality["reasons"].is_array());
}

#[test]
fn a_photo_without_a_face_is_told_and_exits_with_1() {
    let scene = Scene::new();
    scene.image("empty.png", &RgbImage::from_pixel(200, 150, Rgb([90, 120, 200])));
    let run = scene.run_plain(&["detect", "empty.png"]).ended(1);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr, "facenet: empty.png: no face was found\nfacenet: 0 faces in 1 photo\n");
}

#[test]
fn strips_and_single_pixels_have_no_face_and_do_no_harm() {
    let scene = Scene::new();
    scene.image("strip.png", &RgbImage::from_fn(20, 3000, |_, y| Rgb([y as u8; 3])));
    scene.image("wide.png", &RgbImage::from_fn(3000, 20, |x, _| Rgb([x as u8; 3])));
    scene.image("dot.png", &RgbImage::new(1, 1));
    scene.run_plain(&["detect", "strip.png", "wide.png", "dot.png"]).ended(1);
}

#[test]
fn faces_that_are_too_small_or_too_poor_are_left_out() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    scene.run_plain(&["detect", "a.jpg", "--min-face", "10", "--min-quality", "0.001"]).ended(0);
    scene.run_plain(&["detect", "a.jpg", "--min-face", "100000"]).ended(1);
    scene.run_plain(&["detect", "a.jpg", "--min-quality", "1"]).ended(1);
    scene.run_plain(&["detect", "a.jpg", "--min-score", "0.99999"]).ended(1);
    let run = scene.run_plain(&["detect", "a.jpg", "--min-score", "1.5"]).ended(2);
    assert!(run.stderr.starts_with("error: `--min-score` cannot be used\n"), "{}", run.stderr);
    let run = scene.run_plain(&["detect", "a.jpg", "--min-quality", "2"]).ended(2);
    assert_eq!(run.stderr, "error: `--min-quality 2` cannot be used: expected a number from 0 to 1\n");
}

#[test]
fn marked_photos_are_written_and_differ_where_the_face_is() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "in/a.jpg");
    scene.portrait(OBAMA[1], "in/deeper/a.jpg");
    scene.run_plain(&["detect", "in", "--draw", "out"]).ended(0);
    assert_eq!(scene.names("out"), ["a-2.jpg", "a.jpg"]);
    let (before, after) =
        (image::open(scene.at("in/a.jpg")).unwrap(), image::open(scene.at("out/a.jpg")).unwrap());
    assert_eq!((before.width(), before.height()), (after.width(), after.height()));
    let (before, after) = (before.into_rgb8(), after.into_rgb8());
    let changed = before.pixels().zip(after.pixels()).filter(|(a, b)| a.0[1].abs_diff(b.0[1]) > 60).count();
    assert!(changed > 100 && changed < before.pixels().len() / 4, "{changed}");
}

#[test]
fn a_photo_that_lies_on_its_side_has_its_face_too() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    let photo = image::open(scene.at("a.jpg")).unwrap().into_rgb8();
    scene.image("side.png", &imageops::rotate90(&photo));
    let verdict =
        scene.run_plain(&["verify", "a.jpg", "side.png", "--crop", "detect", "--json"]).ended(0).json();
    assert!(number(&verdict["distance"]) < 0.1, "{verdict}");
}

#[test]
fn two_photos_of_a_person_are_nearer_than_photos_of_two_and_alignment_needs_no_option() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    scene.portrait(OBAMA[1], "b.jpg");
    scene.portrait("joe-biden-1.jpg", "c.jpg");
    let distance = |left: &str, right: &str| {
        let run = scene.run_plain(&["verify", left, right, "--crop", "detect", "--json"]);
        number(&run.json()["distance"])
    };
    assert!(distance("a.jpg", "b.jpg") + 0.3 < distance("a.jpg", "c.jpg"));
}

#[test]
fn two_faces_of_one_photo_are_two_people_and_are_found_side_by_side() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    let photo = image::open(scene.at("a.jpg")).unwrap().into_rgb8();
    let mut twice = RgbImage::new(photo.width() * 2, photo.height());
    imageops::replace(&mut twice, &photo, 0, 0);
    imageops::replace(&mut twice, &photo, photo.width().into(), 0);
    scene.image("twice.png", &twice);
    let args = ["cluster", "twice.png", "--crop", "detect", "--html", "page.html", "--json"];
    let groups = scene.run_plain(&args).ended(0).json();
    assert_eq!(
        (groups["people"].as_array().unwrap().len(), groups["alone"].as_array().unwrap().len()),
        (0, 2)
    );
    assert_eq!(scene.text("page.html").matches("data:image/jpeg").count(), 2);
}

#[test]
fn a_face_that_the_border_cuts_is_an_embedding_or_none_but_no_error() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    let photo = image::open(scene.at("a.jpg")).unwrap().into_rgb8();
    let face =
        scene.run_plain(&["detect", "a.jpg", "--json"]).ended(0).json()["faces"][0]["face"]["box"].clone();
    let (x, width) = (number(&face["x"]), number(&face["width"]));
    for part in [0.2, 0.4, 0.6, 0.8] {
        let left = (x + width * part) as u32;
        let cut = imageops::crop_imm(&photo, left, 0, photo.width() - left, photo.height()).to_image();
        scene.image(&format!("cut/{part}.png"), &cut);
    }
    scene.run_plain(&["embed", "cut", "--crop", "detect"]).ended(0);
}

#[test]
fn the_paper_s_own_crop_is_the_box_as_it_lies() {
    let scene = Scene::new();
    scene.portrait(OBAMA[0], "a.jpg");
    let embedding = |crop: &str| {
        scene.run_plain(&["embed", "a.jpg", "--crop", crop]).ended(0).json_lines().remove(0)["embedding"]
            .take()
    };
    assert_ne!(embedding("detect"), embedding("box"));
}
