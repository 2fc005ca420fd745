//! Traces, as a collector gets them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use serde_json::Value;

use crate::client::{Service, making};

/// A collector on a free port: its address, and what it is sent.
fn collector() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // The test may have ended.
            drop(sender.send(received(stream.unwrap())));
        }
    });
    (address, receiver)
}

fn received(mut stream: TcpStream) -> Value {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    assert_eq!(lines[0], "post /v1/traces http/1.1");
    assert!(lines.contains(&"content-type: application/json".into()));
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn following(address: &str) -> Service {
    making().with_gallery().with(|settings, _| settings.otlp = Some(address.to_owned())).start()
}

/// All spans that were sent until the service has stopped.
fn spans(service: Service, received: &mpsc::Receiver<Value>) -> Vec<Value> {
    service.stop();
    let spans =
        |message: Value| message["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    received.try_iter().flat_map(spans).collect()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["key"] == key).map_or(&Value::Null, |found| &found["value"])
}

#[test]
fn a_request_is_followed_into_the_queue_the_engine_and_the_gallery() {
    let (address, received) = collector();
    let service = following(&address);
    service.image("/v1/photos?person=Anna", "faces:0").expect(201);
    let parent = [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("content-type", "image/png"),
    ];
    service.send("POST", "/v1/identify?k=1", &parent, b"faces:3").expect(200);
    let spans = spans(service, &received);

    let root = spans.iter().find(|span| span["name"] == "POST /v1/identify").unwrap();
    assert_eq!(root["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&root["parentSpanId"], &root["kind"]), (&"b7ad6b7169203331".into(), &2.into()));
    assert_eq!(attribute(root, "http.route")["stringValue"], "/v1/identify");
    assert_eq!(attribute(root, "http.response.status_code")["intValue"], "200");
    let nanoseconds = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    for part in ["queue", "engine", "gallery wait", "gallery"] {
        let found = spans.iter().find(|span| span["name"] == part && span["traceId"] == root["traceId"]);
        let found = found.unwrap_or_else(|| panic!("no `{part}` in {spans:?}"));
        assert_eq!(found["parentSpanId"], root["spanId"], "{part}");
        assert!(nanoseconds(found, "startTimeUnixNano") >= nanoseconds(root, "startTimeUnixNano"));
        assert!(nanoseconds(found, "endTimeUnixNano") <= nanoseconds(root, "endTimeUnixNano"));
    }
    let all = serde_json::to_string(&spans).unwrap();
    assert!(!all.contains("Anna") && !all.contains("k=1") && !all.contains("person"), "{all}");
}

#[test]
fn an_address_is_told_by_its_route_and_a_failure_as_one() {
    let (address, received) = collector();
    let service = following(&address);
    service.get("/v1/people/17").problem(404);
    service.image("/v1/detect", "broken").problem(500);
    let spans = spans(service, &received);
    let of = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    assert_eq!(of("GET /v1/people/{id}")["status"], Value::Null);
    assert_eq!(of("POST /v1/detect")["status"]["code"], 2);
    assert!(!serde_json::to_string(&spans).unwrap().contains("people/17"));
}

#[test]
fn a_trace_that_its_caller_does_not_want_is_not_sent() {
    let (address, received) = collector();
    let service = following(&address);
    let parent = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")];
    service.send("GET", "/v1/gallery", &parent, b"").expect(200);
    service.get("/v1/health").expect(200);
    let names: Vec<Value> = spans(service, &received).iter().map(|span| span["name"].clone()).collect();
    assert_eq!(names, ["GET /v1/health"]);
}

#[test]
fn a_collector_that_is_gone_costs_nothing_but_a_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let service = following(&address);
    for _ in 0..20 {
        service.get("/v1/health").expect(200);
    }
    service.stop();
}
