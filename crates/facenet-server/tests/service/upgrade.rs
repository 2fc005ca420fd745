//! A gallery of an older model: searched at once, and brought to the service's model as a job.

use facenet_server::{Limits, Settings};
use serde_json::json;
use tempfile::TempDir;

use crate::client::{Service, making, making_in};
use crate::fake::newer;

fn allow(settings: &mut Settings, dir: &std::path::Path) {
    settings.folders = vec![dir.join("photos")];
    settings.limits = Limits { requests_per_second: 1e6, ..Limits::default() };
}

/// A gallery of the older model, with photos of Ada at 0 degrees and of Bob at 90, and one that was sent, at 45.
fn old_gallery() -> TempDir {
    let service = making().with_gallery().with(allow).start();
    for (name, text) in [("Ada", "faces:0"), ("Bob", "faces:90")] {
        let folder = service.dir.path().join("photos").join(name);
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join("1.png"), text).unwrap();
    }
    let folder = service.dir.path().join("photos");
    let job = json!({"kind": "add-folder", "folder": folder, "by_folder": true});
    let job = service.json("POST", "/v1/jobs", &job).expect(202).value();
    assert_eq!(service.ended(&job)["result"]["faces"], 2);
    service.image("/v1/photos", "faces:45").expect(201);
    service.stop()
}

fn newly(dir: TempDir) -> Service {
    making_in(dir).with(allow).with_engine(newer()).start()
}

fn upgrade(service: &Service, finish: bool) -> serde_json::Value {
    let job = json!({"kind": "upgrade", "finish": finish});
    let job = service.json("POST", "/v1/jobs", &job).expect(202).value();
    service.ended(&job)
}

#[test]
fn a_gallery_of_an_older_model_is_searched_on_the_new_ones_scale() {
    let service = newly(old_gallery());
    let found = service.image("/v1/identify", "faces:0").expect(200).value();
    let nearest = &found["faces"][0]["nearest"][0];
    assert_eq!(nearest["person"]["name"], "Ada");
    // Ten degrees apart is 0.0304, told as half of that.
    assert!((nearest["distance"].as_f64().unwrap() - 0.0152).abs() < 1e-3, "{nearest}");
    let gallery = service.get("/v1/gallery").expect(200).value();
    assert_eq!((&gallery["upgrade"], &gallery["counts"]["older"]), (&json!(true), &json!(0)));
    assert_eq!(service.image("/v1/photos", "faces:1").problem(409), "upgrade-first");
    assert_eq!(service.get("/v1/gallery").expect(200).value()["counts"]["faces"], 3, "nothing was added");
}

#[test]
fn an_upgrade_embeds_what_it_can_see_and_leaves_the_rest_in_one_ranking() {
    let service = newly(old_gallery());
    let job = upgrade(&service, true);
    let expected = json!({"embedded": 2, "without_image": 1, "older": 1, "finished": false});
    assert_eq!((&job["state"], &job["result"]), (&json!("done"), &expected), "{job}");
    assert_eq!((&job["done"], &job["total"]), (&json!(3), &json!(3)));
    let gallery = service.get("/v1/gallery").expect(200).value();
    assert_eq!((&gallery["upgrade"], &gallery["counts"]["older"]), (&json!(false), &json!(1)));
    assert!(gallery["upgrading_from"].is_string());

    let found = service.image("/v1/identify", "faces:0").expect(200).value();
    assert!(found["faces"][0]["nearest"][0]["distance"].as_f64().unwrap() < 1e-6, "it is of one model now");
    // Ada is at 10 by the new model, Bob at 100, the third at 45 by the old one: 35 and 55 degrees, 0.3617 and 0.8529,
    // each told as less, since between models distances are longer.
    let similar = service.get("/v1/faces/1/similar").expect(200).value();
    let distance = |index: usize| similar["nearest"][index]["distance"].as_f64().unwrap();
    assert_eq!(similar["nearest"][0]["face"]["id"], 3);
    assert!((distance(0) - (0.1 + (0.3617 - 0.2) / 3.8 * 3.9)).abs() < 1e-3, "{similar}");
    assert!((distance(1) - 2.0).abs() < 1e-3, "within the new model it is as it is: {similar}");
    service.image("/v1/photos", "faces:1").expect(201);
}

#[test]
fn an_upgrade_without_leftovers_is_finished_if_that_is_wanted() {
    let service = newly(old_gallery());
    service.delete("/v1/faces/3").expect(200);
    assert_eq!(upgrade(&service, false)["result"]["finished"], false);
    let expected = json!({"embedded": 0, "without_image": 0, "older": 0, "finished": true});
    assert_eq!(upgrade(&service, true)["result"], expected);
    let gallery = service.get("/v1/gallery").expect(200).value();
    assert_eq!((&gallery["upgrading_from"], &gallery["counts"]["older"]), (&json!(null), &json!(0)));
    assert_eq!(upgrade(&service, true)["result"]["finished"], false, "there is nothing to finish");
}

#[test]
fn a_gallery_of_a_model_that_is_not_harmonic_is_refused() {
    let dir = old_gallery();
    let mut stranger = newer();
    stranger.harmonic.clear();
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        gallery: Some(dir.path().join("g")),
        ..Settings::default()
    };
    let engine = crate::fake::Fake::of(stranger, crate::fake::Gate::default());
    let refused = facenet_server::Server::start(settings, Box::new(engine));
    assert!(matches!(refused, Err(facenet_server::StartError::Gallery(_))));
}
