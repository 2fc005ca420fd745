//! The description and the service say the same.

use std::collections::BTreeSet;
use std::path::Path;

use facenet_server::Settings;
use serde_json::{Value, json};

use crate::client::{Answer, Service, making};
use crate::images::form;

fn description() -> Value {
    serde_json::from_str(&facenet_server::openapi()).unwrap()
}

/// A service in which everything that is asked for by the number 1 is there.
fn filled() -> Service {
    let run = |settings: &mut Settings, dir: &Path| {
        settings.runs.push(dir.join("run"));
        fs_err::create_dir(dir.join("run")).unwrap();
        fs_err::write(dir.join("run/log.jsonl"), "{\"kind\":\"step\",\"step\":25,\"loss\":0.5}\n").unwrap();
        fs_err::write(dir.join("run/index.html"), "<h1>run</h1>").unwrap();
    };
    let service = making().with_gallery().with(run).start();
    service.image("/v1/photos?person=Ada", "faces:0").expect(201);
    service.image("/v1/photos?person=Bob", "faces:90").expect(201);
    service.json("POST", "/v1/corrections", &json!({"faces": [1, 2], "verdict": "different"})).expect(201);
    service.json("POST", "/v1/jobs", &json!({"kind": "cluster"})).expect(202);
    service
}

/// A request that has to succeed.
fn asked(service: &Service, method: &str, path: &str) -> Answer {
    let address = path.replace("{id}", "1");
    match (method, path) {
        ("GET", _) => service.get(&address),
        ("DELETE", _) => service.delete(&address),
        ("POST", "/v1/verify") => {
            let (kind, body) = form(&[("left", "faces:0"), ("right", "faces:1")]);
            service.send("POST", path, &[("content-type", &kind)], &body)
        }
        ("POST", "/v1/detect" | "/v1/embed" | "/v1/identify" | "/v1/photos") => {
            service.image(path, "faces:3")
        }
        ("POST", "/v1/people") => service.json(method, path, &json!({"name": "Cyd", "tags": ["x"]})),
        ("POST", "/v1/people/{id}/merge") => service.json(method, &address, &json!({"into": 2})),
        ("POST", "/v1/people/split") => service.json(method, path, &json!({"faces": [1]})),
        ("POST", "/v1/corrections") => {
            service.json(method, path, &json!({"faces": [1, 2], "verdict": "same"}))
        }
        ("POST", "/v1/jobs") => service.json(method, path, &json!({"kind": "cluster"})),
        ("PATCH", "/v1/people/{id}") => service.json(method, &address, &json!({"name": "Eve"})),
        ("PATCH", "/v1/faces/{id}") => service.json(method, &address, &json!({"person": 2})),
        _ => panic!("{method} {path} is described, but no test knows how to ask it"),
    }
}

/// What is described for this status: exactly, or for its kind.
fn described(operation: &Value, status: u16) -> Option<&Value> {
    let responses = &operation["responses"];
    responses.get(status.to_string()).or_else(|| responses.get(format!("{}XX", status / 100)))
}

#[track_caller]
fn check(operation: &Value, answer: &Answer, words: &str) {
    let described = described(operation, answer.status);
    let described = described.unwrap_or_else(|| panic!("{words}: {} is not described", answer.status));
    let kind = answer.header("content-type");
    assert!(
        described["content"].get(kind).is_some(),
        "{words}: `{kind}` is not described for {}",
        answer.status
    );
}

fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    operations
}

#[test]
fn every_route_that_is_described_answers_as_described() {
    let description = description();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    for (method, path, operation) in operations(&description) {
        let words = format!("{method} {path}");
        let answer = asked(&filled(), &method, &path);
        assert!(answer.status < 300, "{words}: {} {}", answer.status, answer.text());
        check(&operation, &answer, &words);
        check_keys(&description, &operation, &answer, &words);
        assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{words}");
    }
}

#[test]
fn every_error_is_a_problem_as_described() {
    let description = description();
    let service = making().start();
    for (method, path, operation) in operations(&description) {
        let address = path.replace("{id}", "0");
        let answer = service.send(&method, &address, &[("host", "evil.example")], b"x");
        let words = format!("{method} {path}");
        assert!(matches!(answer.status, 400..500), "{words}: {}", answer.status);
        answer.problem(answer.status);
        check(&operation, &answer, &words);
    }
}

/// The keys of an answer are those of its schema.
#[track_caller]
fn check_keys(description: &Value, operation: &Value, answer: &Answer, words: &str) {
    if answer.header("content-type") != "application/json" {
        return;
    }
    let schema = &described(operation, answer.status).unwrap()["content"]["application/json"]["schema"];
    let wanted = keys(description, schema);
    let found: BTreeSet<String> = answer.value().as_object().unwrap().keys().cloned().collect();
    assert!(found.is_subset(&wanted), "{words}: {found:?} are not all in {wanted:?}");
    let name = schema["$ref"].as_str().unwrap_or_default();
    assert!(
        !found.is_empty() && (name.is_empty() || found.len() >= wanted.len() - 1),
        "{words}: {found:?}, {wanted:?}"
    );
}

fn keys(description: &Value, schema: &Value) -> BTreeSet<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return keys(description, &description["components"]["schemas"][name]);
    }
    let all = schema["allOf"].as_array().cloned().unwrap_or_default();
    let own = schema["properties"].as_object().map(|own| own.keys().cloned().collect::<Vec<_>>());
    all.iter().flat_map(|part| keys(description, part)).chain(own.unwrap_or_default()).collect()
}

#[test]
fn every_route_of_the_router_is_described() {
    // Routes come from what is described (`routes!`); only these are apart, and none of them is below `/v1`.
    let source = include_str!("../../src/routes.rs");
    let apart: Vec<&str> =
        source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(apart, ["/openapi.json", "/docs", "/docs.js", "/metrics"]);
    assert!(!source.contains("route_service") && !source.contains(".nest"));
    assert_eq!(description()["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let served = making().start().get("/openapi.json").expect(200).value();
    assert_eq!(served, description());
}
