//! What outlives the service: jobs, and answers to requests that are repeated.

use std::net::TcpStream;

use facenet_server::{Limits, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Service, making, making_in};

/// A service in whose folder photos may be added; those in `photos` show a face each.
fn allow(settings: &mut Settings, dir: &std::path::Path) {
    settings.folders = vec![dir.join("photos")];
    settings.limits = Limits { requests_per_second: 1e6, ..Limits::default() };
}

fn with_photos(photos: &[String]) -> Service {
    let service = making().with_gallery().with(allow).start();
    fs_err::create_dir(service.dir.path().join("photos")).unwrap();
    for (index, text) in photos.iter().enumerate() {
        fs_err::write(service.dir.path().join(format!("photos/{index:02}.png")), text).unwrap();
    }
    service
}

fn again(dir: TempDir) -> Service {
    let service = making_in(dir).with(allow).start();
    service.gate.open();
    service
}

fn add_folder(service: &Service) -> Value {
    let folder = service.dir.path().join("photos");
    service.json("POST", "/v1/jobs", &json!({"kind": "add-folder", "folder": folder})).expect(202).value()
}

fn post(service: &Service, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    service.send("POST", "/v1/people", &headers, body.to_string().as_bytes())
}

#[test]
fn jobs_are_listed_after_a_restart_without_paths_and_numbers_go_on() {
    let service = with_photos(&["faces:0".into(), "broken".into()]);
    let job = service.ended(&add_folder(&service));
    assert_eq!((&job["result"]["photos"], &job["result"]["failed"]), (&json!(1), &json!(1)));
    assert!(job["result"]["failures"][0]["path"].as_str().unwrap().ends_with("01.png"));
    let dir = service.stop();
    let kept = fs_err::read_to_string(dir.path().join("g.jobs")).unwrap();
    assert!(kept.contains("add-folder") && !kept.contains("/photos"), "{kept}");

    let service = again(dir);
    let jobs = service.get("/v1/jobs").expect(200).value();
    let known = &jobs["items"][0];
    assert_eq!(
        (&known["id"], &known["state"], &known["done"], &known["resumed"]),
        (&json!(1), &json!("done"), &json!(2), &json!(false))
    );
    assert_eq!(known["result"]["failures"], json!([]));
    let next = service.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202).value();
    assert_eq!(next["id"], 2);
}

#[test]
fn a_job_that_was_killed_goes_on_after_the_restart() {
    // Two steps; the first photo of the second waits.
    let mut photos: Vec<String> = (0..18).map(|index| format!("faces:{index}")).collect();
    photos[16].insert_str(0, "wait:");
    let service = with_photos(&photos);
    add_folder(&service);
    service.gate.await_visitor();
    let dir = service.killed();
    service.gate.open();
    let photos = service.dir.path().join("photos");

    let service = making_in(dir).with(|settings, dir| {
        allow(settings, dir);
        settings.folders = vec![photos.clone()];
    });
    let service = service.start();
    service.gate.open();
    let job = service.ended(&json!({"id": 1}));
    assert_eq!((&job["state"], &job["resumed"]), (&json!("done"), &json!(true)), "{job}");
    let result = &job["result"];
    assert_eq!(
        (&result["photos"], &result["known"]),
        (&json!(2), &json!(16)),
        "what was kept is not done again"
    );
    assert_eq!(service.get("/v1/gallery").expect(200).value()["counts"]["faces"], 18);
}

#[test]
fn a_job_that_the_end_of_the_service_met_goes_on_after_the_restart() {
    let mut photos: Vec<String> = (0..40).map(|index| format!("faces:{index}")).collect();
    photos[16].insert_str(0, "wait:");
    let service = with_photos(&photos);
    add_folder(&service);
    service.gate.await_visitor();
    let (address, gate) = (service.address(), service.gate.clone());
    let stopping = std::thread::spawn(move || service.stop());
    while TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    gate.open();
    let service = again(stopping.join().unwrap());
    let job = service.ended(&json!({"id": 1}));
    assert_eq!((&job["state"], &job["resumed"]), (&json!("done"), &json!(true)), "{job}");
    assert_eq!(service.get("/v1/gallery").expect(200).value()["counts"]["faces"], 40);
}

#[test]
fn a_folder_that_is_not_allowed_any_more_is_not_read_after_a_restart() {
    let service = with_photos(&["wait:faces:0".into()]);
    add_folder(&service);
    service.gate.await_visitor();
    let dir = service.killed();
    service.gate.open();
    let service = again(dir);
    let job = service.ended(&json!({"id": 1}));
    assert_eq!((&job["state"], &job["problem"]["code"]), (&json!("failed"), &json!("folder")));
}

#[test]
fn an_answer_is_given_again_after_a_restart_and_cannot_be_read_in_its_file() {
    let service = making().with_gallery().start();
    let body = json!({"name": "Anna Bell"});
    let first = post(&service, "once-5e1f", &body).expect(201);
    let dir = service.stop();
    let kept = fs_err::read_to_string(dir.path().join("g.answers")).unwrap();
    for secret in ["Anna", "once-5e1f", "people"] {
        assert!(!kept.contains(secret), "{secret}: {kept}");
    }
    #[cfg(unix)]
    for name in ["g.answers", "g.jobs"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs_err::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    let service = again(dir);
    let second = post(&service, "once-5e1f", &body).expect(201);
    assert_eq!((second.header("idempotency-replayed"), second.value()), ("true", first.value()));
    assert_eq!(post(&service, "once-5e1f", &json!({"name": "Bea"})).problem(422), "idempotency");
    assert_eq!(service.get("/v1/people").expect(200).value()["items"].as_array().unwrap().len(), 1);
    // What was deleted is in no answer, also not in those of before.
    service.delete("/v1/people/1").expect(200);
    let dir = service.stop();
    assert_eq!(fs_err::read_to_string(dir.path().join("g.answers")).unwrap(), "");
}

#[test]
fn a_request_that_was_in_work_when_the_service_was_killed_is_told_as_such() {
    let service = making().with_gallery().start();
    let headers = [("content-type", "image/png"), ("idempotency-key", "k")];
    let ask = |service: &Service| service.send("POST", "/v1/photos", &headers, b"wait:faces:0");
    let dir = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&service));
        service.gate.await_visitor();
        let dir = service.killed();
        service.gate.open();
        asking.join().unwrap().expect(201);
        dir
    });
    let service = again(dir);
    assert_eq!(ask(&service).problem(409), "interrupted");
    assert_eq!(service.get("/v1/gallery").expect(200).value()["counts"]["photos"], 0);
}

#[test]
fn a_second_service_of_one_gallery_keeps_its_jobs_to_itself() {
    let first = making().with_gallery().start();
    first.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202);
    let gallery = first.dir.path().join("g");
    let second = making().with(|settings, _| settings.gallery = Some(gallery)).start();
    assert_eq!(second.get("/v1/jobs").expect(200).value()["items"], json!([]));
    second.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202);
}
