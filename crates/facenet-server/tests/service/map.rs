//! The map of the gallery's faces.

use serde_json::{Value, json};

use crate::client::{Service, making};

/// Three faces of Ada about 0 degrees, three of Bob about 90, one that is nobody's at 45.
fn filled() -> Service {
    let service = making().with_gallery().start();
    for (person, image) in [("Ada", "faces:0"), ("Ada", "faces:2"), ("Ada", "faces:4")].into_iter().chain([
        ("Bob", "faces:90"),
        ("Bob", "faces:92"),
        ("Bob", "faces:94"),
    ]) {
        service.image(&format!("/v1/photos?person={person}"), image).expect(201);
    }
    service.image("/v1/photos", "faces:45").expect(201);
    service
}

fn place(point: &Value) -> (f64, f64) {
    (point["x"].as_f64().unwrap(), point["y"].as_f64().unwrap())
}

#[test]
fn faces_of_a_person_lie_together_and_names_follow_without_another_map() {
    let service = filled();
    for method in ["neighbours", "principal"] {
        let path = format!("/v1/map?method={method}");
        let map = service.get(&path).expect(200).value();
        assert_eq!(
            (&map["method"], &map["faces"], &map["sampled"]),
            (&json!(method), &json!(7), &json!(false))
        );
        let points = map["points"].as_array().unwrap();
        let of = |person: Value| points.iter().filter(move |point| point["person"] == person).map(place);
        assert_eq!((of(json!(1)).count(), of(json!(2)).count(), of(Value::Null).count()), (3, 3, 1));
        let away = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
        let (ada, bob): (Vec<_>, Vec<_>) = (of(json!(1)).collect(), of(json!(2)).collect());
        assert!(away(ada[0], ada[2]) < away(ada[0], bob[0]), "{method}: {map}");

        service.json("PATCH", "/v1/people/1", &json!({"name": format!("Ada {method}")})).expect(200);
        let renamed = service.get(&path).expect(200).value();
        assert_eq!(renamed["points"], map["points"]);
        assert_eq!(renamed["people"][0]["label"], format!("Ada {method}"));
    }
}

#[test]
fn a_part_of_the_faces_is_shown_when_there_are_more_and_nobody_is_listed_twice() {
    let service = filled();
    let map = service.get("/v1/map?limit=5").expect(200).value();
    assert_eq!(
        (map["points"].as_array().unwrap().len(), &map["sampled"], &map["faces"]),
        (5, &json!(true), &json!(7))
    );
    let shown: Vec<i64> =
        map["points"].as_array().unwrap().iter().map(|p| p["face"].as_i64().unwrap()).collect();
    assert!(shown.is_sorted());
    assert!(map["people"].as_array().unwrap().len() <= 2);
    for limit in ["0", "5001", "-1", "many"] {
        assert_eq!(service.get(&format!("/v1/map?limit={limit}")).status / 100, 4, "{limit}");
    }
    assert_eq!(service.get("/v1/map?method=else").status / 100, 4);
}

#[test]
fn a_face_that_is_added_or_deleted_is_so_on_the_map() {
    let service = filled();
    let faces = || service.get("/v1/map").expect(200).value()["points"].as_array().unwrap().len();
    assert_eq!(faces(), 7);
    service.image("/v1/photos", "faces:50").expect(201);
    assert_eq!(faces(), 8);
    service.delete("/v1/people/1").expect(200);
    assert_eq!(faces(), 5);
}

#[test]
fn an_empty_gallery_has_an_empty_map() {
    let map = making().with_gallery().start().get("/v1/map").expect(200).value();
    assert_eq!((&map["points"], &map["people"]), (&json!([]), &json!([])));
    assert_eq!(making().start().get("/v1/map").problem(404), "no-gallery");
}
