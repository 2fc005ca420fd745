//! What clients may send that is no request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use facenet_server::Limits;
use serde_json::json;

use crate::client::{Service, making};

/// The status of a raw answer, 0 if there is none.
fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

fn is_well(service: &Service) {
    service.image("/v1/detect", "faces:0").expect(200);
}

#[test]
fn what_is_no_image_is_told_apart() {
    let service = making().start();
    assert_eq!(service.image("/v1/detect", "").problem(400), "no-image");
    let no = service.image("/v1/detect", "a letter");
    assert_eq!(
        (no.problem(422), &no.value()["detail"]),
        ("not-an-image".into(), &json!("not an image, but something else"))
    );
    assert_eq!(
        service.send("POST", "/v1/embed", &[("content-type", "image/png")], &[0xff; 1000]).problem(422),
        "not-an-image"
    );
    assert_eq!(service.image("/v1/detect", "huge").problem(413), "too-many-pixels");
    let failed = service.image("/v1/detect", "broken");
    assert_eq!(failed.problem(500), "internal");
    assert!(!failed.text().contains("secret"), "{}", failed.text());
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "image"] {
        let headers = if kind.is_empty() { vec![] } else { vec![("content-type", kind)] };
        let answer = service.send("POST", "/v1/detect", &headers, b"faces:0");
        assert_eq!(answer.problem(415), "unsupported-media-type", "{kind}");
    }
    for (json, code) in
        [("{", 400), ("[1]", 422), ("{\"image\": 3}", 422), ("{\"image\": \"?\"}", 422), ("{}", 400)]
    {
        let answer =
            service.send("POST", "/v1/detect", &[("content-type", "application/json")], json.as_bytes());
        assert_eq!(answer.status, code, "{json}: {}", answer.text());
        answer.problem(code);
    }
    for (kind, body) in [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=b", "--b\r\nnonsense"),
        ("multipart/form-data; boundary=b", ""),
    ] {
        let answer = service.send("POST", "/v1/detect", &[("content-type", kind)], body.as_bytes());
        assert!(matches!(answer.problem(400).as_str(), "bad-request" | "no-image"), "{kind} {body}");
    }
    is_well(&service);
}

#[test]
fn a_panic_of_the_engine_is_one_answer() {
    let service = making().start();
    assert_eq!(service.image("/v1/detect", "panic").problem(500), "internal");
    is_well(&service);
}

#[test]
fn bodies_have_a_limit() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let service = making().with_gallery().with_limits(limits).start();
    let long = format!("faces:0#{}", "x".repeat(2000));
    assert_eq!(service.image("/v1/detect", &long).problem(413), "too-large");
    assert_eq!(service.json("POST", "/v1/people", &json!({"name": long})).problem(413), "too-large");
    let (kind, body) = crate::images::form(&[("image", &long)]);
    assert_eq!(
        service.send("POST", "/v1/detect", &[("content-type", &kind)], &body).problem(413),
        "too-large"
    );
    let headers = [("content-type", "application/json"), ("idempotency-key", "a")];
    let keyed = service.send("POST", "/v1/people", &headers, json!({"name": long}).to_string().as_bytes());
    assert_eq!(keyed.problem(413), "too-large");
    // A length that is only claimed is refused before it comes.
    let claimed = service.raw(b"POST /v1/detect HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: image/png\r\ncontent-length: 99999999999\r\n\r\n");
    assert_eq!(status(&claimed), 413, "{claimed}");
    is_well(&service);
}

#[test]
fn slow_clients_are_cut_off() {
    let time = Duration::from_millis(150);
    let limits = Limits { header_time: time, body_time: time, ..Limits::default() };
    let service = making().with_limits(limits).start();
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(b"GET /v1/health HTTP/1.1\r\nhost: loc").unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer)); // returns when the service closes
    assert!(matches!(status(&answer), 0 | 408), "{answer}");

    let mut stream = TcpStream::connect(service.address()).unwrap();
    let half = b"POST /v1/detect HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: image/png\r\ncontent-length: 10\r\n\r\nf";
    stream.write_all(half).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!((status(&answer), answer.contains("\"slow-body\"")), (408, true), "{answer}");
    is_well(&service);
}

#[test]
fn what_is_no_http_is_refused() {
    let service = making().start();
    let long =
        format!("GET /v1/health HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(status(&service.raw(long.as_bytes())), 0 | 431));
    let many: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    assert!(matches!(
        status(&service.raw(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes())),
        0 | 431
    ));
    let address = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(status(&service.raw(address.as_bytes())), 0 | 414 | 431));
    assert!(matches!(status(&service.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")), 0 | 400), "TLS");
    assert!(matches!(status(&service.raw(b"GET / HTTP/1.1\r\n\r\n")), 400 | 421), "no host");
    let twice = b"POST /v1/detect HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 7\r\n\r\nfaces:0";
    assert_eq!(status(&service.raw(twice)), 400, "a length said twice");
    is_well(&service);
}

#[test]
fn another_name_for_this_machine_is_not_answered() {
    let service = making().start();
    let get = |host: &str| {
        let answer = service
            .raw(format!("GET /v1/model HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes());
        status(&answer)
    };
    for ours in ["localhost", "localhost:8750", "127.0.0.1:1", "[::1]:8750", "LOCALHOST"] {
        assert_eq!(get(ours), 200, "{ours}");
    }
    for foreign in ["evil.example", "evil.example:8750", "localhost.evil.example", "127.0.0.1.nip.io", ""] {
        assert_eq!(get(foreign), 421, "{foreign}");
    }
}

#[test]
fn a_page_of_another_origin_may_not_write() {
    let service = making().with_gallery().start();
    let create = |name: &str, value: &str| {
        let headers = [("content-type", "application/json"), (name, value)];
        service.send("POST", "/v1/people", &headers, b"{\"name\": null}")
    };
    assert_eq!(create("origin", "https://evil.example").problem(403), "foreign-origin");
    assert_eq!(create("origin", "null").problem(403), "foreign-origin");
    assert_eq!(create("sec-fetch-site", "cross-site").problem(403), "foreign-origin");
    let own = format!("http://{}", service.address());
    let answer = create("origin", &own).expect(201);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let preflight = service.send("OPTIONS", "/v1/people", &[("origin", "https://evil.example")], b"");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (405, ""));
}

#[test]
fn paths_lead_nowhere_else() {
    let service = making().start();
    for path in [
        "/v1/",
        "/v1",
        "/v1/../secret",
        "/v2/health",
        "/..%2f..%2fetc%2fpasswd.txt",
        "/assets/../../Cargo.toml",
    ] {
        let answer = service
            .raw(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes());
        let is_page = answer.contains("<title>");
        assert!(
            status(&answer) == 404 || (status(&answer) == 200 && is_page && !path.starts_with("/v1")),
            "{path}: {answer}"
        );
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}");
    }
    assert_eq!(service.send("PUT", "/v1/health", &[], b"x").problem(405), "method-not-allowed");
    assert_eq!(service.send("POST", "/nothing", &[], b"x").problem(405), "method-not-allowed");
}
