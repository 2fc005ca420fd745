//! Jobs: clustering, and adding a folder of the server.

use std::time::Duration;

use facenet_server::Limits;
use serde_json::json;

use crate::client::{Service, making};

fn service() -> Service {
    let limits = Limits { requests_per_second: 1e6, ..Limits::default() };
    making().with_gallery().with_limits(limits).start()
}

#[test]
fn clustering_finds_people_and_asks_what_it_does_not_know() {
    let service = service();
    // Two at 0 and 5, two at 90 and 95, and one at 21, a little too far from the first two: 0.105 on average.
    for image in ["faces:0", "faces:5", "faces:90", "faces:95", "faces:21"] {
        service.image("/v1/photos", image).expect(201);
    }
    let answer = service.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202);
    assert_eq!(answer.header("location"), "/v1/jobs/1");
    let job = service.ended(&answer.value());
    assert_eq!((&job["state"], &job["done"], &job["total"]), (&json!("done"), &json!(3), &json!(3)), "{job}");
    assert_eq!(
        job["result"],
        json!({"faces": 5, "new_faces": 5, "people": 2, "new_people": 2, "alone": 1, "questions": 1})
    );
    let asked = service.get("/v1/questions").expect(200).value();
    assert_eq!((&asked["items"][0]["a"]["id"], &asked["items"][0]["b"]["id"]), (&json!(2), &json!(5)));

    service.json("POST", "/v1/corrections", &json!({"faces": [2, 5], "verdict": "same"})).expect(201);
    assert_eq!(service.get("/v1/questions").expect(200).value()["items"], json!([]));
    let faces = service.get("/v1/people/1/faces").expect(200).value();
    assert_eq!(faces["items"].as_array().unwrap().len(), 3);
    assert_eq!(service.get("/v1/jobs").expect(200).value()["items"][0]["id"], 1);
}

#[test]
fn new_faces_alone_are_placed_and_their_questions_join_the_others() {
    let service = service();
    for image in ["faces:0", "faces:5", "faces:90", "faces:95", "faces:21"] {
        service.image("/v1/photos", image).expect(201);
    }
    let group = |new_only: bool| {
        let job = json!({"kind": "cluster", "new_only": new_only});
        service.ended(&service.json("POST", "/v1/jobs", &job).expect(202).value())["result"].clone()
    };
    assert_eq!(group(false)["questions"], 1);
    // Near the second two, which alone are looked at beside it and the one that is alone still.
    service.image("/v1/photos", "faces:93").expect(201);
    assert_eq!(
        group(true),
        json!({"faces": 6, "new_faces": 2, "people": 2, "new_people": 0, "alone": 1, "questions": 1})
    );
    assert_eq!(service.get("/v1/questions").expect(200).value()["items"].as_array().unwrap().len(), 1);
    let faces = service.get("/v1/people/2/faces").expect(200).value();
    assert_eq!(faces["items"].as_array().unwrap().len(), 3);
}

#[test]
fn an_empty_gallery_has_nobody() {
    let service = service();
    let job =
        service.json("POST", "/v1/jobs", &json!({"kind": "cluster", "threshold": 1.0})).expect(202).value();
    let job = service.ended(&job);
    assert_eq!(
        job["result"],
        json!({"faces": 0, "new_faces": 0, "people": 0, "new_people": 0, "alone": 0, "questions": 0}),
        "{job}"
    );
}

