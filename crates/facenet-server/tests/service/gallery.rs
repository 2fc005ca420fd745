//! The gallery behind the service: people, photos and faces.

use serde_json::{Value, json};

use crate::client::{Service, making};
use crate::images::form;

/// Ada is at 0 degrees in two photos, Bob at 90 in one, and somebody at 180 stands beside Bob.
fn filled() -> Service {
    let service = making().with_gallery().start();
    service.image("/v1/photos?person=Ada", "faces:0").expect(201);
    service.image("/v1/photos?person=Ada", "faces:10").expect(201);
    service.image("/v1/photos?person=Bob", "faces:90,180").expect(201);
    service
}

fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[test]
fn photos_are_added_once_and_their_first_face_is_the_person_s() {
    let service = making().with_gallery().start();
    let added = service.image("/v1/photos?person=Ada", "faces:0,90").expect(201).value();
    assert_eq!(
        (&added["new"], &added["photo"]["faces"], &added["photo"]["paths"]),
        (&json!(true), &json!([1, 2]), &json!([]))
    );
    assert_eq!((&added["faces"][0]["person"], &added["faces"][0]["by"]), (&json!(1), &json!("user")));
    assert_eq!((&added["faces"][1]["person"], &added["faces"][1]["by"]), (&json!(null), &json!(null)));
    let again = service.image("/v1/photos?person=Eve", "faces:0,90").expect(200).value();
    assert_eq!((&again["new"], &again["photo"]), (&json!(false), &added["photo"]));

    let (kind, body) = form(&[("image", "faces:1"), ("person", "person:1")]);
    let by_form = service.send("POST", "/v1/photos", &[("content-type", &kind)], &body).expect(201).value();
    assert_eq!(by_form["faces"][0]["person"], 1);
    let (kind, body) = form(&[("image", "faces:2"), ("mood", "good")]);
    assert_eq!(
        service.send("POST", "/v1/photos", &[("content-type", &kind)], &body).problem(422),
        "bad-request"
    );
    assert_eq!(service.image("/v1/photos?person=person:9", "faces:3").problem(404), "no-such");
    service.image("/v1/photos?person=Nobody", "faces:").expect(201);
    service.delete("/v1/photos/3").expect(200);
    assert_eq!(ids(&service.get("/v1/photos").expect(200).value()), [1, 2]);
    let counts = service.get("/v1/gallery").expect(200).value()["counts"].clone();
    assert_eq!(
        counts,
        json!({"people": 1, "photos": 2, "faces": 3, "unassigned": 1, "corrections": 0, "older": 0})
    );
}

#[test]
fn lists_come_in_pages() {
    let service = making().with_gallery().start();
    for name in ["Ada", "Bob", "Cyd"] {
        service.json("POST", "/v1/people", &json!({"name": name})).expect(201);
    }
    let first = service.get("/v1/people?limit=2").expect(200).value();
    assert_eq!(ids(&first), [1, 2]);
    let next = first["next"].as_str().unwrap();
    let second = service.get(&format!("/v1/people?limit=2&cursor={next}")).expect(200).value();
    assert_eq!((ids(&second), &second["next"]), (vec![3], &json!(null)));
    assert_eq!(service.get("/v1/people?limit=3").expect(200).value()["next"], json!(null), "exactly full");
    assert_eq!(ids(&service.get("/v1/people?q=AD").expect(200).value()), [1]);
    for bad in ["limit=0", "limit=501", "cursor=x", "cursor=-1"] {
        assert_eq!(service.get(&format!("/v1/people?{bad}")).problem(422), "bad-request", "{bad}");
    }
    assert_eq!(service.get("/v1/people?limt=2").problem(400), "bad-request", "a typo");

    let events = service.get("/v1/events?limit=1").expect(200).value();
    assert_eq!(events["items"][0]["kind"], "create");
}

