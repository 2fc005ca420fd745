//! Images that come in, and what is said of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::client::making;

/// A form of these fields, with its content type.
pub(crate) fn form(fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!(
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"../{name}\"\r\n\r\n{value}\r\n"
        );
    }
    ("multipart/form-data; boundary=b".into(), (body + "--b--\r\n").into_bytes())
}

#[test]
fn an_image_is_the_same_as_body_form_and_json() {
    let service = making().start();
    let raw = service.image("/v1/detect", "faces:0,90").expect(200).value();
    assert_eq!(
        (&raw["model"], &raw["width"], &raw["height"]),
        (&json!("fake-2-0f3a9c1d2b4e"), &json!(100), &json!(50))
    );
    assert_eq!(raw["faces"][1]["box"], json!({"x": 10.0, "y": 0.0, "width": 8.0, "height": 8.0}));
    assert_eq!(raw["faces"][0]["reasons"], json!(["blurred"]));
    assert!(raw["faces"][0].get("embedding").is_none());

    let (kind, body) = form(&[("image", "faces:0,90")]);
    let by_form = service.send("POST", "/v1/detect", &[("content-type", &kind)], &body).expect(200).value();
    let by_json = service.json("POST", "/v1/detect", &json!({"image": STANDARD.encode("faces:0,90")}));
    assert_eq!((&by_form, &by_json.expect(200).value()), (&raw, &raw));
}

#[test]
fn embeddings_come_as_json_and_as_npy() {
    let service = making().start();
    let json = service.image("/v1/embed", "faces:0,90").expect(200).value();
    assert_eq!(json["faces"][0]["embedding"], json!([1.0, 0.0]));
    let headers = [("content-type", "image/png"), ("accept", "text/html;q=0.9, application/x-npy")];
    let npy = service.send("POST", "/v1/embed", &headers, b"faces:0,0,0").expect(200);
    assert_eq!(npy.header("content-type"), "application/x-npy");
    let file = npyz::NpyFile::new(&npy.body[..]).unwrap();
    assert_eq!(file.shape(), [3, 2]);
    assert_eq!(file.into_vec::<f32>().unwrap(), [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    let none = service.send("POST", "/v1/embed", &headers, b"faces:").expect(200);
    assert_eq!(npyz::NpyFile::new(&none.body[..]).unwrap().shape(), [0, 2]);
}

#[test]
fn two_images_are_one_person_up_to_the_threshold() {
    let service = making().start();
    let (kind, body) = form(&[("left", "faces:0"), ("right", "faces:60,0")]);
    let verify = |query: &str| {
        service
            .send("POST", &format!("/v1/verify{query}"), &[("content-type", &kind)], &body)
            .expect(200)
            .value()
    };
    // 60 degrees: 2 - 2 cos 60 = 1.
    let verdict = verify("");
    assert_eq!((&verdict["same"], &verdict["threshold"]["distance"]), (&json!(false), &json!(0.5)));
    assert!((verdict["distance"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{verdict}");
    assert!((verdict["cosine"].as_f64().unwrap() - 0.5).abs() < 1e-6, "{verdict}");
    let by_hand = verify("?threshold=1.01");
    assert_eq!((&by_hand["same"], &by_hand["threshold"]["false_accept_rate"]), (&json!(true), &json!(null)));
    assert_eq!(verify("?far=0.001")["threshold"]["distance"], json!(0.1));

    let post =
        |query: &str| service.send("POST", &format!("/v1/verify{query}"), &[("content-type", &kind)], &body);
    assert_eq!(post("?far=1e-9").problem(422), "no-threshold");
    assert_eq!(post("?far=2").problem(422), "bad-request");
    assert_eq!(post("?threshold=5").problem(422), "bad-request");
    assert_eq!(post("?far=0.1&threshold=1").problem(422), "bad-request");
    let (kind, body) = form(&[("left", "faces:0"), ("right", "faces:")]);
    let no_face = service.send("POST", "/v1/verify", &[("content-type", &kind)], &body);
    assert_eq!(no_face.problem(422), "no-face");
    assert!(no_face.value()["detail"].as_str().unwrap().contains("`right`"));
    let (kind, body) = form(&[("left", "faces:0")]);
    assert_eq!(
        service.send("POST", "/v1/verify", &[("content-type", &kind)], &body).problem(422),
        "bad-request"
    );
}

#[test]
fn the_service_tells_its_model_and_that_it_is_well() {
    let service = making().start();
    let health = service.get("/v1/health").expect(200).value();
    assert_eq!((&health["status"], &health["gallery"]), (&json!("ok"), &json!(false)));
    let model = service.get("/v1/model").expect(200).value();
    assert_eq!(model["thresholds"][0], json!({"distance": 0.1, "false_accept_rate": 0.001, "data": "drawn"}));
    assert_eq!(model["limits"]["body_bytes"], 20 << 20);
}
