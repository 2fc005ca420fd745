//! Who may do what, and what is noted of it.

use facenet_server::{KeyFile, Limits, Scope, Server, Settings, StartError};
use serde_json::{Value, json};

use crate::client::{Service, making};
use crate::fake::{Fake, Gate};

/// A service with a key for each scope.
fn keyed() -> (Service, [String; 3]) {
    let mut keys = Vec::new();
    let making = making().with_gallery().with(|settings, dir| {
        let mut file = KeyFile::open(&dir.join("keys")).unwrap();
        for scope in [Scope::Read, Scope::Write, Scope::Admin] {
            keys.push(file.add(scope.name(), scope).unwrap().1);
        }
        settings.keys = Some(dir.join("keys"));
        settings.audit = Some(dir.join("audit"));
        settings.metrics = true;
        fs_err::create_dir(dir.join("photos")).unwrap();
        settings.folders = vec![dir.join("photos")];
    });
    (making.start(), keys.try_into().unwrap())
}

#[test]
fn without_a_key_only_the_page_and_the_health_are_seen() {
    let (mut service, [read, ..]) = keyed();
    for open in ["/v1/health", "/", "/docs", "/docs.js", "/openapi.json"] {
        service.get(open).expect(200);
    }
    for closed in ["/v1/people", "/v1/model", "/metrics", "/v1/faces/1/picture"] {
        let answer = service.get(closed);
        assert_eq!(
            (answer.problem(401), answer.header("www-authenticate")),
            ("no-key".into(), "Bearer"),
            "{closed}"
        );
    }
    assert_eq!(
        service.send("GET", "/v1/model", &[("authorization", "Basic YTpi")], b"").problem(401),
        "no-key"
    );
    service.key = Some("fnk_guess".into());
    assert_eq!(service.get("/v1/people").problem(401), "unknown-key");
    service.key = Some(read);
    service.get("/v1/people").expect(200);
    service.get("/metrics").expect(200);
}

#[test]
fn a_key_may_what_its_scope_says() {
    let (mut service, [read, write, admin]) = keyed();
    let folder = service.dir.path().join("photos").display().to_string();
    let add_folder = json!({"kind": "add-folder", "folder": folder});
    service.key = Some(read);
    service.image("/v1/identify", "faces:0").expect(200);
    for (method, path) in [("POST", "/v1/people"), ("PATCH", "/v1/people/1"), ("POST", "/v1/jobs")] {
        assert_eq!(service.json(method, path, &json!({})).problem(403), "scope", "{method} {path}");
    }
    assert_eq!(service.delete("/v1/people/1").problem(403), "scope");
    service.key = Some(write);
    service.json("POST", "/v1/people", &json!({"name": "Ada"})).expect(201);
    assert_eq!(service.json("POST", "/v1/jobs", &add_folder).problem(403), "scope");
    service.key = Some(admin);
    service.json("POST", "/v1/jobs", &add_folder).expect(202);
}

#[test]
fn a_key_that_is_removed_is_so_at_once() {
    let (mut service, [read, ..]) = keyed();
    service.key = Some(read);
    service.get("/v1/people").expect(200);
    KeyFile::open(&service.dir.path().join("keys")).unwrap().remove("k1").unwrap();
    assert_eq!(service.get("/v1/people").problem(401), "unknown-key");
}

#[test]
fn the_audit_log_has_who_and_whom_and_no_names() {
    let (mut service, [read, write, _]) = keyed();
    service.key = Some(write);
    service.image("/v1/photos?person=Adelheid", "faces:0").expect(201);
    service.key = Some(read);
    service.image("/v1/identify", "faces:1").expect(200);
    service.delete("/v1/people/1").expect(403);
    service.get("/v1/people/Adelheid").expect(400);
    service.send("DELETE", "/v1/people/Adelheid", &[], b"").expect(403);
    let audit = fs_err::read_to_string(service.dir.path().join("audit")).unwrap();
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let short: Vec<String> = lines
        .iter()
        .map(|line| {
            let subjects: Vec<&str> =
                line["subjects"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
            let word = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                word("key"),
                word("method"),
                word("route"),
                line["status"],
                subjects.join(",")
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            "k2 POST /v1/photos 201 photo:1",
            "k1 POST /v1/identify 200 person:1",
            "- DELETE /v1/people/{id} 403 person:1",
            "- DELETE /v1/people/{id} 403 ",
        ]
    );
    assert!(!audit.contains("Adelheid") && lines[0]["at"].as_u64() > Some(1_700_000_000));
    let metrics = service.get("/metrics").expect(200).text();
    assert!(
        metrics.contains("facenet_requests_total{method=\"POST\",route=\"/v1/identify\",status=\"200\"} 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("facenet_images_total 2\n") && !metrics.contains("Adelheid"), "{metrics}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs_err::metadata(service.dir.path().join("audit")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn beyond_this_machine_keys_are_needed() {
    let refusal = |change: fn(&mut Settings)| {
        let mut settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), ..Settings::default() };
        change(&mut settings);
        Server::start(settings, Box::new(Fake::new(Gate::default()))).err()
    };
    let open = refusal(|settings| settings.listen = "0.0.0.0:0".parse().unwrap());
    assert!(matches!(open, Some(StartError::KeysNeeded { .. })), "{open:?}");
    let named = refusal(|settings| settings.host_names = vec!["faces.example".into()]);
    assert!(matches!(named, Some(StartError::KeysNeeded { .. })), "{named:?}");
    let empty = refusal(|settings| {
        settings.listen = "0.0.0.0:0".parse().unwrap();
        settings.keys = Some("/nowhere/keys".into());
    });
    assert!(matches!(empty, Some(StartError::KeysNeeded { .. })), "{empty:?}");
    let (service, _) = keyed();
    let keys = service.dir.path().join("keys");
    let settings = Settings { listen: "0.0.0.0:0".parse().unwrap(), keys: Some(keys), ..Settings::default() };
    Server::start(settings, Box::new(Fake::new(Gate::default()))).unwrap().stop().unwrap();
}

#[test]
fn a_caller_has_so_many_requests_a_second() {
    let limits = Limits { requests_per_second: 1e-3, ..Limits::default() };
    let service = making().with_limits(limits).start();
    service.get("/v1/health").expect(200);
    let refused = service.get("/v1/health");
    assert_eq!(refused.problem(429), "rate");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 900);
    service.get("/docs").expect(200);
}

#[test]
fn figures_are_given_out_only_if_asked_for() {
    assert_eq!(making().start().get("/metrics").problem(404), "not-found");
}