#[test]
fn people_are_renamed_tagged_and_found() {
    let service = filled();
    let patched = service
        .json("PATCH", "/v1/people/2", &json!({"name": "Berta", "tags": ["cousin"]}))
        .expect(200)
        .value();
    assert_eq!(
        (&patched["name"], &patched["tags"], &patched["faces"]),
        (&json!("Berta"), &json!(["cousin"]), &json!(1))
    );
    service.json("PATCH", "/v1/people/2", &json!({"tags": ["aunt", "old"]})).expect(200);
    let nameless = service.json("PATCH", "/v1/people/2", &json!({"name": null})).expect(200).value();
    assert_eq!((&nameless["label"], &nameless["tags"]), (&json!("person:2"), &json!(["aunt", "old"])));
    assert_eq!(ids(&service.get("/v1/people?tag=old").expect(200).value()), [2]);

    let taken = service.json("PATCH", "/v1/people/2", &json!({"name": "Ada"}));
    assert_eq!(taken.problem(409), "name-taken");
    assert!(taken.value()["detail"].as_str().unwrap().contains("`Ada`") && !taken.text().contains("/tmp"));
    assert_eq!(service.json("PATCH", "/v1/people/2", &json!({"name": "a\nb"})).problem(422), "not-a-name");
    assert_eq!(service.json("PATCH", "/v1/people/2", &json!({"nam": "x"})).problem(422), "bad-request");
    assert_eq!(service.json("PATCH", "/v1/people/9", &json!({})).problem(404), "no-such");
    let refused = service.json("PATCH", "/v1/people/2", &json!({"name": "Zoe", "tags": [" "]}));
    assert_eq!(refused.problem(422), "bad-request");
    assert_eq!(service.get("/v1/people/2").expect(200).value()["name"], json!(null), "all or nothing");
    assert_eq!(service.get("/v1/people/0").problem(400), "bad-request");

    let found = service.image("/v1/identify?k=1", "faces:5,200").expect(200).value();
    assert_eq!(found["faces"][0]["person"], json!({"id": 1, "name": "Ada", "label": "Ada"}));
    // 5 degrees from 0 as from 10: 2 - 2 cos 5 = 0.0076; the rounding of both decides which.
    assert!((found["faces"][0]["nearest"][0]["distance"].as_f64().unwrap() - 0.0076).abs() < 1e-4);
    assert_eq!(found["faces"][1]["person"], json!(null));
    let tagged = service.image("/v1/identify?tag=old&threshold=4", "faces:5").expect(200).value();
    assert_eq!(tagged["faces"][0]["person"]["id"], 2);
    let similar = service.get("/v1/faces/1/similar?k=1").expect(200).value();
    assert_eq!(
        (&similar["nearest"][0]["face"]["id"], &similar["threshold"]["distance"]),
        (&json!(2), &json!(0.1))
    );
}

#[test]
fn a_person_s_doubtful_faces_come_last() {
    let service = making().with_gallery().start();
    // The middle lies near 7: 60 is doubtful.
    for (image, id) in
        [("faces:60", 1), ("faces:0", 2), ("faces:2", 3), ("faces:4", 4), ("faces:1", 5), ("faces:3", 6)]
    {
        let added = service.image("/v1/photos?person=Ada", image).expect(201).value();
        assert_eq!(added["faces"][0]["id"], id);
    }
    let faces = service.get("/v1/people/1/faces").expect(200).value();
    let order = ids(&faces);
    assert_eq!((order[0], order[5]), (4, 1), "{order:?}");
    let doubtful: Vec<bool> =
        faces["items"].as_array().unwrap().iter().map(|face| face["doubtful"].as_bool().unwrap()).collect();
    assert_eq!(doubtful, [false, false, false, false, false, true]);
    let first = service.get("/v1/people/1/faces?limit=5").expect(200).value();
    let rest =
        service.get(&format!("/v1/people/1/faces?cursor={}", first["next"].as_str().unwrap())).expect(200);
    assert_eq!(ids(&rest.value()), [1]);
}

#[test]
fn faces_are_assigned_shown_merged_and_split() {
    let service = filled();
    assert_eq!(ids(&service.get("/v1/faces?person=none").expect(200).value()), [4]);
    assert_eq!(ids(&service.get("/v1/faces?person=1").expect(200).value()), [1, 2]);
    assert_eq!(ids(&service.get("/v1/faces?photo=3").expect(200).value()), [3, 4]);
    let picture = service.get("/v1/faces/4/picture").expect(200);
    assert_eq!((picture.header("content-type"), &picture.body[..]), ("image/jpeg", &[0xff, 0xd8, 1][..]));
    assert_eq!(service.get("/v1/faces/9/picture").problem(404), "no-such");

    let face = service.json("PATCH", "/v1/faces/4", &json!({"person": 1})).expect(200).value();
    assert_eq!((&face["person"], &face["by"]), (&json!(1), &json!("user")));
    service.json("PATCH", "/v1/faces/4", &json!({"person": null})).expect(200);
    assert_eq!(service.json("PATCH", "/v1/faces/4", &json!({"person": 9})).problem(404), "no-such");

    let split = service
        .json("POST", "/v1/people/split", &json!({"faces": [2, 4], "name": "Cyd"}))
        .expect(201)
        .value();
    assert_eq!((&split["id"], &split["faces"]), (&json!(3), &json!(2)));
    service.json("POST", "/v1/people/split", &json!({"faces": [2], "into": 1})).expect(201);
    for face in [99, 0, i64::MIN, i64::MAX] {
        let split = service.json("POST", "/v1/people/split", &json!({"faces": [face]}));
        assert_eq!(split.problem(404), "no-such");
    }
    assert_eq!(service.json("POST", "/v1/people/split", &json!({"faces": []})).problem(422), "bad-request");

    let merged = service.json("POST", "/v1/people/3/merge", &json!({"into": 1})).expect(200).value();
    assert_eq!((&merged["id"], &merged["faces"]), (&json!(1), &json!(3)));
    assert_eq!(service.get("/v1/people/3").problem(404), "no-such");
    assert_eq!(service.json("POST", "/v1/people/1/merge", &json!({"into": 1})).problem(422), "bad-request");
}