#[test]
fn a_folder_is_added_only_where_that_is_allowed() {
    let making = making().with_gallery().with(|settings, dir| {
        for (path, image) in [
            ("photos/Ada/1.png", "faces:0"),
            ("photos/Ada/2.png", "faces:5,180"),
            ("photos/Ada/copy.png", "faces:0"),
            ("photos/Bob/1.png", "faces:90"),
            ("photos/Bob/letter.png", "a letter"),
            ("photos/Bob/notes.txt", "faces:1"),
            ("elsewhere/1.png", "faces:40"),
        ] {
            fs_err::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            fs_err::write(dir.join(path), image).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.join("elsewhere"), dir.join("photos/link")).unwrap();
        settings.folders = vec![dir.join("photos")];
        settings.limits.requests_per_second = 1e6;
    });
    let service = making.start();
    let folder = |path: &str| service.dir.path().join(path).display().to_string();
    let start = |path: &str| {
        service.json(
            "POST",
            "/v1/jobs",
            &json!({"kind": "add-folder", "folder": folder(path), "by_folder": true}),
        )
    };
    for outside in ["elsewhere", "photos/../elsewhere", "photos/link", "gone", "photos/Ada/1.png"] {
        assert_eq!(start(outside).problem(403), "folder", "{outside}");
    }
    let job = service.ended(&start("photos").expect(202).value());
    let result = &job["result"];
    assert_eq!(
        (&result["photos"], &result["faces"], &result["failed"]),
        (&json!(3), &json!(4), &json!(1)),
        "{job}"
    );
    assert_eq!((&result["known"], &job["done"], &job["total"]), (&json!(1), &json!(5), &json!(5)));
    assert!(result["failures"][0]["path"].as_str().unwrap().ends_with("letter.png"));
    let people = service.get("/v1/people").expect(200).value();
    assert_eq!((&people["items"][0]["name"], &people["items"][0]["faces"]), (&json!("Ada"), &json!(2)));
    assert_eq!(people["items"].as_array().unwrap().len(), 2);
    let photo = service.get("/v1/photos/1").expect(200).value();
    assert_eq!(photo["paths"].as_array().unwrap().len(), 2, "{photo}");

    let again = service.ended(&start("photos").expect(202).value());
    assert_eq!((&again["result"]["photos"], &again["result"]["known"]), (&json!(0), &json!(4)), "{again}");
}

#[test]
fn a_job_that_is_cancelled_ends_and_keeps_what_it_has_done() {
    let making = making().with_gallery().with(|settings, dir| {
        fs_err::create_dir(dir.join("photos")).unwrap();
        for index in 0..40 {
            // The seventeenth, with which the second step begins, waits at the gate.
            let image = if index == 16 { "wait:faces:0#16".into() } else { format!("faces:0#{index}") };
            fs_err::write(dir.join(format!("photos/{index:02}.png")), image).unwrap();
        }
        settings.folders = vec![dir.join("photos")];
        settings.limits.requests_per_second = 1e6;
    });
    let service = making.start();
    let folder = service.dir.path().join("photos").display().to_string();
    let job = service
        .json("POST", "/v1/jobs", &json!({"kind": "add-folder", "folder": folder}))
        .expect(202)
        .value();
    let waiting = service.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202).value();
    service.gate.await_visitor();
    assert_eq!(service.get("/v1/jobs/1").expect(200).value()["done"], 16);
    assert_eq!(
        service.delete(&format!("/v1/jobs/{}", waiting["id"])).expect(200).value()["state"],
        "cancelled"
    );
    service.delete("/v1/jobs/1").expect(200);
    service.gate.open();
    let job = service.ended(&job);
    assert_eq!(job["state"], "cancelled");
    assert_eq!(
        service.get("/v1/gallery").expect(200).value()["counts"]["photos"],
        32,
        "the step it was at is kept"
    );
    assert_eq!(service.delete("/v1/jobs/9").problem(404), "no-such");
}

#[test]
fn a_gallery_may_change_while_it_is_clustered() {
    let service = service();
    for angle in 0..60 {
        service.image("/v1/photos", &format!("faces:{}", angle * 6)).expect(201);
    }
    let job = service.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202).value();
    for name in ["Ada", "Bob", "Cyd"] {
        service.image(&format!("/v1/photos?person={name}"), &format!("faces:0#{name}")).expect(201);
    }
    let job = service.ended(&job);
    assert_eq!(job["state"], "done", "{job}");
    assert!(
        job["finished"].as_u64().is_some()
            && Duration::from_secs(job["created"].as_u64().unwrap()) > Duration::ZERO
    );
    let counts = service.get("/v1/gallery").expect(200).value()["counts"].clone();
    assert_eq!(counts["faces"], 63);
}
