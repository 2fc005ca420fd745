//! A service to ask, and the asking.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use facenet_core::Contract;
use facenet_gallery::{Form, Settings as GallerySettings, SqliteStore};
use facenet_server::{Limits, Server, Settings};
use serde_json::Value;
use tempfile::TempDir;
use ureq::http::{HeaderMap, Request};

use crate::fake::{Fake, Gate, contract};

/// A service with a folder of its own.
pub(crate) struct Service {
    server: Option<Server>,
    agent: ureq::Agent,
    pub(crate) gate: Gate,
    pub(crate) dir: TempDir,
    /// Sent with every request.
    pub(crate) key: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What a service is made of.
pub(crate) struct Making {
    pub(crate) settings: Settings,
    pub(crate) dir: TempDir,
    engine: Contract,
}

/// A service on a free port, without a gallery.
pub(crate) fn making() -> Making {
    making_in(tempfile::tempdir().unwrap())
}

/// The same, in this folder, with the gallery in it if there is one: as after a restart.
pub(crate) fn making_in(dir: TempDir) -> Making {
    let gallery = Some(dir.path().join("g")).filter(|path| path.exists());
    let settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), gallery, ..Settings::default() };
    Making { settings, dir, engine: contract() }
}

impl Making {
    /// With an empty gallery that keeps pictures.
    pub(crate) fn with_gallery(mut self) -> Self {
        let path = self.at("g");
        let settings = GallerySettings {
            contract: self.engine.clone(),
            form: Form::Float,
            keeps_paths: true,
            keeps_crops: true,
            older: Vec::new(),
            upgrading_from: None,
        };
        SqliteStore::create(&path, &settings).unwrap();
        self.settings.gallery = Some(path);
        self
    }

    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings, &Path)) -> Self {
        change(&mut self.settings, self.dir.path());
        self
    }

    /// With an engine of another model.
    pub(crate) fn with_engine(self, engine: Contract) -> Self {
        Self { engine, ..self }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn start(self) -> Service {
        let gate = Gate::default();
        let server = Server::start(self.settings, Box::new(Fake::of(self.engine, gate.clone()))).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Service { server: Some(server), agent, gate, dir: self.dir, key: None }
    }
}

impl Service {
    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.server.as_ref().unwrap().address().to_string()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    /// Sends an image as it is.
    pub(crate) fn image(&self, path: &str, image: &str) -> Answer {
        self.send("POST", path, &[("content-type", "image/png")], image.as_bytes())
    }

    pub(crate) fn json(&self, method: &str, path: &str, json: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], json.to_string().as_bytes())
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(&self.agent, &format!("http://{}{path}", self.address()), method, &self.all(headers), body)
    }

    fn all<'a>(&self, headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let own = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        own.chain(self.key.iter().map(|key| ("authorization", format!("Bearer {key}")))).collect()
    }

    /// Sends bytes as they are, and gives all that comes back until the service closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        // The service may have refused and closed before all was sent.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A copy of its folder as it is now: what is left when it is killed.
    pub(crate) fn killed(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs_err::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs_err::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
        }
        copy
    }

    /// The job when it has ended.
    pub(crate) fn ended(&self, job: &Value) -> Value {
        let path = format!("/v1/jobs/{}", job["id"]);
        // Long: the machine may be busy. A test that passes does not wait.
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            let job = self.get(&path).expect(200).value();
            if !matches!(job["state"].as_str(), Some("waiting" | "running")) {
                return job;
            }
            std::thread::yield_now();
        }
        panic!("the job does not end");
    }

    /// Stops the service, and gives its folder.
    pub(crate) fn stop(mut self) -> TempDir {
        self.server.take().unwrap().stop().unwrap();
        self.dir
    }
}

/// Asks whatever listens there.
pub(crate) fn ask(
    agent: &ureq::Agent,
    url: &str,
    method: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = match body.is_empty() && !matches!(method, "POST" | "PATCH" | "PUT") {
        true => agent.run(request.body(()).unwrap()),
        false => agent.run(request.body(body).unwrap()),
    };
    let mut response = response.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.body_mut().read_to_vec().unwrap();
    Answer { status, headers, body }
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem with this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json"),
            "{}",
            self.text()
        );
        let problem = self.value();
        assert_eq!(problem["status"], status);
        problem["code"].as_str().unwrap().to_owned()
    }
}
