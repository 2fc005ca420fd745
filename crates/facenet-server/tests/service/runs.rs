//! Training runs, as their folders grow.

use std::io::Write;
use std::path::Path;

use facenet_server::Settings;
use serde_json::{Value, json};

use crate::client::making;

fn write(dir: &Path, run: &str, name: &str, text: &str) {
    fs_err::create_dir_all(dir.join(run)).unwrap();
    fs_err::write(dir.join(run).join(name), text).unwrap();
}

fn runs(settings: &mut Settings, dir: &Path) {
    settings.runs = vec![dir.join("first"), dir.join("second")];
    write(dir, "first", "log.jsonl", "{\"kind\":\"step\",\"step\":25,\"loss\":0.5}\n");
    write(dir, "first", "config.toml", "[schedule]\nsteps = 100\n");
    write(dir, "first", "index.html", "<script>alert(1)</script>");
    write(dir, "second", "config.toml", "no settings");
}

#[test]
fn a_run_is_read_as_it_grows() {
    let service = making().with(runs).start();
    let list = service.get("/v1/runs").expect(200).value();
    let told = |run: &Value| json!([run["id"], run["name"], run["state"], run["step"], run["steps"]]);
    assert_eq!(told(&list["items"][0]), json!([1, "first", "running", 25, 100]));
    assert_eq!(told(&list["items"][1]), json!([2, "second", "empty", null, null]));

    let log = service.dir.path().join("first/log.jsonl");
    let mut log = fs_err::OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(b"{\"kind\":\"step\",\"step\":50,\"loss\":0.25}\n{\"kind\":\"step\",\"st").unwrap();
    let run = service.get("/v1/runs/1").expect(200).value();
    let curves = json!([{"kind": "step", "field": "loss", "points": [[25.0, 0.5], [50.0, 0.25]]}]);
    assert_eq!((&run["curves"], &run["step"]), (&curves, &json!(50)));
}

#[test]
fn a_runs_own_page_can_run_nothing_and_what_is_not_there_is_told() {
    let service = making().with(runs).start();
    let page = service.get("/v1/runs/1/page").expect(200);
    assert!(page.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    for none in ["/v1/runs/2/page", "/v1/runs/3", "/v1/runs/3/page"] {
        assert_eq!(service.get(none).problem(404), "no-such", "{none}");
    }
    assert_eq!(making().start().get("/v1/runs").expect(200).value()["items"], json!([]));
}