#[test]
fn corrections_move_faces_and_are_taken_back() {
    let service = filled();
    let said = service
        .json("POST", "/v1/corrections", &json!({"faces": [2, 1], "verdict": "different"}))
        .expect(201);
    let said = said.value();
    assert_eq!((&said["faces"], &said["moved"]["before"]), (&json!([1, 2]), &json!(1)));
    assert_eq!(
        service.get("/v1/faces?person=none").expect(200).value()["items"].as_array().unwrap().len(),
        2
    );
    assert_eq!(ids(&service.get("/v1/corrections").expect(200).value()), [1]);
    assert_eq!(service.delete("/v1/corrections/last").expect(200).value()["id"], 1);
    assert_eq!(ids(&service.get("/v1/faces?person=1").expect(200).value()), [1, 2]);
    assert_eq!(service.delete("/v1/corrections/last").problem(404), "no-such");
    let itself = service.json("POST", "/v1/corrections", &json!({"faces": [1, 1], "verdict": "same"}));
    assert_eq!(itself.problem(422), "bad-request");
    let none = service.json("POST", "/v1/corrections", &json!({"faces": [1, 99], "verdict": "same"}));
    assert_eq!(none.problem(404), "no-such");
}

#[test]
fn what_is_deleted_is_in_no_file_and_the_answer_proves_it() {
    let service = filled();
    service.json("PATCH", "/v1/people/1", &json!({"name": "Adelheid Unmistakable"})).expect(200);
    let plan = service.delete("/v1/people/1?dry_run=true").expect(200).value();
    assert_eq!((&plan["faces"], &plan["dry_run"]), (&json!([1, 2]), &json!(true)));
    service.get("/v1/people/1").expect(200);
    let gone = service.delete("/v1/people/1").expect(200).value();
    assert_eq!(
        (&gone["people"], &gone["photos"], &gone["faces"]),
        (&json!([1]), &json!([1, 2]), &json!([1, 2]))
    );
    assert!(gone["found_before"].as_u64() > Some(0), "{gone}");
    assert_eq!(gone["found_after"], 0);
    assert_eq!(service.delete("/v1/people/1").problem(404), "no-such");
    assert_eq!(ids(&service.get("/v1/photos").expect(200).value()), [3]);

    assert_eq!(service.delete("/v1/faces/4").expect(200).value()["faces"], json!([4]));
    assert_eq!(service.delete("/v1/photos/3").expect(200).value()["faces"], json!([3]));
    let dir = service.stop();
    for entry in fs_err::read_dir(dir.path()).unwrap() {
        let bytes = fs_err::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"Unmistakable"));
    }
}

#[test]
fn a_change_by_another_program_is_seen() {
    use facenet_gallery::{SqliteStore, Store};
    let service = filled();
    assert_eq!(ids(&service.get("/v1/people").expect(200).value()), [1, 2]);
    let mut other = SqliteStore::open(&service.dir.path().join("g")).unwrap();
    other.add_people(&[Some("Cyd")]).unwrap();
    assert_eq!(ids(&service.get("/v1/people").expect(200).value()), [1, 2, 3]);
}

#[test]
fn without_a_gallery_its_routes_say_so() {
    let service = making().start();
    for path in ["/v1/people", "/v1/gallery", "/v1/photos", "/v1/questions"] {
        assert_eq!(service.get(path).problem(404), "no-gallery", "{path}");
    }
    assert_eq!(service.image("/v1/identify", "faces:0").problem(404), "no-gallery");
}

#[test]
fn a_post_with_the_same_key_is_done_once() {
    let service = filled();
    let post = |key: &str, name: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        service.send("POST", "/v1/people", &headers, json!({"name": name}).to_string().as_bytes())
    };
    let first = post("a", "Dan").expect(201);
    let again = post("a", "Dan").expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(post("a", "Eve").problem(422), "idempotency");
    assert_eq!(post("b", "Dan").problem(409), "name-taken");
    assert_eq!(post("b", "Dan").header("idempotency-replayed"), "true", "so is a refusal");
    assert_eq!(post("", "Eve").problem(400), "bad-request");

    let look = || {
        service.send(
            "POST",
            "/v1/identify",
            &[("content-type", "image/png"), ("idempotency-key", "c")],
            b"faces:0",
        )
    };
    assert_eq!(
        (look().status, look().header("idempotency-replayed")),
        (200, ""),
        "what only looks is not kept"
    );

    // A deletion forgets the answers too: they may speak of whom it deletes.
    service.delete("/v1/people/3").expect(200);
    let anew = post("a", "Dan").expect(201);
    assert_eq!((anew.header("idempotency-replayed"), &anew.value()["id"]), ("", &json!(4)));
}

#[test]
fn names_are_text_whatever_they_look_like() {
    let service = making().with_gallery().start();
    for name in
        ["<script>alert(1)</script>", "../../etc/passwd", "Robert'); DROP TABLE people;--", "Ünïcødé 🙂"]
    {
        let made = service.json("POST", "/v1/people", &json!({"name": name})).expect(201);
        assert_eq!((made.header("content-type"), &made.value()["name"]), ("application/json", &json!(name)));
        assert_eq!(made.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(service.get("/v1/people").expect(200).value()["items"].as_array().unwrap().len(), 4);
}
